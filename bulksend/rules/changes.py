"""What is in force on a day, and what differs between two days or two packs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bulksend.rules.pack import DAY, DAYS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from bulksend.rules.pack import RulePack, Slots, Version


class RuleInForce(NamedTuple):
    """One rule as it is in force on a day, in words."""

    id: str
    name: str
    jurisdictions: str
    hours: str
    per_day: int | None
    since: str
    until: str | None
    kind: str
    source: str
    url: str


class RuleChange(NamedTuple):
    """What became of one field of a rule; ``before`` is empty for a new rule."""

    id: str
    what: str
    before: str
    after: str


def rules_in_force(pack: RulePack, day: date) -> list[RuleInForce]:
    """Every rule that holds on *day*, in the pack's order."""
    found = []
    for rule in pack.rules:
        version = rule.on(day)
        if version is not None:
            found.append(
                RuleInForce(
                    rule.id,
                    rule.name,
                    " ".join(rule.jurisdictions),
                    hours_in_words(version),
                    version.per_day,
                    version.first.isoformat(),
                    version.until.isoformat() if version.until else None,
                    version.kind,
                    version.source,
                    version.url,
                )
            )
    return found


def rule_changes(
    before: Sequence[RuleInForce], after: Sequence[RuleInForce]
) -> list[RuleChange]:
    """What differs, rule by rule and field by field."""
    old = {row.id: row for row in before}
    new = {row.id: row for row in after}
    found = [
        RuleChange(name, "rule", old[name].hours, "") for name in old if name not in new
    ]
    for name, row in new.items():
        if name not in old:
            found.append(RuleChange(name, "rule", "", row.hours))
            continue
        for what, was, now in zip(RuleInForce._fields, old[name], row, strict=True):
            if was != now:
                found.append(RuleChange(name, what, _shown(was), _shown(now)))
    return found


def _shown(value: object) -> str:
    return "none" if value is None else str(value)


def hours_in_words(version: Version) -> str:
    """``mon-sat 08:00-20:00, sun closed, holidays closed``."""
    parts: list[str] = []
    first = 0
    for place in range(1, 8):
        if place == 7 or version.week[place] != version.week[first]:
            days = DAYS[first] + (f"-{DAYS[place - 1]}" if place - 1 > first else "")
            parts.append(f"{days} {slots_in_words(version.week[first])}")
            first = place
    if version.holiday is not None:
        parts.append(f"holidays {slots_in_words(version.holiday)}")
    return ", ".join(parts)


def slots_in_words(slots: Slots) -> str:
    if slots == ((0, DAY),):
        return "all day"
    return " ".join(f"{_clock(a)}-{_clock(b)}" for a, b in slots) or "closed"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
