"""The pace: at most the rate in any second, and hardly less.

`_play` is a feeder as the engine is one, in virtual time: it takes what the bucket
gives, is late, posts by the schedule, and lets the bytes leave by the spacing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import cycle, repeat
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulksend.send.allowance import TICK
from bulksend.send.pacing import BySender, Pacer
from tests.suites.arrivals import fullest, most_in_a_second
from tests.virtual_time import VirtualLoop, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bulksend.send.pacing import Pace

A, B = "+19195550100", "+19195550101"


class Post(NamedTuple):
    at: float
    weight: int
    sender: str = A


def _play(
    pacer: Pace,
    seconds: float,
    *,
    weights: Iterator[int] | None = None,
    late: Iterator[float] | None = None,
    connect: Iterator[float] | None = None,
    senders: tuple[str, ...] = (A,),
    each_round: Callable[[float], None] = lambda _: None,
) -> list[Post]:
    """Every post, by when its bytes leave.

    *late* is how long each commit and each wake-up takes, *connect* how long each post
    waits for a connection, beside the others.
    """
    loop = VirtualLoop()
    weights, late = weights or repeat(1), late or repeat(0.0)
    connect = connect or repeat(0.0)
    lanes = deque(senders)
    left: list[Post] = []

    async def post(one: Post, connecting: float) -> None:
        await asyncio.sleep(connecting)
        while close := pacer.seconds_too_close(  # noqa: ASYNC110
            one.sender, one.weight, loop.time()
        ):
            await asyncio.sleep(close)
        pacer.left(one.sender, one.weight, loop.time())
        left.append(one._replace(at=loop.time()))

    async def feed() -> None:
        posts = []
        while loop.time() < seconds:
            each_round(loop.time())
            await pacer.tick(loop.time(), dict)
            claimed: list[Post] = []
            while is_open := [one for one in lanes if pacer.allows(one, 1)]:
                claimed.append(Post(0.0, next(weights), is_open[0]))
                pacer.spend(claimed[-1].sender, claimed[-1].weight)
                lanes.rotate(-1)
            loop.advance(next(late))  # the commit
            for one in claimed:
                while early := pacer.seconds_too_early(  # noqa: ASYNC110
                    one.sender, one.weight, loop.time()
                ):
                    await asyncio.sleep(max(early, 0.001))
                pacer.posted(one.sender, one.weight, loop.time())
                posts.append(asyncio.create_task(post(one, next(connect))))
            if not claimed:
                await asyncio.sleep(TICK)
            loop.advance(next(late))
        await asyncio.gather(*posts)

    run(feed(), loop)
    return left


def _used(posts: list[Post], seconds: float) -> int:
    return sum(post.weight for post in posts if post.at < seconds)


@pytest.mark.parametrize("rate", [0.5, 1, 3, 20, 50, 99, 100, 333, 1_000, 5_000])
@pytest.mark.parametrize("late", [0.0, 0.004])
def test_no_second_holds_more_than_the_rate_and_hardly_less(
    rate: float, late: float
) -> None:
    """In any second, the first included: 1.01 times the rate, or one message more."""
    posts = _play(Pacer(rate, 0.0), 12, late=repeat(late))

    assert fullest(posts) + 1 <= max(rate * 1.01, rate + 1)
    assert _used(posts, 10) >= int(0.99 * rate * 10)
    assert late or _used(posts, 10) >= int(0.995 * rate * 10)


@pytest.mark.parametrize("rate", [20, 50, 333])
@pytest.mark.parametrize("every", [2, 7, 50])
def test_a_message_of_two_segments_is_no_excuse_for_two_too_many(
    rate: int, every: int
) -> None:
    """Among short ones it waits for room for both: 51 at 50/s, and all of it used."""
    weights = cycle([2, *repeat(1, every - 1)])
    posts = _play(Pacer(rate, 0.0), 11, weights=weights, late=cycle([0.0, 0.002]))

    assert most_in_a_second(posts) <= max(rate * 1.01, rate + 1)
    assert _used(posts, 10) >= 0.995 * rate * 10


@pytest.mark.parametrize(
    ("rate", "weight"),
    [
        (50, 2),
        (50, 4),
        (50, 30),
        (3, 2),
        (2.4, 2),
        (2.5, 2),
        (3.3, 3),
        (6, 5),
        (1.1, 1),
    ],
)
def test_long_messages_use_the_whole_rate(rate: float, weight: int) -> None:
    """Though no number of them may be it: one is then beyond, and never two.

    Also where just more than one of them goes in a second.
    """
    posts = _play(Pacer(rate, 0.0), 21, weights=repeat(weight))

    assert most_in_a_second(posts) <= rate + weight
    assert _used(posts, 20) >= 0.995 * rate * 20


def test_what_a_stall_cost_is_caught_up_without_a_second_too_full() -> None:
    """Five hundredths late every second: nothing is lost, and nothing is bunched."""
    stalls = cycle([*repeat(0.0, 150), 0.05])
    posts = _play(Pacer(500, 0.0), 12, late=stalls)

    assert fullest(posts) + 1 <= 505
    assert _used(posts, 10) >= 0.995 * 5_000


@pytest.mark.parametrize(
    "pacer", [Pacer(2, 0.0), BySender(Pacer(9, 0.0), {A: 2})], ids=["account", "sender"]
)
def test_what_may_not_go_leaves_its_permits_to_another(pacer: Pace) -> None:
    """A carrier's cap, an earlier text: whatever a claim finds out costs no time."""
    loop = VirtualLoop()
    loop.run_until_complete(pacer.tick(0.0, dict))
    loop.close()

    assert pacer.allows(A, 3)
    pacer.spend(A, 3)
    assert not pacer.allows(A, 1)
    pacer.spare(A, 3)
    assert pacer.allows(A, 1)


def test_a_machine_that_stood_still_owes_nothing() -> None:
    """After a minute of sleep there is no minute's worth to send at once."""
    stalls = iter([*repeat(0.0, 100), 60.0, *repeat(0.0, 100_000)])
    posts = _play(Pacer(50, 0.0), 70, late=stalls)

    assert fullest(posts) + 1 <= 51


def test_a_long_message_leaves_a_debt() -> None:
    """Ten segments at two a second: the next goes about five seconds later."""
    posts = _play(Pacer(2, 0.0), 24, weights=repeat(10))

    assert [post.at for post in posts][:5] == pytest.approx([0, 5, 10, 15, 20], abs=0.1)


rates = st.floats(0.2, 3_000) | st.sampled_from([1.0, 50.0, 500.0])
lates = st.lists(st.floats(0, 0.3) | st.floats(0, 0.003), min_size=1, max_size=20)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(
    rate=rates,
    weights=st.lists(st.integers(1, 12), min_size=1, max_size=9),
    late=lates,
    throttles=st.sets(st.integers(0, 60), max_size=6),
    ramp=st.sampled_from([0.0, 2.0, 30.0]),
)
def test_whatever_happens_no_second_holds_more_than_the_rate(
    rate: float, weights: list[int], late: list[float], throttles: set[int], ramp: float
) -> None:
    """Rates, weights, lateness, 429s and ramps in any mixture."""
    pacer = Pacer(rate, 0.0, ramp=ramp)
    due = sorted((step / 10 for step in throttles), reverse=True)

    def throttle(now: float) -> None:
        while due and due[-1] <= now:
            due.pop()
            pacer.throttled(now)

    posts = _play(
        pacer, 6, weights=cycle(weights), late=cycle(late), each_round=throttle
    )

    assert fullest(posts) + 1 <= max(rate * 1.01, rate + 1)
    assert pacer.rate <= rate


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    rate=st.floats(1, 300),
    slow=st.floats(0.2, 30),
    fast=st.floats(1, 300),
    weights=st.lists(st.integers(1, 5), min_size=1, max_size=5),
    late=lates,
)
def test_each_sender_keeps_its_own_rate_within_the_accounts(
    rate: float, slow: float, fast: float, weights: list[int], late: list[float]
) -> None:
    """Neither a sender nor all of them together exceed theirs, in any second."""
    pacer = BySender(Pacer(rate, 0.0), {A: slow, B: fast})
    posts = _play(pacer, 5, weights=cycle(weights), late=cycle(late), senders=(A, B))

    for limit, mine in (
        (rate, posts),
        (slow, [post for post in posts if post.sender == A]),
        (fast, [post for post in posts if post.sender == B]),
    ):
        assert fullest(mine) + 1 <= max(limit * 1.01, limit + 1)


def test_a_slow_sender_takes_nothing_from_the_others() -> None:
    """Forty a second beside one a second, under an account of fifty."""
    pacer = BySender(Pacer(50, 0.0), {A: 1, B: 40})
    posts = _play(pacer, 11, senders=(A, B))

    assert _used([post for post in posts if post.sender == A], 10) == 10
    assert _used([post for post in posts if post.sender == B], 10) >= 398


def test_a_429_halves_the_pace_once_a_second_and_time_gives_it_back() -> None:
    """Multiplicative down, additive up, never above the full rate."""
    pacer = Pacer(100, 0.0)
    loop = VirtualLoop()
    rates = []

    def at(now: float) -> None:
        loop.advance(now - loop.time())
        loop.run_until_complete(pacer.tick(now, dict))
        rates.append(pacer.rate)

    changed = [pacer.throttled(0.0) for _ in range(30)]  # all met the same full queue
    at(0.0)
    assert pacer.throttled(1.5)
    at(1.5)
    at(3.5)
    at(63.5)
    loop.close()

    assert changed == [True, *repeat(False, 29)]
    assert rates == pytest.approx([50, 25, 35, 100])


def test_it_never_slows_down_to_nothing() -> None:
    """A hundredth of the rate is kept, or it would never learn that it is over."""
    pacer = Pacer(100, 0.0)
    for second in range(50):
        pacer.throttled(second * 1.001)

    assert pacer.rate == pytest.approx(1.0)


def test_a_ramp_rises_from_a_small_share_to_the_full_rate() -> None:
    """A twentieth at first, half-way after half the time, then all of it."""
    pacer = Pacer(100, 0.0, ramp=60)
    posts = _play(pacer, 80)

    per_second = [_used(posts, s + 1) - _used(posts, s) for s in range(80)]
    assert per_second[0] <= 7
    assert per_second[30] == pytest.approx(53, abs=3)
    assert per_second[65:75] == pytest.approx([100] * 10, abs=1)
    assert pacer.rate == 100
