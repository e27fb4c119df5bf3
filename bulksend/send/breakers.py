"""When to stop a run although each of its messages has its fate: it does harm, or no good.

One refused number is that number's affair; every fifth refused is the list's, or the
campaign's.  The rest of a list should not be burnt to learn the same.  What stops here
is resumed by the same command once the cause is mended: nothing is lost by stopping.
"""

from __future__ import annotations

from collections import deque

from bulksend.codes import SPAM
from bulksend.errors import Problem
from bulksend.journal.states import Event

LATEST = 200
"""Answers that are looked back on."""

FEWEST_PEOPLE = 200
"""A share of opt-outs is one of at least so many people."""

FEWEST = 50
"""A share is one of at least so many answers, so that three bad numbers stop nobody."""

UNKNOWN_IN_A_ROW = 25
"""After so many answers in a row that prove nothing: a gateway that fails for everybody
would turn the whole plan into unknowns."""


class Breakers:
    """Counts what happens; says with which problem to stop, once.

    Args:
        refused: The share of the latest answers that may be refusals; 1 never stops.

        spam: How many receipts may say that a filter stopped the text.

        opt_outs: The share of the people texted who may opt out; 1 never stops.
    """

    def __init__(
        self, *, refused: float = 0.2, spam: int = 20, opt_outs: float = 0.04
    ) -> None:
        self._most_refused = refused
        self._most_spam = spam
        self._most_opt_outs = opt_outs
        self._latest: deque[bool] = deque(maxlen=LATEST)
        self._unknown = 0
        self._spam = 0

    def answered(self, event: Event) -> Problem | None:
        """What became of an attempt."""
        if event is Event.LOSE:
            self._unknown += 1
            if self._unknown == UNKNOWN_IN_A_ROW:
                found = f"{self._unknown} messages in a row got no answer that proves anything"
                return Problem("E512", found)
        elif event in {Event.ACCEPT, Event.REFUSE}:
            self._unknown = 0
            self._latest.append(event is Event.REFUSE)
            if event is Event.REFUSE:
                return self._too_many_refused()
        return None

    def failed(self, error_code: str) -> Problem | None:
        """A receipt says that a message was not delivered."""
        if not error_code.isdecimal() or int(error_code) not in SPAM:
            return None
        self._spam += 1
        if self._spam != self._most_spam:
            return None
        return Problem("E514", f"{self._spam} texts were stopped as spam")

    def opted_out(self, count: int, people: int) -> Problem | None:
        """So many opted out since the run began, and so many have its text."""
        if count <= self._most_opt_outs * max(people, FEWEST_PEOPLE):
            return None
        return Problem("E547", f"{count:,} of {people:,} people texted have opted out")

    def _too_many_refused(self) -> Problem | None:
        answers, refused = len(self._latest), sum(self._latest)
        if refused <= self._most_refused * max(answers, FEWEST):
            return None
        return Problem("E513", f"{refused} of the last {answers} answers were refusals")
