"""Where each person may be: what number, postcode and zone column claim, as one word.

A list has few different places, however long it is.  So what a row says is packed into
one integer, and the word, and whether it may be texted there at all, is worked out once
for each integer.

    number     in North America the state and all zones of its area code (`areas`);
               elsewhere, and where it belongs to no place, its country
    postcode   a ZIP's states and zones, the zones of a Canadian one; read for numbers of
               the North American plan
    zone       an IANA name of a place, no mere offset

Of other countries' numbers the prefix is not asked.  Most of their mobiles have none that
means a place; of those that do, libphonenumber's zones are not to be built on (all of
Recife is on Fernando de Noronha's clock there, and half of Indonesia is nowhere).

A number that only tells its country says nothing about the place where another source
does; where none does, all zones of the country may be it.

Whoever may be in a state that nobody names is held to the rules of all of them (`US-*`):
somebody with a number of no state, unless a ZIP tells it; somebody whose zone is none of
those of the states that number and ZIP name, so who has moved, unless the zone's name tells
where to (Detroit's is Michigan's); and the armed forces' post, which is anywhere.
"""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl
from phonenumbers import country_code_for_region
from phonenumbers.timezone import UNKNOWN_TIMEZONE
from phonenumbers.tzdata import TIMEZONE_DATA

from bulksend.prepare import areas, postcodes, zone_lands, zone_names
from bulksend.prepare.phones.findings import ENUMS
from bulksend.prepare.phones.states import STATES
from bulksend.prepare.reasons import code_of
from bulksend.prepare.zone_lands import clock
from bulksend.prepare.zone_names import ZoneNames
from bulksend.rules.jurisdictions import any_part
from bulksend.rules.place import Claim, Place, word_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bulksend.prepare.areas import Area
    from bulksend.rules.hours import Hours

PLACED: Final = pl.Struct({"place": pl.Categorical, "fault": pl.UInt8})
"""A place's word, and the reason why nobody there gets a message (`reasons.code`)."""

_NO_COUNTRY = "001"
_OWN_FIVE_DIGITS = {"DO"}
"""Of the North American plan's countries those whose own postcodes look like ZIPs."""

_BITS = {"area": 10, "region": 9, "postcode": 12, "zone": 12}


class Said(NamedTuple):
    """What the sources say of one place, before it is put together."""

    area: Area
    region: str
    postcode: int
    zone: str | None


class Sources(NamedTuple):
    """Where a row's claims stand: E.164, its region, and two columns' cells."""

    number: pl.Expr
    region: pl.Expr
    postcode: pl.Expr | None = None
    zone: pl.Expr | None = None


def placed(hours: Hours, sources: Sources) -> pl.Expr:
    """The place of each row, and what stands against it: `PLACED`."""
    given = {name: one for name, one in sources._asdict().items() if one is not None}
    row: pl.Expr = pl.struct(**given)
    return row.map_batches(_Placing(hours), return_dtype=PLACED, is_elementwise=True)


def placed_together(hours: Hours, members: Sequence[pl.Expr]) -> pl.Expr:
    """The place of a group, which is right where it is right for every member."""
    words = pl.concat_list(one.struct.field("place").cast(pl.String) for one in members)
    together = words.list.drop_nulls().list.unique(maintain_order=True).list.join("; ")
    faults = pl.coalesce(one.struct.field("fault") for one in members)

    @cache
    def fault(word: str) -> int | None:
        is_open = not word or hours.ever_opens(Place.parse(word))
        return None if is_open else code_of("never_open")

    closed = together.map_elements(fault, return_dtype=pl.UInt8)
    place = together.cast(pl.Categorical)
    return pl.struct(place=place, fault=pl.coalesce(faults, closed))


class _Placing:
    """Batches of rows to their places; remembers what it has worked out.

    Polars calls it from several threads.
    """

    def __init__(self, hours: Hours) -> None:
        self._hours = hours
        self._zones = ZoneNames()
        self._lock = Lock()
        self._table = pl.DataFrame(schema={"key": pl.UInt64, **dict(PLACED)})

    def __call__(self, rows: pl.Series) -> pl.Series:
        keys = self._keys(rows).to_frame("key")
        found = self._look_up(keys)
        unknown = keys.filter(found["is_known"].is_null())
        if len(unknown):
            with self._lock:
                self._learn(unknown["key"].unique())
            found = self._look_up(keys)
        return found.select(pl.struct("place", "fault")).to_series()

    def _look_up(self, keys: pl.DataFrame) -> pl.DataFrame:
        table = self._table.with_columns(is_known=pl.lit(value=True))
        return keys.join(table, on="key", how="left", maintain_order="left")

    def _learn(self, keys: pl.Series) -> None:
        new = keys.filter(~keys.is_in(self._table["key"].implode())).to_list()
        worked_out = [(key, *self._work_out(key)) for key in new]
        rows = pl.DataFrame(worked_out, schema=self._table.schema, orient="row")
        self._table = pl.concat([self._table, rows])

    def _keys(self, rows: pl.Series) -> pl.Series:
        """Zero where there is no number: such a row has a reason already."""
        given, field = rows.struct.fields, rows.struct.field
        number = field("number")
        key = number.is_not_null().cast(pl.UInt64)
        parts: dict[str, pl.Series | int] = {
            "area": areas.areas_of(number).cast(pl.UInt64),
            "region": field("region").to_physical().cast(pl.UInt64),
            "postcode": postcodes.EMPTY,
            "zone": zone_names.EMPTY,
        }
        if "postcode" in given:
            parts["postcode"] = postcodes.places_of(field("postcode")).cast(pl.UInt64)
        if "zone" in given:
            parts["zone"] = self._zones.numbers_of(field("zone")).cast(pl.UInt64)
        for name, part in parts.items():
            key = key * (1 << _BITS[name]) + part
        return pl.select(
            pl.when(number.is_not_null()).then(key).otherwise(0)
        ).to_series()

    def _work_out(self, key: int) -> tuple[str | None, int | None]:
        if not key:
            return None, None
        parts = {}
        for name, bits in reversed(_BITS.items()):
            key, parts[name] = key >> bits, key & ((1 << bits) - 1)
        said = Said(
            area=areas.area(parts["area"]),
            region=ENUMS["region"].categories[parts["region"]],
            postcode=parts["postcode"],
            zone=self._zones.name(parts["zone"]),
        )
        claims, fault = claims_and_fault(said)
        word = word_of(claims)
        place = Place.parse(word)
        if fault is None and not self._hours.ever_opens(place):
            fault = "never_open"
        return word, None if fault is None else code_of(fault)


def claims_and_fault(said: Said) -> tuple[list[Claim], str | None]:
    """What is claimed, and the reason to send nothing that lies in the claims."""
    lives: list[Claim] = []
    fault = None
    if _is_zip_wrong(said):
        fault = "postcode_unknown"
    elif said.postcode in postcodes.places() and _is_north_american(said.region):
        lives += _postcode_claims(said.postcode)
        if not lives[-1].zones and not said.zone:
            fault = "never_open"  # the armed forces' post: nobody knows where
    number = _number_claim(said, lives)
    is_there: list[Claim] = []
    if said.zone is None:
        fault = fault or "zone_unknown"
    elif said.zone:
        is_there += _zone_claims(said.zone, [number, *lives])
    if fault is None and _contradict(lives, is_there):
        fault = "place_contradicts"
    others = [*lives, *is_there]
    if not number.zones and not others:
        zones = zone_lands.zones_in(number.jurisdiction[:2]) or _other_zones(
            said.region
        )
        number = number._replace(zones=zones)
    return [number, *others], fault


def _number_claim(said: Said, others: Sequence[Claim]) -> Claim:
    region = "" if said.region == _NO_COUNTRY else said.region
    if region == "US" and said.area.state:
        region = f"US-{said.area.state}"
    elif region == "US" and not any(map(_names_a_state, others)):
        region = any_part("US")
    return Claim("number", region, said.area.zones)


def _zone_claims(zone: str, others: Sequence[Claim]) -> Iterator[Claim]:
    """One for each country that the zone is in; of several those that others name.

    Of the United States it is one for each state, where the zone tells them.
    """
    countries = zone_lands.countries_of(zone)
    named = countries & {one.jurisdiction[:2] for one in others}
    clocks = {clock(one) for it in others if _names_a_state(it) for one in it.zones}
    states = zone_lands.states_of(zone)
    for country in sorted(named or countries):
        if country == "US" and states:
            yield from (Claim("zone", f"US-{state}", (zone,)) for state in states)
        else:
            has_moved = country == "US" and clock(zone) not in clocks
            yield Claim("zone", any_part(country) if has_moved else country, (zone,))


def _names_a_state(claim: Claim) -> bool:
    return claim.jurisdiction[3:] in STATES[1:]


def _other_zones(region: str) -> tuple[str, ...]:
    """Of what libphonenumber has as a region, and ISO 3166 not: Ascension, Kosovo."""
    code = str(country_code_for_region(region))
    zones = TIMEZONE_DATA.get(code) or TIMEZONE_DATA.get(code[:2]) or ()
    return tuple(zone for zone in zones if zone != UNKNOWN_TIMEZONE)


def _postcode_claims(postcode: int) -> Iterator[Claim]:
    """One for each state: a few ZIPs lie in two."""
    jurisdictions, zones = postcodes.places()[postcode]
    return (Claim("postcode", where, zones) for where in jurisdictions)


def _contradict(lives: Iterable[Claim], is_there: Iterable[Claim]) -> bool:
    """Whether postcode and zone column, which both speak of today, cannot both be true."""
    one, other = (
        {clock(zone) for claim in claims for zone in claim.zones}
        for claims in (lives, is_there)
    )
    return bool(one and other) and not one & other


def _is_zip_wrong(said: Said) -> bool:
    """Five digits that nobody has; where all that is written is read, whatever is not."""
    if said.region in {"US", "CA", *postcodes.TERRITORIES}:
        return said.postcode in {postcodes.NOT_ONE, postcodes.FOREIGN}
    is_own = said.region in _OWN_FIVE_DIGITS or not _is_north_american(said.region)
    return said.postcode == postcodes.NOT_ONE and not is_own


def _is_north_american(region: str) -> bool:
    return country_code_for_region(region) == 1
