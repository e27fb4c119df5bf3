"""What a log shows: addresses of machines and days, and no number and no secret."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulksend.logs import mask_numbers, mask_words, masked

READABLE = (
    "Cannot connect to host 10.20.30.40:443 ssl:default [Connect call failed]",
    "[Errno 111] Connect call failed ('10.20.30.40', 5432)",
    'connection to server at "10.20.30.40", port 5432 failed: timeout expired',
    'connection to server at "db.example" (10.20.30.40), port 5432 failed',
    "no answer from http://192.168.100.200/api",
    "postgresql://bulksend@192.168.100.200:5432/journal",
    "127.0.0.1:8080: address already in use",
    "it opens on 2026-11-27 at 09:00",
    "2026-11-27T09:00:00Z",
    "no answer from http://[fe80::1ff:fe23:4567:890a]:8080/",
    "took 1234.5 ms",
)

MASKED = (
    # a text, and what is shown of it
    ("+19195550123", "+191…23"),
    ("to +1 (919) 555-0123.", "to +1 (…23."),
    ("919-555-0123", "919-…23"),
    ("919.555.0123", "919.…23"),
    ("1.919.555.0123", "1.91…23"),
    ("call 12.34.56.78", "call 12.3…78"),  # Danish
    ("call +45.12.34.56", "call +45.…56"),
    ("host +45.12.34.56", "host +45.…56"),
    ("06.12.34.56.78", "06.1…78"),  # French
    ("host 06.12.34.56.78", "host 06.1…78"),
    ("host 919.555.0123", "host 919.…23"),
    ("2026-11-2755", "2026…55"),
    ("+2026-11-27", "+202…27"),
    ("host 10.20.30.40 and +19195550123", "host 10.20.30.40 and +191…23"),
    ("//19195550123", "//1919…23"),
    ("host 999.20.30.40", "host 999.…40"),
)


@pytest.mark.parametrize("text", READABLE)
def test_what_helps_an_operator_stays(text: str) -> None:
    """Which machine did not answer, and when something will be."""
    assert mask_numbers(text) == text


@pytest.mark.parametrize(("text", "shown"), MASKED)
def test_a_number_is_masked_however_it_is_written(text: str, shown: str) -> None:
    """With dots too, where nothing says that it is a machine's address."""
    assert mask_numbers(text) == shown


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        ({"host": "10.20.30.40"}, {"host": "10.20.30.40"}),
        ({"host": "::1"}, {"host": "::1"}),
        ({"host": "+19195550123"}, {"host": "+191…23"}),
        ({"who": "12.34.56.78"}, {"who": "12.3…78"}),
        ({"api_token": "12.34"}, {"api_token": "…"}),
        ({"run": "spring-20261127"}, {"run": "spring-20261127"}),
        ({"port": 8080}, {"port": 8080}),
    ],
)
def test_an_event_is_masked_by_its_keys(
    event: dict[str, Any], shown: dict[str, Any]
) -> None:
    """A listener's host is shown; a secret never."""
    assert masked(None, "info", event) == shown


@given(
    st.from_regex(r"\+[1-9][0-9]{7,14}", fullmatch=True),
    st.sampled_from(["", " ", "host ", "//", "@", "('", 'server at "', "x"]),
    st.sampled_from(["", " ", ":443", "), port 1", ".", "\n"]),
)
def test_no_e164_number_is_ever_readable(number: str, before: str, after: str) -> None:
    """Whatever stands around it."""
    assert number not in mask_numbers(f"{before}{number}{after}")


@pytest.mark.parametrize("text", [one for one in READABLE if "[fe80" not in one])
def test_a_reason_that_holds_no_number_stays(text: str) -> None:
    """Days and machines in a person's own words, too."""
    assert mask_words(text) == text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("call 919 and 555 and 0100", "call 919 …00"),
        ("919abc555def0100", "919a…00"),
        ("at 919 und 5550100, has it", "at 919 …00, has it"),
        ("+1 919 dash 555-0100", "+1 9…00"),
        ("100 or 200 of them", "100 or 200 of them"),
        ("row 123 of 2026-11-27", "row 123 of 2026-11-27"),
        ("row 7 of 2026-11-27 05:31", "row 7 of 2026-11-27 05:31"),
    ],
)
def test_a_number_in_a_reason_is_masked_as_people_dictate_it(
    said: str, shown: str
) -> None:
    """With a short word between its groups; days and small figures stay."""
    assert mask_words(said) == shown


@given(
    st.lists(st.text(" ()./_,*+#:–\u00a0\u2011", max_size=4), min_size=9, max_size=9)
)
def test_a_number_in_a_reason_is_masked_whatever_stands_between_its_digits(
    between: list[str],
) -> None:
    """As people paste them from anywhere: 808_333/4455."""
    spelled = "".join(map("".join, zip("8083334455", [*between, ""], strict=True)))
    shown = mask_words(f"called at {spelled}, has it")
    assert sum(map(str.isdigit, shown)) <= 6
    assert shown.endswith(", has it")
