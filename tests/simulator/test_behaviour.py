"""Request to answer, one row each: what Bandwidth documents, word for word."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bulksend.errors import InputError
from bulksend.simulator.answers import Ending
from bulksend.simulator.behaviour import Bandwidth, Fault, Scenario
from tests.simulator.calls import (
    ANN,
    BASIC,
    BOB,
    MESSAGES,
    SENDER,
    bandwidth,
    body,
    moment,
    parsed,
    post,
    request,
)

NUMBERS = [f"+1919555{n:04d}" for n in range(11)]
NO_NUMBER = "must be replaced with a valid E164 formatted telephone number"
REFUSED: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    (
        "all that the documented example lacks",
        {"sender": "", "to": [], "text": ...},
        [
            ("from", "'from' must contain exactly one telephone number"),
            ("text", "'text' is required unless media is included"),
            ("to", "'to' must contain at least one telephone number"),
        ],
    ),
    (
        "a recipient that is no number",
        {"to": ["+1invalid"]},
        [
            ("to", f"'+1invalid' {NO_NUMBER}"),
        ],
    ),
    (
        "a sender that is no number, as in the specification's example",
        {"sender": "+invalid"},
        [
            ("from", f"'+invalid' {NO_NUMBER}"),
        ],
    ),
    (
        "eleven recipients",
        {"to": NUMBERS},
        [("to", "'to' must contain at most 10 telephone numbers")],
    ),
    (
        "a recipient twice",
        {"to": [ANN, BOB, ANN]},
        [("to", "'to' must not contain the same telephone number twice")],
    ),
    (
        "no application",
        {"applicationId": None},
        [("applicationId", "'applicationId' is required")],
    ),
    (
        "a text of 2049",
        {"text": "x" * 2049},
        [("text", "'text' must be 2048 characters or less")],
    ),
    (
        "1025 emoji, which are 2050 UTF-16 units",
        {"text": "\U0001f600" * 1025},
        [("text", "'text' must be 2048 characters or less")],
    ),
    (
        "a tag of 1025",
        {"tag": "x" * 1025},
        [("tag", "'tag' must be 1024 characters or less")],
    ),
    (
        "another priority",
        {"priority": "low"},
        [("priority", "'priority' must be one of 'default', 'high'")],
    ),
    (
        "an expiration now",
        {"expiration": "2026-11-18T11:06:40Z"},
        [("expiration", "'expiration' must be a date-time in the future")],
    ),
    (
        "an expiration without an offset",
        {"expiration": "2027-01-01T00:00:00"},
        [("expiration", "'expiration' must be a valid RFC-3339 date-time")],
    ),
    (
        "a day that is not",
        {"expiration": "2027-02-30T00:00:00Z"},
        [("expiration", "'expiration' must be a valid RFC-3339 date-time")],
    ),
    (
        "media that is no URL",
        {"media": ["not media"]},
        [("media", "'not media' must be replaced with a valid URL")],
    ),
    (
        "eleven media",
        {"media": ["https://example.com/a.png"] * 11},
        [("media", "'media' must contain at most 10 URLs")],
    ),
    (
        "a URL of 4097",
        {"media": ["https://example.com/" + "a" * 4077]},
        [("media", "a URL in 'media' must be 4096 characters or less")],
    ),
    (
        "values of the wrong type",
        {"to": [5], "sender": [SENDER], "text": 5, "tag": 5, "media": "https://a.b/c"},
        [
            ("from", "'from' must contain exactly one telephone number"),
            ("media", "'media' must be a list of URLs"),
            ("tag", "'tag' must be a string"),
            ("text", "'text' must be a string"),
            ("to", f"'5' {NO_NUMBER}"),
        ],
    ),
]


@pytest.mark.parametrize(
    ("changes", "errors"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_an_invalid_body_is_refused_field_by_field(
    changes: dict[str, Any], errors: list[tuple[str, str]]
) -> None:
    """A 400 names each wrong field in Bandwidth's words, and nothing is accepted."""
    bw = bandwidth()

    answer = post(bw, **changes)

    assert answer.status == 400
    assert parsed(answer) == {
        "type": "request-validation",
        "description": "Your request could not be accepted",
        "fieldErrors": [
            {"fieldName": field, "description": text} for field, text in errors
        ],
    }
    assert bw.witness.accepted == []
    assert [one.status for one in bw.witness.attempts] == [400]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"to"', b'{"text":"\\ud83d"}'])
def test_a_body_that_is_no_json_object_is_refused_as_a_whole(raw: bytes) -> None:
    """Without a field to blame the 400 has no fieldErrors."""
    answer = bandwidth().answer(request(body=raw), moment())

    assert answer.status == 400
    assert parsed(answer) == {
        "type": "request-validation",
        "description": "Your request could not be accepted",
    }


ACCEPTED: list[tuple[str, dict[str, Any], int, int]] = [
    ("a plain text", {}, 1, 1),
    ("161 letters", {"text": "x" * 161}, 2, 2),
    ("71 Cyrillic letters", {"text": "ж" * 71}, 2, 2),
    ("text and media", {"text": "x" * 500, "media": ["https://a.example/b.png"]}, 1, 1),
    ("media only", {"text": ..., "media": ["https://a.example/b.png"]}, 1, 1),
    ("a group of three, text only", {"to": NUMBERS[:3]}, 1, 3),
    ("a group of ten", {"to": NUMBERS[:10]}, 1, 10),
    ("a bare string in to", {"to": ANN}, 1, 1),
    ("a name for a sender", {"sender": "Ann & Co-1"}, 1, 1),
    ("a short code for a sender", {"sender": "12345"}, 1, 1),
    ("a text of 2048", {"text": "x" * 2048}, 14, 14),
    ("a tag of 1024", {"tag": "x" * 1024}, 1, 1),
    ("high priority", {"priority": "high"}, 1, 1),
    ("fields that are null", {"tag": None, "media": None, "priority": None}, 1, 1),
    ("a field nobody knows", {"colour": "red"}, 1, 1),
]


@pytest.mark.parametrize(
    ("changes", "segments", "units"),
    [row[1:] for row in ACCEPTED],
    ids=[row[0] for row in ACCEPTED],
)
def test_a_valid_body_is_accepted_and_echoed(
    changes: dict[str, Any], segments: int, units: int
) -> None:
    """The 202 has an id of 29, the segment count, and every field that was given."""
    bw = bandwidth()

    answer = post(bw, **changes)

    told = parsed(answer)
    given = {k: v for k, v in body(**changes).items() if v is not None}
    given["to"] = [given["to"]] if isinstance(given["to"], str) else given["to"]
    given.pop("colour", None)
    assert answer.status == 202
    assert re.fullmatch(r"1795000000000[0-9a-z]{16}", told.pop("id"))
    assert told == given | {
        "owner": given["from"],
        "time": "2026-11-18T11:06:40.000Z",
        "segmentCount": segments,
        "direction": "out",
    }
    (record,) = bw.witness.accepted
    assert (record.segments, record.units) == (segments, units)


@pytest.mark.parametrize(
    ("given", "echoed"),
    [
        ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00.000000Z"),
        ("2027-01-01t02:00:00.5+02:00", "2027-01-01T00:00:00.500000Z"),
        ("2026-12-31T19:00:00-05:00", "2027-01-01T00:00:00.000000Z"),
    ],
)
def test_an_expiration_comes_back_as_the_same_instant_in_other_words(
    given: str, echoed: str
) -> None:
    """A client that compares strings is wrong with Bandwidth, so it is wrong here."""
    assert parsed(post(bandwidth(), expiration=given))["expiration"] == echoed


def test_the_same_body_twice_is_two_messages() -> None:
    """No idempotency: two ids, two records, and the witness counts one doubled."""
    bw = bandwidth()

    first, second = post(bw), post(bw)

    assert parsed(first)["id"] != parsed(second)["id"]
    assert bw.witness.stats().doubled == 1


FRAMEWORK_404 = {
    "timestamp": "2026-11-18T11:06:40.000+0000",
    "status": 404,
    "error": "Not Found",
    "message": "Not Found",
}
UNAUTHORIZED = {"type": "unauthorized", "description": "Authentication Failed"}
TURNED_AWAY: list[tuple[str, dict[str, Any], int, dict[str, Any]]] = [
    ("no credentials", {"authorization": ""}, 401, UNAUTHORIZED),
    ("an unknown scheme", {"authorization": "Digest abc"}, 401, UNAUTHORIZED),
    ("Basic that is no base64", {"authorization": "Basic %%%"}, 401, UNAUTHORIZED),
    ("Basic without a colon", {"authorization": "Basic dXNlcg=="}, 401, UNAUTHORIZED),
    ("Basic without a secret", {"authorization": "Basic dXNlcjo="}, 401, UNAUTHORIZED),
    ("wrong secret", {"authorization": "Basic dXNlcjp4"}, 401, UNAUTHORIZED),
    ("a made-up token", {"authorization": "Bearer abc"}, 401, UNAUTHORIZED),
    (
        "another account",
        {"target": "/api/v2/users/1/messages"},
        401,
        UNAUTHORIZED,
    ),
    (
        "an account without the role",
        {"target": "/api/v2/users/403/messages"},
        403,
        {"type": "forbidden", "description": "Access Denied"},
    ),
    (
        "plain text",
        {"content_type": "text/plain;charset=UTF-8"},
        415,
        {
            "type": "unsupported-content-type",
            "description": "Content type 'text/plain;charset=UTF-8' not supported. "
            "Please use 'application/json'",
        },
    ),
    (
        "who wants no JSON",
        {"accept": "text/html"},
        406,
        {
            "type": "not-acceptable",
            "description": "Could not produce an acceptable answer: "
            "only JSON is spoken",
        },
    ),
    (
        "another method",
        {"method": "PUT"},
        405,
        {
            "type": "method-not-allowed",
            "description": "Method 'PUT' not supported for this resource.",
        },
    ),
    (
        "a path below messages",
        {"target": f"{MESSAGES}/happy"},
        404,
        FRAMEWORK_404 | {"path": f"{MESSAGES}/happy"},
    ),
    (
        "a path elsewhere",
        {"target": "/api/v3/users?x=1", "authorization": ""},
        404,
        FRAMEWORK_404 | {"path": "/api/v3/users"},
    ),
]


@pytest.mark.parametrize(
    ("changes", "status", "told"),
    [row[1:] for row in TURNED_AWAY],
    ids=[row[0] for row in TURNED_AWAY],
)
def test_a_request_is_turned_away_before_it_is_read(
    changes: dict[str, Any], status: int, told: dict[str, Any]
) -> None:
    """Each refusal has its documented status and body, and accepts nothing."""
    bw = bandwidth(
        credentials=frozenset({("user", "secret")}),
        accounts=frozenset({"9900000", "403"}),
        forbidden=frozenset({"403"}),
    )

    answer = bw.answer(request(**changes), moment())

    assert (answer.status, parsed(answer)) == (status, told)
    assert answer.content_type == "application/json; charset=utf-8"
    assert bw.witness.accepted == []


def test_any_non_empty_credentials_do_when_none_are_named() -> None:
    """A first try with made-up credentials works on the desk."""
    assert bandwidth().answer(request(authorization=BASIC), moment()).status == 202


def test_the_queue_fills_as_the_support_article_reckons() -> None:
    """5 segments a second, posted at 100: the first 429 after 4500 / 95 = 47.4 s."""
    bw = bandwidth(rate=5)

    first = next(n for n in range(6000) if post(bw, n / 100).status == 429)

    assert first / 100 == pytest.approx(4500 / 95, abs=0.02)


def test_the_429_tells_rate_and_capacity_of_this_account() -> None:
    """The documented body, with the scenario's numbers in it."""
    bw = bandwidth(rate=1, queue_seconds=900)
    for _ in range(900):
        assert post(bw).status == 202

    answer = post(bw)

    assert answer.status == 429
    assert answer.headers == ()
    assert parsed(answer) == {
        "type": "max-message-queue-size-exceeded",
        "description": "The SMS queue for your account is full and cannot accept more "
        "messages right now. Your allowed rate is 60 messages per minute. The capacity "
        "of this queue is 900 messages (15 minutes). Reduce your message sending rate, "
        "or contact support to increase your allowed rate.",
    }
    assert bw.witness.stats().throttled == 1


def test_the_queue_counts_segments_and_recipients_and_drains_at_the_rate() -> None:
    """A part of a message never fits, a refused one takes no room, and room returns."""
    bw = bandwidth(rate=1, queue_seconds=10)

    assert post(bw, 0, text="x" * 161).status == 202  # 2
    assert post(bw, 0, to=NUMBERS[:7]).status == 202  # 9
    assert post(bw, 0, text="x" * 161).status == 429
    assert post(bw, 0).status == 202  # 10
    assert post(bw, 0.9).status == 429
    assert post(bw, 1.0).status == 202
    assert post(bw, 1.0).status == 429


def test_each_account_has_a_queue_of_its_own() -> None:
    """One account's 429 says nothing about another's."""
    bw = bandwidth(rate=1, queue_seconds=1)
    other = request(target="/api/v2/users/2/messages")

    assert post(bw).status == 202
    assert post(bw).status == 429
    assert bw.answer(other, moment()).status == 202


def test_without_a_rate_nothing_is_throttled() -> None:
    """None is no limit."""
    bw = bandwidth(rate=None)

    assert {post(bw).status for _ in range(2000)} == {202}


FAULTS: list[tuple[Fault, bool, int, Ending]] = [
    (Fault.LOST_BEFORE, False, 0, Ending.DROPPED),
    (Fault.LOST_AFTER, True, 0, Ending.DROPPED),
    (Fault.ERROR_500, False, 500, Ending.ANSWERED),
    (Fault.SLOW, True, 202, Ending.ANSWERED),
    (Fault.SILENT, True, 202, Ending.SILENT),
    (Fault.GARBLED_202, True, 202, Ending.ANSWERED),
]


@pytest.mark.parametrize(("fault", "is_accepted", "status", "ending"), FAULTS)
def test_a_fault_strikes_on_its_side_of_the_acceptance(
    fault: Fault, is_accepted: bool, status: int, ending: Ending
) -> None:
    """What the client sees and what the witness knows, fault by fault."""
    bw = bandwidth(**{fault: 1.0})

    answer = post(bw)

    (attempt,) = bw.witness.attempts
    assert (answer.status, answer.ending) == (status, ending)
    assert attempt.fault == fault
    assert attempt.status == (status if ending is Ending.ANSWERED else 0)
    assert (attempt.message_id is not None) == is_accepted
    assert [one.id for one in bw.witness.accepted] == [
        one for one in [attempt.message_id] if one
    ]


def test_a_gateway_page_hides_an_acceptance_half_of_the_time() -> None:
    """502 in HTML proves nothing: about half of them were accepted."""
    bw = bandwidth(gateway_502=1.0)

    answers = [post(bw) for _ in range(1000)]

    assert {one.status for one in answers} == {502}
    assert answers[0].content_type.startswith("text/html")
    assert 440 < len(bw.witness.accepted) < 560
    hidden = sum(one.message_id is not None for one in bw.witness.attempts)
    assert hidden == len(bw.witness.accepted)


def test_shares_are_kept_and_a_seed_repeats_the_run() -> None:
    """Faults come by chance, in their shares, and the same chance twice is the same."""
    shares = {"lost_after": 0.1, "error_500": 0.2, "slow": 0.05}

    first, second = bandwidth(**shares), bandwidth(**shares)
    for n in range(2000):
        post(first, n / 10)
        post(second, n / 10)

    assert first.witness.attempts == second.witness.attempts
    faults = first.witness.stats().faults
    assert faults.keys() == shares.keys()
    for fault, share in shares.items():
        assert faults[fault] == pytest.approx(2000 * share, rel=0.25)


def test_an_invalid_or_throttled_post_meets_no_fault() -> None:
    """Refusals stay clean, so that a test of them needs no luck."""
    bw = bandwidth(lost_after=1.0, rate=1, queue_seconds=1)

    assert post(bw, to=[]).status == 400
    assert post(bw).ending is Ending.DROPPED
    assert post(bw).status == 429
    assert [one.fault for one in bw.witness.attempts] == ["", "lost_after", ""]


def test_latency_delays_every_answer_within_its_bounds() -> None:
    """A number is exact, a pair is drawn from; the slow fault comes on top."""
    assert post(bandwidth(latency=0.25)).delay == 0.25
    assert post(bandwidth(latency=0.25, slow=1.0, slow_seconds=3.0)).delay == 3.25

    drawn = bandwidth(latency=(0.1, 0.2))
    delays = {post(drawn).delay for _ in range(50)}
    assert len(delays) > 10
    assert all(0.1 <= delay <= 0.2 for delay in delays)


def test_an_impossible_scenario_is_refused_with_everything_wrong_in_it() -> None:
    """All problems at once, each under its option's name."""
    with pytest.raises(InputError) as caught:
        Scenario(
            rate=0,
            lost_after=1.5,
            slow=-0.1,
            latency=(2.0, 1.0),
            search_lag=-1.0,
            token_lifetime=0.0,
        )

    assert [problem.column for problem in caught.value.problems] == [
        "rate",
        "lost_after",
        "slow",
        "search_lag",
        "",
        "latency",
        "token_lifetime",
    ]
    assert {problem.code for problem in caught.value.problems} == {"E580"}


def test_a_put_is_no_attempt_to_send() -> None:
    """The attempts log is of POSTs to the messages resource, and of nothing else."""
    bw: Bandwidth = bandwidth()

    bw.answer(request("PUT"), moment())
    bw.answer(request("POST", "/oauth2/token"), moment())

    assert bw.witness.attempts == []
