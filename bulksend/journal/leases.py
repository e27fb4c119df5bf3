"""Who may send a campaign: one sender at a time, each with a higher epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulksend.errors import GateRefused, Problem
from bulksend.journal.faults import undamaged
from bulksend.journal.owner import Owner
from bulksend.journal.records import Lease, LeaseLost

if TYPE_CHECKING:
    from bulksend.journal.database import Database

LEASE_MS = 30_000
"""A sender that has not renewed for this long counts as gone (airflow.md §3.4)."""


class Leases:
    """`Journal.leases`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def take(self, campaign: str, owner: Owner, *, now: int) -> int:
        """The new epoch.  Rows that an earlier owner left claimed become unknown.

        Raises:
            GateRefused: E610, where another sender is at work on this campaign.
        """
        with self._db.transaction():
            held = self._lease(campaign)
            taken = self._db.fetch(
                "take_lease",
                campaign=campaign,
                owner=str(owner),
                now=now,
                expires=now + LEASE_MS,
                seen=str(held.owner) if held else "",
                free=bool(held and held.owner.is_surely_dead()),
            )
            if not taken:
                assert held is not None
                raise GateRefused(_held(held, now=now))
            ((epoch,),) = taken
            self._db.execute("orphan", campaign=campaign, epoch=epoch, now=now)
            return int(epoch)

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

    def holder(self, campaign: str, *, now: int) -> Owner | None:
        """The sender that is at work on this campaign."""
        held = self._lease(campaign)
        if held is None or held.expires < now or held.owner.is_surely_dead():
            return None
        return held.owner

    def _lease(self, campaign: str) -> Lease | None:
        found = self._db.fetch("lease", campaign=campaign)
        if not found:
            return None
        ((epoch, owner, since, expires),) = found
        with undamaged(self._db.name):
            return Lease(epoch, Owner.parse(owner), since, expires)


def _held(lease: Lease, *, now: int) -> Problem:
    seconds = max(0, now - lease.since) // 1000
    return Problem(
        "E610",
        f"process {lease.owner.pid} on {lease.owner.host} has been sending this "
        f"campaign for {seconds:,} s",
    )
