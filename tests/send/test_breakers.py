"""When a run is stopped although each of its messages has its fate."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulksend.journal.states import Event
from bulksend.send.breakers import FEWEST, LATEST, UNKNOWN_IN_A_ROW, Breakers

if TYPE_CHECKING:
    from collections.abc import Sequence

OK, NO, LOST, BACK = Event.ACCEPT, Event.REFUSE, Event.LOSE, Event.RELEASE


def _trip(events: Sequence[Event], **limits: float) -> tuple[int, str] | None:
    """How many answers it took, and the code; None where it holds."""
    breakers = Breakers(**limits)  # type: ignore[arg-type]  # a row of cases
    for count, event in enumerate(events, 1):
        if problem := breakers.answered(event, f"400: {count}"):
            return count, problem.code
    return None


@pytest.mark.parametrize(
    ("events", "limits", "trip"),
    [
        ([OK] * 1_000, {}, None),
        ([NO] * 10, {}, None),  # a tenth of a small campaign: its own affair
        ([NO] * 11, {}, (11, "E513")),  # more than a fifth of fifty, whatever comes
        ([OK, OK, OK, OK, NO] * 200, {}, None),  # a fifth is allowed, more is not
        ([OK] * 1_000 + [NO] * 41, {}, (1_041, "E513")),
        ([OK] * 1_000 + [NO] * 40 + [OK] * 1_000, {}, None),
        ([NO] * 1_000, {"refused": 1.0}, None),
        ([NO] * 3, {"refused": 0.04}, (3, "E513")),
        ([LOST] * 2 + [OK] + [LOST] * 24, {"in_doubt": True}, None),
        ([LOST, BACK, LOST, LOST], {"in_doubt": True}, (4, "E512")),
        ([LOST] * 24 + [OK] + [LOST] * 24, {}, None),
        ([LOST] * 24 + [NO] + [LOST] * 24, {}, None),  # a refusal proves something
        ([LOST] * 24 + [BACK] + [LOST], {}, (26, "E512")),
        ([LOST] * 25, {}, (25, "E512")),
    ],
)
def test_it_stops_at_the_limit_and_not_before(
    events: list[Event], limits: dict[str, float], trip: tuple[int, str] | None
) -> None:
    """Refused: by share of the latest answers.  Unknown: in a row."""
    assert _trip(events, **limits) == trip


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([OK, NO, BACK]), max_size=600), st.floats(0.01, 1))
def test_the_share_of_refusals_never_gets_past_the_limit(
    events: list[Event], limit: float
) -> None:
    """In the latest answers before it stops: at most the limit's share is refused."""
    trip = _trip(events, refused=limit)
    answers = [
        event for event in events[: trip[0] - 1 if trip else None] if event != BACK
    ]

    for end in range(1, len(answers) + 1):
        latest = answers[max(0, end - LATEST) : end]
        if latest[-1] == NO:
            assert latest.count(NO) <= limit * max(len(latest), FEWEST)


def test_ten_refusals_in_the_same_words_are_about_the_campaign() -> None:
    """However many were accepted before; other words, or an acceptance, begin anew."""
    breakers = Breakers()
    for _ in range(500):
        breakers.answered(OK)
    said = [breakers.answered(NO, "400: the one") for _ in range(9)]
    said += [breakers.answered(NO, f"400: {n}") for n in range(9)]
    said += [breakers.answered(NO, "400: same") for _ in range(10)]

    assert [problem.found for problem in said if problem] == [
        "10 in a row, each: 400: same"
    ]


def test_one_message_goes_first_where_all_of_them_may_be_lost() -> None:
    """After three unknowns in a row, or from the start; until an answer proves something."""
    breakers = Breakers()
    probing = []
    for event in (LOST, LOST, LOST, BACK, OK, LOST):
        breakers.answered(event)
        probing.append(breakers.is_probing)

    assert probing == [False, False, True, True, False, False]
    doubtful = Breakers(in_doubt=True)
    assert doubtful.is_probing
    doubtful.answered(NO)
    assert not doubtful.is_probing


def test_filtered_texts_stop_the_run_once() -> None:
    """Receipts that a filter wrote count; other failures do not."""
    breakers = Breakers(spam=3)
    codes = ["4470", "4720", "4770", "9902", "", "spam", "4771", "4470"]

    said = [breakers.failed(code) for code in codes]

    assert [problem.code if problem else None for problem in said] == [
        *repeat(None, 6),
        "E514",
        None,
    ]


def test_the_problem_says_what_was_seen() -> None:
    """How many of how many."""
    breakers = Breakers()
    said = [breakers.answered(NO, f"400: {n}") for n in range(11)][-1]

    assert said is not None
    assert said.found == "11 of the last 11 answers were refusals"
    assert UNKNOWN_IN_A_ROW == 25
