"""Everything that a run amounts to, counted in one pass over plan and journal.

Each chunk of rows is counted at once, and only the counts are kept: the memory that this
takes depends on how long a run lasts and how many codes it met, not on its rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from bulksend.codes import table
from bulksend.define.campaign import Campaign
from bulksend.journal.columns import NOTHING
from bulksend.journal.states import Status
from bulksend.prepare.outlook import SHOWN_PLACES, place_hours
from bulksend.prepare.timing import plan_hours
from bulksend.settle import arms
from bulksend.settle.outcomes import ENDED_AT, beside, outcomes
from bulksend.settle.proving import NOT_SENT
from bulksend.settle.results import OUTCOMES, SHOWN
from bulksend.settle.standing import IN_FLIGHT, sender_of
from bulksend.view.tries import earlier, tries_of
from bulksend.view.waits import Waits, waits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bulksend.define.amounts import Rate
    from bulksend.journal.canaries import Halt
    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.prepare.outlook import PlaceHours
    from bulksend.prepare.plan import Plan
    from bulksend.settle.arms import Arm

TAKEN = ("accepted", "delivered", "failed")
"""Statuses of messages that Bandwidth took."""

_NEEDED = (*arms.NEEDED, "segments", "encoding", "pace_weight", "cost_micros")


class Fate(NamedTuple):
    """How many rows ended in one way; ``code`` says why, where there is a why.

    Args:
        cost: Millionths of the currency, of those that have a price.
    """

    status: str
    code: str | None
    rows: int
    segments: int
    cost: int


class Size(NamedTuple):
    """How many messages to send take this many segments in this encoding."""

    encoding: str
    segments: int
    messages: int


class Slot(NamedTuple):
    """What was posted in one second: segments, by what the answers proved."""

    second: int
    taken: int
    refused: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Figures:
    """A run, counted.  Times are milliseconds since 1970; ``at`` is when it was looked at.

    ``counts`` has every outcome, and they add up to the run's rows, with what is in flight
    where a process has the run; ``halts`` is what stopped it, the latest first; ``doubled``
    are rows of which two messages are known.  ``earlier`` are messages of rows that were sent again: each was posted, and may be
    billed, and ``fates`` have each row's last one only.  ``opted_out`` are people whom it
    texted and who have opted out since it began; ``is_held`` is whether a process has
    the run.
    """

    run: Run
    campaign: Campaign
    at: int
    counts: dict[str, int]
    fates: tuple[Fate, ...]
    sizes: tuple[Size, ...]
    pace: tuple[Slot, ...]
    answers: Waits
    deliveries: Waits
    retried: int
    arms: tuple[Arm, ...] = ()
    halts: tuple[Halt, ...] = ()
    doubled: int = 0
    is_aborted: bool = False
    is_paused: bool = False
    is_held: bool = False
    earlier: tuple[Fate, ...] = ()
    places: tuple[PlaceHours, ...] = ()
    opted_out: int = 0

    @property
    def rate(self) -> Rate:
        return self.campaign.send.rate

    @property
    def currency(self) -> str | None:
        """The rate card's; None where the campaign has no prices."""
        prices = self.campaign.send.prices
        return None if prices is None else str(prices.get("currency", "USD"))

    @property
    def to_send(self) -> int:
        """Rows that no rule left out."""
        return self.run.rows - self.counts["excluded"]

    @property
    def absent(self) -> int:
        """Of what is not sent, what is proven never to have been taken."""
        found = (one for one in self.fates if one.status == NOT_SENT)
        return sum(one.rows for one in found if one.code == NOT_SENT)

    @property
    def is_halted(self) -> bool:
        """Whether what stopped it last stands."""
        return bool(self.halts) and self.halts[0].lifted_at is None

    @property
    def planned(self) -> list[Fate]:
        """Of everything that was to be sent."""
        return [one for one in self.fates if not _was_excluded(one)]

    @property
    def used(self) -> list[Fate]:
        """Of what Bandwidth took and bills, as far as its codes say; each message of it."""
        sent = (*self.fates, *self.earlier)
        return [one for one in sent if one.status in TAKEN and _is_billed(one)]

    @property
    def may_be_used(self) -> list[Fate]:
        """Of what is unknown or in flight: it may have been taken, and then is billed."""
        return [one for one in self.fates if one.status in ("unknown", IN_FLIGHT)]


def _was_excluded(fate: Fate) -> bool:
    return fate.status == "excluded"


def _is_billed(fate: Fate) -> bool:
    if fate.status != "failed" or fate.code is None or not fate.code.isdecimal():
        return True
    known = table().get(int(fate.code))
    return known is None or known.billed is not False


def count(plan: Plan, journal: Journal, run: Run, *, now: int) -> Figures:
    """Count a run as it stands now."""
    campaign = Campaign.model_validate(plan.about["campaign"], by_alias=True)
    gone = arms.opt_outs(plan, journal, run)
    tries = tries_of(journal, run)
    is_held = sender_of(journal, run, now=now) is not None
    found = outcomes(plan, journal, run, _NEEDED)
    chunks = chain([_nothing(plan)], map(_in_flight, found) if is_held else found)
    parts = [_parts(one, gone, tries) for one in chunks]
    fates, before, sizes, pace, answers, deliveries, retried, people = map(
        _added, zip(*parts, strict=True)
    )
    counts = dict.fromkeys((*OUTCOMES, *([IN_FLIGHT] if is_held else [])), 0)
    for status, rows in fates.group_by("status").agg(pl.col("rows").sum()).iter_rows():
        counts[status] += rows
    return Figures(
        run=run,
        campaign=campaign,
        at=now,
        counts=counts,
        fates=tuple(Fate(*one) for one in _ordered(fates, "rows")),
        sizes=tuple(Size(*one) for one in _ordered(sizes, "messages")),
        pace=tuple(Slot(*one) for one in pace.sort("second").iter_rows()),
        answers=waits(answers),
        deliveries=waits(deliveries),
        retried=sum(retried["retried"]),
        arms=tuple(arms.arms_of(people)),
        halts=tuple(journal.canaries.halts(run.id)),
        is_aborted=journal.orders.is_aborted(run.id),
        is_paused=journal.orders.of(run.id) is not None,
        is_held=is_held,
        earlier=tuple(Fate(*one) for one in _ordered(before, "rows")),
        places=tuple(_places(plan, campaign, run)),
        opted_out=_opted_out(journal, run),
    )


def _places(plan: Plan, campaign: Campaign, run: Run) -> Iterator[PlaceHours]:
    """Where most of its people may be, and their window when it began or the next one."""
    hours = plan_hours(plan) if campaign.keeps_hours else None
    if hours is None:
        return
    people = (
        plan.frame()
        .filter(pl.col("reason").is_null(), pl.col("place").is_not_null())
        .group_by(pl.col("place").cast(pl.String))
        .agg(pl.len().alias("rows"))
        .sort("rows", "place", descending=[True, False])
        .head(SHOWN_PLACES)
        .collect(engine="streaming")
    )
    for place, rows in people.iter_rows():
        yield place_hours(hours, place, rows, run.created_at)


def _opted_out(journal: Journal, run: Run) -> int:
    """Read from all of its rows, so only where anybody has opted out at all."""
    began, said = journal.canaries.first_claim(run.id), journal.suppressions
    return said.opted_out_of(run.id, since=began) if said.opted_out_since(began) else 0


def _in_flight(chunk: pl.DataFrame) -> pl.DataFrame:
    return chunk.with_columns(pl.col("status").replace(Status.CLAIMED, IN_FLIGHT))


def _nothing(plan: Plan) -> pl.DataFrame:
    return beside(plan.frame().select(_NEEDED).head(0).collect(), NOTHING, 0)


def _chunk(chunk: pl.DataFrame) -> pl.DataFrame:
    excluded = pl.col("reason").is_not_null()
    late = pl.col("status") == Status.EXCLUDED
    said = pl.col("status").replace(SHOWN).fill_null("not_sent")
    return chunk.select(
        pl.col("row").cast(pl.Int64),
        status=pl.when(excluded).then(pl.lit("excluded")).otherwise(said),
        code=pl.when(excluded)
        .then(pl.col("reason").cast(pl.String))
        .when(late | (pl.col("status") != Status.ACCEPTED))
        .then(pl.col("error_code")),
        sendable=~excluded,
        segments=pl.col("segments").cast(pl.Int64),
        encoding=pl.col("encoding").cast(pl.String),
        weight=pl.col("pace_weight").cast(pl.Int64),
        cost=pl.col("cost_micros"),
        posted=pl.col("posted_at"),
        answered=pl.col("accepted_at") - pl.col("posted_at"),
        delivered=pl.when(pl.col("status") == Status.DELIVERED).then(
            pl.col(ENDED_AT) - pl.col("accepted_at")
        ),
        retried=pl.col("attempts").fill_null(0) > 1,
    )


def _parts(
    found: pl.DataFrame, gone: pl.Series, tries: pl.DataFrame
) -> list[pl.DataFrame]:
    """The counts of one chunk; `_added` puts those of several together."""
    chunk = _chunk(found)
    before = earlier(chunk, tries)
    posted = chunk.filter(pl.col("posted").is_not_null())
    posts = pl.concat(
        one.select("posted", "status", "weight") for one in (posted, before)
    )
    weight = {
        "taken": pl.col("status").is_in(TAKEN),
        "refused": pl.col("status") == "refused",
        "unknown": pl.col("status") == "unknown",
    }
    return [
        _fates(chunk),
        _fates(before),
        chunk.filter("sendable")
        .group_by("encoding", size="segments")
        .agg(pl.len().cast(pl.Int64).alias("messages")),
        posts.group_by(second=pl.col("posted") // 1000).agg(
            pl.col("weight").filter(which).sum().alias(name)
            for name, which in weight.items()
        ),
        _waited(chunk, "answered"),
        _waited(chunk, "delivered"),
        chunk.select(pl.col("retried").sum().cast(pl.Int64)),
        arms.people_of(found, gone),
    ]


def _fates(messages: pl.DataFrame) -> pl.DataFrame:
    return messages.group_by("status", "code").agg(
        pl.len().cast(pl.Int64).alias("rows"),
        pl.col("segments").sum(),
        pl.col("cost").sum(),
    )


def _waited(chunk: pl.DataFrame, name: str) -> pl.DataFrame:
    ms = pl.col(name).clip(0)
    return (
        chunk.filter(pl.col(name).is_not_null())
        .group_by(place=Waits.place(ms))
        .agg(pl.len().cast(pl.Int64).alias("messages"))
    )


def _added(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    frame = pl.concat(parts)
    counts = [name for name in frame.columns if name in _COUNTS]
    keys = [name for name in frame.columns if name not in _COUNTS]
    if not keys:
        return frame.sum()
    return frame.group_by(keys).agg(pl.col(counts).sum())


_COUNTS = frozenset(
    (
        *("rows", "segments", "cost", "messages", "taken", "refused", "unknown"),
        *("retried", *arms.COUNTS),
    )
)


def _ordered(frame: pl.DataFrame, by: str) -> Iterator[tuple[Any, ...]]:
    """Largest first; equal ones by name, so that the same run looks the same twice."""
    rest = [name for name in frame.columns if name != by]
    return frame.sort([by, *rest], descending=[True] + [False] * len(rest)).iter_rows()
