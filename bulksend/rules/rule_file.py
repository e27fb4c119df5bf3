"""A file of rules as it is written: its shape, and what is wrong with it.

Nothing in it is taken on trust: every weekday must be there once, versions of a rule must
follow each other without a gap or an overlap, and a rule that closes on holidays must name
a calendar that is known.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from bulksend.errors import Problem
from bulksend.rules.closed_days import DAY, day_of
from bulksend.rules.jurisdictions import unknown
from bulksend.rules.week import HOLIDAY, faults

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

QUOTED = 40
"""So many characters of a wrong value are shown."""

Kind = Literal["primary", "secondary", "caution"]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
_Jurisdiction = Annotated[
    str, StringConstraints(pattern=r"^(\*|[A-Z]{2}(-[A-Z0-9]{1,3})?)$")
]


def _calendar_or_day(said: str) -> str:
    if DAY.fullmatch(said) or re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]+)?", said):
        return said
    raise ValueError


def _listed(said: object) -> object:
    return [said] if isinstance(said, str) else said


_Holidays = Annotated[str, AfterValidator(_calendar_or_day)]


_Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2999, 12, 31))]
"""A clock's offset in the year 1 or 9999 cannot be worked out."""


class VersionSaid(_Shape):
    first: _Day = Field(alias="from")
    until: _Day | None = None
    hours: dict[str, str | list[str]]
    per_day: Annotated[int, Field(gt=0, le=1_000_000)] | None = None
    kind: Kind
    source: _Text
    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]


class RuleSaid(_Shape):
    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    name: _Text
    jurisdictions: Annotated[list[_Jurisdiction], Field(min_length=1)]
    holidays: Annotated[list[_Holidays], BeforeValidator(_listed)] = []
    versions: Annotated[list[VersionSaid], Field(min_length=1)]


class RuleFile(_Shape):
    checked: _Day
    rules: Annotated[list[RuleSaid], Field(min_length=1)]


_EXPECTED = {
    "": "the keys `checked` and `rules`",
    "checked": "the day it was checked, such as 2026-11-26",
    "rules": "a list of rules",
    "id": "a name of a-z 0-9 -",
    "name": "a text",
    "jurisdictions": "a list of ISO 3166 codes such as US or US-FL, or *",
    "holidays": "calendars such as US-AL or FR, and days such as 05-04, 2026-11-03, tue 11-02 or easter-2",
    "versions": "a list of versions, each with `from` and `hours`",
    "from": "a day of 1900 to 2999, such as 2026-11-26",
    "until": "a day of 1900 to 2999, such as 2026-11-26; without it a version holds for good",
    "hours": 'hours for every day, such as mon-sat: "08:00-20:00", sun: closed',
    "per_day": "a whole number above 0, up to 1,000,000",
    "kind": "primary, secondary or caution",
    "source": "where the rule stands",
    "url": "an http(s) address",
}


_BASE = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # ten times as fast as Python's


class _Loader(_BASE):  # type: ignore[misc, valid-type]
    """Of a key that is there twice YAML would take the last one, and say nothing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _Wrong("a key that is no word", key.start_mark.line + 1)
            if key.value in seen:
                raise _Wrong(f"`{key.value}` is there twice", key.start_mark.line + 1)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class _Wrong(Exception):  # noqa: N818
    """What is wrong, and on which line it stands."""


_DEEPEST = 20


def _tree_of(text: str) -> Any:
    """The file's values.  How deep they are is asked first: libyaml has only its stack."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            line = getattr(event.start_mark, "line", 0) + 1
            raise _Wrong("it is nested too deeply", line)
    return yaml.load(text, Loader=_Loader)  # noqa: S506  (it makes texts only)


def read(file: Path, problems: list[Problem]) -> RuleFile | None:
    """A file of the right shape and without faults; else all of these are in *problems*.

    Codes: E121, where it cannot be read; E122 for what is wrong in it.
    """
    try:
        text = file.read_text("utf-8")
        shape = RuleFile.model_validate(_tree_of(text))
    except (OSError, UnicodeDecodeError) as error:
        found = (getattr(error, "strerror", None) or "it is not UTF-8").lower()
        problems.append(Problem("E121", found, file=str(file)))
    except _Wrong as error:
        found, line = error.args
        problems.append(Problem("E122", found, file=str(file), line=line))
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        problems.append(Problem("E121", "it is not YAML", file=str(file), line=line))
    except ValidationError as error:
        problems += [_misshapen(file, one) for one in error.errors(include_url=False)]
    else:
        wrong = list(_faults_of(file, shape))
        problems += wrong
        return None if wrong else shape
    return None


def _misshapen(file: Path, error: Any) -> Problem:
    place = tuple(step for step in error["loc"] if step not in {"str", "list[str]"})
    name = next((s for s in reversed(place) if isinstance(s, str)), "")
    said = error["input"]
    wrong = f'"{said[:QUOTED]}"' if isinstance(said, str) else "a wrong value"
    found = {"missing": "missing", "extra_forbidden": "no such key"}.get(
        error["type"], wrong
    )
    expected = "" if error["type"] == "extra_forbidden" else _EXPECTED.get(name, "")
    return problem(file, place, found, expected)


def problem(
    file: Path, place: tuple[str | int, ...], found: str, expected: str = ""
) -> Problem:
    """E122 at a place of the file, such as ``rules[3].holidays``."""
    steps = (f"[{s}]" if isinstance(s, int) else f".{s}" for s in place)
    column = "".join(steps).removeprefix(".")
    return Problem("E122", found, expected, file=str(file), column=column)


def _faults_of(file: Path, shape: RuleFile) -> Iterator[Problem]:
    for at, rule in enumerate(shape.rules):
        here = ("rules", at)
        for named in rule.holidays:
            if found := _no_holiday(named):
                yield problem(file, (*here, "holidays"), found, _EXPECTED["holidays"])
        for number, one in enumerate(rule.jurisdictions):
            if found := unknown(one):
                expected = _EXPECTED["jurisdictions"]
                yield problem(file, (*here, "jurisdictions", number), found, expected)
        for number, version in enumerate(rule.versions):
            there = (*here, "versions", number, "hours")
            for found in faults(version.hours):
                yield problem(file, there, found, _EXPECTED["hours"])
            if HOLIDAY in version.hours and not rule.holidays:
                found = "hours for holidays, and no calendar of them"
                yield problem(file, there, found, _EXPECTED["holidays"])
        for found in _breaks(rule.versions):
            yield problem(file, (*here, "versions"), found)


def _breaks(versions: Sequence[VersionSaid]) -> Iterator[str]:
    """Where versions leave a day out, or have it twice."""
    for version in versions:
        if version.until is not None and version.until <= version.first:
            yield f"a version ends on {version.until}, and begins on {version.first}"
    for before, after in pairwise(versions):
        if before.until is None or before.until > after.first:
            yield f"versions overlap: one begins on {after.first}, before the other ends"
        elif before.until < after.first:
            yield f"a gap between versions, from {before.until} to {after.first}"


def _no_holiday(named: str) -> str:
    if said := DAY.fullmatch(named):
        year = int(said["year"] or _LEAP_YEAR)
        return "" if year and day_of(named, year) else f"there is no day {named}"
    return "" if _is_calendar(named) else f"no calendar of holidays is called {named}"


_LEAP_YEAR = 2028
SHIPPED_CALENDARS = frozenset(
    {"FR", "FR-57", "US", "US-AL", "US-LA", "US-MS", "US-PA", "US-RI", "US-UT"}
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
