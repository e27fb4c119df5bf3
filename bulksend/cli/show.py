"""What people see: problems, counts and progress; and the same as JSON for machines."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bulksend import REASONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bulksend import BulksendError, Checked, Closer, Ended, Problem

MOST_SHOWN = 20

WIDE = 160
"""Columns where nobody looks: in a file or a pipe, lines need not be folded."""


def _console(*, stderr: bool) -> Console:
    """Folds between words on a terminal, and leaves lines whole anywhere else."""
    stream = sys.stderr if stderr else sys.stdout
    seen = stream.isatty()
    return Console(
        stderr=stderr,
        soft_wrap=not seen,
        highlight=False,
        width=None if seen else WIDE,
    )


out = _console(stderr=False)
err = _console(stderr=True)


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
        err.print(f"and {len(problems) - MOST_SHOWN:,} more problems")


def _print_beside(mark: str, text: str) -> None:
    """On a terminal the text hangs beside its mark; elsewhere it stays one line."""
    if not err.is_terminal:
        err.print(f"{mark} {text}")
        return
    beside = Table.grid(padding=(0, 1, 0, 0))
    beside.add_row(mark, text)
    err.print(beside)


def show_checked(checked: Checked) -> None:
    """Problems first, then the counts in one line, then what it takes."""
    show_problems(checked.notices)
    summary = checked.summary
    out.print(f"[bold]{headline(checked)}[/]")
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, value in _facts(checked):
        table.add_row(f"[dim]{name}[/]", escape(value))
    out.print(table)
    if summary.reasons:
        reasons = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for code, count in summary.reasons.items():
            reason = REASONS[code]
            line = f"{reason.sentence} {reason.fix}".replace("{detail}", "…")
            reasons.add_row(f"{count:>9,}", f"[yellow]{code}[/]", escape(line))
        out.print(reasons)
    show_problems(checked.gates)


def headline(checked: Checked) -> str:
    summary = checked.summary
    parts = [f"{summary.sendable:,} will receive a message"]
    parts += [f"{count:,} {_word(code)}" for code, count in summary.reasons.items()]
    return " · ".join(parts)


def _word(code: str) -> str:
    return code.replace("_", " ")


def _facts(checked: Checked) -> Iterable[tuple[str, str]]:
    summary = checked.summary
    said = checked.campaign
    senders = ", ".join(said.senders[:3]) + " …" * (len(said.senders) > 3)
    encodings = ", ".join(f"{n:,} {name}" for name, n in summary.encodings.items())
    yield "sender", f"{senders} through {said.provider}, at {said.send.rate.text}"
    yield "rows", f"{summary.rows:,}"
    if checked.already:
        yield "already sent", f"{checked.already:,}, which get nothing more"
    yield "segments", f"{summary.segments:,}" + (f" ({encodings})" if encodings else "")
    if summary.cost is not None:
        priced = f"{summary.currency} {summary.cost / 1_000_000:,.2f}"
        missing = f", {summary.unpriced:,} without a price" if summary.unpriced else ""
        yield "cost", priced + missing
    if summary.types:
        lines = ", ".join(f"{n:,} {_word(k)}" for k, n in summary.types.items())
        yield "lines", lines
    yield "time", duration(summary.seconds)
    if summary.repairs:
        repairs = ", ".join(f"{n:,} {_word(k)}" for k, n in summary.repairs.items())
        yield "repaired", repairs
    yield "plan", str(checked.plan.path)


def show_closer(closer: Closer) -> None:
    """Where to look before sending."""
    advice = closer.advice
    for dear in advice.dear:
        out.print(
            f"{dear.rows:,} texts need UCS-2 for [bold]{escape(dear.character)}[/] "
            f"{dear.code_point} {dear.name.lower()}, from {escape(dear.origin)} "
            f"(row {dear.row})"
        )
    if advice.saved > 0:
        out.print(f"message.smart_encoding would save {advice.saved:,} segments.")
    if advice.replaced:
        pairs = ", ".join(f"{a!r} to {b!r} {n:,} times" for a, b, n in advice.replaced)
        out.print(f"smart encoding replaced {escape(pairs)}")
    if advice.longest:
        rows = ", ".join(
            f"row {one['row']} ({one['segments']} segments, {one['over']} characters over)"
            for one in advice.longest
        )
        out.print(f"longest: {rows}")
    if advice.conflicts:
        rows = ", ".join(
            f"{row} (row {won} is sent)" for row, won in advice.conflicting
        )
        out.print(
            f"[yellow]{advice.conflicts:,} duplicates have another text[/]: rows {rows}"
        )
    if closer.changes is not None:
        since = closer.changes
        out.print(
            f"since {escape(since.since)}: {since.added:,} added · {since.gone:,} gone · "
            f"{since.changed:,} changed texts{_examples(since.rows)}"
        )
    if closer.rejected:
        out.print(f"[dim]rejects[/] {escape(str(closer.rejects))}")


def _examples(rows: dict[str, tuple[int, ...]]) -> str:
    named = [
        f"{kind} {', '.join(map(str, some))}" for kind, some in rows.items() if some
    ]
    return f" (rows: {'; '.join(named)})" if named else ""


def duration(seconds: float) -> str:
    """``1 h 12 min``, ``3 min 20 s``, ``4 s``."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {left} s" if minutes else f"{left} s"


def show_ended(ended: Ended) -> None:
    """The counts, which add up, and where the results are."""
    if ended.stopped is not None:
        show_problems(ended.stopped.problems)
    out.print(f"[bold]{_sum(ended)}[/]")
    out.print(f"[dim]run[/] {escape(ended.run)}")
    if ended.results:
        out.print(f"[dim]results[/] {escape(ended.results)}")
    if ended.counts["unknown"]:
        out.print(
            "Unknown: no answer proves whether these were sent; they are not sent again."
        )


def _sum(ended: Ended) -> str:
    """``60 rows = 52 accepted + 8 excluded``."""
    counts = " + ".join(
        f"{count:,} {_word(name)}" for name, count in ended.counts.items() if count
    )
    return f"{ended.rows:,} rows = {counts or 'none'}"


def show_runs(runs: Sequence[Ended]) -> None:
    if not runs:
        out.print("No runs yet.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("run", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("rows")
    for run in runs:
        table.add_row(escape(run.run), run.state, _sum(run))
    out.print(table)


def show_tested(rows: Iterable[dict[str, Any]]) -> None:
    """What became of each message of a test."""
    for row in rows:
        said = row["error"] or row["message_id"] or ""
        out.print(f"{row['to']} [bold]{_word(row['status'])}[/] {escape(said)}")


def show_preview(rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        out.print("No row gets a message; `bulksend check` says why.")
    for row in rows:
        if row["why"]:
            out.print(
                f"[bold]row {row['row']}[/] [yellow]gets nothing[/]: {escape(row['why'])}\n"
            )
            continue
        size = f"{row['segments']} segment{'s' if row['segments'] != 1 else ''}"
        out.print(
            f"[bold]row {row['row']}[/] to {row['to']} from {escape(row['from'])} "
            f"[dim]{size}, {row['encoding']}[/]"
        )
        if row["text"]:
            out.print(escape(row["text"]))
        for url in (row["media"] or "").split():
            out.print(f"[blue]{escape(url)}[/]")
        out.print(f"[dim]tag {escape(row['tag'] or '')}[/]\n")
