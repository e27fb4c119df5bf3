"""What is in force on a day, and what differs between two days or two packs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bulksend.rules.week import DAY, DAYS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from bulksend.rules.pack import Rule, RulePack, Version
    from bulksend.rules.week import Slots


class RuleInForce(NamedTuple):
    """One rule as it is in force on a day, in words.

    Args:
        in_force: False where it is not, or not any more: ``since`` and ``until`` say when.

        holidays: The calendars and days of which its hours tell.
    """

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
    in_force: bool = True
    holidays: str = ""

    @property
    def dates(self) -> str:
        """``from 2027-01-01``, ``until 2019-12-03``; nothing for what holds for good."""
        until = f"until {self.until}" if self.until else ""
        return until if self.in_force else f"from {self.since} {until}".rstrip()


class RuleChange(NamedTuple):
    """What became of one field of a rule; ``before`` is empty for a new rule."""

    id: str
    what: str
    before: str
    after: str


def rules_in_force(pack: RulePack, day: date) -> list[RuleInForce]:
    """Every rule that holds on *day*, in the pack's order."""
    return [row for row in dated_rules(pack, day) if row.in_force]


def dated_rules(pack: RulePack, day: date) -> list[RuleInForce]:
    """Those, and what is still to come; of a rule that is over, how it was at last."""
    found = []
    for rule in pack.rules:
        now = rule.on(day)
        later = [one for one in rule.versions if one.first > day]
        found += [_in_words(rule, now, in_force=True)] if now else []
        found += [_in_words(rule, one, in_force=False) for one in later]
        if now is None and not later:
            found.append(_in_words(rule, rule.versions[-1], in_force=False))
    return found


def _in_words(rule: Rule, version: Version, *, in_force: bool) -> RuleInForce:
    return RuleInForce(
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
        in_force,
        " ".join(rule.holidays) if version.holiday is not None else "",
    )


def rule_changes(
    before: Sequence[RuleInForce], after: Sequence[RuleInForce]
) -> list[RuleChange]:
    """What differs, rule by rule and field by field."""
    old, new = _by_name(before), _by_name(after)
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


def _by_name(rows: Sequence[RuleInForce]) -> dict[str, RuleInForce]:
    """By what is said of them: what does not hold yet, or any more, has its day there."""
    return {row.id if row.in_force else f"{row.id} {row.dates}": row for row in rows}


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
