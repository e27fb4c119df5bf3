"""What people see: problems, counts and progress; and the same as JSON for machines."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import click
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from bulksend.errors import Problem, counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bulksend import BulksendError, Ended, OptOutRate

MOST_SHOWN = 20

WIDE = 160
"""Columns where nobody looks: in a file or a pipe, lines need not be folded."""


class _Console(Console):
    """Without the blanks that fill a table's cells, where nobody looks at them."""

    def print(self, *objects: Any, **options: Any) -> None:
        if self.is_terminal or not any(isinstance(one, Table) for one in objects):
            super().print(*objects, **options)
            return
        with self.capture() as caught:
            super().print(*objects, **options)
        self.file.write(re.sub(" +$", "", caught.get(), flags=re.MULTILINE))

    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704  (rich asks while it handles one): see `whoever_reads`


def _console(*, stderr: bool) -> Console:
    """Folds between words on a terminal, and leaves lines whole anywhere else."""
    stream = sys.stderr if stderr else sys.stdout
    seen = stream.isatty()
    return _Console(
        stderr=stderr,
        soft_wrap=not seen,
        highlight=False,
        width=None if seen else WIDE,
    )


out = _console(stderr=False)
err = _console(stderr=True)


@contextmanager
def whoever_reads() -> Iterator[None]:
    """What is said to a pipe that nobody reads, or a closed terminal, goes nowhere.

    The exit code stays what it is: a run has ended as it has, whoever heard of it.
    """
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        if error.errno in (errno.EPIPE, errno.EIO):
            _lead_nowhere(sys.stdout, sys.stderr)
        else:
            tell_unwritten(error)


def tell_unwritten(error: OSError) -> None:
    """E634, on standard error, which is another file as a rule; the rest goes nowhere."""
    _lead_nowhere(sys.stdout)
    found = (error.strerror or str(error)).lower()
    try:
        show_problems([Problem("E634", found)])
        sys.stderr.flush()
    except OSError:
        _lead_nowhere(sys.stderr)


def _lead_nowhere(*streams: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        os.dup2(nowhere, stream.fileno())


def print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def show_error(error: BulksendError) -> None:
    """All problems, on stderr; as JSON on stdout too where --json was asked for."""
    context = click.get_current_context(silent=True)
    if "--json" in sys.argv or (context and context.params.get("as_json")):
        problems = [problem.as_dict() for problem in error.problems]
        print_json({"exit_code": error.exit_code, "problems": problems})
        return
    show_problems(error.problems)


def show_problems(problems: Sequence[Problem]) -> None:
    for problem in problems[:MOST_SHOWN]:
        colour = "yellow" if problem.is_warning else "red"
        code, _, rest = str(problem).partition(" ")
        _print_beside(f"[bold {colour}]{code}[/]", escape(rest))
    if len(problems) > MOST_SHOWN:
        err.print(f"and {counted(len(problems) - MOST_SHOWN, 'more problem')}")


def _print_beside(mark: str, text: str) -> None:
    """On a terminal the text hangs beside its mark; elsewhere it stays one line."""
    if not err.is_terminal:
        err.print(f"{mark} {text}")
        return
    beside = Table.grid(padding=(0, 1, 0, 0))
    beside.add_row(mark, text)
    err.print(beside)


def word(code: str) -> str:
    return code.replace("_", " ")


def duration(seconds: float) -> str:
    """``1 h 12 min``, ``3 min 20 s``, ``4 s``, ``under 1 s``."""
    whole = round(seconds)
    if not whole and seconds:
        return "under 1 s"
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {left} s" if minutes else f"{left} s"


def show_ended(ended: Ended) -> None:
    """The counts, which add up, and where the results are."""
    if ended.stopped is not None:
        show_problems(ended.stopped.problems)
    if ended.was_over:
        out.print("This run was over before: nothing was sent now.")
    out.print(f"[bold]{_sum(ended)}[/]")
    out.print(f"[dim]run[/] {escape(ended.run)}")
    if ended.results:
        out.print(f"[dim]results[/] {escape(ended.results)}")
    if ended.counts["unknown"]:
        out.print(
            "Unknown: no answer proves whether these were sent; they are not sent again. "
            "`bulksend settle` finds out."
        )


def _sum(ended: Ended) -> str:
    """``60 rows = 52 accepted + 8 excluded``."""
    counts = " + ".join(
        f"{count:,} {word(name)}" for name, count in ended.counts.items() if count
    )
    return f"{counted(ended.rows, 'row')} = {counts or 'none'}"


def show_runs(runs: Sequence[Ended]) -> None:
    """As a table, or one below the other where a terminal has no room for its columns."""
    if not runs:
        out.print("No runs yet.")
        return
    lines = [(run.run, run.state, _sum(run)) for run in runs]
    wide = sum(max(map(len, column)) + 2 for column in zip(*lines, strict=True))
    if out.is_terminal and wide > out.width:
        for run, state, rows in lines:
            out.print(f"[bold]{escape(run)}[/]", soft_wrap=True)
            out.print(Padding(f"{escape(state)}\n{rows}", (0, 0, 0, 2)))
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("run", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("rows")
    for run, state, rows in lines:
        table.add_row(escape(run), escape(state), rows)
    out.print(table)


def show_opt_outs(rate: OptOutRate) -> None:
    """A line where anybody opted out, against the lines that Bandwidth draws."""
    if not (rate.opted_out and rate.people):
        return
    colour = "red" if rate.may_suspend else "yellow" if rate.may_audit else "dim"
    out_of = counted(rate.people, "person", "people")
    what = f"{rate.opted_out:,} opted out in 24 h, of {out_of} texted"
    out.print(
        f"[{colour}]{what} ({rate.share:.2%}; over 0.5 % Bandwidth audits consent, over "
        "4 % it may suspend a campaign)[/]"
    )


def show_tested(rows: Iterable[dict[str, Any]]) -> None:
    """What became of each message of a test."""
    for row in rows:
        said = row["error"] or row["message_id"] or ""
        out.print(f"{row['to']} [bold]{word(row['status'])}[/] {escape(said)}")


def _place(row: dict[str, Any]) -> str:
    """``row 7``, or ``row 7 of east.csv``."""
    if "source_file" not in row:
        return f"row {row['row']}"
    return f"row {row['source_row']} of {escape(row['source_file'])}"


def show_preview(rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        out.print("No row gets a message; `bulksend check` says why.")
    for row in rows:
        place = _place(row)
        if row["why"]:
            out.print(
                f"[bold]{place}[/] [yellow]gets nothing[/]: {escape(row['why'])}\n"
            )
            continue
        size = f"{row['segments']} segment{'s' if row['segments'] != 1 else ''}"
        out.print(
            f"[bold]{place}[/] to {row['to']} from {escape(row['from'])} "
            f"[dim]{size}, {row['encoding']}[/]"
        )
        if row["text"]:
            out.print(escape(row["text"]))
        for url in (row["media"] or "").split():
            out.print(f"[blue]{escape(url)}[/]")
        out.print(f"[dim]tag {escape(row['tag'] or '')}[/]\n")
