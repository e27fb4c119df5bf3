"""How a plan looks on a terminal: the counts, what it takes, and where to look first."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from bulksend import REASONS
from bulksend.cli.outlook import spent
from bulksend.cli.show import duration, out, show_problems, word
from bulksend.errors import counted
from bulksend.storage.location import where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from bulksend import Advice, Changes, Checked, Closer, Outlook
    from bulksend.storage.location import Where

LABELS = 14
MOST_DETAILS = 6
LATE = ("W421", "W429")


def show_checked(
    checked: Checked,
    details: Mapping[str, Mapping[str, int]] | None = None,
    outlook: Outlook | None = None,
) -> None:
    """Problems first, then the counts in one line, then what it takes.

    Args:
        details: `Advice.details`, where they are known.

        outlook: Where it is shown too: then the time is what that says.
    """
    show_problems(checked.notices)
    if checked.notices and out.is_terminal:
        out.print()
    out.print(f"[bold]{headline(checked)}[/]")
    _print_facts(_facts(checked, outlook))
    if checked.summary.reasons:
        reasons = Table.grid(padding=(0, 2, 0, 0))
        reasons.add_column(no_wrap=True)
        reasons.add_column(no_wrap=True)
        reasons.add_column(overflow="fold")
        for code, count in checked.summary.reasons.items():
            sentence = _sentence(code, (details or {}).get(code, {}))
            reasons.add_row(f"{count:>9,}", f"[yellow]{code}[/]", escape(sentence))
        out.print()
        out.print(reasons)
    show_problems(checked.gates)


def show_closer(closer: Closer, named: Callable[[int], str]) -> None:
    """Where to look before sending.

    Args:
        named: What is said behind the word *row*: `Sheets.named`.
    """
    facts = [
        *_of_texts(closer.advice, named),
        *_of_duplicates(closer.advice, named),
    ]
    if closer.changes is not None:
        facts += _of_changes(closer.changes, named)
    rejects = closer.rejects
    if rejects.mendable:
        facts.append(("to mend", f"{_rows(rejects.mendable)}: {near(rejects.to_mend)}"))
    if rejects.by_rule:
        facts.append(
            ("left out", f"{_rows(rejects.by_rule)}: {near(rejects.left_out)}")
        )
    if facts:
        out.print()
        _print_facts(facts)


def headline(checked: Checked) -> str:
    summary = checked.summary
    meant = f"{checked.left:,}"
    if checked.left < summary.sendable:
        meant += f" of {summary.sendable:,}"
    if any(notice.code in LATE for notice in checked.notices):
        meant = f"up to {meant}"  # who is late may have had enough too
    parts = [f"{meant} will receive a message"]
    for code, count in summary.reasons.items():
        parts.append(f"{count:,} {REASONS[code].short or word(code)}")
    return " · ".join(parts)


def near(path: Where) -> str:
    """A path as it is typed from here; an address as it is."""
    if not isinstance(path, Path):
        return str(path)
    try:
        beside = os.path.relpath(path)
    except ValueError:  # another drive
        return str(path)
    return str(path) if beside.startswith("..") else beside


def _print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Names and values; a name that was said stands for the lines under it too."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=LABELS - 2, no_wrap=True)
    table.add_column(overflow="fold")
    said = ""
    for name, value in facts:
        table.add_row("" if name == said else f"[dim]{name}[/]", escape(value))
        said = name
    out.print(table)


def _sentence(code: str, details: Mapping[str, int]) -> str:
    """What a reason means, with what it was in how many rows."""
    reason = REASONS[code]
    line = f"{reason.sentence} {reason.fix}"
    quote = "`" if "`{detail}`" in line else ""
    some = [f"{quote}{name}{quote}" for name in details][:MOST_DETAILS]
    if len(details) > 1:
        counts = details.values()
        some = [f"{name} {count:,}" for name, count in zip(some, counts, strict=False)]
    if len(details) > MOST_DETAILS:
        some.append("…")
    if not details:  # it is each row's own, such as the row that won
        line = line.replace(" (row {detail})", "")
    line = line.replace(f"{quote}{{detail}}{quote}", "{detail}")
    return line.replace("{detail}", ", ".join(some) or "a value")


def _facts(checked: Checked, outlook: Outlook | None) -> Iterator[tuple[str, str]]:
    summary, said = checked.summary, checked.campaign
    senders = ", ".join(said.senders[:3]) + " …" * (len(said.senders) > 3)
    yield "sender", f"{senders} through {said.provider}, at {said.send.rate.text}"
    if checked.plan.slot:
        yield "slot", _slot(checked)
    yield "rows", f"{summary.rows:,}"
    yield from _not_now(checked)
    encodings = _listed(summary.encodings)
    of_all = "" if checked.chosen is None else ", of the whole plan"
    encodings = f" ({encodings})" if encodings else ""
    yield "segments", f"{summary.segments:,}{encodings}{of_all}"
    if summary.cost is not None:
        missing = f", {summary.unpriced:,} without a price" if summary.unpriced else ""
        yield "cost", summary.price + missing + of_all
    if summary.types:
        yield "lines", _listed(summary.types)
    if outlook is not None and outlook.course is not None:
        yield "time", spent(outlook.course)
    elif summary.sendable and checked.chosen is None:
        aside = (
            ", hours and caps aside" if said.keeps_hours or said.send.carriers else ""
        )
        yield "time", duration(summary.seconds) + aside
    if said.any_hour:
        is_own = said.send.window or said.rules.also
        own = "but the campaign's own" if is_own else "at all"
        yield "hours", f"no rules {own}, since: {said.any_hour}"
    if summary.repairs:
        yield "repaired", _listed(summary.repairs)
    yield "plan", near(where(checked.plan.place))


def _not_now(checked: Checked) -> Iterator[tuple[str, str]]:
    """Of those who are to get a message: who gets none by this command, or at this time."""
    if checked.chosen is not None:
        others = checked.summary.sendable - checked.chosen
        yield "not chosen", f"{others:,}, which get nothing by this command"
    if checked.already:
        have = "have their outcome and get"
        if checked.already == 1:
            have = "has its outcome and gets"
        yield "done", f"{checked.already:,} {have} nothing more"
    if checked.capped:
        caps = ", ".join(
            f"{many:,} by {cap}" for cap, many in checked.capped.items() if cap != "all"
        )
        many = checked.capped["all"]
        yield "had enough", f"{many:,} as of now, which would get nothing: {caps}"
    if checked.suppressed:
        whose = "on the journal's suppression list, which would get nothing"
        yield "suppressed", f"{checked.suppressed:,} {whose}"


def _slot(checked: Checked) -> str:
    """Which send of a recurring campaign it is; of a schedule's, from when until when."""
    turn = checked.turn
    if turn is None:
        return checked.plan.slot
    return (
        f"{turn.name}, due {turn.at:%a %d %b %Y %H:%M %Z}, until {turn.until:%a %H:%M}"
    )


_DOUBTS = {
    "word": ("says {}", "write a name, or leave it empty"),
    "broken": ("has broken letters", "export the list anew"),
    "blanks": ("has blanks around it", "write {{ name | trim }}"),
    "point": (
        "is printed as {}",
        "write {{ name | int }}, or make it whole in the list",
    ),
    "day": ("is printed as {}", "write it for people, as {{ day | date('%-d %B') }}"),
    "clock": (
        "is printed as {}",
        "write it for people, as {{ time | date('%-I:%M %p') }}",
    ),
}


def _of_texts(advice: Advice, named: Callable[[int], str]) -> Iterator[tuple[str, str]]:
    for dear in advice.dear:
        shown = dear.character if dear.character.isprintable() else ""
        sign = f"{shown} {dear.code_point} {dear.name.lower()}".strip()
        origin = f"from {dear.origin}"
        texts = counted(dear.rows, "text needs", "texts need")
        yield "UCS-2", f"{texts} it for {sign}, {origin} (row {named(dear.row)})"
    if advice.dear_more:
        others = counted(
            advice.dear_more, "other character needs", "other characters need"
        )
        yield "UCS-2", f"{others} it too"
    if advice.saved > 0:
        saved = counted(advice.saved, "segment")
        yield "UCS-2", f"message.smart_encoding would save {saved}"
    for character, replacement, count in advice.replaced:
        point = "+".join(f"U+{ord(one):04X}" for one in character)
        instead = repr(replacement) if replacement else "nothing"
        yield "replaced", f"{character!r} {point} by {instead}, {_times(count)}"
    for doubt in advice.doubts:
        where = f"in {counted(doubt.rows, 'text')} (row {named(doubt.row)})"
        what, fix = _DOUBTS[doubt.kind]
        what = what.format(repr(doubt.word))
        yield "look at", f"`{doubt.column}` {what} {where}: {fix}"
    if advice.doubts_more:
        yield "look at", f"and {counted(advice.doubts_more, 'other such cell')}"
    for one in advice.dearest:
        segments = counted(one["segments"], "segment")
        place = f"row {named(one['row'])}"
        yield "dearest", f"{place}: {one['price']}, {segments} to {one['region']}"
    for one in advice.longest:
        over = counted(one["over"], "character")
        place = f"row {named(one['row'])}"
        yield "longest", f"{place}: {one['segments']} segments, {over} over"


def _of_duplicates(
    advice: Advice, named: Callable[[int], str]
) -> Iterator[tuple[str, str]]:
    found = advice.conflicts
    if not found.rows:
        return
    rows = counted(found.rows, "duplicate holds", "duplicates hold")
    other = f", {found.texts:,} would say another text" if found.texts else ""
    yield "conflicts", f"{rows} other data than the row that is sent{other}"
    columns = list(found.columns.items())
    some = ", ".join(f"{name} {count:,}" for name, count in columns[:MOST_DETAILS])
    yield "conflicts", f"in {some}{' …' * (len(columns) > MOST_DETAILS)}"
    pairs = [
        f"row {named(row)} (row {named(won)} is sent)" for row, won in found.examples
    ]
    yield "conflicts", ", ".join(pairs)


def _of_changes(
    changes: Changes, named: Callable[[int], str]
) -> Iterator[tuple[str, str]]:
    """What differs from the plan before: counts, a few rows, a few texts."""
    label = "since last"
    if not changes.added + changes.gone + changes.changed:
        yield label, f"nobody else, and no other text ({changes.since})"
        return
    counts = {
        "added": f"{changes.added:,} added",
        "gone": f"{changes.gone:,} gone",
        "changed": counted(changes.changed, "changed text"),
    }
    said = []
    for kind, count in counts.items():
        name = changes.before.named if kind == "gone" else named
        some = ", ".join(map(name, changes.rows[kind]))
        said.append(f"{count} (row {some})" if some else count)
    yield label, f"{' · '.join(said)}; {changes.since}"
    for row, before, now in changes.texts:
        yield label, f"row {named(row)}\n- {before}\n+ {now}"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {word(name)}" for name, count in counts.items())


def _rows(count: int) -> str:
    return counted(count, "row")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
