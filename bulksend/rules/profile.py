"""Which rules hold for a place: the profile decides, the place says what it can be.

us-marketing    the rules of every country and state the person may be in
us-strict       for people in the United States, the rules of all its states
transactional   none but the campaign's own; it must say why, and the plan keeps what it says
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bulksend.rules.jurisdictions import ANYWHERE, any_part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bulksend.rules.pack import Rule, RulePack

Profile = Literal["us-marketing", "us-strict", "transactional"]


def rules_for(
    pack: RulePack, profile: Profile, jurisdictions: Iterable[str]
) -> tuple[Rule, ...]:
    """The rules that a message to somebody in these jurisdictions must keep, all of them.

    A state brings its country's rules with it.  A country whose states have rules brings
    those of all of them where none is named, and ``US-*`` whatever else is named.
    """
    named = set(_widened(pack, profile, set(jurisdictions) or {ANYWHERE}))
    rules = pack.own_rules if profile == "transactional" else pack.rules
    return tuple(rule for rule in rules if named & set(rule.jurisdictions))


def _widened(pack: RulePack, profile: Profile, named: set[str]) -> Iterator[str]:
    known = {one for rule in pack.rules for one in rule.jurisdictions}
    federal = {
        one
        for rule in pack.rules
        if "US" in rule.jurisdictions
        for one in rule.jurisdictions
    }
    for one in named:
        country = one[:2]
        states = {other for other in known if other.startswith(f"{country}-")}
        is_vague = one == any_part(country) or (
            one == country and not any(other.startswith(f"{one}-") for other in named)
        )
        strict = profile == "us-strict" and country in federal
        yield one
        yield country
        if strict:
            yield from (other for other in known if other.startswith("US"))
        elif is_vague:
            yield from states
        if not any(other[:2] == country for other in pack.settled):
            yield ANYWHERE
