"""Runs, and who may send them: one sender, one lease, one shard each."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from bulksend.errors import GateRefused
from bulksend.journal.leases import LEASE_MS
from bulksend.journal.owner import Owner
from bulksend.journal.records import Candidate, LeaseLost, Part
from bulksend.journal.states import Event, Status
from tests.suites.scene import (
    CAMPAIGN,
    ELSEWHERE,
    NOW,
    RUN,
    Place,
    Sender,
    closed_rows,
    dead_owner,
    outcome,
)

if TYPE_CHECKING:
    from bulksend.journal.store import Journal


class LeasesSuite:
    """Mixed into a `JournalSuite`, whose fixtures it uses."""

    # -- runs --------------------------------------------------------------------

    def test_a_run_is_kept_as_it_was_added(self, place: Place) -> None:
        """What one connection adds, another reads; only the number is new."""
        with place.open() as one, place.open() as other:
            added = one.runs.add(RUN)

            assert other.runs.named(RUN.run) == added == replace(RUN, id=added.id)
            assert added.id > 0

    def test_adding_a_run_again_changes_nothing(self, journal: Journal) -> None:
        """The first plan of that name stands; the second is not written over it."""
        first = journal.runs.add(RUN)

        assert journal.runs.add(replace(RUN, plan_digest="else", rows=5_000)) == first
        assert journal.runs.all() == [first]

    def test_a_run_that_is_not_there_is_none(self, journal: Journal) -> None:
        """Asking for an unknown name is no error."""
        assert journal.runs.named("never") is None
        assert journal.runs.all() == []

    def test_runs_come_newest_first(self, journal: Journal) -> None:
        """By the time of their creation; of two at once the later added first."""
        for name, at in (("a", 2), ("b", 9), ("c", 1), ("d", 9)):
            journal.runs.add(replace(RUN, run=name, created_at=at))

        assert [run.run for run in journal.runs.all()] == ["d", "b", "a", "c"]

    def test_a_run_is_finished_reopened_and_has_its_results(
        self, journal: Journal
    ) -> None:
        """Each changes its own field, of its own run."""
        run, other = journal.runs.add(RUN), journal.runs.add(replace(RUN, run="other"))

        journal.runs.finish(run.id, now=NOW + 5)
        assert not journal.runs.end(run.id, now=NOW + 6)  # it is
        journal.runs.set_results(run.id, "results/spring.csv")
        finished = replace(run, finished_at=NOW + 5, results="results/spring.csv")
        assert journal.runs.named(run.run) == finished

        journal.runs.reopen(run.id)
        assert journal.runs.named(run.run) == replace(finished, finished_at=None)
        assert journal.runs.named("other") == other
        assert journal.runs.end(run.id, now=NOW + 7)

    # -- the lease ---------------------------------------------------------------

    def test_each_taker_has_a_higher_epoch(self, journal: Journal) -> None:
        """From 1, whether the lease was given back or ran out."""
        assert journal.leases.take(CAMPAIGN, ELSEWHERE, now=NOW) == 1
        journal.leases.end(CAMPAIGN, 1)
        assert journal.leases.take(CAMPAIGN, ELSEWHERE, now=NOW) == 2
        later = NOW + LEASE_MS + 1
        assert journal.leases.take(CAMPAIGN, ELSEWHERE, now=later) == 3

    def test_a_second_sender_is_refused_and_told_who_the_first_is(
        self, place: Place
    ) -> None:
        """E610 names process, host and since when, to the lease's last millisecond."""
        with place.open() as first, place.open() as second:
            first.leases.take(CAMPAIGN, ELSEWHERE, now=NOW)

            with pytest.raises(GateRefused) as refused:
                second.leases.take(CAMPAIGN, Owner.me(), now=NOW + LEASE_MS)

            (problem,) = refused.value.problems
            assert problem.code == "E610"
            assert problem.found == (
                "process 4120 on web-3 has been sending this campaign for 30 s"
            )
            assert first.leases.holder(CAMPAIGN, now=NOW) == ELSEWHERE

    def test_a_dead_sender_is_followed_at_once(self, journal: Journal) -> None:
        """Where its process is surely over, nobody waits for the lease to run out."""
        dead = dead_owner()
        journal.leases.take(CAMPAIGN, dead, now=NOW)

        assert journal.leases.holder(CAMPAIGN, now=NOW) is None
        assert journal.leases.take(CAMPAIGN, Owner.me(), now=NOW) == 2

    def test_renewing_keeps_others_out(self, journal: Journal) -> None:
        """A lease lasts from its last renewal."""
        epoch = journal.leases.take(CAMPAIGN, ELSEWHERE, now=NOW)
        journal.leases.renew(CAMPAIGN, epoch, now=NOW + LEASE_MS)

        with pytest.raises(GateRefused):
            journal.leases.take(CAMPAIGN, Owner.me(), now=NOW + 2 * LEASE_MS)
        assert (
            journal.leases.take(CAMPAIGN, Owner.me(), now=NOW + 2 * LEASE_MS + 1) == 2
        )

    def test_a_lease_that_ended_is_not_renewed(self, journal: Journal) -> None:
        """A sender that slept learns it, even where nobody took its place."""
        epoch = journal.leases.take(CAMPAIGN, ELSEWHERE, now=NOW)

        with pytest.raises(LeaseLost):
            journal.leases.renew(CAMPAIGN, epoch, now=NOW + LEASE_MS + 1)

    def test_a_lease_that_another_took_is_neither_renewed_nor_ended(
        self, journal: Journal
    ) -> None:
        """The late one cannot touch its follower's lease."""
        late = journal.leases.take(CAMPAIGN, ELSEWHERE, now=NOW)
        journal.leases.end(CAMPAIGN, late)
        mine = journal.leases.take(CAMPAIGN, Owner.me(), now=NOW)

        with pytest.raises(LeaseLost):
            journal.leases.renew(CAMPAIGN, late, now=NOW)
        journal.leases.end(CAMPAIGN, late)

        assert journal.leases.holder(CAMPAIGN, now=NOW) == Owner.me()
        journal.leases.renew(CAMPAIGN, mine, now=NOW)

    def test_who_holds_a_lease(self, journal: Journal) -> None:
        """Nobody before it is taken, after it ended, and after it was given back."""
        assert journal.leases.holder(CAMPAIGN, now=NOW) is None
        epoch = journal.leases.take(CAMPAIGN, ELSEWHERE, now=NOW)
        assert journal.leases.holder(CAMPAIGN, now=NOW + LEASE_MS) == ELSEWHERE
        assert journal.leases.holder(CAMPAIGN, now=NOW + LEASE_MS + 1) is None
        journal.leases.end(CAMPAIGN, epoch)
        assert journal.leases.holder(CAMPAIGN, now=NOW) is None

    def test_campaigns_do_not_stand_in_each_others_way(self, journal: Journal) -> None:
        """A lease is for one campaign; the simulator's is not the real one's."""
        journal.leases.take(CAMPAIGN, ELSEWHERE, now=NOW)

        assert journal.leases.take("simulator/spring-sale", Owner.me(), now=NOW) == 1

    # -- shards ------------------------------------------------------------------

    def test_shards_of_one_run_are_sent_beside_each_other(
        self, journal: Journal
    ) -> None:
        """Each with an epoch of its own; the same shard twice is refused."""
        run = journal.runs.add(RUN)
        low, high = Part(0, 2, 9), Part(1, 10, 20)

        assert journal.leases.take_shard(run, low, ELSEWHERE, now=NOW) == 1
        assert journal.leases.take_shard(run, high, ELSEWHERE, now=NOW) == 2
        with pytest.raises(GateRefused, match="E610"):
            journal.leases.take_shard(run, low, Owner.me(), now=NOW)
        journal.leases.end(CAMPAIGN, 1)
        assert journal.leases.take_shard(run, low, Owner.me(), now=NOW) == 3
        assert journal.claim(run, 2, [Candidate(11, None)], now=NOW) == [11]
        with pytest.raises(LeaseLost):
            journal.claim(run, 1, [Candidate(3, None)], now=NOW)

    def test_a_shard_keeps_other_runs_and_whole_senders_out(
        self, journal: Journal
    ) -> None:
        """As a whole sender keeps shards out: the ledger stands on it."""
        run, other = journal.runs.add(RUN), journal.runs.add(replace(RUN, run="other"))
        high = Part(1, 10, 20)
        epoch = journal.leases.take_shard(run, high, ELSEWHERE, now=NOW)

        with pytest.raises(GateRefused, match="E610"):
            journal.leases.take(CAMPAIGN, Owner.me(), now=NOW)
        with pytest.raises(GateRefused, match="E610"):
            journal.leases.take_shard(other, Part(0, 2, 9), Owner.me(), now=NOW)
        holder = partial(journal.leases.holder, CAMPAIGN, now=NOW)
        assert (holder(), holder(but=other.id)) == (ELSEWHERE, ELSEWHERE)
        assert holder(but=run.id) is None
        journal.leases.end(CAMPAIGN, epoch)
        journal.leases.take(CAMPAIGN, ELSEWHERE, now=NOW)
        assert holder(but=run.id) == ELSEWHERE
        with pytest.raises(GateRefused, match="E610"):
            journal.leases.take_shard(run, high, Owner.me(), now=NOW)

    def test_who_takes_a_shard_over_leaves_the_others_alone(
        self, journal: Journal
    ) -> None:
        """Its own rows without an answer are unknown, and those of runs that are over."""
        earlier = journal.runs.add(replace(RUN, run="earlier"))
        gone = journal.leases.take(CAMPAIGN, ELSEWHERE, now=NOW)
        journal.claim(earlier, gone, [Candidate(5, None)], now=NOW)
        journal.leases.end(CAMPAIGN, gone)
        run = journal.runs.add(RUN)
        low, high = Part(0, 2, 9), Part(1, 10, 20)
        first = journal.leases.take_shard(run, low, ELSEWHERE, now=NOW)
        second = journal.leases.take_shard(run, high, ELSEWHERE, now=NOW)
        journal.claim(run, first, [Candidate(3, None)], now=NOW)
        journal.claim(run, second, [Candidate(12, None)], now=NOW)
        assert journal.counts(earlier.id) == {Status.UNKNOWN: 1}

        later = NOW + LEASE_MS + 1
        journal.leases.take_shard(run, low, ELSEWHERE, now=later)

        assert journal.counts(run.id, low) == {Status.UNKNOWN: 1}
        assert journal.counts(run.id, high) == {Status.CLAIMED: 1}
        assert closed_rows(journal, run.id, high) == [12]
        assert closed_rows(journal, run.id) == [3, 12]
        # The one that was thought dead brings the truth about its own message.
        said = [outcome(3, Event.ACCEPT), outcome(12, Event.ACCEPT)]
        assert journal.record(run.id, first, said) == 1

    def test_who_sends_beside_is_found_by_its_lease(self, sender: Sender) -> None:
        """Another campaign of the provider, while its lease stands; never one's own."""
        leases = sender.journal.leases
        assert not leases.has_others(CAMPAIGN, now=NOW)
        leases.take("simulator/other", ELSEWHERE, now=NOW)
        assert not leases.has_others(CAMPAIGN, now=NOW)
        epoch = leases.take("bandwidth/other", ELSEWHERE, now=NOW)

        assert leases.has_others(CAMPAIGN, now=NOW)
        assert not leases.has_others(CAMPAIGN, now=NOW + LEASE_MS + 1)
        leases.end("bandwidth/other", epoch)
        assert not leases.has_others(CAMPAIGN, now=NOW)
        leases.take("bandwidth/other", dead_owner(), now=NOW)
        assert not leases.has_others(CAMPAIGN, now=NOW)
