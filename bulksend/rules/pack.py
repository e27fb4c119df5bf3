"""Rule packs: when people of a place may be texted, as dated and sourced data.

A pack is a folder of YAML files.  Nothing in it is taken on trust: every weekday must be
there once, versions of a rule must follow each other without a gap or an overlap, and a
rule that closes on holidays must name a calendar that is known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from bulksend.errors import InputError, Problem
from bulksend.rules.jurisdictions import unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_BASE = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # ten times as fast as Python's


class _Loader(_BASE):  # type: ignore[misc, valid-type]
    """Of a key that is there twice YAML would take the last one, and say nothing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise _Twice(key.value, key.start_mark.line + 1)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class _Twice(Exception):  # noqa: N818
    """A key, and the line on which it stands again."""


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60

Slots = tuple[tuple[int, int], ...]
"""Open from and until, in minutes after midnight; sorted, and apart from each other."""

Kind = Literal["primary", "secondary", "caution"]


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


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds in some jurisdictions; ``*`` is any country without a rule."""

    id: str
    name: str
    jurisdictions: tuple[str, ...]
    holidays: str | None
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
        settled: Jurisdictions whose countries ``*`` does not stand for.  A campaign's own
            rule for a country is none of them: it holds beside ``*``, and only narrows.
    """

    rules: tuple[Rule, ...]
    checked: date
    digest: str
    settled: tuple[str, ...] = ()

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
        shape = _shape(file, problems)
        if shape is None:
            continue
        checked.append(shape.checked)
        taken = {rule.id for rule in rules}
        for place, one in enumerate(shape.rules):
            rules.append(_rule(one))
            if one.id in taken:
                found = f"the rule `{one.id}` is there already"
                problems.append(_problem(file, ("rules", place, "id"), found))
            taken.add(one.id)
    if problems:
        raise InputError(problems)
    every = {one for rule in rules for one in rule.jurisdictions}
    settled = beside.settled if beside else tuple(sorted(every))
    return RulePack(tuple(rules), min(checked), _digest(rules), settled)


def _digest(rules: Iterable[Rule]) -> str:
    return blake2b(repr(tuple(rules)).encode(), digest_size=8).hexdigest()


# -- the file's shape -------------------------------------------------------------------


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
_Jurisdiction = Annotated[
    str, StringConstraints(pattern=r"^(\*|[A-Z]{2}(-[A-Z0-9]{1,3})?)$")
]


class _Version(_Shape):
    first: date = Field(alias="from")
    until: date | None = None
    hours: dict[str, str | list[str]]
    per_day: Annotated[int, Field(gt=0)] | None = None
    kind: Kind
    source: _Text
    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]


class _Rule(_Shape):
    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    name: _Text
    jurisdictions: Annotated[list[_Jurisdiction], Field(min_length=1)]
    holidays: (
        Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}(-[A-Z0-9]+)?$")] | None
    ) = None
    versions: Annotated[list[_Version], Field(min_length=1)]


class _File(_Shape):
    checked: date
    rules: Annotated[list[_Rule], Field(min_length=1)]


_EXPECTED = {
    "checked": "the day it was checked, such as 2026-11-26",
    "rules": "a list of rules",
    "id": "a name of a-z 0-9 -",
    "name": "a text",
    "jurisdictions": "a list of ISO 3166 codes such as US or US-FL, or *",
    "holidays": "a calendar such as US-AL or FR",
    "versions": "a list of versions, each with `from` and `hours`",
    "from": "a day, such as 2026-11-26",
    "until": "a day, such as 2026-11-26",
    "hours": 'hours for every day, such as mon-sat: "08:00-20:00", sun: closed',
    "per_day": "a whole number above 0",
    "kind": "primary, secondary or caution",
    "source": "where the rule stands",
    "url": "an http(s) address",
}


def _shape(file: Path, problems: list[Problem]) -> _File | None:
    try:
        text = file.read_text("utf-8")
        tree = yaml.load(text, Loader=_Loader)  # noqa: S506  (it makes texts only)
        shape = _File.model_validate(tree)
    except (OSError, UnicodeDecodeError) as error:
        found = (getattr(error, "strerror", None) or "it is not UTF-8").lower()
        problems.append(Problem("E121", found, file=str(file)))
    except _Twice as error:
        key, line = error.args
        found = f"`{key}` is there twice"
        problems.append(Problem("E122", found, file=str(file), line=line))
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        problems.append(Problem("E121", "it is not YAML", file=str(file), line=line))
    except ValidationError as error:
        problems += [_misshapen(file, one) for one in error.errors(include_url=False)]
    else:
        faults = list(_faults(file, shape))
        problems += faults
        return None if faults else shape
    return None


def _misshapen(file: Path, error: Any) -> Problem:
    place = tuple(step for step in error["loc"] if step not in {"str", "list[str]"})
    name = next((s for s in reversed(place) if isinstance(s, str)), "")
    found = {"missing": "missing", "extra_forbidden": "no such key"}.get(
        error["type"], "a wrong value"
    )
    expected = "" if error["type"] == "extra_forbidden" else _EXPECTED.get(name, "")
    return _problem(file, place, found, expected)


def _problem(
    file: Path, place: tuple[str | int, ...], found: str, expected: str = ""
) -> Problem:
    steps = (f"[{s}]" if isinstance(s, int) else f".{s}" for s in place)
    column = "".join(steps).removeprefix(".")
    return Problem("E122", found, expected, file=str(file), column=column)


def _faults(file: Path, shape: _File) -> Iterator[Problem]:
    for at, rule in enumerate(shape.rules):
        here = ("rules", at)
        if rule.holidays and not _is_calendar(rule.holidays):
            found = f"no calendar of holidays is called {rule.holidays}"
            yield _problem(file, (*here, "holidays"), found, _EXPECTED["holidays"])
        for number, one in enumerate(rule.jurisdictions):
            if found := unknown(one):
                expected = _EXPECTED["jurisdictions"]
                yield _problem(file, (*here, "jurisdictions", number), found, expected)
        for number, version in enumerate(rule.versions):
            there = (*here, "versions", number, "hours")
            for found in _gaps(version.hours):
                yield _problem(file, there, found, _EXPECTED["hours"])
            if "holiday" in version.hours and not rule.holidays:
                found = "hours for holidays, and no calendar of them"
                yield _problem(file, there, found, _EXPECTED["holidays"])
        for found in _breaks(rule.versions):
            yield _problem(file, (*here, "versions"), found)


def _breaks(versions: Sequence[_Version]) -> Iterator[str]:
    """Where versions leave a day out, or have it twice."""
    for version in versions:
        if version.until is not None and version.until <= version.first:
            yield f"a version ends on {version.until}, and begins on {version.first}"
    for before, after in pairwise(versions):
        if before.until is None or before.until > after.first:
            yield f"versions overlap: one begins on {after.first}, before the other ends"
        elif before.until < after.first:
            yield f"a gap between versions, from {before.until} to {after.first}"


def _gaps(hours: Mapping[str, str | list[str]]) -> Iterator[str]:
    """What is wrong with the hours of a week."""
    seen: list[str] = []
    for name, said in hours.items():
        try:
            seen += [] if name == "holiday" else _days(name)
            slots = _slots(said)
        except ValueError as error:
            yield str(error)
            continue
        for first, second in pairwise(slots):
            if first[1] > second[0]:
                yield f"hours of {name} overlap or are not in order"
    if twice := sorted({day for day in seen if seen.count(day) > 1}, key=DAYS.index):
        yield f"an overlap: {', '.join(twice)} more than once"
    if lacking := [day for day in DAYS if day not in seen]:
        yield f"a gap: nothing is said about {', '.join(lacking)}"


def _days(name: str) -> list[str]:
    first, _, last = name.partition("-")
    if first not in DAYS or (last and last not in DAYS):
        raise ValueError(f"`{name}` is no day, and no days such as mon-fri")
    days = DAYS[DAYS.index(first) : DAYS.index(last or first) + 1]
    if not days:
        raise ValueError(f"`{name}` runs backwards")
    return list(days)


def _slots(said: str | list[str]) -> Slots:
    if said == "closed":
        return ()
    return tuple(_slot(one) for one in ([said] if isinstance(said, str) else said))


def _slot(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-2]\d):([0-5]\d)-([0-2]\d):([0-5]\d)", text.strip())
    if match is None:
        raise ValueError(
            f'"{text[:20]}" is neither hours such as 08:00-20:00 nor closed'
        )
    hour, minute, until, last = map(int, match.groups())
    begin, end = hour * 60 + minute, until * 60 + last
    if not begin < end <= DAY:
        raise ValueError(f'"{text}" ends before it begins, or after midnight')
    return begin, end


def _rule(one: _Rule) -> Rule:
    versions = tuple(map(_version, one.versions))
    return Rule(one.id, one.name, tuple(one.jurisdictions), one.holidays, versions)


def _version(one: _Version) -> Version:
    by_day = {
        day: _slots(said)
        for name, said in one.hours.items()
        if name != "holiday"
        for day in _days(name)
    }
    holiday = one.hours.get("holiday")
    return Version(
        one.first,
        one.until,
        tuple(by_day[day] for day in DAYS),
        None if holiday is None else _slots(holiday),
        one.per_day,
        one.kind,
        one.source,
        one.url,
    )


SHIPPED_CALENDARS = frozenset(
    {"FR", "US-AL", "US-LA", "US-MS", "US-PA", "US-RI", "US-UT"}
)
"""Those of the shipped rules: to ask the library would import every country there is."""


@cache
def _is_calendar(name: str) -> bool:
    if name in SHIPPED_CALENDARS:
        return True
    import holidays

    country, _, part = name.partition("-")
    if len(country) != 2:
        return False
    try:
        holidays.country_holidays(country, subdiv=part or None)
    except NotImplementedError:
        return False
    return True
