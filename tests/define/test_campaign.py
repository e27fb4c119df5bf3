"""The values: frozen, held to the rules, and named by one digest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import phonenumbers
import pytest
from pydantic import ValidationError

from bulksend.define.amounts import Rate
from bulksend.define.campaign import SECTIONS, Campaign
from bulksend.define.digest import content_digest
from bulksend.define.document import masked
from bulksend.define.kinds import Key
from bulksend.define.message import Message
from bulksend.define.recipients import Recipients
from bulksend.define.section import keys_of
from bulksend.define.sending import Send
from bulksend.rules.jurisdictions import REGIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from bulksend.define.load import Loaded

    Read = Callable[..., Loaded]

TEXT = '  text: "Hi {{ first_name }}"\n'


def campaign(**changes: Any) -> Campaign:
    values: dict[str, Any] = {
        "name": "x",
        "provider": "simulator",
        "senders": ["+19195550100"],
        "recipients": Recipients(path=("a.csv",), phone=("mobile",)),
        "message": Message(text="hi"),
    }
    return Campaign(**values | changes)


def test_a_campaign_can_be_built_in_python() -> None:
    """Python's own values do as well as a file's texts."""
    built = Campaign(
        name="x",
        provider="simulator",
        senders=("+19195550100",),
        recipients=Recipients(path=("a.csv",), phone=("mobile",)),
        message=Message(text="hi"),
        send=Send(rate=Rate.parse("5/s"), prices={"US": 1}),
    )

    assert built.senders == ("+19195550100",)
    assert built.send.rate == Rate(5.0, "5/s")
    assert built == campaign(send={"rate": "5/s", "prices": {"US": 1}})


@pytest.mark.parametrize(
    "changes",
    [
        {"provider": "bandwidth"},
        {"message": Message()},
        {"message": Message(text="a", file="b")},
        {"message": Message(text="a", language="b")},
        {"message": Message(text="a" * 2049)},
        {"senders": ["SALE"], "message": Message(text="a", group=True)},
        {"senders": "SALE", "message": Message(media=("a",))},
        {"nmae": "x"},
    ],
)
def test_the_rules_hold_in_python_too(changes: dict[str, Any]) -> None:
    """No campaign exists that its file could not have said."""
    with pytest.raises(ValidationError):
        campaign(**changes)


def test_a_campaign_is_frozen() -> None:
    """What a plan was made from cannot change under it."""
    with pytest.raises(ValidationError, match="frozen"):
        campaign().name = "y"
    with pytest.raises(ValidationError, match="frozen"):
        campaign().message.text = "y"


def test_every_key_has_a_key() -> None:
    """Each field says what it is for; the problems and the schema rely on it."""
    for section in SECTIONS.values():
        assert len(keys_of(section)) == len(section.model_fields)
        for key in keys_of(section).values():
            assert isinstance(key, Key)
            assert key.about.endswith(".")
            assert not key.expected.endswith(".")


def test_regions_are_those_of_libphonenumber() -> None:
    """A region that is taken is one that numbers can be read in."""
    assert set(phonenumbers.SUPPORTED_REGIONS) == REGIONS


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("+19195550100", "+1919…00"),
        ("call (919) 555-0100 now", "call (9195…00 now"),
        ("919.555.0100,9195550101", "9195…00,9195…01"),
        ("2026-03-01T20:00:00", "2026-03-01T20:00:00"),
        ("123456", "123456"),
    ],
)
def test_numbers_are_masked(text: str, shown: str) -> None:
    """What could be a person's number loses its middle; a day keeps it."""
    assert masked(text) == shown


# -- digest -----------------------------------------------------------------------------

SAME = [
    (
        "name: spring-sale\nprovider: simulator\n",
        "provider: simulator\nname: spring-sale\n",
    ),
    ("send:", "# a comment\nsend:"),
    ("50/s", "5/s"),
    ("out.csv", "other.parquet"),
    ("simulator", "bandwidth\napplication_id: a"),
    ('"+19195550100"', '["+19195550100"]'),
    ("  phone: mobile\n", "  phone: [mobile]\n  duplicates: first\n"),
    (TEXT, TEXT + "  priority: default\n  group: false\n"),
    (TEXT, '  text: "${HI} {{ first_name }}"\n'),
]

OTHER = [
    ("spring-sale", "spring-sale-2"),
    ("Hi ", "Ho "),
    ('"+19195550100"', '"+19195550101"'),
    ('"+19195550100"', '["+19195550100", "+19195550101"]'),
    ("recipients.csv", "people.csv"),
    ("mobile", "[mobile, home]"),
    ("region: US", "region: CA"),
    ("  phone: mobile\n", "  phone: mobile\n  duplicates: last\n"),
    ("  phone: mobile\n", "  phone: mobile\n  suppress: a\n"),
    ("tag: spring", "tag: autumn"),
    (TEXT, TEXT + "  expiration: 2h\n"),
    (TEXT, TEXT + "  expiration: 2026-03-01T20:00:00Z\n"),
    (TEXT, TEXT + "  media: a\n"),
    (TEXT, TEXT + "  language: l\n  variants: {no: hei}\n"),
]


def _digest(read: Read, text: str) -> str:
    return content_digest(read(text, {"HI": "Hi"}).campaign)


@pytest.mark.parametrize(("old", "new"), SAME)
def test_how_it_is_written_or_paced_is_not_in_the_digest(
    read: Read, good: str, old: str, new: str
) -> None:
    """Order, comments, pace, provider, results and written-out defaults change nothing."""
    assert good.count(old) == 1

    assert _digest(read, good.replace(old, new)) == _digest(read, good)


@pytest.mark.parametrize(("old", "new"), OTHER)
def test_who_gets_which_text_is_in_the_digest(
    read: Read, good: str, old: str, new: str
) -> None:
    """Name, senders, recipients and message each change it."""
    assert good.count(old) == 1

    assert _digest(read, good.replace(old, new)) != _digest(read, good)


def test_the_digest_is_the_same_tomorrow(read: Read, good: str) -> None:
    """A ledger keeps digests for years: this one changes only on purpose."""
    assert _digest(read, good) == "be26405cadd58d51a23dbc48b8a92a26"
