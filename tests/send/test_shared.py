"""One pace for several senders: never more than the rate in any second, whoever is late."""

from __future__ import annotations

import asyncio
from itertools import cycle
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulksend.journal.store import Journal
from bulksend.send.reckoning import Reckoning
from bulksend.send.slots import LATE_SECONDS, Slots
from tests.send.world import ONE, World, sent, used
from tests.suites.arrivals import densest, fullest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend.send.shared import SharedPace


@given(
    moments=st.lists(st.floats(0, 3), min_size=1, max_size=30),
    delays=st.lists(st.floats(0, 0.5), min_size=1, max_size=30),
)
def test_a_moment_is_used_in_time_or_not_at_all(
    moments: list[float], delays: list[float]
) -> None:
    """However late a sender is: none comes twice, none is used later than it may be."""
    slots, other, now, used = Slots(), Slots(), 0.0, []
    for at in moments:
        slots.add(ONE, at)
    for delay in delays:
        now += delay
        slots.drop_late(now)
        first = slots.first(ONE)
        assert first == slots.first_of_all
        assert slots.give(ONE, other) == (first is not None)
        if first is not None:
            assert first >= now - LATE_SECONDS
            assert other.take(ONE) == first
            used.append(first)
    assert used == sorted(used)
    assert len(used) + slots.count(ONE) <= len(moments)


async def test_two_senders_share_the_rate_and_none_is_passed_over(
    world: World,
) -> None:
    """On one line of time; together they have all of it, and each has its half."""
    paces = world.pace(100.0), world.pace(100.0)
    one, other = await world.together(*(world.posts(pace, 300) for pace in paces))

    moments = sorted([*one, *other])
    assert densest(sorted(moments)) <= 101
    assert moments[-1] - moments[0] == pytest.approx(6.0, abs=0.5)
    assert abs(one[-1] - other[-1]) < 0.5


async def test_one_alone_has_all_of_the_rate(world: World) -> None:
    """What the others do not ask for is not lost."""
    (moments,) = await world.together(world.posts(world.pace(100.0), 300))

    assert densest(sorted(moments)) <= 101
    assert moments[-1] - moments[0] == pytest.approx(3.0, abs=0.3)


async def test_a_long_message_takes_the_time_of_all_its_segments(world: World) -> None:
    """Three segments each: a third of the messages."""
    pace = world.pace(90.0)

    async def long_ones() -> list[float]:
        return [await world.post(pace, weight=3) for _ in range(120)]

    (moments,) = await world.together(long_ones())

    assert moments[-1] - moments[0] >= 119 * 3 / 90 - 0.1


@pytest.mark.parametrize("senders", [2, 8])
@pytest.mark.parametrize(("rate", "weights"), [(10.0, [3, 5, 2]), (50.0, [2, 5, 1, 3])])
async def test_long_messages_of_many_senders_are_no_excuse_for_more(
    world: World, senders: int, rate: float, weights: Sequence[int]
) -> None:
    """Each has all of its segments in one piece: no sender is a message ahead of the rate."""
    paces = [world.pace(rate, slow=lambda: 0.002) for _ in range(senders)]
    crowd = (
        sent(world, pace, [*weights[number % 3 :], *weights[: number % 3]])
        for number, pace in enumerate(paces)
    )
    found = [one for some in await world.together(*crowd) for one in some]

    assert fullest(found) <= rate
    assert used(found, rate) >= 0.995 - max(weights) / (8 * rate)


@pytest.mark.parametrize(
    ("weights", "share"), [([1], 0.985), ([2, 1, 3], 0.9)], ids=["short", "long"]
)
async def test_senders_whose_rates_add_up_to_the_accounts_use_it(
    world: World, weights: Sequence[int], share: float
) -> None:
    """Each keeps its own over four workers; of long messages some wait for each other."""
    rates = {"+1": 40.0, "+2": 5.0, "+3": 5.0}
    paces = [world.pace(50.0, own=rates, slow=lambda: 0.002) for _ in range(4)]
    crowd = (sent(world, pace, weights, one) for pace in paces for one in rates)
    found = [one for some in await world.together(*crowd) for one in some]

    assert fullest(found) <= 50
    assert used(found, 50.0) >= share
    for sender, rate in rates.items():
        assert fullest([one for one in found if one.sender == sender]) <= rate


async def test_whose_bytes_are_late_waits_for_another_slot(world: World) -> None:
    """Sixty that a stall held up do not leave at once, in the others' time."""
    pace, other = world.pace(100.0), world.pace(100.0)
    until = world.now + 1.5

    async def held_up() -> list[float]:
        return [await world.post(pace, weight=2, until=until)] * 2

    found = await world.together(
        world.posts(other, 200), *(held_up() for _ in range(30))
    )
    moments = sorted(at for one in found for at in one)

    assert densest(sorted(moments)) <= 100 * (1 + LATE_SECONDS) + 2


async def test_a_429_slows_every_sender(world: World) -> None:
    """Told by one, once a second; the other has the lower rate with its next stretch."""
    one, other = world.pace(100.0), world.pace(100.0)
    await world.together(world.posts(one, 1), world.posts(other, 1))

    assert one.throttled(world.now)
    assert not one.throttled(world.now)
    await world.together(world.posts(other, 20))
    assert other.rate < 90.0


async def test_who_stood_still_does_not_catch_up(world: World) -> None:
    """What it had reserved is over; it begins again at the end of the line."""
    pace, other = world.pace(100.0), world.pace(100.0)
    await world.together(world.posts(pace, 1))
    world.now += 30.0
    found = await world.together(world.posts(pace, 150), world.posts(other, 150))

    assert densest(sorted(at for one in found for at in one)) <= 101


@pytest.mark.parametrize(
    ("workers", "way"), [(4, 0.001), (8, 0.05)], ids=["near", "answers of 100 ms"]
)
async def test_a_clock_that_is_set_forward_lets_nothing_out_twice(
    world: World, workers: int, way: float
) -> None:
    """What lies reserved then stays whose it is, and nothing else is sent beside it."""
    paces = [world.pace(500.0, slow=lambda: way) for _ in range(workers)]

    async def set_clock() -> list[float]:
        await world.sleep(1.5 + 20 * way)
        world.ahead = 10.0
        return []

    each = 4_000 // workers
    found = await world.together(
        set_clock(), *(world.posts(pace, each) for pace in paces)
    )

    moments = sorted(at for one in found for at in one)
    assert len(moments) == 4_000
    assert densest(sorted(moments)) <= 500 * 1.01


async def test_a_ramp_rises_for_all_workers_of_a_run_together(world: World) -> None:
    """From a twentieth to all of it, whoever joins late; no second is ahead of it."""
    workers = [world.pace(50.0, ramp=8.0) for _ in range(3)]

    async def late() -> list[float]:
        await world.sleep(4.0)
        return await world.posts(workers[2], 60)

    found = await world.together(
        world.posts(workers[0], 100), world.posts(workers[1], 100), late()
    )

    moments = sorted(at - 100.0 for one in found for at in one)
    for second in range(8):
        most = 50 * (0.05 + 0.95 * (second + 1) / 8)
        in_it = sum(second <= at < second + 1 for at in moments)
        assert most * 0.75 - 6 <= in_it <= most * 1.05 + 2, second


async def test_a_ramp_is_not_begun_anew_by_a_worker_that_is(world: World) -> None:
    """Within a minute the run goes on where it was; after one it rises again."""
    await world.together(world.posts(world.pace(50.0, ramp=4.0), 110))
    await world.together(world.sleep(30.0))
    (moments,) = await world.together(world.posts(world.pace(50.0, ramp=4.0), 50))
    assert moments[-1] - moments[0] < 1.5

    await world.together(world.sleep(61.0))
    (moments,) = await world.together(world.posts(world.pace(50.0, ramp=4.0), 50))
    assert moments[-1] - moments[0] > 2.0


# -- whatever happens ----------------------------------------------------------------


@pytest.mark.slow
@given(
    workers=st.integers(1, 5),
    rate=st.sampled_from([3.0, 20.0, 200.0]),
    own=st.sampled_from([None, 1.0, 7.0, 60.0]),
    delays=st.lists(st.sampled_from([0.0] * 6 + [0.004, 0.03, 0.4]), min_size=1),
)
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_second_holds_more_than_the_rate_whoever_stands_still(
    tmp_path_factory: pytest.TempPathFactory,
    workers: int,
    rate: float,
    own: float | None,
    delays: list[float],
) -> None:
    """Slow answers, slow claims, freezes before a post and after it, any number of workers.

    The whole rate is one message above what is given out and used eight milliseconds
    late; a sender's is its own and one message.
    """
    place = tmp_path_factory.mktemp("paces") / "journal.db"
    turns = cycle(delays)

    async def all_of_them(world: World) -> list[list[float]]:
        rates = None if own is None else {"+1": own}
        paces = [
            world.pace(rate, own=rates, slow=lambda: next(turns))
            for _ in range(workers)
        ]

        async def work(pace: SharedPace) -> list[float]:
            found = []
            for _ in range(max(3, int(1.5 * min(rate, own or rate)) // workers)):
                sender = "" if own is None else "+1"
                claim = next(turns)
                turn = next(turns) if own is None else 0.0
                one = await world.post(pace, sender=sender, claim=claim, turn=turn)
                found.append(one)
            return found

        return await world.together(*map(work, paces))

    with Journal.open(place) as journal, pytest.MonkeyPatch.context() as patch:
        world = World(journal)
        patch.setattr("bulksend.send.shared.asyncio.sleep", world.sleep)
        found = asyncio.run(all_of_them(world))

    moments = sorted(at for one in found for at in one)
    assert densest(sorted(moments)) <= rate * (1 + LATE_SECONDS) + 1
    if own is not None:
        assert densest(sorted(moments)) <= own + 1


async def test_a_sender_has_its_own_rate_over_all_workers(world: World) -> None:
    """Not one for each of them; and those without one have what the account leaves."""
    rates = {"+1": 10.0, "+2": 5.0}
    paces = [world.pace(100.0, own=rates) for _ in range(3)]
    ones, twos, others = await world.together(
        world.posts(paces[0], 30, "+1"),
        world.posts(paces[1], 15, "+2"),
        world.posts(paces[2], 200),
    )
    more = await world.together(*(world.posts(pace, 10, "+1") for pace in paces))

    assert densest(sorted(ones)) <= 11
    assert densest(sorted(twos)) <= 6
    assert densest(sorted([*ones, *twos, *others])) <= 101
    assert densest(sorted(at for one in more for at in one)) <= 11
    assert ones[-1] - ones[0] == pytest.approx(3.0, rel=0.25)
    assert twos[-1] - twos[0] == pytest.approx(3.0, rel=0.25)


@given(
    ahead=st.floats(-1e6, 1e6),
    heard=st.lists(
        st.tuples(st.floats(0.01, 9), st.floats(0, 1), st.floats(0, 1)), min_size=1
    ),
)
def test_anothers_clock_is_never_thought_to_be_ahead(
    ahead: float, heard: list[tuple[float, float, float]]
) -> None:
    """However long questions and answers take; the best answer decides how near it is."""
    reckoning, now, best = Reckoning(), 0.0, float("inf")
    for pause, question, answer in heard:
        now += pause
        asked, told, answered = now, now + question + ahead, now + question + answer
        reckoning.hear(asked, told, answered)
        best = min(best + pause * 0.001 + 0.002, question + answer)
        late = reckoning.ours(now + ahead) - now
        assert -1e-6 <= late <= best + 1e-6
        now = answered


def test_a_clock_that_was_set_is_believed_anew() -> None:
    """What contradicts all that was heard before counts alone."""
    reckoning = Reckoning()
    reckoning.hear(1.0, 101.0, 1.001)
    reckoning.hear(2.0, 50.0, 2.01)

    assert reckoning.ours(50.0) == pytest.approx(2.01)
