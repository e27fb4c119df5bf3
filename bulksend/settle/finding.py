"""A run by its name: the journal that knows it, and the plan that it sends."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bulksend.codes import DAY_IS_FULL
from bulksend.define.document import suggestion
from bulksend.define.sending import Carriers
from bulksend.errors import BulksendError, InputError, Problem
from bulksend.journal.store import Journal
from bulksend.prepare.kept import open_plan
from bulksend.storage.location import where

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bulksend.home import Home
    from bulksend.journal.records import Run
    from bulksend.prepare.plan import Plan


@contextmanager
def find_run(
    run: str, home: Home, *, read_only: bool = False
) -> Iterator[tuple[Journal, Run]]:
    """The journal, open, and the run of that name, or whose name alone begins so.

    Without a name it is the newest run.  To look at a run, open the journal *read_only*:
    whoever sends at the same time is not disturbed.

    Raises:
        InputError: E630, where there is no such run, or more than one; E603, where the
            journal of what was sent from here is not there.
    """
    home.refuse_lost_journal()
    if not home.journal.exists():
        named = f"no run is called `{run}`" if run else "nothing was run here"
        raise InputError(Problem("E630", named, file=str(home.journal)))
    with Journal.open(home.journal, read_only=read_only) as journal:
        yield journal, _fitting(run, journal.runs.all())


def _fitting(run: str, runs: list[Run]) -> Run:
    if not run and runs:
        return runs[0]
    fitting = [one for one in runs if one.run.startswith(run)]
    exact = [one for one in fitting if one.run == run]
    if exact or len(fitting) == 1:
        return (exact or fitting)[0]
    if fitting:
        several = f"`{run}` fits {', '.join(one.run for one in fitting[:3])}"
        raise InputError(Problem("E630", several, more=len(fitting[3:])))
    named = f"no run is called `{run}`" if run else "nothing was run here"
    raise InputError(Problem("E630", named, fix=suggestion(run, [r.run for r in runs])))


def plan_of(run: Run, home: Home) -> Plan:
    """The plan that a run sends; fetched, where it is in object storage.

    Raises:
        InputError: E620, where the plan is gone; E675, where it was purged.
    """
    if run.purged_at is not None:
        raise purged(run)
    return open_plan(where(run.plan), home)


def is_day_over(
    journal: Journal, home: Home, *, provider: str, brand: str, since: int
) -> bool:
    """Whether T-Mobile said since then, to any run of a brand, that it takes no more.

    The cap is the brand's: a run whose plan is gone may be of it.
    """
    told = journal.receipts.failed_with(provider, DAY_IS_FULL, since=since)
    return any(
        _may_be_of(run, brand, home) for run in journal.runs.all() if run.id in told
    )


def _may_be_of(run: Run, brand: str, home: Home) -> bool:
    try:
        carriers = plan_of(run, home).about["campaign"].get("send", {}).get("carriers")
    except BulksendError:
        return True
    return bool(carriers) and Carriers.model_validate(carriers).brand == brand


def whole_plan_of(run: Run, home: Home) -> Plan:
    """The same for who tells all of it: each of its bytes is as it was when it began.

    Raises:
        InputError: As `plan_of`; E623, where it was changed.
    """
    plan = plan_of(run, home)
    if plan.seal().digest != run.plan_digest:
        raise InputError(Problem("E623", "its bytes changed", file=plan.place))
    return plan


def purged(run: Run) -> InputError:
    """What to say of a run whose numbers and texts were removed."""
    assert run.purged_at is not None
    day = datetime.fromtimestamp(run.purged_at / 1000, UTC).date()
    return InputError(Problem("E675", f"{run.run} was purged on {day}"))
