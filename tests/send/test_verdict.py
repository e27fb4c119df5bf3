"""What an answer proves: every row of the table, and every body the docs show."""

from __future__ import annotations

from typing import NamedTuple

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulksend.journal.states import Event
from bulksend.send.verdict import WHOLESALE, Action, Reached, judge

ANSWERED = Reached.ANSWERED
MESSAGE = (
    b'{"id":"14762070468292kw2fuqty55yp2b2","segmentCount":2,"owner":"+19195550100"}'
)
ERROR = b'{"type":"some-type","description":"Some words"}'
PAGE = b"<html><body>502 Bad Gateway</body></html>"
QUEUE_FULL = (
    b'{"type":"max-message-queue-size-exceeded","description":"The SMS queue is full"}'
)
FIELDS = orjson.dumps(
    {
        "type": "request-validation",
        "description": "Your request could not be accepted",
        "fieldErrors": [
            {"fieldName": "to", "description": "'x' must be replaced"},
            {"fieldName": "text", "description": "'text' is required"},
        ],
    }
)


class Case(NamedTuple):
    name: str
    reached: Reached
    status: int | None
    body: bytes
    event: Event
    action: Action = Action.GO_ON


CASES = [
    Case("nothing left", Reached.NOWHERE, None, b"", Event.RELEASE, Action.RETRY),
    Case("held back", Reached.HELD, None, b"", Event.RELEASE, Action.GIVE_BACK),
    Case("no answer", Reached.SENT, None, b"", Event.LOSE),
    Case("202", ANSWERED, 202, MESSAGE, Event.ACCEPT),
    Case("202, unreadable", ANSWERED, 202, b'{"id": "147', Event.ACCEPT),
    Case("202, a page", ANSWERED, 202, PAGE, Event.ACCEPT),
    Case("202, empty", ANSWERED, 202, b"", Event.ACCEPT),
    Case("202, an array", ANSWERED, 202, b"[1]", Event.ACCEPT),
    Case("202, an error body", ANSWERED, 202, ERROR, Event.ACCEPT),
    Case("200 with an id", ANSWERED, 200, MESSAGE, Event.ACCEPT),
    Case("200 without", ANSWERED, 200, PAGE, Event.LOSE),
    Case("204", ANSWERED, 204, b"", Event.LOSE),
    Case("redirect", ANSWERED, 302, b"", Event.LOSE),
    Case("400", ANSWERED, 400, FIELDS, Event.REFUSE),
    Case("400, a page", ANSWERED, 400, PAGE, Event.REFUSE),
    Case("401", ANSWERED, 401, ERROR, Event.RELEASE, Action.SIGN_IN),
    Case("402", ANSWERED, 402, b"", Event.RELEASE, Action.HALT),
    Case("403", ANSWERED, 403, ERROR, Event.RELEASE, Action.HALT),
    Case(
        "404", ANSWERED, 404, b'{"status":404,"path":"/x"}', Event.RELEASE, Action.HALT
    ),
    Case("405", ANSWERED, 405, ERROR, Event.RELEASE, Action.HALT),
    Case("406", ANSWERED, 406, ERROR, Event.RELEASE, Action.HALT),
    Case("408 of a gateway", ANSWERED, 408, PAGE, Event.LOSE),
    Case("409", ANSWERED, 409, ERROR, Event.REFUSE),
    Case("415", ANSWERED, 415, ERROR, Event.RELEASE, Action.HALT),
    Case("429", ANSWERED, 429, QUEUE_FULL, Event.RELEASE, Action.SLOW_DOWN),
    Case("429, a page", ANSWERED, 429, PAGE, Event.RELEASE, Action.SLOW_DOWN),
    Case("500 by Bandwidth", ANSWERED, 500, ERROR, Event.RELEASE, Action.RETRY),
    Case("503 by Bandwidth", ANSWERED, 503, ERROR, Event.RELEASE, Action.RETRY),
    Case("500 by a gateway", ANSWERED, 500, PAGE, Event.LOSE),
    Case("503 by a gateway", ANSWERED, 503, PAGE, Event.LOSE),
    Case("502", ANSWERED, 502, PAGE, Event.LOSE),
    Case("502 in Bandwidth's shape", ANSWERED, 502, ERROR, Event.LOSE),
    Case("504", ANSWERED, 504, PAGE, Event.LOSE),
    Case("an unheard-of status", ANSWERED, 599, ERROR, Event.LOSE),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_result_proves_what_the_table_says(case: Case) -> None:
    """Each case gives its event and its action."""
    verdict = judge(case.reached, status=case.status, body=case.body)

    assert (case.event, case.action) == (verdict.event, verdict.action)


def test_an_accepted_message_carries_its_id() -> None:
    """And no error."""
    verdict = judge(ANSWERED, status=202, body=MESSAGE)

    assert verdict.message_id == "14762070468292kw2fuqty55yp2b2"
    assert verdict.error is None


def test_a_refusal_speaks_in_bandwidths_own_words() -> None:
    """Fields are named, because they say what to correct."""
    verdict = judge(ANSWERED, status=400, body=FIELDS)

    assert verdict.code == "400"
    assert verdict.error == (
        "400 request-validation: to: 'x' must be replaced; text: 'text' is required"
    )


@settings(derandomize=True, max_examples=300)
@given(status=st.integers(200, 599), body=st.binary(max_size=60) | st.just(MESSAGE))
def test_only_what_is_documented_as_unsent_is_sent_again(
    status: int, body: bytes
) -> None:
    """Whatever the answer, a message is released only for a documented reason."""
    verdict = judge(ANSWERED, status=status, body=body)

    if verdict.event is Event.RELEASE:
        assert status in (401, 429, 500, 503, *WHOLESALE)
    if status == 202:
        assert verdict.event is Event.ACCEPT


@settings(derandomize=True, max_examples=200)
@given(
    extra=st.dictionaries(
        st.sampled_from(["priority", "time", "segmentCount", "to", "new", "id"]),
        st.none() | st.integers() | st.text() | st.lists(st.integers()),
    )
)
def test_an_unexpected_field_never_makes_an_accepted_message_look_failed(
    extra: dict[str, object],
) -> None:
    """A 202 with fields or values that nobody has seen before is accepted."""
    try:
        body = orjson.dumps({"id": "1" * 29} | extra)
    except TypeError:  # an integer beyond 64 bits has no place in such a body
        return

    assert judge(ANSWERED, status=202, body=body).event is Event.ACCEPT


@pytest.mark.parametrize("before", range(450, 500))
def test_a_number_that_is_cut_off_is_masked(before: int) -> None:
    """Wherever Bandwidth's words end, no more of a number is kept than elsewhere."""
    said = {"type": "x", "description": "a" * before + " '+19195550123' is invalid"}
    verdict = judge(ANSWERED, status=400, body=orjson.dumps(said))

    assert verdict.error is not None
    assert len(verdict.error) <= 500
    assert "+19195" not in verdict.error
