"""One pace for several senders: urgent runs beside offers, and their tenth of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bulksend.journal.paces import KEPT_SHARE
from tests.send.world import Sent, World, sent, used
from tests.suites.arrivals import densest, most_in_a_second

if TYPE_CHECKING:
    from collections.abc import Sequence


async def test_an_urgent_run_has_a_tenth_of_the_rate_beside_any_crowd(
    world: World,
) -> None:
    """Beside twenty senders of offers it has its own tenth; all have the rate, no more."""
    urgent = world.pace(200.0, urgent=True)
    crowd = [world.pace(200.0) for _ in range(20)]

    async def urgently() -> list[float]:
        await world.sleep(1.0)
        return await world.posts(urgent, 100)

    first, *others = await world.together(
        urgently(), *(world.posts(pace, 80) for pace in crowd)
    )

    moments = sorted([*first, *(at for one in others for at in one)])
    assert densest(sorted(moments)) <= 200 * 1.01 + 1
    assert first[0] - 101.0 < 2.0  # a queue's length, and no longer
    took = first[-1] - first[0]
    assert took < 100 / (200 * (KEPT_SHARE + 0.9 / 21)) * 1.2
    assert moments[-1] - moments[0] == pytest.approx(len(moments) / 200, rel=0.15)


@pytest.mark.parametrize(("weights", "share"), [([3], 0.93), ([1, 3], 0.8)])
async def test_an_urgent_run_and_the_others_have_one_message_more_together(
    world: World, weights: Sequence[int], share: float
) -> None:
    """Not one for each of their lines; moments of two lines suit mixed texts less well."""
    paces = [world.pace(100.0, urgent=number == 0) for number in range(3)]
    crowd = (sent(world, pace, weights) for pace in paces)
    found = [one for some in await world.together(*crowd) for one in some]

    assert most_in_a_second(found) <= 100 + max(weights)
    assert used(found, 100.0) >= share


@pytest.mark.parametrize("weight", [1, 3, 7])
@pytest.mark.parametrize("others", [1, 2])
async def test_an_urgent_run_that_joins_takes_room_that_there_is(
    world: World, others: int, weight: int
) -> None:
    """The others had all of the rate until then: its own line begins a message later."""
    urgent, *crowd = (world.pace(100.0, urgent=one == 0) for one in range(others + 1))

    async def join() -> list[Sent]:
        await world.sleep(2.5)
        return await sent(world, urgent, [weight])

    ran = (join(), *(sent(world, pace, [weight]) for pace in crowd))
    found = [one for some in await world.together(*ran) for one in some]

    assert most_in_a_second(found) <= 100 + weight


@pytest.mark.parametrize(("others", "share"), [(1, 0.545), (3, 0.325)])
async def test_an_urgent_run_has_its_turns_beside_its_tenth(
    world: World, others: int, share: float
) -> None:
    """The fewer others send, the more of the rate is its own: what docs/scale.md says."""
    urgent = world.pace(100.0, urgent=True)
    crowd = [world.pace(100.0) for _ in range(others)]
    ran = await world.together(
        *(world.posts(one, 600, until=106) for one in (urgent, *crowd))
    )

    found = [sum(102 <= at < 106 for at in one) / 4 for one in ran]
    assert found[0] == pytest.approx(100 * share, abs=2)
    assert sum(found) == pytest.approx(100, abs=2)


async def test_an_urgent_run_alone_has_all_of_the_rate(world: World) -> None:
    """Both lines are its own."""
    (moments,) = await world.together(world.posts(world.pace(100.0, urgent=True), 300))

    assert densest(sorted(moments)) <= 102
    assert moments[-1] - moments[0] == pytest.approx(3.0, abs=0.4)


async def test_what_no_urgent_run_asks_for_is_everybodys_again(world: World) -> None:
    """A second after its last message the others have all of the rate."""
    urgent, other = world.pace(100.0, urgent=True), world.pace(100.0)
    await world.together(world.posts(urgent, 5))
    await world.together(world.sleep(2.0))
    (moments,) = await world.together(world.posts(other, 300))

    assert densest(sorted(moments)) <= 101
    assert moments[-1] - moments[0] == pytest.approx(3.0, abs=0.3)
