"""Two hundred senders are killed, and the server's log is asked what people got."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.crash.barrage import barrage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.crash.ground import Verdict

KILLS = 100
"""In each of two tests, so that two workers share them."""


@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [0, 10_000])
def test_nobody_is_texted_twice_and_no_row_is_without_a_fate(
    tmp_path: Path, seed: int, record_property: Callable[[str, object], None]
) -> None:
    """`kill -9` at random moments with every fault on, resumed until done.

    Unknown at the end are exactly the rows whose last sender died between intent and
    outcome, and those whose answer proved nothing.
    """
    failed: dict[int, Verdict] = {}

    def note(seed: int, verdict: Verdict) -> None:
        if not verdict.holds:
            failed[seed] = verdict

    total = barrage(tmp_path, KILLS, seed, note)
    record_property("figures", total.told)

    assert not failed
    assert total.kills >= KILLS
    assert total.accepted + total.unknown == total.rows
    assert set(total.faults) >= {"lost_before", "lost_after", "gateway_502", "429"}
    assert 0 < total.arrived < total.unknown < total.rows / 2
