"""The report of a run, as a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bulksend.errors import InputError, Problem
from bulksend.send.clocks import wall_ms
from bulksend.settle.finding import find_run, whole_plan_of
from bulksend.storage.location import where
from bulksend.storage.ours import put_ours
from bulksend.view.figures import count
from bulksend.view.page import MARK, Page
from bulksend.whole import unwritable, whole

if TYPE_CHECKING:
    from bulksend.home import Home
    from bulksend.storage.location import Where

REPORT = "report"
"""Whose objects reports are: one is put over another, and over nothing else."""


def report_run(run: str = "", *, home: Home, output: Where | None = None) -> Where:
    """Write the report of a run (the newest, where *run* is empty) as one HTML file.

    Args:
        output: Where to; ``RUN.html`` beside the run's results otherwise.

    Returns:
        Where it is.

    Raises:
        InputError: E630, where there is no such run; E620, where its plan is gone; E623,
            where that was changed; E670 or E671, where the file cannot be written.
    """
    with find_run(run, home, read_only=True) as (journal, known):
        place = output or _beside(where(known.results)) / f"{known.run}.html"
        if isinstance(place, Path):
            _check(place)
        now = wall_ms()
        seen = count(whole_plan_of(known, home), journal, known, now=now)
        seen = replace(seen, doubled=journal.receipts.doubled(known.id))
    page = Page(seen).html()
    if isinstance(place, Path):
        _write(page, place)
    elif not put_ours(home.objects, place, page.encode, owner=REPORT):
        raise InputError(Problem("E670", "it is no report", file=str(place)))
    return place


def _beside(results: Where) -> Where:
    """The folder of the results, or the one that they are."""
    is_folder = not isinstance(results, Path) and results.is_folder
    return results if is_folder else results.parent


def _check(path: Path) -> None:
    """Only a report is overwritten."""
    if path.exists() and not path.is_file():
        raise InputError(Problem("E671", "it is no file", file=str(path)))
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            is_ours = MARK in file.read(2_000)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unwritable(path, error) from error
    if not is_ours:
        raise InputError(Problem("E670", "it is no report", file=str(path)))


def _write(page: str, path: Path) -> None:
    try:
        with whole(path) as unfinished:
            unfinished.write_text(page, encoding="utf-8")
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> InputError:
    return unwritable("E671", error, path, "write elsewhere with --output PATH")
