"""Who sends just now, for whoever looks on or wants it to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from bulksend.journal.states import Event

if TYPE_CHECKING:
    from bulksend.assembly import Assembled

STOP_SECONDS = 3.0
"""So long after it was asked to stop nothing more is begun that may take long: four are
promised, whoever asked (`loop`, Airflow, `Sending.stop`)."""


class Progress(NamedTuple):
    """How far a run is: messages, and the pace in segments per second.

    Args:
        waits_until: While nothing can be sent: for when, in milliseconds since 1970, and
            in ``waits_for`` what is waited for.
    """

    total: int
    done: int
    refused: int
    unknown: int
    rate: float
    waits_until: int | None = None
    waits_for: str = ""


class Underway(Protocol):
    """Who sends, for whoever looks on or wants it to stop."""

    def progress(self) -> Progress | None: ...

    def stop(self) -> None: ...


def progress_of(assembled: Assembled, first_few_until: int | None) -> Progress | None:
    """How far an engine is; None before it is known what was done before it.

    Args:
        first_few_until: Until when receipts of the first few are waited for, where any
            are.
    """
    engine, source, remainder, total, _ = assembled
    if (before := remainder.known_before) is None:
        return None
    events = engine.tally.events
    until, what = first_few_until, "receipts of the first few"
    if not until:
        until, what = source.waits_until if engine.is_idle else None, "people's hours"
    return Progress(
        total=total,
        done=before + engine.done,
        refused=events[Event.REFUSE],
        unknown=events[Event.LOSE],
        rate=engine.rate,
        waits_until=until,
        waits_for="" if until is None else what,
    )
