"""Where a row stands: in which of several files, and what a spreadsheet calls it there."""

from __future__ import annotations

import polars as pl
import pytest

from bulksend.errors import InputError
from bulksend.prepare.sheets import Sheets

# Rows 2 to 4 of the first, 2 to 3 of the third; the second has none.
THREE = Sheets((("a.csv", 0), ("in/b.csv", 3), ("in/c.csv", 3)))
PLACES = [
    (2, "2 of a.csv"),
    (4, "4 of a.csv"),
    (5, "2 of in/c.csv"),
    (6, "3 of in/c.csv"),
]


@pytest.mark.parametrize(("row", "said"), PLACES)
def test_a_row_is_named_as_its_own_file_numbers_it(row: int, said: str) -> None:
    """One by one, a column at a time, and back again."""
    assert THREE.named(row) == said
    assert pl.select(THREE.naming(pl.lit(row))).item() == said
    own, _, name = said.partition(" of ")
    assert THREE.place(row) == (name, int(own))
    assert THREE.row(f"{name}:{own}") == THREE.row(str(row)) == row


def test_a_list_of_one_file_has_no_names() -> None:
    """Rows are numbers there."""
    assert Sheets().named(7) == pl.select(Sheets().naming(pl.lit(7))).item() == "7"
    assert Sheets().place(7) == ("", 7)
    assert Sheets().row("7") == 7


def test_a_file_may_be_named_without_its_folder() -> None:
    """Where only one is called so."""
    assert THREE.row("c.csv:2") == THREE.row("in/c.csv:2") == 5
    alike = Sheets((("x/a.csv", 0), ("y/a.csv", 3)))
    with pytest.raises(InputError, match="E640"):
        alike.row("a.csv:2")


@pytest.mark.parametrize(
    "written", ["", "x", "7:x", "d.csv:2", "a.csv:1", "a.csv:5", "a.csv:-1", "a.csv:"]
)
def test_a_row_that_is_not_there_is_a_coded_error(written: str) -> None:
    """The header is none, nor is what lies in the next file."""
    with pytest.raises(InputError, match="E640"):
        THREE.row(written)
