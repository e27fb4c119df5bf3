"""The garbage collector while a run is on its way, and after it."""

from __future__ import annotations

import gc

import pytest

from bulksend.send import collector


def test_it_looks_seldom_and_is_put_back_as_it_was() -> None:
    """The host's own thresholds come back, and nothing stays frozen, also after a fault."""
    before, frozen = gc.get_threshold(), gc.get_freeze_count()

    def work() -> None:
        with collector.seldom():
            assert gc.get_threshold()[0] == collector.NEW_OBJECTS
            assert gc.get_freeze_count() > frozen
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()

    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
