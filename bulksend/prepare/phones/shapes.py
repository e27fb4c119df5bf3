r"""Regular expressions over digits, as the digit strings that they match.

The patterns in libphonenumber's metadata are regular, bounded in length, and made of very
little: digits, ``\d``, ``[2-9]``, groups, alternatives, ``?``, ``{3}`` and ``{3,5}``.  So
each of them is a finite list of *shapes*: at each place the digits that may stand there.
``2(?:0|1[3-5])\d?`` is ``2·0·any``, ``2·0``, ``2·1·345·any`` and ``2·1·345``.

The order of the list is the order in which a backtracking engine tries the ways to match
(earlier alternatives first, longer repeats first).  So the first shape that fits the
beginning of a number is the one that ``re.match`` finds, which is what the rules for
national prefixes depend on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

ANY = "0123456789"
_COUNT = re.compile(r"\{(\d+)(?:,(\d+))?\}")


@dataclass(frozen=True, slots=True)
class Shape:
    """One way to match.

    Args:
        digits: The digits allowed at each place, in ascending order.

        groups: ``(group, start, end)`` of each group that took part.

        ends: Whether a ``$`` demands that nothing follows.
    """

    digits: tuple[str, ...] = ()
    groups: tuple[tuple[int, int, int], ...] = ()
    ends: bool = False

    def __add__(self, other: Shape) -> Shape:
        at = len(self.digits)
        moved = tuple((g, start + at, end + at) for g, start, end in other.groups)
        return Shape(
            self.digits + other.digits, self.groups + moved, self.ends or other.ends
        )

    def captured(self, group: int) -> tuple[int, int] | None:
        """Where *group* starts and ends, or None when it took no part."""
        return next(((start, end) for g, start, end in self.groups if g == group), None)


@cache
def shapes(pattern: str) -> tuple[Shape, ...]:
    """Every way to match *pattern*, in the order of a backtracking engine.

    Raises:
        ValueError: The pattern holds something that is not in the module's docstring.
    """
    reader = _Reader(pattern)
    found = reader.alternatives()
    if reader.rest:
        raise ValueError(f"cannot read {reader.rest!r} in {pattern!r}")
    return tuple(found)


def intervals(digits: tuple[str, ...]) -> list[tuple[int, int]]:
    """The numbers with these digits as sorted, disjoint, closed intervals."""
    found, width = [(0, 0)], 1
    for allowed in reversed(digits):
        if found == [(0, width - 1)]:
            runs = _runs(allowed)
            found = [(a * width, (b + 1) * width - 1) for a, b in runs]
        else:
            tops = [int(digit) * width for digit in allowed]
            found = [(top + low, top + high) for top in tops for low, high in found]
        width *= 10
    return found


@cache
def _runs(allowed: str) -> tuple[tuple[int, int], ...]:
    """``"013"`` is 0 to 1 and 3 to 3."""
    runs: list[tuple[int, int]] = []
    for digit in map(int, allowed):
        if runs and runs[-1][1] == digit - 1:
            runs[-1] = (runs[-1][0], digit)
        else:
            runs.append((digit, digit))
    return tuple(runs)


class _Reader:
    """Recursive descent over one pattern; each method returns a list of shapes."""

    def __init__(self, pattern: str) -> None:
        self.rest = pattern
        self.groups = 0

    def alternatives(self) -> list[Shape]:
        found = self.sequence()
        while self.takes("|"):
            found += self.sequence()
        return found

    def sequence(self) -> list[Shape]:
        found = [Shape()]
        while self.rest and self.rest[0] not in "|)":
            tails = self.repeated()
            found = [head + tail for head in found for tail in tails]
        return found

    def repeated(self) -> list[Shape]:
        unit = self.atom()
        if self.takes("?"):
            return [*unit, Shape()]
        count = _COUNT.match(self.rest)
        if count is None:
            return unit

        self.rest = self.rest[count.end() :]
        return _times(unit, int(count[1]), int(count[2] or count[1]))

    def atom(self) -> list[Shape]:
        if self.takes("(?:"):
            return self.closed(self.alternatives())
        if self.takes("("):
            self.groups += 1
            group = self.groups
            inner = self.closed(self.alternatives())
            return [
                Shape(s.digits, (*s.groups, (group, 0, len(s.digits))), s.ends)
                for s in inner
            ]
        if self.takes("$"):
            return [Shape(ends=True)]
        if self.takes("\\d"):
            return [Shape((ANY,))]
        if self.takes("["):
            inside, _, self.rest = self.rest.partition("]")
            return [Shape((_members(inside),))]
        if self.rest and self.rest[0] in ANY:
            digit, self.rest = self.rest[0], self.rest[1:]
            return [Shape((digit,))]
        raise ValueError(f"cannot read {self.rest!r}")

    def closed(self, inner: list[Shape]) -> list[Shape]:
        if not self.takes(")"):
            raise ValueError(f"no closing bracket before {self.rest!r}")
        return inner

    def takes(self, token: str) -> bool:
        found = self.rest.startswith(token)
        self.rest = self.rest[len(token) :] if found else self.rest
        return found


def _times(unit: list[Shape], least: int, most: int) -> list[Shape]:
    """*unit* as often as it goes, then once less: the order of a greedy repeat."""
    if most == 0:
        return [Shape()]
    tails = _times(unit, max(least - 1, 0), most - 1)
    found = [head + tail for head in unit for tail in tails]
    return found if least else [*found, Shape()]


def _members(inside: str) -> str:
    r"""The digits of a class: ``02-46`` is 02346; ``\d`` is every digit."""
    ranges = re.sub(
        r"(\d)-(\d)", lambda m: ANY[int(m[1]) : int(m[2]) + 1], inside
    ).replace("\\d", ANY)
    if not ranges or not set(ranges) <= set(ANY):
        raise ValueError(f"cannot read the class {inside!r}")
    return "".join(sorted(set(ranges)))
