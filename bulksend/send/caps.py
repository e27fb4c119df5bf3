"""How often a person may be texted in a while, over all campaigns of a journal.

The journal is asked once, when a run begins, for the people who are at a cap; a run
itself has a person once.  Some caps hold only where a law asks for them.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from array import array
    from collections.abc import Sequence

    from bulksend.send.message import Message


@dataclass(frozen=True, slots=True)
class Cap:
    """One cap, and the people who are at it.

    Args:
        people: Sorted keys (`records.person_key`).

        places: The places where it holds (`Message.place`); None is everywhere.
    """

    people: array[int] = field(repr=False)
    places: frozenset[int] | None = None

    def holds(self, message: Message) -> bool:
        if self.places is not None and message.place not in self.places:
            return False
        first, _, others = message.people()
        return any(map(self._has, (first, *map(int, others.split()))))

    def _has(self, person: int) -> bool:
        place = bisect_left(self.people, person)
        return place < len(self.people) and self.people[place] == person


def is_over(message: Message, caps: Sequence[Cap]) -> bool:
    """Whether another message would be one too many for somebody it is for."""
    return any(cap.holds(message) for cap in caps)
