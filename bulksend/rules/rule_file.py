"""A file of rules as it is written: its shape, and what is wrong with it.

Nothing in it is taken on trust: every weekday must be there once, versions of a rule must
follow each other without a gap or an overlap, and a rule that closes on holidays must name
a calendar that is known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

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

_Place: TypeAlias = "tuple[str | int, ...]"
"""Of a thing in a file, such as ``('rules', 3, 'holidays')``."""


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


def _read_yaml(text: str) -> tuple[Any, yaml.Node | None]:
    """Values and nodes.  How deep they are is asked first: libyaml has only its stack."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            line = getattr(event.start_mark, "line", 0) + 1
            raise _Wrong("it is nested too deeply", line)
    loader = _Loader(text)  # it makes texts only
    node = loader.get_single_node()
    return None if node is None else loader.construct_document(node), node


@dataclass(frozen=True, slots=True)
class Written:
    """A file of rules, and where in it each thing stands."""

    file: Path
    rules: RuleFile
    root: yaml.Node | None

    def problem(self, place: _Place, found: str) -> Problem:
        """E122 at a place of the file, such as ``rules[3].id``."""
        return _problem(self.file, self.root, place, found)


def read(file: Path, problems: list[Problem]) -> Written | None:
    """A file of the right shape and without faults; else all of these are in *problems*.

    Codes: E121, where it cannot be read; E122 for what is wrong in it.
    """
    root: yaml.Node | None = None
    try:
        tree, root = _read_yaml(file.read_text("utf-8"))
        shape = RuleFile.model_validate(tree)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None)
        found = why.lower() if why else "it is not UTF-8"
        problems.append(Problem("E121", found, file=str(file)))
    except _Wrong as error:
        found, line = error.args
        problems.append(Problem("E122", found, file=str(file), line=line))
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        problems.append(Problem("E121", "it is not YAML", file=str(file), line=line))
    except ValidationError as error:
        every = error.errors(include_url=False)
        problems += [_misshapen(file, root, one) for one in every]
    else:
        wrong = [_problem(file, root, *fault) for fault in _faults_of(shape)]
        problems += wrong
        return None if wrong else Written(file, shape, root)
    return None


def _misshapen(file: Path, root: yaml.Node | None, error: Any) -> Problem:
    place = tuple(step for step in error["loc"] if step not in {"str", "list[str]"})
    name = next((s for s in reversed(place) if isinstance(s, str)), "")
    said = error["input"]
    wrong = f'"{said[:QUOTED]}"' if isinstance(said, str) else "a wrong value"
    found = {"missing": "missing", "extra_forbidden": "no such key"}.get(
        error["type"], wrong
    )
    expected = "" if error["type"] == "extra_forbidden" else _EXPECTED.get(name, "")
    return _problem(file, root, place, found, expected)


def _problem(
    file: Path, root: yaml.Node | None, place: _Place, found: str, expected: str = ""
) -> Problem:
    steps = (f"[{s}]" if isinstance(s, int) else f".{s}" for s in place)
    column, line = "".join(steps).removeprefix("."), _line_of(root, place)
    return Problem("E122", found, expected, file=str(file), line=line, column=column)


def _line_of(root: yaml.Node | None, place: _Place) -> int | None:
    """Of a key or an entry, or of the nearest thing around it that is there."""
    node, mark = root, None if root is None else root.start_mark
    for step in place:
        if isinstance(node, yaml.MappingNode):
            found = (pair for pair in node.value if pair[0].value == step)
            key, node = next(found, (None, None))
            mark = mark if key is None else key.start_mark
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            mark = node.start_mark
    return None if mark is None else mark.line + 1


def _faults_of(shape: RuleFile) -> Iterator[tuple[_Place, str, str]]:
    """Each with where it is, what is there and what is expected."""
    for at, rule in enumerate(shape.rules):
        here = ("rules", at)
        for named in rule.holidays:
            if found := _no_holiday(named):
                yield (*here, "holidays"), found, _EXPECTED["holidays"]
        for number, one in enumerate(rule.jurisdictions):
            if found := unknown(one):
                expected = _EXPECTED["jurisdictions"]
                yield (*here, "jurisdictions", number), found, expected
        for number, version in enumerate(rule.versions):
            there = (*here, "versions", number, "hours")
            for found in faults(version.hours):
                yield there, found, _EXPECTED["hours"]
            if HOLIDAY in version.hours and not rule.holidays:
                found = "hours for holidays, and no calendar of them"
                yield there, found, _EXPECTED["holidays"]
        for found in _breaks(rule.versions):
            yield (*here, "versions"), found, ""


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
