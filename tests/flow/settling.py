"""Unknown messages, a search that lags, and a clock that need not be waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bulksend.settle.evidence import ON_ITS_WAY_MS, SKEW_MS, WAIT_MS
from tests.flow.desk import crowd as people
from tests.flow.elsewhen import Clock

if TYPE_CHECKING:
    from tests.flow.desk import Desk


RUN = ("run", "hello.yaml", "--yes", "--json")


LATER = ("run", "later.yaml", "--yes", "--json")


WAIT_SECONDS = WAIT_MS / 1000


LAG_SECONDS = 30.0


IN_DOUBT_SECONDS = (SKEW_MS + ON_ITS_WAY_MS) / 1000 + 1
"""As long as a later message proves nothing about one from before it."""


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Minutes pass in a moment; every margin is as long as out there."""
    ours = Clock()
    ours.set(monkeypatch)
    return ours


def crowd(
    desk: Desk, size: int, first: int = 2_000_000, file: str = "list.csv"
) -> None:
    desk.write(file, people(size, first))


def later(desk: Desk, clock: Clock) -> None:
    """Other people's messages: the search shows something accepted after ours."""
    clock.seconds += IN_DOUBT_SECONDS
    turn = round(clock.seconds)
    crowd(desk, 20, first=5_000_000 + 100 * turn, file="later.csv")
    desk.campaign(
        "later.yaml",
        name=f"later-{turn}",
        recipients={"path": "later.csv"},
        results=f"results/later-{turn}.csv",
    )
    desk.call(*LATER)


def settle(desk: Desk, *more: str) -> dict[str, Any]:
    ran = desk.call("settle", *more, "--json")
    said: dict[str, Any] = ran.json
    undecided = (
        *("waiting", "hidden", "alone", "ambiguous", "too_old"),
        *("skipped", "left_out"),
    )
    assert ran.code == (5 if sum(said[one] for one in undecided) else 0), ran
    return said
