"""Alone at its own pace, beside others on the common line: at most the rate at any moment."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING

import pytest

from bulksend.journal.store import Journal
from bulksend.send.account import Account
from bulksend.send.company import Company
from bulksend.send.pacing import Pacer
from tests.virtual_time import VirtualClocks, VirtualLoop, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import TypeVar

    T = TypeVar("T")

RATE = 50.0


class Office:
    """Senders of one machine, their journal, and who of them is at work."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.loop = VirtualLoop()
        self.clocks = VirtualClocks(self.loop)
        self.at_work: set[str] = set()
        self.run = None

    async def call(self, work: Callable[[Journal], T]) -> T:
        await asyncio.sleep(0.002)
        return work(self.journal)

    def pace(self, name: str) -> Company:
        async def look() -> bool:
            await asyncio.sleep(0.002)
            return bool(self.at_work - {name})

        account = Account("bandwidth/1", RATE, writer=self, clocks=self.clocks)  # type: ignore[arg-type]
        return Company(
            Pacer(RATE, self.clocks.monotonic()),
            account.pace({}),
            look=look,
            clock=self.clocks.monotonic,
        )

    async def send(self, name: str, *, begin: float, count: int) -> list[float]:
        """When each of *count* messages went; at work from *begin* to the last one."""
        await asyncio.sleep(begin)
        self.at_work.add(name)
        pace, found = self.pace(name), []
        for sent in range(count):
            await pace.tick(self.clocks.monotonic(), partial(_ones, count - sent))
            while not pace.allows("", 1):  # noqa: ASYNC110  (as the engine does)
                await asyncio.sleep(0.01)
            pace.spend("", 1)
            while early := pace.seconds_too_early(  # noqa: ASYNC110
                "", 1, self.clocks.monotonic()
            ):
                await asyncio.sleep(early)
            now = self.clocks.monotonic()
            pace.posted("", 1, now)
            while close := pace.seconds_too_close("", 1, now):
                await asyncio.sleep(close)
                now = self.clocks.monotonic()
            pace.left("", 1, now)
            found.append(now)
        self.at_work.discard(name)
        return found


def _ones(count: int) -> dict[str, Iterator[int]]:
    return {"": repeat(1, count)}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with Journal.open(tmp_path / "journal.db") as journal:
        yield Office(journal)


def densest(moments: list[float]) -> int:
    return max(sum(at <= one < at + 1 for one in moments) for at in moments)


def test_who_is_alone_keeps_all_of_its_own_pace(office: Office) -> None:
    """To the segment: nothing of the rate is held back."""
    moments = run(office.send("a", begin=0.0, count=500), office.loop)

    assert moments[-1] - moments[0] == pytest.approx(10.0, abs=0.15)
    assert densest(moments) <= RATE + 1


def test_who_comes_and_who_goes_share_the_rate_at_every_moment(office: Office) -> None:
    """One sends; two others come, and go; in no second do they send more together."""

    async def all_of_them() -> tuple[list[float], ...]:
        return await asyncio.gather(
            office.send("a", begin=0.0, count=700),
            office.send("b", begin=3.3, count=100),
            office.send("c", begin=5.1, count=60),
        )

    first, *others = run(all_of_them(), office.loop)

    moments = sorted([*first, *(at for one in others for at in one)])
    assert densest(moments) <= RATE * 1.01 + 1
    assert others[0][0] == pytest.approx(4.3, abs=0.3)
    assert moments[-1] <= len(moments) / RATE * 1.1 + 1
    beside = [at for at in first if others[0][0] < at < others[0][-1]]
    assert beside
