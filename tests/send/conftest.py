"""Where the journal of a stage lies, and the world of several senders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bulksend.journal.store import Journal
from tests.send.stage import new_path
from tests.send.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path() -> Iterator[Path]:
    with new_path() as path:
        yield path


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with Journal.open(tmp_path / "journal.db") as journal:
        world = World(journal)
        monkeypatch.setattr("bulksend.send.shared.asyncio.sleep", world.sleep)
        yield world
