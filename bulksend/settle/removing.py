"""Removes what `purging` found, as far as it still may be: files first, then the words.

A run is looked at again under its campaign's lease: while somebody read what would go, it
may have been sent anew.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from bulksend.errors import BulksendError, GateRefused, InputError, Problem
from bulksend.journal.owner import Owner
from bulksend.journal.store import Journal
from bulksend.send.clocks import wall_ms
from bulksend.settle.purging import Kept, is_due, reason_to_keep
from bulksend.settle.standing import sender_of
from bulksend.storage.location import where

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bulksend.home import Home
    from bulksend.journal.records import Run
    from bulksend.settle.purging import Purge
    from bulksend.storage.location import Where


UNSCRUBBED = (
    "what is purged is overwritten in it with time, or by `VACUUM` of SQLite ({})"
)


def purge(home: Home, what: Purge, *, now: int) -> Purge:
    """Remove *what* `plan_purge` found, as far as it still may be.

    Returns:
        What was removed; what has begun anew since is among those that are kept.

    Raises:
        InputError: E676, where a file cannot be removed; what is left is found again.
    """
    stay: list[Kept] = []
    if home.journal.exists():
        with Journal.open(home.journal) as journal:
            for run in what.runs:
                stay += _purge_run(home, what, run, journal=journal, now=now)
            runs = journal.runs.all()
            some = journal.purges.callbacks(before=what.before)
            if some or len(stay) < len(what.runs):
                stay += _scrub(home, journal, runs)
            stay += [
                Kept(str(place), f"{one.run} sends it")
                for one in runs
                if one.purged_at is None and (place := where(one.plan)) in what.loose
            ]
    names = {one.run for one in stay}
    loose = [place for place in what.loose if str(place) not in names]
    _remove(home, loose)
    home.sweep()
    gone = {name: some for name, some in what.of_runs.items() if name not in names}
    return replace(
        what,
        runs=tuple(run for run in what.runs if run.run not in names),
        files=tuple(dict.fromkeys([*chain(*gone.values()), *loose])),
        kept=(*what.kept, *stay),
        of_runs=gone,
    )


def _scrub(home: Home, journal: Journal, runs: list[Run]) -> list[Kept]:
    """Whoever sends would wait for it, and it needs as much room as the journal has."""
    campaigns, now = {run.campaign for run in runs}, wall_ms()
    if any(journal.leases.holder(one, now=now) for one in campaigns):
        return [Kept(str(home.journal), UNSCRUBBED.format("somebody is sending"))]
    try:
        journal.purges.scrub()
    except BulksendError as error:
        found = error.problems[0].found
        return [Kept(str(home.journal), UNSCRUBBED.format(found))]
    return []


def _purge_run(
    home: Home, what: Purge, run: Run, *, journal: Journal, now: int
) -> list[Kept]:
    """Its files first, then what the journal says of it; under its campaign's lease.

    Without the lease, where another run of the campaign is sent: it bars this one, too.
    """
    epoch, owner = None, Owner.me()
    try:
        epoch = journal.leases.take(run.campaign, owner, now=wall_ms())
    except GateRefused:
        if sender_of(journal, run, now=wall_ms()) is not None:
            return [Kept(run.run, "it is being sent")]
    try:
        known = journal.runs.named(run.run)
        if known is None or known.purged_at is not None:
            return []  # somebody else has purged it
        if not is_due(known, what.before):
            return [Kept(run.run, "it was sent again, and ended just now")]
        if why := reason_to_keep(journal, known, now=now):
            return [Kept(run.run, why)]
        _remove(home, what.of_runs.get(run.run, ()))
        renew = partial(_renew, journal, run.campaign, epoch)
        journal.purges.run(known, now=now, between=renew)
    finally:
        if epoch is not None:
            journal.leases.end(run.campaign, epoch)
    return []


def _renew(journal: Journal, campaign: str, epoch: int | None) -> None:
    if epoch is not None:
        journal.leases.renew(campaign, epoch, now=wall_ms())


def _remove(home: Home, places: Iterable[Where]) -> None:
    for place in places:
        try:
            if isinstance(place, Path):
                place.unlink(missing_ok=True)
            else:
                home.objects.delete([place])
        except OSError as error:
            found = (error.strerror or str(error)).lower()
            raise InputError(Problem("E676", found, file=str(place))) from error
