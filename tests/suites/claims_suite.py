"""The intent to send: durable, exclusive, and what becomes of it when its owner is gone."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from bulksend.journal.leases import LEASE_MS
from bulksend.journal.owner import Owner
from bulksend.journal.records import (
    LISTED,
    PAST_EXPIRATION,
    Candidate,
    Claim,
    Entry,
    LeaseLost,
    Part,
    Use,
)
from bulksend.journal.states import Event, Status
from tests.suites.scene import CAMPAIGN, ELSEWHERE, NOW, RUN, Place, Sender, outcome

if TYPE_CHECKING:
    from bulksend.journal.store import Journal


class ClaimsSuite:
    """Mixed into a `JournalSuite`, whose fixtures it uses."""

    # -- claiming ----------------------------------------------------------------

    def test_a_claim_is_durable_and_exclusive(
        self, place: Place, sender: Sender
    ) -> None:
        """The second to ask for a row does not get it, through whatever connection."""
        assert sender.claim(2, 3, 4) == [2, 3, 4]
        with place.open() as other:
            again = sender._replace(journal=other)
            assert again.claim(3, 4, 5) == [5]
            assert other.counts(sender.run.id) == {Status.CLAIMED: 4}

    def test_the_same_row_twice_in_one_claim_is_claimed_once(
        self, sender: Sender
    ) -> None:
        """Whoever asks twice may post once."""
        assert sender.claim(7, 7) == [7]

    def test_the_latest_claim_of_a_row_stands_by_its_epoch_and_attempt(
        self, sender: Sender
    ) -> None:
        """None of what nobody claimed, whatever evidence says of it; the last of several.

        Also where the clock was set back between two of them.
        """
        journal, run = sender.journal, sender.run
        assert journal.latest.claim(run.id, 2) is None
        sender.claim(2)
        first = journal.latest.claim(run.id, 2)
        assert first == Claim(2, sender.epoch, 1)

        sender.record(outcome(2, Event.RELEASE))
        assert journal.latest.claim(run.id, 2) == first, "it was claimed all the same"
        again = [Candidate(2, 2, again=True)]
        journal.claim(run, sender.epoch, again, now=NOW - 3_600_000)
        assert journal.latest.claim(run.id, 2) == Claim(2, sender.epoch, 2)
        journal.close_unsent(run.id, sender.epoch, [3], PAST_EXPIRATION, now=NOW)
        assert journal.latest.claim(run.id, 3) is None

    def test_who_was_closed_is_counted_by_why_and_once(self, sender: Sender) -> None:
        """What was sent before stays sent: only rows that were planned are counted."""
        journal, run = sender.journal, sender.run
        sender.claim(2)
        close = partial(journal.close_unsent, run.id, sender.epoch, now=NOW)

        assert close([2, 3, 4], LISTED) == 2
        assert close([2, 3, 4], LISTED) == 0
        assert close([5], PAST_EXPIRATION) == 1
        assert close([], LISTED) == 0
        told = partial(journal.closed_as, run.id)
        assert (told(LISTED), told(PAST_EXPIRATION)) == (2, 1)
        assert told(LISTED, Part(0, 1, 3)) == 1

    def test_the_latest_claims_of_noted_runs_are_told_together(
        self, sender: Sender
    ) -> None:
        """Its own word on each row that was noted; a run that it does not know is left out."""
        name = sender.run.run
        sender.claim(2)
        own = Claim(2, sender.epoch, 1)
        told = sender.journal.latest.claims

        assert told({name: Claim(2, 9, 1), "gone": own}) == {name: own}
        assert told({name: Claim(3, 9, 1)}) == {name: None}
        assert told({name: None}) == {name: None}

    @pytest.mark.parametrize("status", Status)
    @pytest.mark.parametrize("again", [False, True])
    def test_only_a_planned_row_can_be_claimed(
        self, sender: Sender, status: Status, again: bool
    ) -> None:
        """Whatever the caller believes about the row."""
        sender.bring(2, status)

        got = sender.journal.claim(
            sender.run, sender.epoch, [Candidate(2, 1, again)], now=NOW
        )

        assert got == ([2] if status is Status.PLANNED else [])

    def test_a_row_that_was_given_back_counts_its_attempts(
        self, sender: Sender
    ) -> None:
        """The second claim forgets the first one's error, and keeps the count."""
        sender.claim(2)
        sender.record(
            outcome(2, Event.RELEASE, error_code="429", error="429: full", at=NOW + 1)
        )
        given_back = Entry(2, "planned", 1, None, None, None, None, "429", "429: full")
        assert sender.entry(2) == given_back

        assert sender.claim(2, now=NOW + 2) == [2]
        assert sender.entry(2) == Entry(
            2, "claimed", 2, None, None, None, None, None, None
        )

    @pytest.mark.parametrize("how", ["never taken", "over", "given back", "taken over"])
    def test_nothing_is_claimed_without_the_lease(
        self, journal: Journal, how: str
    ) -> None:
        """`LeaseLost`, and not one row of the group is claimed."""
        run, now = journal.runs.add(RUN), NOW
        epoch = 1
        if how != "never taken":
            epoch = journal.leases.take(CAMPAIGN, ELSEWHERE, now=NOW)
        if how == "over":
            now += LEASE_MS + 1
        if how in ("given back", "taken over"):
            journal.leases.end(CAMPAIGN, epoch)
        if how == "taken over":
            journal.leases.take(CAMPAIGN, Owner.me(), now=NOW)

        with pytest.raises(LeaseLost):
            journal.claim(run, epoch, [Candidate(2, None), Candidate(3, None)], now=now)

        assert journal.counts(run.id) == {}

    def test_of_many_only_those_are_claimed_that_may_be(self, sender: Sender) -> None:
        """New, given back, taken and closed rows in one claim, each by its own right."""
        sender.bring(3, Status.PLANNED)
        for row, status in ((5, Status.ACCEPTED), (6, Status.EXCLUDED)):
            sender.bring(row, status)

        assert sender.claim(2, 3, 4, 5, 6, 7) == [2, 3, 4, 7]
        assert sender.journal.counts(sender.run.id) == {
            Status.CLAIMED: 4,
            Status.ACCEPTED: 1,
            Status.EXCLUDED: 1,
        }

    @pytest.mark.parametrize("has_lease", [True, False])
    def test_a_claim_records_what_is_known_first(
        self, sender: Sender, has_lease: bool
    ) -> None:
        """A row given back is claimed again; without the lease the truth still stands."""
        sender.claim(2, 3)
        if not has_lease:
            sender.journal.leases.end(CAMPAIGN, sender.epoch)
        known = [outcome(2, Event.RELEASE), outcome(3, Event.ACCEPT)]
        wanted = [Candidate(2, 102, again=True), Candidate(4, 104)]

        try:
            got = sender.journal.claim(
                sender.run, sender.epoch, wanted, now=NOW, outcomes=known
            )
        except LeaseLost:
            got = []

        assert got == ([2, 4] if has_lease else [])
        left = Status.CLAIMED if has_lease else Status.PLANNED
        assert sender.entry(2).status == left
        assert sender.entry(3).status == Status.ACCEPTED

    def test_a_claim_records_what_gives_back_too(self, sender: Sender) -> None:
        """What counts against caps is recorded on its own, and the claim follows."""
        sender.claim(2)
        back = outcome(2, Event.RELEASE, returns=(Use("cap", 1, 1),))
        wanted = [Candidate(2, 102, again=True)]

        got = sender.journal.claim(
            sender.run, sender.epoch, wanted, now=NOW, outcomes=[back]
        )

        assert got == [2]

    # -- taking over -------------------------------------------------------------

    def test_what_a_gone_sender_left_claimed_is_unknown(self, journal: Journal) -> None:
        """In every run of the campaign, and only there; what is proven stays."""
        run, old = journal.runs.add(RUN), journal.runs.add(replace(RUN, run="old"))
        other = journal.runs.add(replace(RUN, run="x", campaign="other"))
        epoch = journal.leases.take(CAMPAIGN, ELSEWHERE, now=NOW)
        journal.leases.take("other", ELSEWHERE, now=NOW)
        gone = Sender(journal, run, epoch)
        for row, status in enumerate(Status, 2):
            gone.bring(row, status)
        gone._replace(run=old).claim(2)
        gone._replace(run=other).claim(2)
        before = {one.row: one for one in journal.entries(run.id, 2, 100)}

        journal.leases.take(CAMPAIGN, Owner.me(), now=NOW + LEASE_MS + 1)

        orphan = 2 + list(Status).index(Status.CLAIMED)
        after = {one.row: one for one in journal.entries(run.id, 2, 100)}
        assert after[orphan].status == "unknown"
        assert after[orphan].error_code == "no_answer"
        assert after[orphan].ended_at == NOW + LEASE_MS + 1
        assert before | {orphan: after[orphan]} == after
        assert journal.counts(old.id) == {Status.UNKNOWN: 1}
        assert journal.counts(other.id) == {Status.CLAIMED: 1}

    def test_a_sender_that_failed_leaves_no_claim_behind(self, sender: Sender) -> None:
        """Its own and older claims are unknown, the lease is free, and truth may follow."""
        sender.claim(2, 3)
        sender.record(outcome(3, Event.ACCEPT))

        sender.journal.leases.leave(sender.run, sender.epoch, now=NOW + 1)

        assert [one.status for one in sender.journal.entries(sender.run.id, 2, 3)] == [
            "unknown",
            "accepted",
        ]
        assert sender.journal.leases.holder(CAMPAIGN, now=NOW + 1) is None
        assert sender.record(outcome(2, Event.ACCEPT)) == 1

    def test_a_late_sender_still_brings_the_truth_about_its_own_rows(
        self, journal: Journal
    ) -> None:
        """Whatever it learned: accepted, refused, or that the row never left."""
        run = journal.runs.add(RUN)
        late = Sender(journal, run, journal.leases.take(CAMPAIGN, ELSEWHERE, now=NOW))
        late.claim(2, 3, 4, 5)
        later = NOW + LEASE_MS + 1
        mine = Sender(
            journal, run, journal.leases.take(CAMPAIGN, Owner.me(), now=later)
        )

        changed = late.record(
            outcome(2, Event.ACCEPT, message_id="m2"),
            outcome(3, Event.REFUSE),
            outcome(4, Event.RELEASE),
            outcome(5, Event.LOSE),
        )

        assert changed == 4
        assert [one.status for one in journal.entries(run.id, 2, 5)] == [
            "accepted",
            "refused",
            "planned",
            "unknown",
        ]
        assert mine.claim(2, 3, 4, 5, now=later) == [4]

    def test_a_late_sender_cannot_touch_its_followers_rows(
        self, journal: Journal
    ) -> None:
        """Not those it never claimed, and not those that were claimed again."""
        run = journal.runs.add(RUN)
        late = Sender(journal, run, journal.leases.take(CAMPAIGN, ELSEWHERE, now=NOW))
        late.claim(2)
        later = NOW + LEASE_MS + 1
        mine = Sender(
            journal, run, journal.leases.take(CAMPAIGN, Owner.me(), now=later)
        )
        late.record(outcome(2, Event.RELEASE))
        mine.claim(2, 3, now=later)

        late.record(outcome(2, Event.RELEASE), outcome(3, Event.ACCEPT))

        assert journal.counts(run.id) == {Status.CLAIMED: 2}
