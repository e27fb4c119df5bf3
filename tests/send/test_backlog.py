"""What comes next: retries that are due first, then the plan in its order, by lanes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from bulksend.send.backlog import LOW_WATER, READ_AT_ONCE, Backlog, Item
from bulksend.send.message import Message

if TYPE_CHECKING:
    from bulksend.send.pacing import Upcoming

A, B, OTHER = "+19195550100", "+19195550101", "+19195550102"


class Purse:
    """A pace that is only a number of permits, and for some senders one of their own."""

    rate = 1.0

    def __init__(self, permits: float = 9_999, **senders: float) -> None:
        self.permits = {"": permits, A: senders.get("a", 9e9), B: senders.get("b", 9e9)}

    async def tick(self, now: float, upcoming: Upcoming) -> None:
        return

    def allows(self, sender: str, weight: int) -> bool:
        return min(self.permits[""], self.permits.get(sender, 9e9)) >= 1

    def spend(self, sender: str, weight: int) -> None:
        for name in {"", sender}:
            self.permits[name] -= weight

    def spare(self, sender: str, weight: int) -> None:
        self.spend(sender, -weight)

    def queue(self, sender: str, weight: int) -> str:
        return ""

    def seconds_too_early(self, sender: str, weight: int, now: float) -> float:
        return 0.0

    def seconds_of_its_own(self, sender: str, weight: int, now: float) -> float:
        return 0.0

    def posted(self, sender: str, weight: int, now: float) -> None:
        return

    def seconds_too_close(self, sender: str, weight: int, now: float) -> float:
        return 0.0

    def left(self, sender: str, weight: int, now: float) -> None:
        return

    def throttled(self, now: float) -> bool:
        return False


def _message(row: int, weight: int = 1, sender: str = OTHER) -> Message:
    return Message(row, "+19195550199", sender, "Hi", None, str(row), weight)


def _backlog(*rows: int) -> Backlog:
    backlog = Backlog()
    backlog.add(_message(row) for row in rows)
    return backlog


def _rows(items: list[Item]) -> list[int]:
    return [item.message.row for item in items]


def test_the_plan_comes_in_its_order_as_a_first_attempt() -> None:
    """First in, first out, as many as there are permits."""
    backlog = _backlog(4, 2, 9)

    assert backlog.take(Purse(2), 0.0) == [Item(_message(4), 1), Item(_message(2), 1)]
    assert _rows(backlog.take(Purse(2), 0.0)) == [9]
    assert backlog.take(Purse(2), 0.0) == []


def test_a_heavy_message_comes_whole_and_spends_its_weight() -> None:
    """One permit lets it go; what it owes is the pace's affair."""
    backlog, purse = Backlog(), Purse(2)
    backlog.add([_message(2, 7), _message(3), _message(4)])

    assert _rows(backlog.take(purse, 0.0)) == [2]
    assert purse.permits[""] == -5


def test_a_retry_comes_first_once_it_is_due() -> None:
    """Not a moment before; then as its next attempt, before anything fresh."""
    backlog = _backlog(2, 3, 4)
    (first,) = backlog.take(Purse(1), 0.0)
    backlog.again(first, ready_at=5.0)

    assert _rows(backlog.take(Purse(1), 4.999)) == [3]
    assert backlog.take(Purse(2), 5.0) == [Item(_message(2), 2), Item(_message(4))]


def test_retries_come_by_the_time_they_are_due() -> None:
    """Of two due at once the one that was given back first."""
    backlog = Backlog()
    for row, ready_at in ((2, 3.0), (3, 1.0), (4, 1.0), (5, 2.0)):
        backlog.again(Item(_message(row)), ready_at)

    assert backlog.seconds_to_next(0.0) == 1.0
    assert _rows(backlog.take(Purse(), 10.0)) == [3, 4, 5, 2]
    assert backlog.seconds_to_next(10.0) is None


def test_nothing_fresh_is_begun_while_retries_are_held() -> None:
    """With retries_only the plan waits for the last retry, due or not."""
    backlog = _backlog(2)
    backlog.again(Item(_message(3)), ready_at=5.0)

    assert backlog.take(Purse(), 0.0, retries_only=True) == []
    assert backlog.seconds_to_next(0.0, retries_only=True) == 5.0
    assert _rows(backlog.take(Purse(1), 5.0, retries_only=True)) == [3]
    assert _rows(backlog.take(Purse(1), 5.0, retries_only=True)) == [2]


def test_a_slow_sender_holds_up_nobody() -> None:
    """Who has no permit is passed by, the others take turns; each keeps its order."""
    backlog = Backlog([A, B])
    senders = [A, A, A, B, OTHER, B, OTHER, A]
    backlog.add(_message(row, sender=sender) for row, sender in enumerate(senders))
    purse = Purse(a=1)

    taken = _rows(backlog.take(purse, 0.0))

    assert sorted(taken) == [0, 3, 4, 5, 6]
    assert [row for row in taken if senders[row] == B] == [3, 5]
    assert backlog.seconds_to_next(0.0) == 0.0
    purse.permits[A] = 9
    assert _rows(backlog.take(purse, 1.0)) == [1, 2, 7]


def test_a_retry_of_a_slow_sender_holds_up_nobody_either() -> None:
    """It waits in its own lane."""
    backlog = Backlog([A])
    backlog.again(Item(_message(2, sender=A)), ready_at=0.0)
    backlog.add([_message(3)])

    assert _rows(backlog.take(Purse(a=0), 1.0)) == [3]


def test_a_lane_that_is_full_keeps_rows_only_and_has_them_read_again() -> None:
    """Memory does not grow with a slow sender's part of the plan, and no row is lost."""
    backlog = Backlog([A, B])
    rows = 3 * LOW_WATER
    for row in range(rows):
        backlog.add([_message(row, sender=A)])
    purse, sent = Purse(), []

    assert backlog.is_low  # B's lane is
    assert not backlog.to_read()
    while len(backlog):
        purse.permits[A] = 100
        sent += _rows(backlog.take(purse, 0.0))
        again = backlog.to_read()
        assert len(again) <= READ_AT_ONCE
        backlog.restore(_message(row, sender=A) for row in again)

    assert sent == list(range(rows))


def test_more_of_the_plan_is_wanted_when_a_lane_runs_low() -> None:
    """The lane of all others counts where anything stands in it."""
    assert Backlog().is_low
    backlog = _backlog(*range(LOW_WATER))
    assert not backlog.is_low
    backlog.take(Purse(1), 0.0)
    assert backlog.is_low

    paced = Backlog([A])
    paced.add(_message(row, sender=A) for row in range(LOW_WATER))
    assert not paced.is_low
    paced.add([_message(LOW_WATER)])
    assert paced.is_low


def test_what_is_put_back_comes_first_again() -> None:
    """A take that was undone changes nothing, each in its lane and its order."""
    backlog = Backlog([A])
    backlog.again(Item(_message(9)), ready_at=0.0)
    backlog.add(_message(row, sender=A if row % 2 else OTHER) for row in range(6))
    before = backlog.take(Purse(), 1.0)
    backlog.put_back(before)
    again = backlog.take(Purse(), 1.0)

    for sender in (A, OTHER):
        first, second = (
            [
                (one.message.row, one.attempt)
                for one in items
                if one.message.sender == sender
            ]
            for items in (before, again)
        )
        assert first == second
    assert len(again) == 7


def test_giving_up_names_every_row_that_is_here() -> None:
    """Fresh, to be tried again, waiting for it, or kept as a row only."""
    backlog = Backlog([A])
    backlog.add(_message(row, sender=A) for row in range(3 * LOW_WATER))
    backlog.add([_message(3 * LOW_WATER)])
    backlog.again(Item(_message(3 * LOW_WATER + 1)), ready_at=5.0)

    assert sorted(backlog.give_up()) == list(range(3 * LOW_WATER + 2))
    assert len(backlog) == 0


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.integers(1, 6), st.floats(0, 5), st.booleans()), max_size=40
    ),
    senders=st.lists(st.sampled_from([A, B, OTHER]), min_size=30, max_size=30),
)
def test_nothing_is_lost_and_nothing_comes_twice(
    steps: list[tuple[int, float, bool]], senders: list[str]
) -> None:
    """Whatever is taken and given back: each message is in one place."""
    backlog = Backlog([A, B])
    backlog.add(_message(row, sender=one) for row, one in enumerate(senders))
    out: dict[int, Item] = {}
    seen: Counter[int] = Counter()
    for now, (permits, wait, gives_back) in enumerate(steps):
        if gives_back and out:
            _, item = out.popitem()
            backlog.again(item, now + wait)
        for item in backlog.take(Purse(permits, a=permits / 2), float(now)):
            assert item.message.row not in out
            out[item.message.row] = item
            seen[item.message.row] += 1
            assert item.attempt == seen[item.message.row]

        assert len(backlog) + len(out) == 30
