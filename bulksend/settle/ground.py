"""What is looked at in the message search, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.prepare.plan import Plan
    from bulksend.settle.search import MessageSearch


class Ground(NamedTuple):
    """What a look needs.

    Args:
        plans: Of every run with unknown messages: a record that fits several of them
            proves nothing, whichever runs they are of.

        wait_ms: How long ago a message must have been found unknown before its absence is
            believed.

        now: Milliseconds since 1970.

        asked: The runs that are to be settled; None is all of them.
    """

    journal: Journal
    plans: Mapping[Run, Plan]
    search: MessageSearch
    wait_ms: int
    now: Callable[[], int]
    asked: Collection[int] | None = None

    def is_asked(self, run_id: int) -> bool:
        return self.asked is None or run_id in self.asked
