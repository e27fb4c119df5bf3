"""How an operator's numbers and senders are read."""

from __future__ import annotations

import pytest

from bulksend.errors import InputError
from bulksend.settle.said import read, read_sender

SENDERS = (
    ("", None, ""),
    ("+19195550100", None, "+19195550100"),
    ("+1 (919) 555-0100", None, "+19195550100"),
    ("(919) 555-0100", "US", "+19195550100"),
    ("19195550100", "US", "+19195550100"),
    (" 919.555.0100 ", "US", "+19195550100"),
    ("+15005550006", None, "+15005550006"),
    ("12345", "US", "12345"),
    ("12345", None, "12345"),
    ("919555", "GB", "919555"),
    ("32 12 34 56", "DK", "+4532123456"),
    ("32123456", "DK", "+4532123456"),
    ("Acme", None, "Acme"),
    ("Acme & Co", "US", "Acme & Co"),
    ("1 800 ACME", "US", "1 800 ACME"),
)
"""What is said, where, and how a campaign's `from` has it."""

NO_SENDERS = (
    ("19195550100", None),
    ("(919) 555-0100", None),
    ("not a number", "US"),
    ("Müller", None),
    ("   ", None),
    ("+", "US"),
    ("919-555", "US"),
    ("12", "US"),
)


@pytest.mark.parametrize(("said", "region", "sender"), SENDERS)
def test_a_sender_is_read_as_a_campaign_has_it(
    said: str, region: str | None, sender: str
) -> None:
    """Numbers in E.164, short codes and names as they are; nothing said means all."""
    assert read_sender(said, region) == sender


@pytest.mark.parametrize(("said", "region"), NO_SENDERS)
def test_what_no_campaign_sends_from_is_told(said: str, region: str | None) -> None:
    """E657, since such a suppression would hold nobody back."""
    with pytest.raises(InputError) as caught:
        read_sender(said, region)
    assert [one.code for one in caught.value.problems] == ["E657"]
    assert "9195550100" not in str(caught.value)


def test_what_is_no_number_is_told_in_words() -> None:
    """What is wrong with each, in a sentence; of several, which."""
    said = {
        ("abc",): ["`abc`: what stands in the number's place is not a number"],
        ("919 234", "+19192345671", "+19192345678901234"): [
            "`919 …34`, number 1 of 3: the number needs a country code",
            "`+191…34`, number 3 of 3: the number has too many digits",
        ],
    }
    for texts, wanted in said.items():
        with pytest.raises(InputError) as caught:
            read(texts, None)
        assert [one.found for one in caught.value.problems] == wanted
