"""Who may send a campaign: one sender at a time, or one for each shard of one run.

Each taker has a higher epoch than any before it in its campaign.  What was claimed under
an epoch that is over is nobody's any more: its sender is gone, so its fate is unknown.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bulksend.errors import GateRefused, Problem
from bulksend.journal.database import atomically
from bulksend.journal.faults import undamaged
from bulksend.journal.migrations import check
from bulksend.journal.owner import Owner
from bulksend.journal.records import WHOLE, Lease, LeaseLost, Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend.journal.database import Database, Row
    from bulksend.journal.records import Run

LEASE_MS = 30_000
"""A sender that has not renewed for this long counts as gone."""


class Leases:
    """`Journal.leases`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def take(self, campaign: str, owner: Owner, *, now: int) -> int:
        """The new epoch.  Rows that an earlier owner left claimed become unknown.

        Raises:
            GateRefused: E610, where another sender is at work on this campaign.
        """
        take = partial(self._take, campaign, 0, WHOLE, owner, now)
        return atomically(self._db, take, alone=campaign)

    def take_shard(self, run: Run, part: Part, owner: Owner, *, now: int) -> int:
        """The same for one shard: others of the same run may be at work beside it."""
        take = partial(self._take, run.campaign, run.id, part, owner, now)
        return atomically(self._db, take, alone=run.campaign)

    def _take(
        self, campaign: str, run_id: int, part: Part, owner: Owner, now: int
    ) -> int:
        leases = self._leases(campaign)
        for held in leases:
            is_beside = run_id and held.run_id == run_id and held.shard != part.shard
            if held.is_alive(now) and not is_beside:
                raise GateRefused(_held(held, now=now))
        epoch = 1 + max((one.epoch for one in leases), default=0)
        self._db.execute(
            "take_lease",
            campaign=campaign,
            shard=part.shard,
            run_id=run_id,
            epoch=epoch,
            owner=str(owner),
            now=now,
            expires=now + LEASE_MS,
        )
        check(self._db)
        self._db.execute(
            "orphan",
            campaign=campaign,
            run_id=run_id,
            first=part.first,
            last=part.last,
            now=now,
        )
        return epoch

    def renew(self, campaign: str, epoch: int, *, now: int) -> None:
        """Raises `LeaseLost` where it had already ended."""
        changed = self._db.execute(
            "renew_lease",
            campaign=campaign,
            epoch=epoch,
            now=now,
            expires=now + LEASE_MS,
        )
        if changed != 1:
            raise LeaseLost

    def end(self, campaign: str, epoch: int) -> None:
        self._db.execute("end_lease", campaign=campaign, epoch=epoch)

    def leave(self, run: Run, epoch: int, *, now: int) -> None:
        """End it after a failure: what is still claimed has no outcome, and gets none."""

        def leave() -> None:
            self._db.execute("end_lease", campaign=run.campaign, epoch=epoch)
            self._db.execute("orphan_own", run_id=run.id, epoch=epoch, now=now)

        atomically(self._db, leave)

    def holder(self, campaign: str, *, now: int, but: int = 0) -> Owner | None:
        """A sender that is at work on this campaign.

        Args:
            but: A run whose shards are not meant.
        """
        alive = self.alive(campaign, now=now)
        others = (one.owner for one in alive if not but or one.run_id != but)
        return next(others, None)

    def alive(self, campaign: str, *, now: int) -> list[Lease]:
        """Of all who are at work on this campaign: one, or one for each shard."""
        return [one for one in self._leases(campaign) if one.is_alive(now)]

    def claiming(self, run_id: int) -> set[int]:
        """The epochs under which messages of a run are claimed, and have no outcome yet."""
        return {epoch for (epoch,) in self._db.fetch("claiming", run_id=run_id)}

    def has_others(self, campaign: str, *, now: int) -> bool:
        """Whether other campaigns of the same provider have a sender at work."""
        provider, _, _ = campaign.partition("/")
        found = self._db.fetch(
            "leases_beside", campaign=campaign, alike=f"{provider}/%", now=now
        )
        return any(one.is_alive(now) for one in self._read(found))

    def _leases(self, campaign: str) -> list[Lease]:
        return self._read(self._db.fetch("leases", campaign=campaign))

    def _read(self, found: Sequence[Row]) -> list[Lease]:
        with undamaged(self._db.name):
            return [
                Lease(epoch, Owner.parse(owner), *rest) for epoch, owner, *rest in found
            ]


def _held(lease: Lease, *, now: int) -> Problem:
    seconds = max(0, now - lease.since) // 1000
    return Problem(
        "E610",
        f"process {lease.owner.pid} on {lease.owner.host} has been sending this "
        f"campaign for {seconds:,} s",
    )
