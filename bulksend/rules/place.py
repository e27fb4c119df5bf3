"""Where a person may be, and who says so.

A place is one word, so that a plan holds it in a column and what follows from it is
worked out once for each: ``number US-FL America/New_York; postcode US-GA
America/New_York``.  Every claim of it may be true, so a message must be right for all.
"""

from __future__ import annotations

from typing import NamedTuple


class Claim(NamedTuple):
    """What one source says.

    Args:
        source: ``number``, ``postcode`` or ``zone``.

        jurisdiction: ISO 3166-1 or, where the state is known, 3166-2: ``US-FL``.  Empty
            where the source names no country.

        zones: IANA names; none where the source does not tell.
    """

    source: str
    jurisdiction: str
    zones: tuple[str, ...]

    @property
    def word(self) -> str:
        return " ".join((self.source, self.jurisdiction or NOWHERE, *self.zones))


NOWHERE = "-"


class Place(NamedTuple):
    """What of a place decides the hours: all that anybody claims."""

    jurisdictions: tuple[str, ...]
    zones: tuple[str, ...]

    @classmethod
    def parse(cls, word: str) -> Place:
        claims = claims_of(word)
        named = {one.jurisdiction for one in claims if one.jurisdiction}
        zones = {zone for one in claims for zone in one.zones}
        return cls(tuple(sorted(named)), tuple(sorted(zones)))


def claims_of(word: str) -> list[Claim]:
    """The claims that a place's word is made of."""
    found = []
    for said in word.split("; "):
        source, jurisdiction, *zones = said.split(" ")
        found.append(
            Claim(
                source,
                jurisdiction.replace(NOWHERE, "", jurisdiction == NOWHERE),
                tuple(zones),
            )
        )
    return found


def word_of(claims: list[Claim]) -> str:
    return "; ".join(claim.word for claim in claims)
