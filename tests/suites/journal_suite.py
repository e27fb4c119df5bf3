"""What every journal promises, whatever it stands on.

A backend's test file derives from `JournalSuite` and gives it a `place` fixture; all of
these tests then run against it.  They use the public methods, and SQL only where they
ask whether the tables themselves refuse what `states.py` forbids.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bulksend.journal.owner import Owner
from bulksend.journal.states import Status
from tests.suites.caps_suite import CapsSuite
from tests.suites.claims_suite import ClaimsSuite
from tests.suites.evidence_suite import EvidenceSuite
from tests.suites.leases_suite import LeasesSuite
from tests.suites.orders_suite import OrdersSuite
from tests.suites.outcomes_suite import OutcomesSuite
from tests.suites.pace_suite import SharedPaceSuite
from tests.suites.scene import CAMPAIGN, NOW, RUN, Place, Sender, reopened
from tests.suites.suppressions_suite import SuppressionsSuite
from tests.suites.tables_suite import TablesSuite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bulksend.journal.store import Journal


class JournalSuite(
    LeasesSuite,
    SharedPaceSuite,
    ClaimsSuite,
    OutcomesSuite,
    CapsSuite,
    SuppressionsSuite,
    EvidenceSuite,
    TablesSuite,
    OrdersSuite,
):
    """Derive from it and give it a `place`."""

    @pytest.fixture
    def place(self) -> Place:
        raise NotImplementedError

    @pytest.fixture
    def journal(self, place: Place) -> Iterator[Journal]:
        with place.open() as journal:
            yield journal

    @pytest.fixture
    def sender(self, journal: Journal) -> Sender:
        run = journal.runs.add(RUN)
        return Sender(journal, run, journal.leases.take(CAMPAIGN, Owner.me(), now=NOW))

    @pytest.mark.parametrize("status", [None, *Status])
    @pytest.mark.parametrize("is_again", [False, True])
    def test_another_account_takes_a_run_of_which_nothing_may_have_left(
        self, journal: Journal, status: Status | None, is_again: bool
    ) -> None:
        """Its search alone knows what did; what was refused left nothing behind.

        What was proven absent may be there all the same, and so may what has failed, or
        was absent, and was planned again.
        """
        run = journal.runs.add(replace(RUN, run="other-run", account="1"))
        sender = Sender(
            journal, run, journal.leases.take(run.campaign, Owner.me(), now=NOW)
        )
        if status is not None:
            sender.bring(0, status)
        if is_again:
            reopened(journal, run, sender.epoch, "failed", now=NOW)
            journal.decisions.resend(run.id, [(0, 1)], now=NOW, evidence="{}")
        may = status in {
            None,
            Status.PLANNED,
            Status.REFUSED,
            Status.EXPIRED,
            Status.EXCLUDED,
        }

        assert journal.runs.may_have_left(run.id) is not may
        assert journal.runs.take_account(run.id, "2") is may
        assert journal.runs.take_account(run.id, "2" if may else "1")
        known = journal.runs.named(run.run)
        assert known is not None
        assert known.account == ("2" if may else "1")

    def test_its_identity_is_made_once_and_seen_by_all(
        self, place: Place, journal: Journal
    ) -> None:
        """None before somebody asked; then the same for every connection."""
        assert journal.known_as() == ""
        with place.open() as other:
            told = other.introduce()
            assert len(told) == 32
            assert journal.known_as() == told == journal.introduce() == other.known_as()
