"""What there is to settle at a moment: unknown messages, and the plans that tell of them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from bulksend.assignment import other_account
from bulksend.errors import BulksendError, GateRefused, Problem
from bulksend.journal.owner import Owner
from bulksend.send.clocks import wall_ms
from bulksend.settle.finding import plan_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bulksend.home import Home
    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.prepare.plan import Plan


class Cases(NamedTuple):
    """What there is to settle at this moment.

    Args:
        plans: Of all runs with unknown messages, since these compete for records.

        asked: The runs that are asked for.

        real: Those of them that have unknown messages and a search that knows them.
    """

    plans: dict[Run, Plan]
    asked: set[int]
    real: list[Run]
    skipped: int
    left_out: int
    problems: list[Problem]

    @property
    def may_be_looked_up(self) -> bool:
        return bool(self.plans.keys() & set(self.real))


def cases_of(
    home: Home, journal: Journal, environment: Mapping[str, str], *, run: str
) -> Cases:
    """Worked out at each look: who watches sees what came to be unknown since."""
    everyone = journal.runs.all()
    orphan(journal, everyone)
    unknown = {one.id: journal.decisions.unknown(one.id) for one in everyone}
    rivals = [one for one in everyone if is_real(one) and unknown[one.id]]
    asked = [one for one in everyone if run in ("", one.run)]
    real = [one for one in rivals if one in asked]
    account = environment.get("BW_ACCOUNT_ID", "").strip()
    plans, without = _plans(home, rivals, account)
    lost = [one for one in real if one in without]
    return Cases(
        plans,
        {one.id for one in asked},
        real,
        sum(len(unknown[one.id]) for one in asked if not is_real(one)),
        sum(len(unknown[one.id]) for one in lost),
        [without[one] for one in lost],
    )


def _plans(
    home: Home, runs: Iterable[Run], account: str
) -> tuple[dict[Run, Plan], dict[Run, Problem]]:
    """The plans of runs that can be looked up, and why others cannot."""
    plans: dict[Run, Plan] = {}
    without: dict[Run, Problem] = {}
    for one in runs:
        if account and one.account not in ("", account):
            without[one] = other_account(one, account)
            continue
        try:
            plans[one] = plan_of(one, home)
        except BulksendError as error:
            why = error.problems[0]
            found = f"{one.run}: {why.code} {why.found}"
            without[one] = Problem("E550", found, file=why.file)
    return plans, without


def is_real(run: Run) -> bool:
    """Whether a search may know its messages: nobody else knows the stand-in's."""
    return run.provider == "bandwidth"


def orphan(journal: Journal, runs: Iterable[Run]) -> None:
    """Claims whose sender is gone become unknown, as the next sender would have it.

    Nobody's lease is taken for less: a sender that begins just then would be refused.
    """
    left = {one.campaign for one in runs if journal.leases.claiming(one.id)}
    for campaign in left:
        with suppress(GateRefused):  # somebody is at work: then nothing is orphaned
            epoch = journal.leases.take(campaign, Owner.me(), now=wall_ms())
            journal.leases.end(campaign, epoch)
