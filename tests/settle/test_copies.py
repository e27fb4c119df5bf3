"""Copies of results: ours may be written again, and nobody else's ever is."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zipfile import ZipFile

import polars as pl
import pytest

from bulksend.errors import InputError
from bulksend.home import Home
from bulksend.pipeline import write_run
from tests.prepare.planning import number, plan
from tests.settle.test_results import begun, everything

if TYPE_CHECKING:
    from pathlib import Path

    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.prepare.plan import Plan

__all__ = ["everything"]  # a fixture of the neighbour's

Made = tuple["Plan", "Journal", "Run"]
FORMS = ("copy.csv", "copy.parquet", "copy.xlsx")


@pytest.fixture
def home(everything: Made, tmp_path: Path) -> Home:
    return Home(tmp_path / ".bulksend", tmp_path / "journal.sqlite")


def rows_in(path: Path) -> bytes:
    """All that it says; a workbook says beside it when it was written."""
    if path.suffix == ".xlsx":
        with ZipFile(path) as book:
            return book.read("xl/worksheets/sheet1.xml")
    if path.suffix == ".parquet":
        return pl.read_parquet(path).write_json().encode()
    return path.read_bytes()


@pytest.mark.parametrize("for_spreadsheet", [False, True])
@pytest.mark.parametrize("name", FORMS)
def test_a_copy_is_written_again(
    everything: Made, home: Home, tmp_path: Path, name: str, for_spreadsheet: bool
) -> None:
    """At any time, in whichever form, and from one kind of CSV to the other."""
    run, copy = everything[2].run, tmp_path / name
    write_run(run, home=home, output=copy)
    before = rows_in(copy)
    if name != "copy.parquet":
        write_run(run, home=home, output=copy, for_spreadsheet=for_spreadsheet)
    write_run(run, home=home, output=copy)
    assert rows_in(copy) == before


def test_a_runs_own_results_are_its_own_however_they_are_named(
    everything: Made, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative, by a way around, or by a link; also where they hold no tag."""
    _, journal, run = everything
    own = tmp_path / "results" / "own.csv"
    own.parent.mkdir()
    journal.runs.set_results(run.id, str(own))
    (tmp_path / "link").symlink_to(own.parent)
    monkeypatch.chdir(tmp_path)
    here = type(tmp_path)()
    for named in ("results/own.csv", "link/own.csv", "results/../results/own.csv"):
        own.write_text("")
        write_run(run.run, home=home, output=here / named)
        assert own.read_text().startswith("row,")


def _with_a_note(path: Path) -> None:
    frame = pl.read_csv(path, infer_schema=False)
    frame.with_columns(pl.lit("called her").alias("note")).write_csv(path)


def _anothers(path: Path) -> None:
    path.write_text(path.read_text().replace("#", "#0"))


def _without_a_tag(path: Path) -> None:
    path.write_text(path.read_text().splitlines()[0] + "\n")


@pytest.mark.parametrize(
    "make",
    [
        _with_a_note,
        _anothers,
        _without_a_tag,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\xff\xfe\x00"),
        lambda path: path.write_text('"' + "x" * 200_000),
    ],
    ids=["a note", "another run's", "no tag", "empty", "no text", "no end"],
)
def test_what_is_not_ours_stays(
    everything: Made, home: Home, tmp_path: Path, make: object
) -> None:
    """E624: an edited copy, another run's, and whatever else stands there."""
    run, there = everything[2].run, tmp_path / "there.csv"
    write_run(run, home=home, output=there)
    assert callable(make)
    make(there)
    before = there.read_bytes()
    with pytest.raises(InputError, match="E624"):
        write_run(run, home=home, output=there)
    assert there.read_bytes() == before


@pytest.mark.parametrize("name", FORMS)
def test_another_runs_copy_stays(
    everything: Made, home: Home, tmp_path: Path, name: str
) -> None:
    """The same columns, and the key of another plan in its tags; or no such file at all."""
    theirs = tmp_path / name
    (tmp_path / "b").mkdir()
    people = f"winner,phone,status,ended_at\nw1,{number(1)},s,e\n"
    said = {"text": "Hi {{ winner }}", "tag": "t"}
    other = plan(tmp_path / "b", people, message=said)
    with begun(tmp_path / "b", other.plan, 1) as (_, run, _):
        elsewhere = Home(tmp_path / "b/.bulksend", tmp_path / "b/journal.sqlite")
        write_run(run.run, home=elsewhere, output=theirs)
    before = theirs.read_bytes()
    for _ in range(2):
        with pytest.raises(InputError, match="E624"):
            write_run(everything[2].run, home=home, output=theirs)
        assert theirs.read_bytes() == before
        before = b"neither this nor that"
        theirs.write_bytes(before)
