"""Python's garbage collector, told to look less often while a run is on its way.

Sending makes and drops a few small objects for each message, and keeps what it has long
read: the plan's next pieces, the ledger, connections.  With its usual thresholds the
collector looks through all of that again after every few hundred messages, and finds
nothing, because nothing here makes cycles: that was half of what sending costs.
(Measured: benchmarks/README.md.)
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW_OBJECTS = 100_000
"""So many more made than dropped before it looks again; a few megabytes at most."""


@contextmanager
def seldom() -> Iterator[None]:
    """Collect seldom, and leave alone what is already there; all as before afterwards.

    What is garbage by now stays as long: to look for it would keep the first message
    waiting for a tenth of a second.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
