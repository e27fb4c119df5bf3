"""A desk for each test, and a Bandwidth that runs beside it."""

from __future__ import annotations

import random
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from bulksend.simulator.lifetime import in_thread
from bulksend.simulator.scenario import Scenario
from tests.flow.desk import BASIC, Desk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bulksend.simulator.server import Simulator

    Bandwidth = Callable[..., Simulator]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A folder with nothing in it."""
    folder = tmp_path / "desk"
    folder.mkdir()
    desk = Desk(folder)
    yield desk
    desk.close()


@pytest.fixture
def bandwidth(desk: Desk) -> Iterator[Bandwidth]:
    """Start a stand-in with these options, and point the desk's environment at it."""
    with ExitStack() as stack:

        def begin(**options: Any) -> Simulator:
            scenario = Scenario(**{"rate": None, **options})
            simulator = stack.enter_context(in_thread(scenario, random.Random(7)))
            desk.environment |= BASIC | {
                "BW_MESSAGING_URL": simulator.url,
                "BW_TOKEN_URL": simulator.token_url,
            }
            return simulator

        yield begin
