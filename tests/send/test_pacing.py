"""The pace: at most the rate in any second, and hardly less."""

from __future__ import annotations

import asyncio
from math import floor

import pytest

from bulksend.send.pacing import Pacer
from tests.virtual_time import VirtualLoop, run


def _grants(rate: float, seconds: float, *, late: float = 0.0) -> list[float]:
    """When each permit was given, by a feeder that is *late* after each batch."""
    loop = VirtualLoop()

    async def feed() -> list[float]:
        pacer = Pacer(rate, loop.time)
        times: list[float] = []
        while loop.time() < seconds:
            batch = pacer.batch
            await pacer.acquire(batch)
            times += [loop.time()] * batch
            await asyncio.sleep(late)
        return times

    return run(feed(), loop)


def _most_in_any_second(times: list[float]) -> int:
    most = first = 0
    for index, time in enumerate(times):
        while times[first] <= time - 1:
            first += 1
        most = max(most, index - first + 1)
    return most


@pytest.mark.parametrize("rate", [1, 3, 20, 50, 99, 100, 333, 1_000, 5_000])
def test_no_second_holds_more_than_the_rate(rate: int) -> None:
    """In any window of a second: 1.01 times the rate, or one more than it."""
    times = _grants(rate, 12)

    assert _most_in_any_second(times) <= max(floor(rate * 1.01), rate + 1)
    assert len([t for t in times if t < 10]) >= floor(0.995 * rate * 10)


@pytest.mark.parametrize(("rate", "late"), [(50, 0.004), (500, 0.002), (5_000, 0.002)])
def test_being_a_little_late_costs_nothing(rate: int, late: float) -> None:
    """A feeder that wakes up late catches up, without ever exceeding the rate."""
    times = _grants(rate, 12, late=late)

    assert _most_in_any_second(times) <= max(floor(rate * 1.01), rate + 1)
    assert len([t for t in times if t < 10]) >= floor(0.99 * rate * 10)


def test_a_long_message_waits_for_all_its_segments() -> None:
    """Ten segments at two a second take about five seconds, whatever the bucket."""
    loop = VirtualLoop()

    async def feed() -> float:
        pacer = Pacer(2, loop.time)
        await pacer.acquire(10)
        await pacer.acquire(10)
        return loop.time()

    assert run(feed(), loop) == pytest.approx(9.5, abs=0.51)


def test_a_429_halves_the_pace_once_a_second_and_time_gives_it_back() -> None:
    """Multiplicative down, additive up, never above the full rate."""
    loop = VirtualLoop()

    async def play() -> list[float]:
        pacer = Pacer(100, loop.time)
        rates = []
        for _ in range(30):
            pacer.throttled()  # all that were in flight meet the same full queue
        rates.append(pacer.rate)
        loop.advance(1.5)
        pacer.throttled()
        rates.append(pacer.rate)
        loop.advance(2)
        await pacer.acquire(1)
        rates.append(pacer.rate)
        loop.advance(60)
        await pacer.acquire(1)
        rates.append(pacer.rate)
        return rates

    assert run(play(), loop) == pytest.approx([50, 25, 35, 100])
