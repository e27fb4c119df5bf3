"""A campaign file as it was written: its values, where each stands, what is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from bulksend.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Place = tuple[str | int, ...]
"""``("recipients", "suppress", 1)``: a place in the tree."""


Folds = tuple[tuple[int, int], ...]
"""(offset in a text, line of the file that begins there), ascending from offset 0."""


@dataclass(slots=True)
class Document:
    """What a campaign file says, and where it says it."""

    file: str
    tree: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    folds: dict[str, Folds] = field(default_factory=dict)
    """For texts whose lines are not the file's: see `Folds`."""

    problems: list[Problem] = field(default_factory=list)

    sources: dict[Place, str] = field(default_factory=dict)
    """Texts that hold a variable, as they stand in the file."""

    secrets: set[Place] = field(default_factory=set)
    """Those of them whose value must not be shown."""

    spoiled: set[Place] = field(default_factory=set)
    """Where a problem is known, so that what follows from it is not reported too."""

    def line_of(self, path: Place) -> int:
        """The line of a key, or of the nearest key above it that is there."""
        return nearest_line(self.lines, spelled(path))

    def report(
        self, path: Place, code: str, *, found: str, expected: str = "", fix: str = ""
    ) -> None:
        self.problems.append(
            Problem(
                code,
                found,
                expected,
                fix,
                file=self.file,
                line=self.line_of(path),
                column=clipped(masked(spelled(path)), 60),
            )
        )


def nearest_line(lines: Mapping[str, int], key: str) -> int:
    """The line of *key*, or of the nearest key above it; 1 for the file itself."""
    while key and key not in lines:
        key = key[: max(key.rfind("."), key.rfind("["), 0)]
    return lines.get(key, 1)


def spelled(path: Place) -> str:
    """``recipients.suppress[1]``: the path as people write it."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


def suggestion(name: str, names: Iterable[str]) -> str:
    """``Did you mean `group`?``, or nothing when no name is near."""
    near = get_close_matches(name, list(names), n=1)
    return f"Did you mean `{near[0]}`?" if near else ""


def masked(text: str) -> str:
    """*text* without the middle of what could be a person's number."""
    return _NUMBER.sub(_mask, text)


def clipped(text: str, most: int = 40) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


# A day is left readable; seven digits and more could be a number.
_NUMBER = re.compile(r"(?P<day>20\d\d-[01]\d-[0-3]\d)|\+?\d(?:[ ().-]*\d){6,}")


def _mask(match: re.Match[str]) -> str:
    if match["day"]:
        return match[0]
    digits = re.sub(r"\D", "", match[0])
    return f"{'+' if match[0][0] == '+' else ''}{digits[:4]}…{digits[-2:]}"
