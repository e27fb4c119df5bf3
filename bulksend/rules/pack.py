"""Rule packs: when people of a place may be texted, as dated and sourced data.

A pack is a folder of YAML files (`rule_file`), checked together.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date  # noqa: TC003  (pydantic reads these types, in a plan's hours)
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import BeforeValidator

from bulksend.errors import InputError, Problem
from bulksend.rules.rule_file import Kind, read
from bulksend.rules.week import HOLIDAY, Slots, slots_of, week_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bulksend.rules.rule_file import RuleSaid, VersionSaid


class Version(NamedTuple):
    """A rule from one day until another (not that day itself; None: for good).

    Args:
        week: Monday's slots first.

        holiday: The slots of holidays; None where they are days like others.

        per_day: How many messages a person may get in 24 hours.

        kind: Whether the law was read (primary), somebody's account of it (secondary),
            or nobody asks for it (caution).
    """

    first: date
    until: date | None
    week: tuple[Slots, ...]
    holiday: Slots | None
    per_day: int | None
    kind: Kind
    source: str
    url: str


def _all_of(said: object) -> object:
    """In plans from before a rule could name several: one, or None."""
    return said if isinstance(said, list | tuple) else [said] if said else []


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds in some jurisdictions; ``*`` is any country without a rule.

    Args:
        holidays: Calendars and days (`closed_days`); all of them are its holidays.
    """

    id: str
    name: str
    jurisdictions: tuple[str, ...]
    holidays: Annotated[tuple[str, ...], BeforeValidator(_all_of)]
    versions: tuple[Version, ...]

    def on(self, day: date) -> Version | None:
        """The version in force on *day*."""
        for version in reversed(self.versions):
            if version.first <= day:
                return version if version.until is None or day < version.until else None
        return None


@dataclass(frozen=True, slots=True)
class RulePack:
    """Rules that were checked together.  ``digest`` names exactly these rules.

    Args:
        checked: When any of its files was looked at last.

        settled: Jurisdictions whose countries ``*`` does not stand for.  A campaign's own
            rule for a country is none of them: it holds beside ``*``, and only narrows.

        own: The ids of the campaign's own rules; in plans from before these held for
            transactional campaigns too there are none.
    """

    rules: tuple[Rule, ...]
    checked: date
    digest: str
    settled: tuple[str, ...] = ()
    own: tuple[str, ...] = ()

    @property
    def own_rules(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if rule.id in self.own)

    def rule(self, name: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.id == name), None)


@lru_cache(maxsize=1)
def shipped_rules() -> RulePack:
    """The pack that comes with bulksend."""
    return read_rules(sorted(Path(__file__).parent.glob("*.yaml")))


def read_rules(files: Sequence[Path], *, beside: RulePack | None = None) -> RulePack:
    """Read and check a pack.

    Args:
        beside: Rules that hold as well: those of *files* can only narrow them.

    Raises:
        InputError: E121, where a file cannot be read; E122 with everything that is wrong.
    """
    problems: list[Problem] = []
    rules = list(beside.rules) if beside else []
    checked = [beside.checked] if beside else []
    for file in files:
        written = read(file, problems)
        if written is None:
            continue
        checked.append(written.rules.checked)
        taken = {rule.id for rule in rules}
        for place, one in enumerate(written.rules.rules):
            rules.append(_rule(one))
            if one.id in taken:
                found = f"the rule `{one.id}` is there already"
                problems.append(written.problem(("rules", place, "id"), found))
            taken.add(one.id)
    if problems:
        raise InputError(problems)
    every = {one for rule in rules for one in rule.jurisdictions}
    settled = beside.settled if beside else tuple(sorted(every))
    own = tuple(rule.id for rule in rules[len(beside.rules) :]) if beside else ()
    return RulePack(tuple(rules), max(checked), _digest(rules), settled, own)


def _digest(rules: Iterable[Rule]) -> str:
    return blake2b(repr(tuple(rules)).encode(), digest_size=8).hexdigest()


def _rule(one: RuleSaid) -> Rule:
    versions = tuple(map(_version, one.versions))
    return Rule(
        one.id, one.name, tuple(one.jurisdictions), tuple(one.holidays), versions
    )


def _version(one: VersionSaid) -> Version:
    holiday = one.hours.get(HOLIDAY)
    return Version(
        one.first,
        one.until,
        week_of(one.hours),
        None if holiday is None else slots_of(holiday),
        one.per_day,
        one.kind,
        one.source,
        one.url,
    )
