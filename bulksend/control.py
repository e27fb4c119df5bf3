"""What another terminal can do to a run: pause it, let it go on, end it for good.

An order is written into the journal, where the sender sees it within a second, and the
next sender before it begins.  Each function waits until the order is obeyed, or says who
has not answered.
"""

from __future__ import annotations

import getpass
import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bulksend.errors import GateRefused, InputError, Problem
from bulksend.journal.orders import Word
from bulksend.journal.owner import Owner
from bulksend.pipeline import write_run
from bulksend.send.clocks import wall_ms
from bulksend.send.watch import SAID
from bulksend.settle.finding import find_run
from bulksend.settle.standing import sender_of, standing

if TYPE_CHECKING:
    from bulksend.home import Home
    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.settle.standing import Ended

PATIENCE_SECONDS = 8.0
"""How long a sender may take to obey: it looks within a second and drains within four."""

LOOK_SECONDS = 0.1

SEEN_SECONDS = 1.0
"""By then every sender has seen an order (send/watch.py)."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """How a run stands after an order.

    Args:
        sender: Who has not obeyed yet; None where the order is in force.
    """

    ended: Ended
    sender: Owner | None = None


def pause_run(run: str, *, home: Home) -> Ordered:
    """Send nothing of *run* until `resume_run`; its sender stays, and waits.

    Raises:
        InputError: E630, where there is no such run; E615, where it is over.
    """
    with find_run(run, home) as (journal, known):
        _refuse_over(journal, known)
        journal.orders.give(known.id, Word.PAUSE, _me(), now=wall_ms())
        late = _wait(journal, known)
        _refuse_over(journal, known)
        return Ordered(standing(journal, known, now=wall_ms()), late)


def resume_run(run: str, *, home: Home) -> Ordered:
    """Take back a pause or an abort: a sender that waits goes on, a new one may begin.

    A run that was halted after its first few may go on, too.
    """
    with find_run(run, home) as (journal, known):
        journal.orders.take_back(known.id)
        halt = journal.canaries.standing(known.id)
        if halt is not None and halt.is_canary:
            journal.canaries.passed(known.id, by=_me(), now=wall_ms())
        elif halt is not None and halt.code in SAID.values():
            journal.canaries.lift(known.id, now=wall_ms())
        ended = standing(journal, known)
        if ended.counts["not_sent"]:
            journal.runs.reopen(known.id)
        return Ordered(ended)


def abort_run(run: str, *, home: Home) -> Ordered:
    """End *run* for good: what is not sent stays so, and its results are written.

    Running it again is refused until `resume_run`.

    Raises:
        InputError: E630, where there is no such run; E615, where it is over.
    """
    with find_run(run, home) as (journal, known):
        _refuse_over(journal, known)
        had_sender = sender_of(journal, known, now=wall_ms()) is not None
        journal.orders.give(known.id, Word.ABORT, _me(), now=wall_ms())
        late = _wait(journal, known)
        _refuse_over(journal, known)
        if late is None:
            journal.runs.finish(known.id, now=wall_ms())
        if had_sender:  # which writes the results, last of all
            return Ordered(standing(journal, known), late)
        _end_claims(journal, known)
    return Ordered(write_run(known.run, home=home))


def _refuse_over(journal: Journal, run: Run) -> None:
    """No order is left on a run that has nothing to send: it would stand in its way.

    Asked before an order and after it: the run may end meanwhile.
    """
    if standing(journal, run).is_over:
        journal.orders.take_back(run.id)
        raise InputError(Problem("E615", f"nothing is left of {run.run} to send"))


def _end_claims(journal: Journal, run: Run) -> None:
    """What a dead sender left under way becomes unknown, as when it is followed."""
    with suppress(GateRefused):  # another run of the campaign is sent, and has done so
        epoch = journal.leases.take(run.campaign, Owner.me(run.run), now=wall_ms())
        journal.leases.end(run.campaign, epoch)


def _wait(journal: Journal, run: Run) -> Owner | None:
    """Until the order is obeyed; who has not obeyed it in time."""
    began = time.monotonic()
    while (owner := sender_of(journal, run, now=wall_ms())) is not None:
        order, waited = journal.orders.of(run.id), time.monotonic() - began
        if order is None:
            return None
        if order.heeded_at is not None:
            owner = _still_at_work(journal, run, is_seen=waited >= SEEN_SECONDS)
        if owner is None or waited > PATIENCE_SECONDS:
            return owner
        time.sleep(LOOK_SECONDS)
    return None


def _still_at_work(journal: Journal, run: Run, *, is_seen: bool) -> Owner | None:
    """Of several that send shards one has obeyed: who may have something under way."""
    senders = journal.leases.alive(run.campaign, now=wall_ms())
    if len(senders) < 2:
        return None
    claiming = journal.leases.claiming(run.id) if is_seen else None
    at_work = (one for one in senders if claiming is None or one.epoch in claiming)
    return next((one.owner for one in at_work), None)


def _me() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        name = f"user {os.getuid()}"
    return f"{name} on {socket.gethostname()}"
