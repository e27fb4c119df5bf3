"""Bandwidth's error codes: the table is whole, and agrees with the rule of the digits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulksend import codes
from bulksend.codes import Retry


def test_every_documented_code_is_there_and_says_what_to_do() -> None:
    """82 codes, each with a name, a meaning and a way out."""
    table = codes.table()
    assert len(table) == 82
    assert list(table) == sorted(table)
    for row in table.values():
        assert row.advice in codes.ADVICE, row
        assert row.name
        assert row.meaning
        assert row.sentence.startswith(f"{row.code} {row.name}: ")
        assert row.sentence.endswith(".")
    assert {row.advice for row in table.values()} == set(codes.ADVICE)


def test_the_advice_of_each_row_agrees_with_the_retry_rule() -> None:
    """Only rows that advise to retry are retried, and those that advise once: once."""
    advised = {"retry": Retry.YES, "retry-once": Retry.ONCE}
    for row in codes.table().values():
        assert row.retry is advised.get(row.advice, Retry.NEVER), row


def test_the_named_sets_are_rows_of_the_table() -> None:
    """What ends a number, what is spam and what opts out is documented."""
    table = codes.table()
    assert {table[one].advice for one in codes.ENDS_NUMBER} == {"suppress"}
    assert {
        one for one in table if table[one].advice == "suppress"
    } == codes.ENDS_NUMBER
    assert {table[one].group for one in codes.OPTED_OUT} == {"opt-out"}
    assert {one for one in table if table[one].group == "spam"} == codes.SPAM


# code in the journal, where no carrier had failed it before, where one had
RETRIES = (
    ("4001", False, False),
    ("4470", False, False),
    ("4702", False, False),
    ("4781", False, False),
    ("5100", True, True),
    ("5501", True, True),
    ("5600", True, False),
    ("5650", True, False),
    ("5699", True, False),  # not in the table: the carrier's by its digits
    ("5777", True, True),
    ("5999", True, True),
    ("9902", False, False),
    ("9999", False, False),
    ("400", False, False),  # an HTTP status is no code of Bandwidth's
    ("500", False, False),
    ("no_answer", False, False),
    ("already_sent", False, False),
    ("²5", False, False),
    ("", False, False),
    (None, False, False),
)


@pytest.mark.parametrize(("code", "first", "second"), RETRIES)
def test_what_may_be_sent_again(code: str | None, first: bool, second: bool) -> None:
    """4xxx never, Bandwidth's own 5xxx yes, the carrier's 56xx a single time."""
    assert codes.is_retryable(code, by_carrier=0) is first
    assert codes.is_retryable(code, by_carrier=1) is second


@given(st.integers(0, 99_999), st.integers(0, 9))
def test_any_number_has_a_rule_and_a_sentence(code: int, by_carrier: int) -> None:
    """A code of tomorrow is never retried unless its digits say so, and has words."""
    if codes.may_fare_better(str(code), by_carrier=by_carrier):
        assert codes.is_certain(str(code))
        assert 5000 <= code < 6000 or code in codes.table()
    if codes.is_retryable(str(code), by_carrier=by_carrier):
        assert 5000 <= code < 6000
        assert codes.may_fare_better(str(code), by_carrier=by_carrier)
    said = codes.sentence(code)
    assert said.startswith(str(code))
    assert said.endswith(".")


AT_BANDWIDTH = {5100, 5101, 5106, 5111, 5201, 5211, 5220, 5231, 5500, 5501, 5999}
"""Its own failures."""

AT_A_CARRIER = {5600, 5610, 5620, 5630, 5650}

PUT_RIGHT = {
    *(4001, 4302, 4403, 4405, 4407, 4421, 4431, 4433, 4476, 4481),  # the sender
    *(4740, 4772, 4773, 4774, 4791, 4792, 4793, 4795),
    *(4451, 4452, 4493),  # the account, the application
    *(4410, 4411, 4412, 4710, 4711, 4712),  # the media, at the same address
    *(4360, 4794),  # it was too late
    *(4780, 4781, 4785),  # a limit that passes
}
"""What kept it is elsewhere than in text and number."""

MAY_ARRIVE = {4701, 4702, 4730, 4750, 4753, 9902, 9999}

STAYS = {
    *(4470, 4770, 4771),  # spam
    *(4475, 4775, 4482, 4721),  # nothing may go to this number any more
    *(4303, 4350, 4401, 4404, 4406, 4408, 4420, 4432, 4434, 4492),  # the number
    *(4700, 4720, 4790),
    *(4301, 4435, 4735, 4751, 4752, 4409, 4754),  # the message
}
"""The same text to the same number fails again."""


@pytest.mark.parametrize(
    ("some", "first", "second", "which"),
    [
        (AT_BANDWIDTH, True, True, "retryable"),
        (AT_A_CARRIER, True, False, "retryable"),
        (PUT_RIGHT, True, True, "failed"),
        (MAY_ARRIVE, False, False, ""),
        (STAYS, False, False, ""),
    ],
)
def test_which_word_sends_a_failed_message_again(
    some: set[int], first: bool, second: bool, which: str
) -> None:
    """*failed* takes what *retryable* takes, and what is put right elsewhere."""
    for code in some:
        tried = [codes.may_fare_better(str(code), by_carrier=had) for had in (0, 1, 2)]
        assert tried == [first, second, second], code
        tried = [codes.is_retryable(str(code), by_carrier=had) for had in (0, 1, 2)]
        may = which == "retryable"
        assert tried == [first and may, second and may, second and may], code
        assert codes.is_certain(str(code)) is (some is not MAY_ARRIVE), code


def test_each_code_of_the_table_has_a_word_or_none() -> None:
    """Every code is in one of these sets: a new one is decided on, not forgotten."""
    sets = (AT_BANDWIDTH, AT_A_CARRIER, PUT_RIGHT, MAY_ARRIVE, STAYS)
    assert sorted(code for some in sets for code in some) == list(codes.table())
    assert codes.SPAM < STAYS
    assert codes.ENDS_NUMBER < STAYS


# code in the journal, whether it is certain that the message will not arrive any more
CERTAIN = (
    ("4001", True),
    ("4470", True),
    ("4701", False),  # "it may arrive yet"
    ("4702", False),  # "a second one would double it"
    ("4720", True),
    ("4730", False),
    ("4750", False),
    ("4753", False),
    ("4780", True),
    ("4799", False),  # not in the table: do not send it again until you know
    ("5100", True),
    ("5620", True),
    ("5699", True),
    ("9902", False),
    ("9999", False),
    ("9123", False),
    ("failed", True),
    (None, True),
)


@pytest.mark.parametrize(("code", "is_certain"), CERTAIN)
def test_what_may_arrive_yet_is_no_certain_failure(
    code: str | None, is_certain: bool
) -> None:
    """What our own table tells not to send again, since it may arrive."""
    assert codes.is_certain(code) is is_certain
