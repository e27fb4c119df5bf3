"""How fast, until when, and what stops it: the keys of `send` and their values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from bulksend.define.campaign import Campaign
from bulksend.define.deadline import Deadline
from bulksend.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bulksend.define.load import Loaded

    Read = Callable[..., Loaded]

A, B = "+19195550100", "+19195550101"
HEAD = f"""name: x
provider: simulator
from: ["{A}", "{B}"]
recipients: {{path: a.csv, phone: mobile}}
message: {{text: hi}}
send:
"""


@pytest.mark.parametrize(
    ("written", "rates"),
    [
        ("1/s", {A: 1.0, B: 1.0}),
        (f'{{"{A}": 60/min, "{B}": 2/s}}', {A: 1.0, B: 2.0}),
        (f'{{"{B}": 3600/h}}', {B: 1.0}),
    ],
)
def test_senders_have_a_rate_each_or_some_of_them(
    read: Read, written: str, rates: dict[str, float]
) -> None:
    """One for each of them, or those that are named; written out and read again."""
    send = read(f"{HEAD}  per_sender: {written}\n").campaign.send

    assert send.rates([A, B]) == rates
    assert type(send).model_validate(send.model_dump(mode="json")) == send


@pytest.mark.parametrize(
    ("line", "code", "found"),
    [
        ('per_sender: {"+19195550199": 1/s}', "E107", "not in `from`"),
        ("per_sender: 1", "E104", "1"),
        ('per_sender: {"+19195550100": fast}', "E104", "keys and values"),
        ("per_sender: {}", "E104", "keys and values"),
        ("ramp: slowly", "E104", "slowly"),
        ("stop_at: {refused: 20}", "E104", "20"),
        ("stop_at: {refused: 0%}", "E104", "0%"),
        ("stop_at: {refused: 101%}", "E104", "101%"),
        ("stop_at: {spam: 0}", "E104", "0"),
        ("not_after: 18:00", "E104", "18:00"),
        ("not_after: 18:00 Mars/Olympus", "E104", "Mars"),
        ("not_after: 2026-02-30T20:00:00Z", "E104", "2026-02-30"),
        ("not_after: 2026-03-01T20:00:00", "E104", "2026-03-01"),
    ],
)
def test_what_is_no_pace_is_named_with_its_line(
    read: Read, line: str, code: str, found: str
) -> None:
    """Each with what is there, and what could be."""
    with pytest.raises(InputError) as raised:
        read(f"{HEAD}  {line}\n")

    (problem,) = raised.value.problems
    assert (problem.code, problem.line) == (code, 7)
    assert found in problem.found
    assert problem.expected


def test_the_rest_of_the_pace_reads_as_it_is_meant(read: Read) -> None:
    """Shares as fractions, times as spans; the whole campaign survives its plan."""
    lines = "  ramp: 10 min\n  stop_at: {refused: 2.5%, spam: 5}\n"
    campaign = read(HEAD + lines + "  not_after: 18:00 America/New_York\n").campaign
    said: Any = campaign.model_dump(mode="json", by_alias=True, exclude_unset=True)

    assert campaign.send.ramp is not None
    assert campaign.send.ramp.total_seconds() == 600
    assert campaign.send.stop_at.model_dump() == {
        "refused": 0.025,
        "spam": 5,
        "opt_outs": 0.04,
        "failed": 0.3,
    }
    assert said["send"]["not_after"] == "18:00 America/New_York"
    assert Campaign.model_validate(said, by_alias=True).send == campaign.send


@pytest.mark.parametrize(
    ("text", "now", "falls"),
    [
        ("2026-03-01T20:00:00-05:00", "2030-01-01T00:00", "2026-03-02T01:00"),
        ("18:00 America/New_York", "2026-07-01T15:00", "2026-07-01T22:00"),
        ("18:00 America/New_York", "2026-07-02T01:00", "2026-07-01T22:00"),
        ("18:00 America/New_York", "2026-07-02T05:00", "2026-07-02T22:00"),
        ("18:00 America/New_York", "2026-01-01T15:00", "2026-01-01T23:00"),
    ],
)
def test_a_time_of_day_is_that_of_the_day_it_is_there(
    text: str, now: str, falls: str
) -> None:
    """Past six in New York it is too late, until midnight in New York."""
    begun = datetime.fromisoformat(now).replace(tzinfo=UTC)

    assert Deadline.parse(text).on(begun) == datetime.fromisoformat(falls).replace(
        tzinfo=UTC
    )
