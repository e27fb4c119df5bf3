"""How a run stands, in a word and a sentence that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bulksend.errors import counted
from bulksend.settle.standing import IN_FLIGHT

if TYPE_CHECKING:
    from bulksend.view.figures import Figures


class State(NamedTuple):
    """A word for it, and what it means."""

    word: str
    said: str


def state_of(seen: Figures) -> State:
    """What is left to send comes first, then what is unknown, then what never left."""
    unknown, absent = seen.counts["unknown"], seen.absent
    if left := seen.counts["not_sent"] - absent:
        return _unsent(seen, left)
    if in_flight := seen.counts.get(IN_FLIGHT, 0):
        return State(
            "under way",
            f"{counted(in_flight, 'message is', 'messages are')} in flight.",
        )
    if unknown:
        some = counted(unknown, "message is", "messages are")
        return State("open", f"{some} unknown: `bulksend settle` finds out.")
    if absent:
        some = counted(absent, "message was", "messages were")
        how = f"`bulksend settle {seen.run.run} --resend` plans them again"
        return State("open", f"{some} proven not to be sent: {how}.")
    return State("done", "Every row has its outcome.")


def _unsent(seen: Figures, left: int) -> State:
    some = counted(left, "message is", "messages are")
    if seen.is_aborted:
        return State("aborted", f"{some} not sent, and will not be.")
    if seen.is_halted:
        return State("stopped", f"{some} not sent; what stopped it is told below.")
    if left == seen.to_send:
        return State("not begun", "Nothing has been sent yet.")
    if seen.is_paused:
        how = f"`bulksend resume {seen.run.run}` lets it go on"
        again = "" if seen.is_held else ", then run it again"
        return State("paused", f"{some} not sent: {how}{again}.")
    if seen.is_held:
        return State("under way", f"{some} still to be sent.")
    return State("unfinished", f"{some} not sent: run it again.")
