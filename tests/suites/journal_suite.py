"""What every journal promises, whatever it stands on.

A backend's test file derives from `JournalSuite` and gives it a `place` fixture; all of
these tests then run against it.  They use the public methods, and SQL only where they
ask whether the tables themselves refuse what `states.py` forbids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bulksend.journal.owner import Owner
from tests.suites.caps_suite import CapsSuite
from tests.suites.claims_suite import ClaimsSuite
from tests.suites.evidence_suite import EvidenceSuite
from tests.suites.leases_suite import LeasesSuite
from tests.suites.orders_suite import OrdersSuite
from tests.suites.outcomes_suite import OutcomesSuite
from tests.suites.pace_suite import SharedPaceSuite
from tests.suites.scene import CAMPAIGN, NOW, RUN, Place, Sender
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
        run = journal.add_run(RUN)
        return Sender(journal, run, journal.leases.take(CAMPAIGN, Owner.me(), now=NOW))

    def test_its_identity_is_made_once_and_seen_by_all(
        self, place: Place, journal: Journal
    ) -> None:
        """None before somebody asked; then the same for every connection."""
        assert journal.known_as() == ""
        with place.open() as other:
            told = other.introduce()
            assert len(told) == 32
            assert journal.known_as() == told == journal.introduce() == other.known_as()
