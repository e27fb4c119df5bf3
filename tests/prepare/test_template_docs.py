"""docs/message-language.md is true: each of its examples is rendered and compared."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from bulksend.errors import InputError
from bulksend.prepare.template import compile_template
from bulksend.prepare.template.columns import NO_VALUE
from bulksend.prepare.template.filters import FILTERS
from bulksend.prepare.template.predicates import PREDICATES

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = (Path(__file__).parents[2] / "docs/message-language.md").read_text("utf-8")


def table_rows(section: str) -> list[list[str]]:
    """The cells of each table row below a heading."""
    body = PAGE.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in body.splitlines() if line.startswith("|")]
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
    return [[cell.strip().replace(r"\|", "|") for cell in row] for row in cells]


def code(cell: str) -> str | None:
    return cell[1:-1] if cell.startswith("`") and cell.count("`") == 2 else None


READ: dict[str, tuple[Callable[[str], Any], pl.DataType]] = {
    "text": (str, pl.String()),
    "whole number": (int, pl.Int64()),
    "number": (float, pl.Float64()),
    "true or false": (lambda text: text == "true", pl.Boolean()),
    "date": (dt.date.fromisoformat, pl.Date()),
    "date with time": (dt.datetime.fromisoformat, pl.Datetime("us")),
}


def example_row() -> pl.DataFrame:
    columns: list[pl.Series] = []
    for row in table_rows("The example row")[2:]:
        name, cell = code(row[0]) or "", code(row[1]) or ""
        if row[2] in READ:
            read, dtype = READ[row[2]]
            columns.append(pl.Series(name, [read(cell)], dtype=dtype))
        else:
            group, field = name.split(".")
            columns.append(pl.Series(group, [{field: cell}]))
    return pl.DataFrame(columns)


SECTIONS = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
SHOWN = [s for s in SECTIONS if s not in ("The example row", "What it does not have")]
EXAMPLES = [
    (source, row[1])
    for section in SHOWN
    for row in (table_rows(section) if section != SECTIONS[-1] else [])
    if (source := code(row[0])) is not None
]


@pytest.mark.parametrize(("source", "shown"), EXAMPLES)
def test_each_example_prints_what_the_page_says(source: str, shown: str) -> None:
    """Every row of every table, for the page's own person."""
    frame = example_row()
    compiled = compile_template(source, frame.schema)
    unfit = pl.lit(value=False) if compiled.unfit is None else compiled.unfit
    text, missing, cannot = frame.select(
        text=compiled.text, missing=compiled.missing, unfit=unfit
    ).row(0)
    lacks = "cannot be worked out" if cannot else "missing"
    assert (f"*{lacks}: {missing}*" if missing else f"`{text}`") == shown


def test_every_word_for_nothing_is_on_the_page() -> None:
    """Whoever wonders why a row with NULL gets no message can look it up."""
    assert not [word for word in NO_VALUE if f"`{word}`" not in PAGE]


def test_the_page_has_examples() -> None:
    """A page that cannot be read would pass all its examples."""
    assert len(EXAMPLES) >= 70


def test_what_the_page_says_is_refused_is_refused() -> None:
    """The left side of "instead of" is not in the language; the right side is."""
    schema = {
        "name": pl.String(),
        "price": pl.Float64(),
        "a": pl.Int8(),
        "b": pl.Int8(),
    }
    for wrong, right in table_rows("What it does not have")[2:]:
        for source in re.findall(r"`([^`]*)`", wrong):
            with pytest.raises(InputError):
                compile_template(source, schema)
        for source in re.findall(r"`([^`]*)`", right):
            compile_template(source, schema)


def test_every_filter_and_test_is_on_the_page() -> None:
    """The page is complete: a filter that nobody can find is not there."""
    words = set(re.findall(r"[\w!=<>]+", PAGE))
    assert not [name for name in (*FILTERS, *PREDICATES) if name not in words]
