"""The plan's messages in the order of their windows; waits where none is open.

What stands here of the plan is a number for each row (`Agenda`); the messages are read
when their turn comes, a minute's worth at a time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from bulksend.logs import log
from bulksend.rules.hours import LEAST_LIFE_MS, Opening
from bulksend.rules.place import Claim, Place, word_of
from bulksend.send.agenda import NEVER_YET, Agenda
from bulksend.send.caps import DAY_MS, limits_by_law
from bulksend.send.clocks import AllClocks
from bulksend.send.source import HANDED_OVER_AT_ONCE, messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bulksend.rules.hours import Hours
    from bulksend.send.clocks import Clocks, Moment, Now
    from bulksend.send.message import Message
    from bulksend.send.source import More, Read

READ_AT_MOST = 20_000
READ_SECONDS = 60
"""More is not read ahead: somebody whose window closes earlier may come up."""

UNKNOWN = word_of([Claim("number", "", ())])
"""A place of which nothing is known: it is never open."""

PARTS = "\t"
"""Between the word of a place and a carrier."""

ALWAYS_MS = 10 * 366 * DAY_MS
LONGEST_SLEEP = 30.0
SHORTEST_SLEEP = 1.0


class Manner(NamedTuple):
    """How a run goes about it.

    Args:
        rate: Segments per second, to know how much is soon.

        end: When all of its messages expire, in milliseconds since 1970.

        waits: Whether it waits for windows.
    """

    rate: float
    end: int | None = None
    waits: bool = True


class TimedSource:
    """The rows of a plan that get a message, each while its window is open.

    Args:
        rows: ``row`` and ``place`` of what is still to be sent; and ``carrier``, where
            carriers' caps are kept.

        hours: None where none are kept, and rows wait for carriers alone.

        read: These rows as `Plan.messages_of` has them, with their places.

        more: The rows beside those.

        everywhere: Where all of them stand (`words_of`); None: where *rows* do.

        theirs: What Bandwidth's clock makes of now (`TheirClock.moment`).

        comes_back_at: When there would be more, where it does not wait for it.

        waits_until: While it waits, for when: in milliseconds since 1970.
    """

    def __init__(  # noqa: PLR0913  (its seams)
        self,
        rows: pl.DataFrame,
        hours: Hours | None,
        read: Read,
        *,
        clocks: Clocks,
        manner: Manner,
        more: More | None = None,
        everywhere: Sequence[str] | None = None,
        theirs: Callable[[], Moment | None] = lambda: None,
    ) -> None:
        self._read = read
        self._more = more
        words = words_of(rows) if everywhere is None else everywhere
        self._number = {word: place for place, word in enumerate(words)}
        self._keeps_hours = hours is not None
        self._carriers: list[str] = [one.partition(PARTS)[2] for one in words]
        self._held: dict[str, int] = {}
        places = places_of(words)

        def opening(place: int, moment: int) -> Opening | None:
            held = self._held.get(self._carriers[place], 0)
            if hours is None:
                return Opening(held, max(moment, held) + ALWAYS_MS)
            found = hours.next(places[place], max(moment, held), least=LEAST_LIFE_MS)
            return found and found._replace(start=max(found.start, held))

        self._limits = {}
        if hours is not None:
            self._limits = limits_by_law(hours, places, clocks.wall_ms())
        self._agenda = Agenda(self._by_place(rows), opening, end=manner.end)
        self._clocks = AllClocks(clocks, theirs)
        self._read_at_once = round(
            min(max(manner.rate * READ_SECONDS, HANDED_OVER_AT_ONCE), READ_AT_MOST)
        )
        self._waits = manner.waits
        self._pieces: deque[list[Message]] = deque()
        self._waits_for: int | None = None
        self.waits_until: int | None = None
        self.comes_back_at: int | None = None

    def per_day(self, message: Message) -> int:
        """How many messages a law allows its person in 24 hours; 0: no law says."""
        return self._limits.get(message.place, 0)

    def carrier(self, message: Message) -> str:
        """Whose caps it counts against."""
        return self._carriers[message.place]

    def hold(self, carrier: str, until: int) -> None:
        """Give nothing more for *carrier* until then, in milliseconds since 1970."""
        self._held[carrier] = max(until, self._held.get(carrier, 0))
        whose = {p for p, one in enumerate(self._carriers) if one == carrier}
        self._agenda.close(whose)

    async def ahead(self) -> Sequence[Message] | None:
        """The next messages; none where rows were given up; None when it is through."""
        self.comes_back_at = None
        while True:
            if self._more is not None and self._more.is_known:
                await self._take_more(self._more)
            now = self._clocks.now()
            if self._pieces:
                return self._still_open(self._pieces.popleft(), now)
            if due := self._agenda.take(self._read_at_once, now):
                found = await self.of(pl.concat([one.rows for one in due]))
                steps = range(0, len(found), HANDED_OVER_AT_ONCE)
                self._pieces.extend(
                    found[at : at + HANDED_OVER_AT_ONCE] for at in steps
                )
                continue
            if self._more is not None:
                await self._take_more(self._more)
                continue
            if self._agenda.has_missed:
                return []
            opens = self._agenda.next_opening()
            if opens is None:
                return None
            if not self._waits:
                self.comes_back_at = opens
                return None
            await self._sleep(opens, now)

    async def of(self, rows: Sequence[int] | pl.Series) -> list[Message]:
        """These rows' messages; those that close first come first."""
        found = await self._read(pl.Series(rows).cast(pl.Int64).sort())
        window = self._agenda.window if self._keeps_hours else lambda _: NEVER_YET
        windows = pl.DataFrame(
            [(word, one, window(one).end) for word, one in self._number.items()],
            schema={"word": pl.String, "place": pl.Int64, "until": pl.Int64},
            orient="row",
        )
        timed = (
            _keyed(found)
            .rename({"place": "word"})
            .join(windows, on="word", how="left", maintain_order="left")
            .drop("word")
            .sort("until", maintain_order=True)
        )
        return messages(timed)

    def put_back(self, some: Iterable[Message]) -> None:
        """Messages that were not sent, since their windows closed before their turn."""
        by_place: dict[int, list[int]] = {}
        for one in some:
            by_place.setdefault(one.place, []).append(one.row)
        for place, rows in by_place.items():
            self._agenda.put_back(place, pl.Series(rows, dtype=pl.UInt32).sort())

    def missed(self) -> list[int]:
        """Rows whose window cannot be met any more, some at a time; each is given once."""
        return self._agenda.missed(READ_AT_MOST).to_list()

    def is_late(self, message: Message) -> bool:
        """Whether it must not be posted now; asked before each POST."""
        return self._keeps_hours and not self._is_open(message, self._clocks.now())

    # -- inside ---------------------------------------------------------------------

    async def _take_more(self, more: More) -> None:
        """In another thread: there may be millions, and others are sent meanwhile."""
        rows = await more.rest()
        by_place = await asyncio.to_thread(self._by_place, rows)
        self._more = None
        for place, some in by_place.items():
            self._agenda.put_back(place, some)

    def _by_place(self, rows: pl.DataFrame) -> dict[int, pl.Series]:
        """Their numbers, in order."""
        where = pl.all().exclude("row")
        grouped = rows.group_by(where).agg(pl.col("row").cast(pl.UInt32).sort())
        found: dict[int, pl.Series] = {}
        for word, some in zip(_keyed(grouped)["place"], grouped["row"], strict=True):
            place = self._number[word]
            if (others := found.get(place)) is not None:  # said in two ways
                found[place] = pl.concat([others, some]).sort()
            else:
                found[place] = some
        return found

    def _still_open(self, piece: list[Message], now: Now) -> list[Message]:
        late = [one for one in piece if self._must_wait(one, now)]
        self.put_back(late)
        rows = {one.row for one in late}
        return [one for one in piece if one.row not in rows] if late else piece

    def _must_wait(self, message: Message, now: Now) -> bool:
        held = self._held.get(self.carrier(message), 0) if self._held else 0
        is_shut = self._keeps_hours and not self._is_open(message, now)
        return held > now.earliest or is_shut

    def _is_open(self, message: Message, now: Now) -> bool:
        """Both edges are asked: Bandwidth's clock may have been heard since it opened."""
        starts = self._agenda.window(message.place).start
        return starts <= now.earliest and message.until - LEAST_LIFE_MS > now.latest

    async def _sleep(self, opens: int, now: Now) -> None:
        """In short steps: a clock may be set, and a machine may sleep."""
        seconds = (opens - now.earliest) / 1000
        if opens != self._waits_for:
            then = datetime.fromtimestamp(opens / 1000, UTC).isoformat("T", "minutes")
            left = len(self._agenda)
            log.info(
                "waiting for a window", seconds=round(seconds), until=then, left=left
            )
        self._waits_for = self.waits_until = opens
        try:
            await asyncio.sleep(min(max(seconds, SHORTEST_SLEEP), LONGEST_SLEEP))
        finally:
            self.waits_until = None


def words_of(rows: pl.DataFrame) -> list[str]:
    """What rows wait for, once each: places, and carriers where those are kept."""
    return _keyed(rows.drop("row").unique())["place"].unique().sort().to_list()


def places_of(words: Iterable[str]) -> list[Place]:
    """The place in each of `words_of`."""
    return [Place.parse(word.partition(PARTS)[0]) for word in words]


def _keyed(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows that wait for the same things have the same place: with the carrier's name."""
    place = pl.col("place").cast(pl.String).fill_null(UNKNOWN)
    if "carrier" not in rows.columns:
        return rows.with_columns(place=place)
    carrier = pl.col("carrier").cast(pl.String)
    whose = pl.concat_str(place, carrier, separator=PARTS)
    return rows.with_columns(place=whose).drop("carrier")
