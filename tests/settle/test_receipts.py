"""What a callback says, and that nothing that may come breaks the reading."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulksend.journal.states import Event
from bulksend.settle.receipts import (
    EVENTS,
    LONGEST,
    UNREADABLE,
    Receipt,
    Unreadable,
    read,
)
from tests.settle.callbacks import ANA, ID, OURS, body, event, reply

AT = 1_795_687_202_161


def only(said: Any) -> Receipt:
    (receipt,) = read(body(said))
    return receipt


# type, what it proves
TYPES = (
    ("message-sending", Event.ACCEPT),
    ("message-sent", Event.ACCEPT),
    ("message-delivered", Event.DELIVER),
    ("message-read", Event.DELIVER),
    ("message-failed", Event.FAIL),
    ("message-received", None),
    ("suggestion-response", None),
    ("message-of-tomorrow", None),
)


@pytest.mark.parametrize(("kind", "proves"), TYPES)
def test_each_type_says_what_it_proves(kind: str, proves: Event | None) -> None:
    """Outbound types prove something; inbound and unknown ones are kept whole."""
    receipt = only(event(kind))
    assert receipt.event is proves
    assert (receipt.said is None) is (proves is not None)


def test_a_delivery_is_read_to_its_last_field() -> None:
    """Number, ids, both times in milliseconds, the row's key from the tag."""
    receipt = only(event(carrierName="AT&T"))
    assert receipt._replace(digest=0) == Receipt(
        0,
        "message-delivered",
        at=AT,
        message_id=ID,
        person=ANA,
        ours=OURS,
        tag="spring-7#0a1b2c3d-7",
        carrier="AT&T",
        accepted_at=1_795_687_200_123,
    )
    assert receipt.row_key == ("0a1b2c3d", 7)


def test_a_failure_carries_its_code() -> None:
    """As a number, or as the digits of one."""
    assert only(event("message-failed", errorCode=4720)).error_code == 4720
    assert only(event("message-failed", errorCode="4720")).error_code == 4720


# a tag, and the key in it
TAGS = (
    ("#0a1b2c3d-7", ("0a1b2c3d", 7)),
    ("a#b-1#0a1b2c3d-10000001", ("0a1b2c3d", 10_000_001)),
    ("#0a1b2c3d-", None),
    ("#0A1B2C3D-7", None),
    ("#0a1b2c3d-7 ", None),
    ("#0a1b2c3d-7\n", None),
    ("#0a1b2c3d-" + "9" * 30, None),
    ("spring", None),
    ("", None),
)


@pytest.mark.parametrize(("tag", "key"), TAGS)
def test_the_row_is_at_the_end_of_the_tag(
    tag: str, key: tuple[str, int] | None
) -> None:
    """And only there, in exactly the form that we write."""
    assert only(event(message_tag=tag)).row_key == key


def test_a_callback_without_a_tag_still_has_its_message_id() -> None:
    """The tag may be missing, and null."""
    for tag in (..., None, 7):
        receipt = only(event(message_tag=tag))
        assert (receipt.row_key, receipt.message_id) == (None, ID)


# a time as it comes, in milliseconds
TIMES = (
    ("2026-11-26T10:00:02Z", 1_795_687_202_000),
    ("2026-11-26T10:00:02.161Z", AT),
    ("2026-11-26T10:00:02.160744Z", AT),
    ("2026-11-26T10:00:02.160744123Z", AT),
    ("2026-11-26T11:00:02.161+01:00", AT),
    ("2026-11-26T10:00:02.161", AT),
    ("2026-11-26t10:00:02.161z", AT),
    ("2026-11-26T10:00:60Z", 1_795_687_260_000),
    ("2026-11-26T10:00:60.5+00:00", 1_795_687_260_500),
    ("2026-11-26T10:60:00Z", None),
    ("2026-11-26T10:00:61Z", None),
    ("0001-01-01T00:00:00+14:00", None),
    ("yesterday", None),
    ("", None),
    (None, None),
    (1_795_687_202, None),
)


@pytest.mark.parametrize(("said", "millis"), TIMES)
def test_times_have_any_precision(said: Any, millis: int | None) -> None:
    """Seconds, milli- and microseconds; what is no time is none."""
    found = only(event(time=said)).at
    assert found == millis


def test_a_group_message_brings_one_receipt_a_number() -> None:
    """Same message id, other person, other digest."""
    numbers = ["+19192345671", "+19192345672", "+19192345673"]
    found = read(body(*(event(to=one, message_to=numbers) for one in numbers)))
    assert [one.person for one in found] == numbers
    assert {one.message_id for one in found} == {ID}
    assert len({one.digest for one in found}) == 3


@pytest.mark.parametrize("to", [..., [ANA, "+19192345672"]])
def test_of_several_numbers_nobody_is_the_person(to: Any) -> None:
    """The first of a group would be taken for whoever it is about."""
    group = [ANA, "+19192345672"]
    failed = event("message-failed", errorCode=4775, to=to, message_to=group)
    assert not only(failed).person
    assert only(event(to=ANA, message_to=group)).person == ANA


# as carriers may write it, as plans have it
RENEWED = (
    ("+5215512345678", "+525512345678"),
    ("+551187654321", "+5511987654321"),
    ("+22951234567", "+2290151234567"),
    ("+525512345678", "+525512345678"),
    ("+551132654321", "+551132654321"),
    ("+19192345671", "+19192345671"),
    ("+5211234567", "+5211234567"),
)


@pytest.mark.parametrize(("said", "person"), RENEWED)
def test_a_number_of_before_is_the_one_of_today(said: str, person: str) -> None:
    """A STOP from Mexico's old form of a mobile reaches the row with the new one."""
    assert only(reply("Stop", message_from=said)).person == person
    assert only(event(to=said)).person == person


def test_a_repeated_event_has_the_same_digest_whatever_its_order_of_keys() -> None:
    """And an event that differs in anything has another."""
    first = event()
    again = dict(reversed(list(first.items())))
    assert only(first).digest == only(again).digest
    assert only(first).digest != only(event(time="2026-11-26T10:00:03Z")).digest


def test_a_reply_is_from_the_person_to_our_number() -> None:
    """Its text is read, and the whole of it is kept: nobody else keeps it."""
    receipt = only(reply("Stop"))
    assert (receipt.person, receipt.ours, receipt.text) == (ANA, OURS, "Stop")
    assert receipt.is_inbound
    assert receipt.said is not None
    assert orjson.loads(receipt.said)["message"]["text"] == "Stop"


def test_a_lone_object_is_taken_as_one_event() -> None:
    """Bandwidth promises an array; a proxy in between may not know."""
    (receipt,) = read(orjson.dumps(event()))
    assert receipt.event is Event.DELIVER


def test_an_element_that_is_no_event_does_not_hide_the_others() -> None:
    """It is kept whole beside them."""
    found = read(body(event(), 7, {"time": "now"}, event("message-failed")))
    assert [one.type for one in found] == [
        "message-delivered",
        UNREADABLE,
        UNREADABLE,
        "message-failed",
    ]
    assert found[1].said == "7"


DELIVERED = orjson.dumps(event())
ODD = (
    # an element, and what it is read as
    (
        b'{"type": "message-failed", "x": ' + b"[" * 400 + b"]" * 400 + b"}",
        "message-failed",
    ),
    (b'{"type": "of-tomorrow", "x": ' + b"[" * 2000 + b"]" * 2000 + b"}", UNREADABLE),
    (b"[" * 20_000 + b"]" * 20_000, UNREADABLE),
    (rb'{"type": "of-tomorrow", "x": "half an emoji: \ud83d"}', "of-tomorrow"),
    (
        rb'{"type": "of-tomorrow", "x": "\ude00 the other half, \ud83d\ude00"}',
        "of-tomorrow",
    ),
    (rb'"\ud800"', UNREADABLE),
    (b'{"type": "of-tomorrow", "x": "caf\xe9"}', "of-tomorrow"),
    (b'{"type": "of-tomorrow", "x": "],[{"}', "of-tomorrow"),
    (b'{"type": oops}', UNREADABLE),
    (b'{"type": NaN}', UNREADABLE),
    (b"", UNREADABLE),
)


@pytest.mark.parametrize(("odd", "kind"), ODD, ids=lambda said: repr(said[:20]))
def test_an_element_that_cannot_be_read_does_not_take_the_others_with_it(
    odd: bytes, kind: str
) -> None:
    """They are read as ever, and it is kept as it stands, so that it can be looked at."""
    first, found, last = read(b" [" + b" , ".join([DELIVERED, odd, DELIVERED]) + b"]\n")
    assert first == last == only(event())
    assert found.type == kind
    if kind not in EVENTS:
        assert found.said is not None
        assert bool(found.said) == bool(odd)
        assert found.said.count("[") == odd.count(b"[")


def test_half_an_emoji_hides_no_stop() -> None:
    """A reply that a phone cut in the middle of a character."""
    (found,) = read(orjson.dumps([reply("Stop XX")]).replace(b"XX", rb"\ud83d"))
    assert (found.type, found.text) == ("message-received", "Stop �")
    assert found.person == ANA


def test_no_event_is_no_fault() -> None:
    """An empty array asks for nothing."""
    assert read(b"[]") == []


BAD_BODIES = (
    b"",
    b"\xff\xfe",
    b"hello",
    b"{",
    b"7",
    b"null",
    b'"text"',
    b"[1, 2]",
    b"{}",
    b'[{"type": 7}]',
    b"[" * 100_000,
    b"[" * 300 + b"]" * 300,
    b'[{"type": "x", "deep": ' + b"[" * 2000 + b"]" * 2000 + b"}]",
    b'[{"type": "message-delivered"}, {"type": "message-de',
    b'[{"type": "message-delivered"}',
    b'[{"type": "message-delivered"}] and more',
    b'{"type": NaN}',
    b'["\\ud800"]',
)


@pytest.mark.parametrize("said", BAD_BODIES, ids=lambda said: repr(said[:16]))
def test_a_body_without_an_event_is_unreadable(said: bytes) -> None:
    """Said in words of our own, which quote nothing of it."""
    with pytest.raises(Unreadable):
        read(said)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
FIELDS = ("type", "time", "to", "description", "errorCode", "carrierName", "message")
INNER = ("id", "time", "to", "from", "tag", "text", "direction")


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine's
@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON),
    st.dictionaries(st.sampled_from(INNER), JSON),
    st.booleans(),
)
def test_fields_of_any_type_are_read_or_left_out(
    outer: dict[str, Any], inner: dict[str, Any], with_message: bool
) -> None:
    """Whatever a field holds, there is a receipt with columns that fit, or Unreadable."""
    said = {"type": "message-failed"} | outer
    if with_message:
        said["message"] = inner
    try:
        encoded = orjson.dumps([said])
    except (TypeError, orjson.JSONEncodeError):  # lone surrogates, large numbers
        return
    try:
        (receipt,) = read(encoded)
    except Unreadable:
        assert not isinstance(said["type"], str) or not said["type"].replace("\0", "")
        return
    assert all(len(word) <= LONGEST for word in (receipt.type, receipt.message_id))
    assert "\0" not in receipt.type + receipt.message_id + (receipt.said or "")
    assert receipt.person == "" or receipt.person.startswith("+")
    assert receipt.error_code is None or 0 < receipt.error_code < 10**9


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_unreadable(said: bytes) -> None:
    """Never another error."""
    with suppress(Unreadable):
        read(said)
