"""A year, a million people, every state and twenty countries: nobody at a wrong hour.

What decides (`prepare.places`, `rules`, `send.agenda`, `send.timed`, `send.message`) runs
as it is, in virtual time.  What judges it is below, and knows none of it: its own table
of hours, its own holidays, Polars' time zones, and JSON bodies as Bandwidth would read
them.
"""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import orjson
import phonenumbers
import polars as pl
import pytest
import zipcodes

from bulksend.prepare.phones import time_zones
from bulksend.prepare.phones.findings import ENUMS
from bulksend.prepare.phones.states import STATES, _table
from bulksend.prepare.places import Sources, placed
from bulksend.rules.hours import Hours
from bulksend.rules.pack import shipped_rules
from bulksend.send.message import Envelope
from bulksend.send.timed import Manner, TimedSource
from tests.virtual_time import VirtualClocks, VirtualLoop

COUNTRIES = [
    "AR",
    "AU",
    "BR",
    "CA",
    "DE",
    "ES",
    "FR",
    "GB",
    "ID",
    "IN",
    "IT",
    "JP",
    "KZ",
    "MX",
    "NG",
    "NZ",
    "PL",
    "RU",
    "TR",
    "ZA",
]  # some have one zone, some eleven, some half hours, some no summer time
RUNS, PEOPLE, RATE, AT_ONCE = 40, 25_000, 1.0, 25

CHANGES = (
    "2026-03-07", "2026-03-08", "2026-03-28", "2026-03-29", "2026-04-04", "2026-10-03",
    "2026-10-24", "2026-10-25", "2026-10-31", "2026-11-01", "2026-07-03", "2026-11-25",
    "2026-12-24", "2026-12-31", "2026-02-28", "2026-04-05",
)  # fmt: skip


def starts() -> list[datetime]:
    """Days on which clocks change and shops are closed; the rest spread over the year."""
    rng = random.Random(11)
    days = [date.fromisoformat(day) for day in CHANGES]
    days += [date(2026, 1, 1) + timedelta(days=15 * n) for n in range(RUNS - len(days))]
    return [
        datetime(day.year, day.month, day.day, rng.randrange(24), 7, tzinfo=UTC)
        for day in days
    ]


def people(seed: int) -> pl.DataFrame:
    """Numbers of every area code and twenty countries; half of the Americans tell a ZIP."""
    rng = random.Random(seed)
    areas = [area for area, state in enumerate(_table()["state"]) if STATES[state]]
    zips = [one["zip_code"] for one in zipcodes.list_all() if one["timezone"]]  # type: ignore[no-untyped-call]
    abroad = [
        (
            int(
                phonenumbers.format_number(one, phonenumbers.PhoneNumberFormat.E164)[1:]
            ),
            region,
        )
        for region in COUNTRIES
        if (one := phonenumbers.example_number_for_type(region, 1)) is not None
    ]
    found: list[tuple[int, str, str | None]] = []
    for _ in range(PEOPLE):
        if rng.random() < 0.3:
            found.append((*rng.choice(abroad), None))
        else:
            number = (
                10_000_000_000
                + rng.choice(areas) * 10_000_000
                + rng.randrange(2_000_000, 9_999_999)
            )
            near = rng.random() < 0.5
            found.append((number, "US", rng.choice(zips) if near else None))
    schema: dict[str, Any] = {
        "number": pl.Int64,
        "region": ENUMS["region"],
        "zip": pl.String,
    }
    frame = pl.DataFrame(found, schema=schema, orient="row")
    return frame.with_columns(
        time_zones(pl.col("number")).alias("zones")
    ).with_row_index("row")


class Post(NamedTuple):
    row: int
    at: int
    expires: int


Sent = tuple[list[Post], list[int]]


async def send(listed: pl.DataFrame, clocks: VirtualClocks, hours: Hours) -> Sent:
    """As intake and engine go about it: read on, look again, post, put the late back."""
    messages = listed.select(
        pl.col("row").cast(pl.Int64),
        pl.lit("+15550000000").alias("to"),
        *(pl.lit("x").alias(name) for name in ("from", "text", "media", "tag")),
        pl.lit(1).alias("weight"),
        pl.lit("").alias("once_key"),
        "place",
    )

    async def read(rows: pl.Series) -> pl.DataFrame:
        return messages.filter(pl.col("row").is_in(rows.implode()))

    source = TimedSource(
        messages.select("row", "place"), hours, read, clocks=clocks, manner=Manner(RATE)
    )
    envelope, posted, missed = Envelope("c", "app"), [], []
    while (some := await source.ahead()) is not None:
        missed += source.missed()
        for begin in range(0, len(some), AT_ONCE):
            await asyncio.sleep(AT_ONCE / RATE)
            now = clocks.wall_ms()
            late = [one for one in some[begin : begin + AT_ONCE] if source.is_late(one)]
            source.put_back(late)
            for one in some[begin : begin + AT_ONCE]:
                if one not in late:
                    body = orjson.loads(envelope.body(one, now))
                    expires = datetime.fromisoformat(body["expiration"])
                    posted.append(Post(one.row, now, round(expires.timestamp() * 1000)))
    return posted, missed


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_in_a_year_nobody_is_texted_at_a_wrong_hour() -> None:
    """A million POSTs: none outside of the intersection, no expiration past its end."""
    hours = Hours(shipped_rules(), "us-marketing")
    judged = 0
    for number, start in enumerate(starts()):
        listed = people(number)
        words = listed.select(
            "row",
            placed(
                hours,
                Sources(
                    pl.col("number"), pl.col("zones"), pl.col("region"), pl.col("zip")
                ),
            ).alias("said"),
        ).unnest("said")
        sendable = words.filter(pl.col("fault").is_null())
        loop = VirtualLoop()
        clocks = VirtualClocks(loop, round(start.timestamp() * 1000))
        try:
            posted, missed = loop.run_until_complete(send(sendable, clocks, hours))
        finally:
            loop.close()
        posts = pl.DataFrame(posted, schema=list(Post._fields), orient="row")
        fates = [*posts["row"], *missed]
        assert sorted(fates) == sendable["row"].sort().to_list()
        assert len(missed) < PEOPLE / 1_000  # between places that only summer joins
        wrong = judge(posts.join(sendable.select("row", "place"), on="row"))
        assert wrong.is_empty(), wrong.head(5).to_dicts()
        judged += len(posts)
    assert judged > 0.95 * RUNS * PEOPLE


# -- the judge: nothing below knows how the hours were worked out -----------------------

_E, _N = (8, 20), (9, 21)
WEEK: dict[str, Any] = {
    # weekdays, Saturday, Sunday; None is closed
    "US": ((8, 21),) * 3, "AL": (_E, _E, None), "CT": ((9, 20),) * 3, "FL": (_E,) * 3,
    "KY": ((10, 21),) * 3, "LA": (_E, _E, None), "MA": (_E,) * 3, "MD": (_E,) * 3,
    "MI": (_N,) * 3, "MN": (_N,) * 3, "MS": (_E, _E, None), "NJ": (_E,) * 3,
    "NM": (_N,) * 3, "NV": ((9, 20),) * 3, "OK": (_E,) * 3,
    "PA": ((8, 21), (8, 12), (8, 21)), "RI": ((9, 18), (10, 17), (10, 17)),
    "TX": (_N, _N, (12, 21)), "UT": ((8, 21), (8, 21), None), "WA": (_E,) * 3,
    "FR": ((8, 22), (8, 22), None), "else": ((9, 20),) * 3,
}  # fmt: skip
US_SHUT = "01-01 05-25 07-04 09-07 11-26 12-25"
FR_SHUT = "01-01 04-06 05-01 05-08 05-14 05-25 07-14 08-15 11-01 11-11 12-25"
SHUT = dict.fromkeys(("AL", "LA", "MS", "PA", "RI", "UT"), US_SHUT) | {"FR": FR_SHUT}
"""Days on which a rule is closed, by hand; 2026."""


def rules_of(word: str) -> list[str]:
    """The rules that hold for a place, by its word alone."""
    where = {claim.split(" ")[1] for claim in word.split("; ")}
    found = set()
    for one in where:
        country, _, state = one.partition("-")
        if country in {"US", "PR", "VI", "GU", "AS", "MP"}:
            found |= {"US"} | ({state} & WEEK.keys())
            if one == "US" and not any(other.startswith("US-") for other in where):
                found |= {name for name in WEEK if len(name) == 2 and name != "FR"}
        else:
            found.add(country if country in WEEK else "else")
    return sorted(found)


def zones_of(word: str) -> list[str]:
    return sorted({zone for claim in word.split("; ") for zone in claim.split(" ")[2:]})


def judge(posts: pl.DataFrame) -> pl.DataFrame:
    """Posts at an hour that is wrong for one rule in one zone; or that outlive it."""
    words = posts["place"].cast(pl.String).unique().to_list()
    table = pl.DataFrame(
        {
            "place": words,
            "zone": [zones_of(word) for word in words],
            "rule": [rules_of(word) for word in words],
        }
    )
    assert table.filter(pl.col("zone").list.len() == 0).is_empty()
    each = (
        posts.with_columns(pl.col("place").cast(pl.String))
        .join(table, on="place")
        .explode("zone")
    )
    local = pl.concat(
        [
            part.with_columns(
                _minutes("at", zone).alias("minute"),
                _clock("at", zone).dt.weekday().alias("weekday"),
                _clock("at", zone).dt.strftime("%m-%d").alias("day"),
                _minutes("expires", zone).alias("end"),
                (_clock("expires", zone).dt.date() - _clock("at", zone).dt.date())
                .dt.total_days()
                .alias("nights"),
            )
            for (zone,), part in each.group_by("zone")
            if isinstance(zone, str)
        ]
    ).explode("rule")
    hours = pl.DataFrame(
        [
            (
                rule,
                weekday,
                *(60 * hour for hour in week[max(0, weekday - 5)] or (0, 0)),
            )
            for rule, week in WEEK.items()
            for weekday in range(1, 8)
        ],
        schema=["rule", "weekday", "opens", "closes"],
        orient="row",
    ).with_columns(pl.col("weekday").cast(pl.Int8))
    held = local.join(hours, on=["rule", "weekday"], how="left")
    shut = pl.DataFrame(
        [(rule, day) for rule, days in SHUT.items() for day in days.split()],
        schema=["rule", "day"],
        orient="row",
    ).with_columns(is_shut=pl.lit(value=True))
    ends = pl.col("end") + 1440 * pl.col("nights")
    is_right = (
        (pl.col("minute") >= pl.col("opens"))
        & (pl.col("minute") < pl.col("closes"))
        & (ends <= pl.col("closes"))
        & (pl.col("expires") > pl.col("at"))
        & pl.col("is_shut").is_null()
    )
    return held.join(shut, on=["rule", "day"], how="left").filter(
        ~is_right.fill_null(value=False)
    )


def _clock(column: str, zone: str) -> pl.Expr:
    moment = pl.from_epoch(pl.col(column), time_unit="ms").dt.replace_time_zone("UTC")
    return moment.dt.convert_time_zone(zone)


def _minutes(column: str, zone: str) -> pl.Expr:
    clock = _clock(column, zone).dt
    return clock.hour().cast(pl.Int32) * 60 + clock.minute()


@pytest.mark.parametrize(
    ("at", "expires"),
    [
        ("2026-09-14T11:59", "2026-09-14T23:00"),  # 7:59 in New York
        ("2026-09-15T00:00", "2026-09-15T00:30"),  # 20:00 in Florida
        ("2026-09-14T23:00", "2026-09-15T00:01"),  # would outlive the window
        ("2026-09-14T23:00", "2026-09-15T23:00"),
    ],
)
def test_the_judge_sees_a_wrong_hour(at: str, expires: str) -> None:
    """A judge that cannot say no proves nothing."""
    moments = [
        round(datetime.fromisoformat(said).replace(tzinfo=UTC).timestamp() * 1000)
        for said in (at, expires)
    ]
    post = {"row": [1], "at": moments[:1], "expires": moments[1:]}
    word = "number US-FL America/New_York"
    assert len(judge(pl.DataFrame(post | {"place": [word]}))) == (
        2 if at == "2026-09-14T11:59" or expires == "2026-09-15T23:00" else 1
    )
    right = post | {"at": [1_789_410_000_000], "expires": [1_789_410_000_000 + 60_000]}
    assert judge(pl.DataFrame(right | {"place": [word]})).is_empty()
