"""The request's body and the ledger's key."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from bandwidth.models import MessageRequest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulksend.send.message import Envelope, Message
from tests.simulator.openapi import SpecificationError, validate

NOW = 1_790_000_000_000
ENVELOPE = Envelope("bandwidth/spring-sale", "93de2206-9669-4e07-948d-329f4b722ee2")
PLAIN = Message(2, "+19195550101", "+19195550100", "Hi Ann", None, "k2", 1)

NUMBERS = st.integers(2_000_000, 9_999_999).map(lambda n: f"+1919{n}")
URLS = st.integers(0, 999).map(lambda n: f"https://cdn.example.com/{n}.jpg")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=2_048)
UNTIL = st.just(0) | st.integers(NOW, NOW + 400 * 86_400_000)
MESSAGES = st.builds(
    Message,
    row=st.integers(2, 10**9),
    to=st.lists(NUMBERS, min_size=1, max_size=10, unique=True).map(",".join),
    sender=NUMBERS,
    text=st.none() | TEXTS,
    media=st.lists(URLS, min_size=1, max_size=10).map(" ".join),
    tag=st.text(st.characters(codec="ascii"), min_size=1, max_size=200),
    weight=st.integers(1, 31),
    until=UNTIL,
) | st.builds(
    Message,
    row=st.integers(2, 10**9),
    to=NUMBERS,
    sender=NUMBERS,
    text=TEXTS,
    media=st.none(),
    tag=st.text(st.characters(codec="ascii"), min_size=1, max_size=200),
    weight=st.integers(1, 31),
    until=UNTIL,
)
ENVELOPES = st.builds(
    Envelope,
    campaign=st.just("c"),
    application_id=st.uuids().map(str),
    priority=st.sampled_from([None, "default", "high"]),
    expiration=st.none()
    | st.timedeltas(timedelta(seconds=1), timedelta(days=30))
    | st.datetimes(datetime(2026, 11, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  (the zone is drawn beside it)
)


def _body(message: Message, envelope: Envelope = ENVELOPE) -> dict[str, Any]:
    said = orjson.loads(envelope.body(message, NOW))
    assert isinstance(said, dict)
    return said


def test_a_plain_message_says_no_more_than_it_must() -> None:
    """Four fields and the tag; what a campaign does not set is left out."""
    assert _body(PLAIN) == {
        "applicationId": ENVELOPE.application_id,
        "to": ["+19195550101"],
        "from": "+19195550100",
        "text": "Hi Ann",
        "tag": "k2",
    }


def test_a_group_message_with_pictures_and_all_options() -> None:
    """Several numbers, several URLs, no text, priority and the time in UTC."""
    there = timezone(timedelta(hours=-5))
    envelope = Envelope(
        "c", "app", "high", datetime(2026, 11, 24, 20, 30, 15, 999_999, tzinfo=there)
    )
    message = PLAIN._replace(
        to="+19195550101,+19195550102",
        text=None,
        media="https://a/1.jpg https://a/2.jpg",
    )

    assert _body(message, envelope) == {
        "applicationId": "app",
        "to": ["+19195550101", "+19195550102"],
        "from": "+19195550100",
        "media": ["https://a/1.jpg", "https://a/2.jpg"],
        "tag": "k2",
        "priority": "high",
        "expiration": "2026-11-25T01:30:15Z",
    }


def test_a_lifetime_counts_from_the_post() -> None:
    """A duration becomes a time when the body is made; a date stays what it is."""
    lifetime = Envelope("c", "app", expiration=timedelta(minutes=10))
    date = datetime(2026, 12, 1, tzinfo=UTC)

    later = lifetime.expires(NOW + 5_000)
    assert later == datetime.fromtimestamp(NOW / 1_000 + 605, UTC)
    assert Envelope("c", "app", expiration=date).expires(NOW) == date
    assert ENVELOPE.expires(NOW) is None


@settings(derandomize=True, max_examples=300, deadline=None)
@given(message=MESSAGES, envelope=ENVELOPES)
def test_bodies_are_what_bandwidth_specifies(
    message: Message, envelope: Envelope
) -> None:
    """Any message and envelope: held to the OpenAPI file's messageRequest."""
    said = _body(message, envelope)

    validate("messageRequest", said)
    if "expiration" in said:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", said["expiration"])


def test_the_specification_can_say_no() -> None:
    """A body without its sender is refused: the test above can fail."""
    said = _body(PLAIN)
    del said["from"]

    with pytest.raises(SpecificationError):
        validate("messageRequest", said)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(message=MESSAGES, envelope=ENVELOPES)
def test_the_official_sdk_reads_our_bodies(
    message: Message, envelope: Envelope
) -> None:
    """Its model gets back every field as the plan has it.

    The end of a window is sent for a day ahead at most, if no expiration is asked for.
    """
    read = MessageRequest.from_json(envelope.body(message, NOW).decode())

    assert read is not None
    assert read.to == message.to.split(",")
    assert read.var_from == message.sender
    assert (read.text or None) == message.text
    assert (read.media or []) == (message.media or "").split()
    assert read.tag == message.tag
    assert read.application_id == envelope.application_id
    assert read.priority == envelope.priority
    closes = (
        datetime.fromtimestamp(message.until / 1000, UTC) if message.until else None
    )
    asked = envelope.expires(NOW)
    a_day = datetime.fromtimestamp(NOW / 1000, UTC) + timedelta(days=1)
    bounds = [end for end in (asked, closes, closes and not asked and a_day) if end]
    earlier = min(bounds).replace(microsecond=0) if bounds else None
    assert read.expiration == earlier


# -- the ledger's key -----------------------------------------------------------------------


def test_the_key_is_what_the_person_reads() -> None:
    """Row, sender and tag do not change it; it is the same in every process."""
    same = PLAIN._replace(row=99, sender="+19195550111", tag="other", weight=2)

    assert ENVELOPE.once(same) == ENVELOPE.once(PLAIN) == 5492407278746017319


@pytest.mark.parametrize(
    "other",
    [
        PLAIN._replace(to="+19195550102"),
        PLAIN._replace(text="Hi Bob"),
        PLAIN._replace(media="https://a/1.jpg"),
        PLAIN._replace(text=None, media="Hi Ann"),
    ],
)
def test_another_number_or_content_has_another_key(other: Message) -> None:
    """Each part counts, and so does which part it is."""
    assert ENVELOPE.once(other) != ENVELOPE.once(PLAIN)


def test_another_campaign_or_slot_has_another_key() -> None:
    """The ledger is per campaign, and per send of a recurring one."""
    keys = {
        Envelope(name, "app", slot=slot).once(PLAIN)
        for name in ("c", "other")
        for slot in ("", "2026-11-30", "2026-12-07")
    }

    assert len(keys) == 6
    assert not keys & {ENVELOPE.once(PLAIN)}


def test_a_key_of_the_campaigns_own_stands_for_the_content() -> None:
    """Another text under it is the same message; another key or number is not."""
    order = PLAIN._replace(once_key="order 7")
    key = ENVELOPE.once(order)

    assert ENVELOPE.once(order._replace(text="Corrected", media="https://a/1")) == key
    assert ENVELOPE.once(order._replace(once_key="order 8")) != key
    assert ENVELOPE.once(order._replace(to="+19195550199")) != key
    assert ENVELOPE.once(PLAIN._replace(text="order 7")) != key
    assert ENVELOPE.once(PLAIN) != key


@settings(derandomize=True, max_examples=300, deadline=None)
@given(one=MESSAGES, other=MESSAGES)
def test_equal_keys_mean_equal_content(one: Message, other: Message) -> None:
    """Sixty-four bits that SQLite can hold, and no two contents share them."""
    keys = ENVELOPE.once(one), ENVELOPE.once(other)

    assert all(-(2**63) <= key < 2**63 for key in keys)
    read = [(m.to, m.once_key or (m.text or "", m.media or "")) for m in (one, other)]
    assert (keys[0] == keys[1]) == (read[0] == read[1])
