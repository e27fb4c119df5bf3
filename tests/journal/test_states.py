"""The life of a message."""

from __future__ import annotations

import pytest

from bulksend.journal.states import (
    TAKEN,
    TRANSITIONS,
    Event,
    IllegalMove,
    Status,
    step,
)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("event", Event)
def test_step_follows_the_table_and_nothing_else(status: Status, event: Event) -> None:
    """An arrow leads where the table says; where there is none, it says what there is."""
    if event in TRANSITIONS[status]:
        assert TRANSITIONS[status][event] is step(status, event)
    else:
        with pytest.raises(IllegalMove, match=f"{status} cannot {event}"):
            step(status, event)


def test_unknown_is_left_by_evidence_only() -> None:
    """No event of the engine's own claiming leads from unknown to another attempt."""
    assert Event.CLAIM not in TRANSITIONS[Status.UNKNOWN]


def test_a_text_that_may_have_arrived_is_never_claimed_again() -> None:
    """Only a planned message can be claimed."""
    claimable = {s for s, arrows in TRANSITIONS.items() if Event.CLAIM in arrows}

    assert claimable == {Status.PLANNED}
    assert Status.PLANNED not in TAKEN


def test_delivered_wins_over_failed() -> None:
    """A receipt that timed out may be followed by the real one, never the reverse."""
    assert step(Status.FAILED, Event.DELIVER) is Status.DELIVERED
    assert step(Status.DELIVERED, Event.FAIL) is Status.DELIVERED
