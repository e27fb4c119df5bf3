"""Posts callbacks as Bandwidth does: at least once, in no promised order, for 24 hours.

Each accepted message brings what `fates` says.  A callback that gets no 2xx within 10
seconds is posted again, with growing waits; some are posted twice for no reason.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

import aiohttp
import orjson

from bulksend.simulator.answers import JSON, iso_millis
from bulksend.simulator.fates import callbacks

if TYPE_CHECKING:
    from bulksend.simulator.scenario import Scenario
    from bulksend.simulator.witness import Accepted, Witness

ANSWER_SECONDS = 10.0
GIVE_UP_SECONDS = 24 * 3600.0
AT_ONCE = 64
LOOK_SECONDS = 0.02


class Parcel(NamedTuple):
    """A callback on its way."""

    body: bytes
    message_id: str
    since: float
    attempt: int = 1


class Callbacks:
    """The sender of callbacks; `run` until cancelled.  ``attempts`` counts every post."""

    def __init__(self, scenario: Scenario, witness: Witness) -> None:
        self._scenario = scenario
        self._witness = witness
        self._seen = 0
        if scenario.callback_url:
            witness.accepted.reached = 0
        self._due: list[tuple[float, int, Parcel]] = []
        self._order = count()
        self._chance = random.Random(20_261_126)  # noqa: S311  (a play, no secret)
        self._under_way: set[asyncio.Task[None]] = set()
        self.attempts = 0

    @property
    def waiting(self) -> int:
        """Callbacks that are not acknowledged yet."""
        unseen = self._witness.accepted.total - self._seen
        return unseen + len(self._due) + len(self._under_way)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        auth = aiohttp.encode_basic_auth(
            self._scenario.callback_user, self._scenario.callback_password
        )
        headers = {"Content-Type": JSON, "User-Agent": "BandwidthAPI/v2"}
        if self._scenario.callback_user:
            headers["Authorization"] = auth
        async with aiohttp.ClientSession(
            headers=headers,
            connector=aiohttp.TCPConnector(limit=AT_ONCE),
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
        ) as session:
            try:
                while True:
                    self._look(loop.time())
                    while self._due and self._due[0][0] <= loop.time():
                        if len(self._under_way) >= AT_ONCE:
                            await asyncio.wait(
                                self._under_way, return_when=asyncio.FIRST_COMPLETED
                            )
                        self._start(session, heapq.heappop(self._due)[2])
                    await asyncio.sleep(LOOK_SECONDS)
            finally:
                for task in self._under_way:
                    task.cancel()

    def _look(self, now: float) -> None:
        """Plan the callbacks of what was accepted since the last look."""
        accepted = self._witness.accepted
        for record in accepted.since(self._seen):
            self._plan(record, now)
            self._seen += 1
        accepted.reached = self._seen

    def _plan(self, record: Accepted, now: float) -> None:
        for delay, event in callbacks(record, self._scenario, iso_millis):
            parcel = Parcel(orjson.dumps([event]), record.id, now)
            doubled = self._chance.random() < self._scenario.callback_doubled
            for _ in range(2 if doubled else 1):
                self._post_at(now + delay, parcel)

    def _post_at(self, when: float, parcel: Parcel) -> None:
        heapq.heappush(self._due, (when, next(self._order), parcel))

    def _start(self, session: aiohttp.ClientSession, parcel: Parcel) -> None:
        task = asyncio.create_task(self._post(session, parcel))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _post(self, session: aiohttp.ClientSession, parcel: Parcel) -> None:
        self.attempts += 1
        try:
            async with session.post(
                self._scenario.callback_url, data=parcel.body, allow_redirects=False
            ) as answer:
                if 200 <= answer.status < 300:
                    if self._scenario.search_after_callback:
                        self._witness.answered.add(parcel.message_id)
                    return
        except (aiohttp.ClientError, TimeoutError, OSError):
            pass  # no answer is a refusal
        now = asyncio.get_running_loop().time()
        if now - parcel.since > GIVE_UP_SECONDS:
            return
        wait = self._scenario.callback_retry * 2 ** min(parcel.attempt - 1, 12)
        self._post_at(now + wait, parcel._replace(attempt=parcel.attempt + 1))
