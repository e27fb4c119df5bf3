"""What a look at the search proves: cases by name, and a world that is the judge."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulksend.journal.decisions import Rival
from bulksend.journal.records import person_key
from bulksend.send.theirs import MOST_APART_MS
from bulksend.settle.evidence import (
    ALONE_MS,
    BEFORE_MS,
    LOOKS_BACK_MS,
    ON_ITS_WAY_MS,
    SKEW_MS,
    WAIT_MS,
    Found,
    Look,
    Open,
    Proof,
    conclude,
)

ANA, BEN, OURS, THEIRS = "+19192345671", "+19192345672", "+19195550100", "+19195550199"
T = 1_790_000_000_000
AFTER = T + ON_ITS_WAY_MS + SKEW_MS + 1
LATE = T + WAIT_MS
MINUTE = 60_000
HALF_AN_HOUR = 30 * MINUTE


def unknown(row: int = 2, **changes: Any) -> Open:
    said = Open(1, row, (ANA,), OURS, T, T, lengths=(20,), seen=T)
    return said._replace(**changes)


def record(message_id: str = "a", **changes: Any) -> Found:
    return Found(message_id, ANA, OURS, T + 50, False, 20)._replace(**changes)


def look(*found: Found, **changes: Any) -> Look:
    said: dict[str, Any] = {"watermark": AFTER, "asked_at": LATE} | changes
    return Look(found, **said)


# what there is, the message, the look, the ids that are ours, and what is proven
CASES: tuple[tuple[str, Open, Look, tuple[str, ...], Proof], ...] = (
    ("one record", unknown(), look(record()), (), Proof.ACCEPTED),
    (
        "at once, before any waiting",
        unknown(),
        look(record(), asked_at=T + 1, watermark=None),
        (),
        Proof.ACCEPTED,
    ),
    ("nothing", unknown(), look(), (), Proof.ABSENT),
    ("nothing, too soon", unknown(), look(asked_at=LATE - 1), (), Proof.WAITING),
    ("nothing later", unknown(), look(watermark=AFTER - 1), (), Proof.WAITING),
    ("no watermark", unknown(), look(watermark=None), (), Proof.WAITING),
    (
        "found unknown later",
        unknown(seen=T + 60_000),
        look(asked_at=LATE + 59_999, watermark=AFTER + 60_000),
        (),
        Proof.WAITING,
    ),
    ("never found unknown", unknown(seen=None), look(), (), Proof.WAITING),
    (
        "there, though never found unknown",
        unknown(seen=None),
        look(record()),
        (),
        Proof.ACCEPTED,
    ),
    (
        "its sender's clock was half an hour behind",
        unknown(since=T - HALF_AN_HOUR, until=T - HALF_AN_HOUR),
        look(watermark=T - 10 * MINUTE, asked_at=T + MINUTE),
        (),
        Proof.WAITING,
    ),
    (
        "its sender's clock was half an hour behind, and time has passed",
        unknown(since=T - HALF_AN_HOUR, until=T - HALF_AN_HOUR),
        look(),
        (),
        Proof.ABSENT,
    ),
    (
        "it left after it was found unknown: a wrong clock",
        unknown(since=T + HALF_AN_HOUR, until=T + HALF_AN_HOUR),
        look(),
        (),
        Proof.AMBIGUOUS,
    ),
    ("known ones are hidden", unknown(), look(hides={1}), (), Proof.HIDDEN),
    ("of another run", unknown(), look(hides={2}), (), Proof.ABSENT),
    ("none tells of callbacks", unknown(), look(alone={1}), (), Proof.ALONE),
    (
        "none tells of callbacks, and these are given up",
        unknown(),
        look(alone={1}, asked_at=T + ALONE_MS),
        (),
        Proof.ABSENT,
    ),
    (
        "hidden, but this one is there",
        unknown(),
        look(record(), hides={1}),
        (),
        Proof.ACCEPTED,
    ),
    (
        "nothing, and a record nobody can read",
        unknown(),
        look(unread=1),
        (),
        Proof.AMBIGUOUS,
    ),
    (
        "one, and a record nobody can read",
        unknown(),
        look(record(), unread=1),
        (),
        Proof.AMBIGUOUS,
    ),
    ("it is another row's", unknown(), look(record()), ("a",), Proof.ABSENT),
    (
        "two records",
        unknown(),
        look(record(), record("b")),
        (),
        Proof.AMBIGUOUS,
    ),
    (
        "two records, one of them ours already",
        unknown(),
        look(record(), record("b")),
        ("a",),
        Proof.ACCEPTED,
    ),
    (
        "two records, one of another length",
        unknown(),
        look(record(), record("b", length=21)),
        (),
        Proof.ACCEPTED,
    ),
    ("another length", unknown(), look(record(length=21)), (), Proof.AMBIGUOUS),
    ("no length said", unknown(), look(record(length=None)), (), Proof.ACCEPTED),
    ("another kind", unknown(), look(record(is_mms=True)), (), Proof.AMBIGUOUS),
    ("no kind said", unknown(), look(record(is_mms=None)), (), Proof.ACCEPTED),
    (
        "a picture has any length",
        unknown(is_mms=True),
        look(record(is_mms=True, length=None)),
        (),
        Proof.ACCEPTED,
    ),
    ("another sender's", unknown(), look(record(sender=THEIRS)), (), Proof.ABSENT),
    (
        "a sender written otherwise",
        unknown(),
        look(record(sender="ACME")),
        (),
        Proof.AMBIGUOUS,
    ),
    (
        "to its number in the other form",
        unknown(to=("+5491123456789",)),
        look(record(to="+541123456789")),
        (),
        Proof.AMBIGUOUS,
    ),
    (
        "to its number as it was before it grew",
        unknown(to=("+525512345678",)),
        look(record(to="+5215512345678")),
        (),
        Proof.AMBIGUOUS,
    ),
    (
        "to its number in the other form, another row's",
        unknown(to=("+5491123456789",)),
        look(record(to="+541123456789")),
        ("a",),
        Proof.ABSENT,
    ),
    (
        "an hour before: a wrong clock?",
        unknown(),
        look(record(received_at=T - 3_600_000)),
        (),
        Proof.AMBIGUOUS,
    ),
    (
        "a minute before, measured skew",
        unknown(),
        look(record(received_at=T - SKEW_MS - 5_000), skew=5_000),
        (),
        Proof.ACCEPTED,
    ),
    (
        "a skew moves the watermark too",
        unknown(),
        look(skew=-5_000),
        (),
        Proof.WAITING,
    ),
    (
        "older than the search goes",
        unknown(),
        look(asked_at=T + LOOKS_BACK_MS - BEFORE_MS),
        (),
        Proof.TOO_OLD,
    ),
    (
        "a group, found by one number",
        unknown(to=(ANA, BEN), is_mms=True),
        look(record(to=BEN, is_mms=True), record(is_mms=True)),
        (),
        Proof.ACCEPTED,
    ),
    (
        "a group without a record",
        unknown(to=(ANA, BEN), is_mms=True),
        look(),
        (),
        Proof.AMBIGUOUS,
    ),
)


@pytest.mark.parametrize(
    ("message", "seen", "known", "proof"),
    [one[1:] for one in CASES],
    ids=[one[0] for one in CASES],
)
def test_each_case_proves_what_it_proves(
    message: Open, seen: Look, known: tuple[str, ...], proof: Proof
) -> None:
    """One message alone."""
    (said,) = conclude([message], seen, known_ids=known)
    assert said.proof is proof
    assert (said.message_id is not None) is (proof is Proof.ACCEPTED)


def test_one_record_for_two_messages_proves_neither() -> None:
    """The same number twice, one record: which of them it was, nobody can say."""
    found = conclude([unknown(2), unknown(3)], look(record()))
    assert [one.proof for one in found] == [Proof.AMBIGUOUS] * 2


# whose rival, when it was posted (ms after T), what the record proves
RIVALS = (
    ("on its way to the same person", ANA, 0, Proof.AMBIGUOUS),
    ("to nobody knows whom any more", None, 0, Proof.AMBIGUOUS),
    ("to another person", BEN, 0, Proof.ACCEPTED),
    ("by a clock that is five minutes ahead", ANA, 6 * MINUTE, Proof.AMBIGUOUS),
    ("by one that is five minutes behind", ANA, -7 * MINUTE, Proof.AMBIGUOUS),
    ("too early to be behind it", ANA, -9 * MINUTE, Proof.ACCEPTED),
    ("posted later than it", ANA, 7 * MINUTE, Proof.ACCEPTED),
)


@pytest.mark.parametrize(
    ("to", "after", "proof"),
    [one[1:] for one in RIVALS],
    ids=[one[0] for one in RIVALS],
)
def test_rows_whose_id_is_not_known_compete(
    to: str | None, after: int, proof: Proof
) -> None:
    """Accepted by an answer that broke off, on its way, or of a run without its plan."""
    person = None if to is None else person_key(to)
    rival = Rival(9, person, T + after, T + after)
    (said,) = conclude([unknown()], look(record()), rivals=[rival])
    assert said.proof is proof
    (alone,) = conclude([unknown()], look(), rivals=[rival])
    assert alone.proof is Proof.ABSENT


def test_a_phone_with_two_numbers_is_one_person() -> None:
    """A record to one of them may be the message to the other, known or on its way."""
    with_9, without = "+5491123456789", "+541123456789"
    ours, found = unknown(to=(without,)), look(record(to=without))
    twins = conclude([ours, unknown(3, to=(with_9,))], found)
    assert [one.proof for one in twins] == [Proof.AMBIGUOUS] * 2
    rival = Rival(9, person_key(with_9), T, T)
    (said,) = conclude([ours], found, rivals=[rival])
    assert said.proof is Proof.AMBIGUOUS
    (alone,) = conclude([ours], found)
    assert alone.proof is Proof.ACCEPTED


def test_two_messages_to_one_number_are_told_apart_by_length() -> None:
    """Each has the one record that fits it."""
    messages = [unknown(2), unknown(3, lengths=(30,))]
    found = conclude(messages, look(record(), record("b", length=30)))
    assert [one.message_id for one in found] == ["a", "b"]


MAY_BE = [
    # how far the record is from when it left by its sender's clock, in seconds; its length
    (0, 20, 1),
    (-90, 20, 1),  # that clock was fast: it does not fit, and may be it all the same
    (240, 20, 1),
    (0, 30, 1),  # of another text, as far as it is told
    (3_600, 20, 0),  # somebody else's, an hour later
]


@pytest.mark.parametrize(("seconds", "length", "many"), MAY_BE)
def test_a_record_that_may_be_it_is_counted(
    seconds: int, length: int, many: int
) -> None:
    """Whoever calls a message not sent is held to these before it is sent again."""
    one = record(received_at=T + seconds * 1000, length=length)
    (said,) = conclude([unknown(2)], look(one))
    assert said.fitting == many


def test_the_evidence_tells_no_number() -> None:
    """It is kept for good, and so holds what does not name anybody."""
    (said,) = conclude([unknown()], look(record()))
    assert said.as_dict() == {
        "proof": "accepted",
        "records": 1,
        "watermark": AFTER,
        "asked_at": LATE,
        "since": T,
        "until": T,
        "message_id": "a",
        "seen": T,
        "received_at": T + 50,
    }


# -- a world that is the judge ----------------------------------------------------------

NUMBERS = (ANA, BEN)


@given(st.data())
def test_nothing_false_is_ever_concluded(data: st.DataObject) -> None:
    """Messages that arrived or not, a lagging search, others' messages in between.

    The world decides what was accepted, late by up to two minutes; the search shows it
    up to 15 minutes later, in order.  The senders' clocks are wrong, by as much as lets
    one begin, or by any time; when it was found unknown one clock of two was right.
    Whatever is concluded, at whatever moment: what is called accepted was, under its own
    id, or a clock was set after its sender began; what is called absent was not.
    """
    draw = data.draw
    may_begin = draw(st.booleans())
    most = MOST_APART_MS if may_begin else BEFORE_MS
    wrong = draw(st.integers(-most, most))
    messages: list[Open] = []
    truth: dict[tuple[int, int], str | None] = {}
    world: list[Found] = []
    known: set[str] = set()
    for row in range(2, 2 + draw(st.integers(1, 5))):
        since = T + draw(st.integers(0, 40)) * MINUTE
        until = since + draw(st.integers(0, MINUTE))
        one = unknown(
            row,
            to=(draw(st.sampled_from(NUMBERS)),),
            since=since + wrong,
            until=until + wrong,
            lengths=(draw(st.integers(18, 21)),),
            seen=until + draw(st.integers(0, 30)) * MINUTE,
        )
        messages.append(one)
        truth[one.place] = None
        if draw(st.booleans()):
            truth[one.place] = f"ours-{row}"
            at = since + draw(st.integers(-SKEW_MS, ON_ITS_WAY_MS))
            said = record(f"ours-{row}", to=one.to[0], received_at=at)
            world.append(
                said._replace(length=draw(st.sampled_from([*one.lengths, None])))
            )
    for number in range(draw(st.integers(0, 4))):
        other = record(
            f"known-{number}",
            to=draw(st.sampled_from(NUMBERS)),
            received_at=T + draw(st.integers(-60, 60)) * MINUTE,
            length=draw(st.integers(18, 21)),
        )
        known.add(other.message_id)
        world.append(other)
    # Messages to others, which move the watermark.
    traffic = [T + draw(st.integers(0, 90)) * MINUTE for _ in range(3)]
    asked_at = T + draw(st.integers(0, 120)) * MINUTE  # or later, by the other clock
    lag = draw(st.integers(0, 15)) * MINUTE
    visible = [one for one in world if one.received_at <= asked_at - lag]
    times = [one.received_at for one in visible]
    times += [at for at in traffic if at <= asked_at - lag]
    seen = Look(visible, max(times, default=None), asked_at)

    for concluded in conclude(messages, seen, known_ids=known):
        was = truth[concluded.message.place]
        if concluded.proof is Proof.ACCEPTED and may_begin:
            assert was == concluded.message_id
        if concluded.proof is Proof.ABSENT:
            assert was is None


@given(st.integers(0, 15), st.integers(0, 60))
def test_in_time_every_lonely_message_is_decided(lag: int, later: int) -> None:
    """With a later message in sight and enough time gone by, nothing keeps waiting."""
    asked_at = LATE + (lag + later) * MINUTE
    (gone,) = conclude([unknown()], look(asked_at=asked_at, watermark=asked_at))
    assert gone.proof is Proof.ABSENT
    (there,) = conclude([unknown()], look(record(), asked_at=asked_at))
    assert there.proof is Proof.ACCEPTED
