"""Where the journal of a stage lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.send.stage import new_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path() -> Iterator[Path]:
    with new_path() as path:
        yield path
