"""What people decide of messages: what became of one, and that some are sent again.

    decide_row     a person's decision about one row, with its reason; or another one
    resend_run     plan again what was proven not to be sent

A row is never sent by either of these; `bulksend run` sends what was planned again.
"""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, NamedTuple

import orjson

from bulksend import aside
from bulksend.assignment import other_account
from bulksend.errors import InputError, Problem
from bulksend.journal.database import atomically
from bulksend.journal.decisions import Source, Unknown
from bulksend.journal.states import Event, Status
from bulksend.logs import mask_words
from bulksend.send.clocks import wall_ms
from bulksend.send.signin import Credentials
from bulksend.settle.finding import find_run, plan_of
from bulksend.settle.ground import Ground
from bulksend.settle.looking import look_again
from bulksend.settle.proving import absent
from bulksend.settling import Manner, rewrite, search_by
from bulksend.unsettled import is_real, orphan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bulksend.home import Home
    from bulksend.journal.decisions import Decision, Evidence
    from bulksend.journal.records import Entry, Run
    from bulksend.journal.store import Journal
    from bulksend.prepare.plan import Plan


class Resent(NamedTuple):
    """What is sent again, and what stays *not_sent*: the search says otherwise."""

    planned: int
    left: int


def decide_row(home: Home, run: str, row: int, verdict: str, *, because: str) -> None:
    """A person says what became of an unknown row: ``accepted`` or ``not_sent``.

    What was decided can be decided anew while nothing was sent since: *accepted* of what
    is not sent, or is planned again; *not_sent* of what only a person called accepted.

    Raises:
        InputError: E630, where there is no such run; E653, where a person's word about
            this row decides nothing; E654 without a reason.
    """
    if not because.strip():
        raise InputError(Problem("E654", "nothing is said"))
    with find_run(run, home) as (journal, known):
        orphan(journal, [known])
        now = wall_ms()
        words = mask_words(because.strip()[:2_000])[:500]
        said: dict[str, object] = {"because": words, "by": _user()}

        def decide() -> None:
            left, times = _left(journal, known, row), {}
            if left is not None:
                times = {"since": left.since, "until": left.until}
                times |= {"attempt": left.attempt}
            why = "an operator decided so"
            evidence = absent(known, row, now, why, said | times)
            evidence = evidence._replace(source=Source.OPERATOR)
            if left is None or not _decided(journal, evidence, verdict, now=now):
                raise InputError(Problem("E653", _as_it_is(journal, known, row)))

        atomically(journal.database, decide, alone=known.campaign)
        rewrite(home, journal, [known])


def _left(journal: Journal, run: Run, row: int) -> Unknown | None:
    """When the message left that a person may decide about; None where there is none."""
    for one in journal.decisions.unknown(run.id):
        if one.row == row:
            return one
    made = journal.decisions.of_rows(run.id, row, row)
    for entry in journal.entries(run.id, row, row):
        if entry.status == Status.PLANNED and not _was_absent(entry, made):
            return None
        for was in reversed(made):
            said = orjson.loads(was.evidence)
            if "since" in said:
                until = said.get("until", was.decided_at)
                return Unknown(row, said["since"], until, entry.attempt)
    return None


def _was_absent(entry: Entry, made: Sequence[Decision]) -> bool:
    """Whether it is planned again as not sent; what had failed for certain was no unknown.

    Of a failure the decision to try again keeps how it stood.
    """
    if not made or made[-1].event != Event.AGAIN or entry.message_id:
        return False
    return "status" not in orjson.loads(made[-1].evidence)


def _decided(journal: Journal, said: Evidence, verdict: str, *, now: int) -> bool:
    """Believe a person, where nothing else has spoken; whether it changed anything."""
    (entry,) = journal.entries(said.run_id, said.row, said.row)
    is_open = entry.status == Status.UNKNOWN
    if verdict == Status.NOT_SENT and not is_open:
        return journal.decisions.take_back(said, now=now)
    if verdict == Status.ACCEPTED:
        if not is_open and entry.status not in (Status.NOT_SENT, Status.PLANNED):
            return False
        said = said._replace(event=Event.ACCEPT, error_code=None, error=None)
    journal.decisions.apply([said], now=now)
    return True


def _as_it_is(journal: Journal, run: Run, row: int) -> str:
    where = f"row {row} of {run.run}"
    for entry in journal.entries(run.id, row, row):
        named = f", as message {entry.message_id}" if entry.message_id else ""
        return f"{where} is {entry.status.replace('_', ' ')}{named}"
    return f"{where} was never sent"


def resend_run(
    home: Home,
    environment: Mapping[str, str],
    *,
    run: str,
    how: Manner | None = None,
) -> Resent:
    """Plan again what was proven not to be sent; `bulksend run` sends it.

    All of it is looked at once more: what the search shows by now was accepted, what it
    has proven and does not prove any more stays as it is, and so does what a person has
    called so where a record fits.

    Raises:
        InputError: E630, where there is no such run; E620, where its plan is gone; E500
            without credentials; E551, where it is another account's.
        GateRefused: E545, where Bandwidth refuses the search.
        Stopped: E546, where it does not answer.
    """
    how = how or Manner()
    with find_run(run, home) as (journal, known):
        rows = _in_question(journal, known)
        if rows and is_real(known):
            plans = {known: plan_of(known, home)}
            credentials = Credentials.from_environment(environment)
            if known.account not in ("", credentials.account_id):
                raise InputError(other_account(known, credentials.account_id))
            rows = aside.run(_again(journal, plans, credentials, how))
        by = orjson.dumps({"by": _user()}).decode()
        count = journal.decisions.resend(known.id, rows, now=wall_ms(), evidence=by)
        rewrite(home, journal, [known])
        left = journal.counts(known.id).get(Status.NOT_SENT, 0)
        return Resent(count, left)


def _in_question(journal: Journal, run: Run) -> list[tuple[int, int]]:
    """Row and attempt of all that is called *not_sent*, by whomever."""
    return [
        (one.row, one.attempt)
        for source in (Source.SEARCH, Source.OPERATOR)
        for one in journal.decisions.disproved(run.id, source)
    ]


async def _again(
    journal: Journal,
    plans: Mapping[Run, Plan],
    credentials: Credentials,
    how: Manner,
) -> list[tuple[int, int]]:
    (run,) = plans
    async with search_by(credentials, how) as search:
        # How long to wait was said when it was proven, and it has been longer since.
        return await look_again(Ground(journal, plans, search, 0, wall_ms), run)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a user of that number
        return "somebody"
