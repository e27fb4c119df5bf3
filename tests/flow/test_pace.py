"""When it is too late to send, from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flow.desk import codes

if TYPE_CHECKING:
    from tests.flow.desk import Desk

pytestmark = pytest.mark.slow

RUN = ("run", "hello.yaml", "--yes", "--json")


def test_a_campaign_whose_time_is_over_is_refused(desk: Desk) -> None:
    """Exit 3, nothing sent, no run begun; a later moment lets it go."""
    desk.people()
    desk.campaign(provider="simulator", send={"not_after": "2026-01-01T00:00:00Z"})
    refused = desk.call(*RUN)

    assert (refused.code, codes(refused)) == (3, ["E515"])
    assert desk.call("status", "--json").json == []

    desk.campaign(
        provider="simulator", send={"rate": "50/s", "not_after": "2999-01-01T00:00:00Z"}
    )
    assert desk.call(*RUN).code in (0, 1)
