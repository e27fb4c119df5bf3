"""What comes next: retries that are due first, then the plan in its order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bulksend.send.backlog import Backlog, Item
from bulksend.send.message import Message


def _message(row: int, weight: int = 1) -> Message:
    return Message(row, "+19195550101", "+19195550100", "Hi", None, str(row), weight)


def _backlog(*rows: int) -> Backlog:
    backlog = Backlog()
    backlog.add(_message(row) for row in rows)
    return backlog


def _rows(items: list[Item]) -> list[int]:
    return [item.message.row for item in items]


def test_the_plan_comes_in_its_order_as_a_first_attempt() -> None:
    """First in, first out, together of the weight that was asked for."""
    backlog = _backlog(4, 2, 9)

    assert backlog.take(2, 0.0) == [Item(_message(4), 1), Item(_message(2), 1)]
    assert _rows(backlog.take(2, 0.0)) == [9]
    assert backlog.take(2, 0.0) == []


def test_a_heavy_message_comes_whole() -> None:
    """At least one item whatever its weight, and nothing after the weight is full."""
    backlog = Backlog()
    backlog.add([_message(2, 7), _message(3), _message(4)])

    assert _rows(backlog.take(1, 0.0)) == [2]
    assert _rows(backlog.take(2, 0.0)) == [3, 4]
    assert backlog.take(0, 0.0) == []


def test_a_retry_comes_first_once_it_is_due() -> None:
    """Not a moment before; then as its next attempt, before anything fresh."""
    backlog = _backlog(2, 3, 4)
    (first,) = backlog.take(1, 0.0)
    backlog.again(first, ready_at=5.0)

    assert backlog.ready_at() == 5.0
    assert _rows(backlog.take(1, 4.999)) == [3]
    assert backlog.take(2, 5.0) == [first._replace(attempt=2), Item(_message(4))]
    assert backlog.ready_at() is None


def test_retries_come_by_the_time_they_are_due() -> None:
    """Of two due at once the one that was given back first."""
    backlog = Backlog()
    for row, ready_at in ((2, 3.0), (3, 1.0), (4, 1.0), (5, 2.0)):
        backlog.again(Item(_message(row)), ready_at)

    assert _rows(backlog.take(9, 10.0)) == [3, 4, 5, 2]


def test_nothing_fresh_is_begun_while_retries_are_held() -> None:
    """With retries_only the plan waits for the last retry, due or not."""
    backlog = _backlog(2)
    backlog.again(Item(_message(3)), ready_at=5.0)

    assert backlog.take(9, 0.0, retries_only=True) == []
    assert _rows(backlog.take(1, 5.0, retries_only=True)) == [3]
    assert _rows(backlog.take(1, 5.0, retries_only=True)) == [2]


def test_its_length_counts_both_kinds() -> None:
    """All that is waiting; ``fresh`` is the plan's part."""
    backlog = _backlog(2, 3)
    backlog.again(Item(_message(4)), ready_at=5.0)

    assert (len(backlog), backlog.fresh) == (3, 2)
    backlog.take(9, 9.0)
    assert (len(backlog), backlog.fresh, bool(backlog)) == (0, 0, False)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.integers(1, 6), st.floats(0, 5), st.booleans()), max_size=40
    )
)
def test_nothing_is_lost_and_nothing_comes_twice(
    steps: list[tuple[int, float, bool]],
) -> None:
    """Whatever is taken and given back: each message is in one place."""
    backlog = _backlog(*range(30))
    out: dict[int, Item] = {}
    for now, (weight, wait, gives_back) in enumerate(steps):
        if gives_back and out:
            _, item = out.popitem()
            backlog.again(item, now + wait)
        for item in backlog.take(weight, float(now)):
            assert item.message.row not in out
            out[item.message.row] = item

        assert len(backlog) + len(out) == 30
