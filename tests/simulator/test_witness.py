"""The witness's counts, against counts made the slow way."""

from __future__ import annotations

import orjson
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.simulator.calls import ANN, BOB, bandwidth, parsed, post, search


def test_doubles_are_equal_texts_from_one_sender_to_the_same_people() -> None:
    """Another text, another sender or another person is no double."""
    bw = bandwidth()
    for changes in (
        {},
        {"text": "another"},
        {"to": [BOB]},
        {"sender": "+12025550100"},
        {"to": [ANN, BOB]},
    ):
        post(bw, **changes)
    assert bw.witness.stats().doubled == 0

    post(bw, tag="the tag does not matter")
    post(bw)
    post(bw, to=[BOB])

    stats = bw.witness.stats()
    assert (stats.doubled, stats.accepted, stats.numbers) == (2, 8, 2)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.lists(st.integers(0, 48), max_size=60).map(sorted))
@example([0, 16])
def test_the_busiest_second_is_the_worst_window_wherever_it_begins(
    sixteenths: list[int],
) -> None:
    """Equal to trying a window at each arrival; a second is half-open."""
    bw = bandwidth()
    for n, at in enumerate(sixteenths):
        post(bw, at / 16, text="x" * (200 if n % 3 else 1))

    times = [(one.mono, one.units) for one in bw.witness.accepted]
    slow = max(
        (sum(u for t, u in times if 0 <= t - start < 1) for start, _ in times),
        default=0,
    )

    assert slow == bw.witness.stats().busiest_second


def test_a_line_tells_all_about_an_attempt_and_a_message() -> None:
    """One JSON object a line, with the API's ``from``, told apart by ``kind``."""
    bw = bandwidth(lost_after=1.0)
    post(bw, 2, tag="t-1")

    accepted = orjson.loads(bw.witness.accepted[0].as_line())
    attempt = orjson.loads(bw.witness.attempts[0].as_line())

    assert accepted == {
        "kind": "accepted",
        "seq": 0,
        "id": attempt["message_id"],
        "wall": 1_795_000_002.0,
        "mono": 1002.0,
        "account": "9900000",
        "application_id": "93de2206-9669-4e07-948d-329f4b722ee2",
        "to": [ANN],
        "from": "+19195550100",
        "text": "Hello Ann",
        "media": [],
        "tag": "t-1",
        "priority": None,
        "expiration": None,
        "segments": 1,
        "units": 1,
    }
    assert attempt == {
        "kind": "attempt",
        "seq": 0,
        "wall": 1_795_000_002.0,
        "mono": 1002.0,
        "account": "9900000",
        "status": 0,
        "fault": "lost_after",
        "message_id": accepted["id"],
        "to": [ANN],
        "tag": "t-1",
    }


def test_what_nobody_will_ask_for_is_forgotten() -> None:
    """Between one and two times what is to be remembered; the search shows the latest."""
    bw = bandwidth(remembers=50, rate=None)
    for number in range(500):
        post(bw, number, to=[f"+1919555{number:04}"])

    for log in (bw.witness.accepted, bw.witness.attempts):
        assert (len(log) < 100, log.total) == (True, 500)
        assert [one.seq for one in log] == list(range(500 - len(log), 500))
        assert log.since(498) == log[-2:]
    found = parsed(search(bw, "messageDirection=OUTBOUND", 500))
    assert found["totalCount"] == len(bw.witness.accepted)
    assert found["messages"][0]["destinationTn"] == "+19195550499"
