"""When to stop a run although each of its messages has its fate: it does harm, or no good.

One refused number is that number's affair; every fifth refused is the list's, or the
campaign's.  The rest of a list should not be burnt to learn the same.  What stops here
is resumed by the same command once the cause is mended: nothing is lost by stopping.
"""

from __future__ import annotations

from collections import deque

from bulksend.codes import SPAM, UNREGISTERED
from bulksend.errors import Problem
from bulksend.journal.states import Event

LATEST = 200
"""Answers that are looked back on."""

FEWEST_PEOPLE = 200
"""A share of opt-outs is one of at least so many people."""

FEWEST_OPT_OUTS = 5
"""Fewer are chance, whatever share was asked for: 0.5 % of 200 would be one."""

MOST_UNREGISTERED = 5
"""Receipts that say so of a sender: each of its messages would meet the same."""

FEWEST = 50
"""A share is one of at least so many answers, so that three bad numbers stop nobody."""

EQUAL_IN_A_ROW = 10
"""So many refusals in the same words, one after the other: the words are about the
campaign, not about ten numbers."""

FAILED, OPT_OUTS = "E424", "E547"
"""With what the shares of the people texted stop a run."""

UNKNOWN_IN_A_ROW = 25
"""After so many answers in a row that prove nothing: a gateway that fails for everybody
would turn the whole plan into unknowns."""

PROBES = 3
"""After so many in a row one message goes at a time, until an answer proves something;
and a run that begins in doubt stops after so many of those."""


class Breakers:
    """Counts what happens; says with which problem to stop, once.

    Args:
        refused: The share of the latest answers that may be refusals; 1 never stops.

        spam: How many receipts may say that a filter stopped the text; each start of a
            run counts anew.

        failed: The share of the people texted whose message may not arrive; 1 never
            stops.

        opt_outs: The share of the people texted who may opt out; 1 never stops.

        in_doubt: Whether an earlier attempt at this run left unknowns: then one message
            goes first.
    """

    def __init__(
        self,
        *,
        refused: float = 0.2,
        spam: int = 20,
        failed: float = 0.3,
        opt_outs: float = 0.04,
        in_doubt: bool = False,
    ) -> None:
        self._most_refused = refused
        self._most_spam = spam
        self._most_failed = failed
        self._most_opt_outs = opt_outs
        self._texted = 0
        self._in_doubt = in_doubt
        self._latest: deque[bool] = deque(maxlen=LATEST)
        self._unknown = 0
        self._spam = self._unregistered = self._failed = 0
        self._same, self._times = "", 0

    @property
    def is_probing(self) -> bool:
        """Whether only one message may be under way."""
        return self._in_doubt or self._unknown >= PROBES

    def texted_before(self, people: int, failed: int) -> None:
        """So many have the run's text from an earlier attempt, or should have had it."""
        self._texted += people
        self._failed += failed

    def answered(self, event: Event, words: str = "") -> Problem | None:
        """What became of an attempt, and what was said about it."""
        if event is Event.LOSE:
            self._unknown += 1
            return self._too_many_unknown()
        if event not in {Event.ACCEPT, Event.REFUSE}:
            return None
        self._unknown, self._in_doubt = 0, False
        self._latest.append(event is Event.REFUSE)
        if event is Event.ACCEPT:
            self._texted += 1
            self._same, self._times = "", 0
            return None
        self._times = self._times + 1 if words == self._same else 1
        self._same = words
        return self._too_many_refused()

    def failed(self, error_code: str) -> Problem | None:
        """A receipt says that a message was not delivered."""
        code = int(error_code) if error_code.isdecimal() else 0
        self._failed += 1
        self._spam += code in SPAM
        self._unregistered += code in UNREGISTERED
        if code in SPAM and self._spam == self._most_spam:
            return Problem("E514", f"{self._spam} texts were stopped as spam")
        if code in UNREGISTERED and self._unregistered == MOST_UNREGISTERED:
            return Problem("E425", f"{self._unregistered} messages")
        most = self._most_failed * max(self._texted, FEWEST_PEOPLE)
        if self._most_failed >= 1.0 or self._failed <= most:
            return None
        found = f"{self._failed:,} of {self._texted:,} people texted"
        return Problem(FAILED, found)

    def opted_out(self, count: int, people: int) -> Problem | None:
        """So many opted out since the run began, and so many have its text."""
        most = self._most_opt_outs * max(people, FEWEST_PEOPLE)
        if self._most_opt_outs >= 1.0 or count <= max(most, FEWEST_OPT_OUTS):
            return None
        return Problem(
            OPT_OUTS, f"{count:,} of {people:,} people texted have opted out"
        )

    def _too_many_unknown(self) -> Problem | None:
        if self._unknown != (PROBES if self._in_doubt else UNKNOWN_IN_A_ROW):
            return None
        what = f"{self._unknown} messages in a row got no answer that proves anything"
        return Problem("E512", what)

    def _too_many_refused(self) -> Problem | None:
        answers, refused = len(self._latest), sum(self._latest)
        if self._most_refused >= 1.0:
            return None
        if self._times >= EQUAL_IN_A_ROW:
            return Problem("E513", f"{self._times} in a row, each: {self._same}")
        if refused <= self._most_refused * max(answers, FEWEST):
            return None
        return Problem("E513", f"{refused} of the last {answers} answers were refusals")
