"""Back-off: it grows, it is spread, and it ends."""

from __future__ import annotations

from random import Random

from bulksend.send import retry


def test_waits_grow_within_their_bounds_and_end() -> None:
    """Each wait lies between half its ceiling and its ceiling; then it gives up."""
    rng = Random(1)
    for attempt in range(1, retry.ATTEMPTS):
        ceiling = min(retry.LONGEST_SECONDS, retry.FIRST_SECONDS * 2 ** (attempt - 1))
        waits = [retry.wait(attempt, rng) for _ in range(200)]

        assert all(w is not None and ceiling / 2 <= w <= ceiling for w in waits)
        assert len(set(waits)) > 190

    assert retry.wait(retry.ATTEMPTS, rng) is None


def test_a_message_that_gave_up_met_a_real_outage() -> None:
    """The shortest waits of all attempts add up to the outage that stops a run."""
    shortest = sum(
        min(retry.LONGEST_SECONDS, retry.FIRST_SECONDS * 2**n) / 2
        for n in range(retry.ATTEMPTS - 1)
    )

    assert shortest >= retry.OUTAGE_SECONDS
