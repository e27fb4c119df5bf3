"""What people decide of messages: what became of one, and that some are sent again.

    decide_row     a person's decision about one unknown row, with its reason
    resend_run     plan again what was proven not to be sent

A row is never sent by either of these; `bulksend run` sends what was planned again.
"""

from __future__ import annotations

import asyncio
import getpass
import time
from typing import TYPE_CHECKING, NamedTuple

import orjson

from bulksend.assignment import other_account
from bulksend.errors import InputError, Problem
from bulksend.journal.decisions import Source
from bulksend.journal.states import Event, Status
from bulksend.logs import mask_words
from bulksend.send.signin import Credentials
from bulksend.settle.finding import find_run, plan_of
from bulksend.settle.ground import Ground
from bulksend.settle.looking import look_again
from bulksend.settle.proving import absent
from bulksend.settling import Manner, orphan, rewrite, search_by

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulksend.home import Home
    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.prepare.plan import Plan


class Resent(NamedTuple):
    """What is sent again, and what stays *not_sent*: it is not proven any more."""

    planned: int
    left: int


def decide_row(home: Home, run: str, row: int, verdict: str, *, because: str) -> None:
    """A person says what became of an unknown row: ``accepted`` or ``not_sent``.

    Raises:
        InputError: E630, where there is no such run; E653, where the row is not unknown;
            E654 without a reason.
    """
    if not because.strip():
        raise InputError(Problem("E654", "nothing is said"))
    with find_run(run, home) as (journal, known):
        orphan(journal, [known])
        now = _now()
        event = Event.ACCEPT if verdict == "accepted" else Event.DISPROVE
        unknown = {one.row: one for one in journal.decisions.unknown(known.id)}
        if row not in unknown:
            raise InputError(Problem("E653", f"row {row} of {known.run}"))
        one = unknown[row]
        said = {
            "because": mask_words(because.strip()[:2_000])[:500],
            "by": _user(),
            "since": one.since,
            "attempt": one.attempt,
        }
        evidence = absent(known, row, now, "an operator decided so", said)
        evidence = evidence._replace(source=Source.OPERATOR, attempt=one.attempt)
        if event is Event.ACCEPT:
            evidence = evidence._replace(event=event, error_code=None, error=None)
        with journal.database.transaction():
            journal.decisions.apply([evidence], now=now)
        rewrite(home, journal, [known])


def resend_run(
    home: Home,
    environment: Mapping[str, str],
    *,
    run: str,
    how: Manner | None = None,
) -> Resent:
    """Plan again what was proven not to be sent; `bulksend run` sends it.

    What a search has proven is looked at once more: what it shows by now was accepted,
    and what it does not prove any more stays as it is.

    Raises:
        InputError: E630, where there is no such run; E620, where its plan is gone; E500
            without credentials; E551, where it is another account's.
        GateRefused: E545, where Bandwidth refuses the search.
        Stopped: E546, where it does not answer.
    """
    how = how or Manner()
    with find_run(run, home) as (journal, known):
        rows = journal.decisions.denied(known.id)
        if journal.decisions.absent(known.id):
            plans = {known: plan_of(known, home)}
            credentials = Credentials.from_environment(environment)
            if known.account not in ("", credentials.account_id):
                raise InputError(other_account(known, credentials.account_id))
            rows += asyncio.run(_again(journal, plans, credentials, how))
        by = orjson.dumps({"by": _user()}).decode()
        count = journal.decisions.resend(known.id, rows, now=_now(), evidence=by)
        rewrite(home, journal, [known])
        left = journal.counts(known.id).get(Status.NOT_SENT, 0)
        return Resent(count, left)


async def _again(
    journal: Journal,
    plans: Mapping[Run, Plan],
    credentials: Credentials,
    how: Manner,
) -> list[tuple[int, int]]:
    (run,) = plans
    async with search_by(credentials, how) as search:
        # How long to wait was said when it was proven, and it has been longer since.
        return await look_again(Ground(journal, plans, search, 0, _now), run)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a user of that number
        return "somebody"


def _now() -> int:
    return time.time_ns() // 1_000_000
