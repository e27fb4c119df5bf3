"""What every journal promises, whatever it stands on.

A backend's test file derives from `JournalSuite` and gives it a `place` fixture; all of
these tests then run against it.  They use the public methods, and SQL only where they
ask whether the tables themselves refuse what `states.py` forbids.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulksend.errors import BulksendError, GateRefused, Problem
from bulksend.journal.columns import NAMES, NOTHING
from bulksend.journal.decisions import (
    CLAIM_TO_POST_MS,
    Decision,
    Evidence,
    Source,
    Unknown,
)
from bulksend.journal.leases import LEASE_MS
from bulksend.journal.limits import Limits, Often, Purse
from bulksend.journal.owner import Owner
from bulksend.journal.receipts import Kept, Told
from bulksend.journal.records import (
    ALREADY_SENT,
    PAST_EXPIRATION,
    WHOLE,
    Candidate,
    Entry,
    LeaseLost,
    Outcome,
    Part,
    Run,
    Use,
    person_key,
)
from bulksend.journal.states import (
    TAKEN,
    TRANSITIONS,
    Event,
    IllegalMove,
    Status,
    step,
)
from bulksend.journal.store import News
from bulksend.journal.suppressions import (
    OPTED_OUT,
    SUPPRESSED,
    Cause,
    Suppression,
    suppression,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bulksend.journal.store import Journal

NOW = 1_790_000_000_000
CAMPAIGN = "bandwidth/spring-sale"
RUN = Run(
    run="spring-sale-1",
    campaign=CAMPAIGN,
    plan="plans/spring-sale-1.parquet",
    plan_hash="a1",
    plan_digest="b2",
    input_digest="c3",
    content_digest="d4",
    provider="bandwidth",
    rows=1_000,
    sendable=900,
    results="",
    created_at=NOW,
)
ELSEWHERE = Owner("web-3", "another machine", 4120, 77)
"""Nobody here can say whether it is alive."""

SAID = {
    Event.REFUSE: "400",
    Event.LOSE: "no_answer",
    Event.FAIL: "4720",
    Event.DISPROVE: "not_sent",
}


class Place(Protocol):
    """Where one journal lives; it can be open several times at once."""

    refusal: type[Exception]
    """What `execute` raises when the tables refuse a statement."""

    def open(self) -> Journal: ...

    def execute(self, statement: str) -> None:
        """Run plain SQL, past the journal, and commit it."""


def closed_rows(journal: Journal, run_id: int, part: Part = WHOLE) -> list[int]:
    """The rows of `Columns.closed`, in order."""
    return sorted(map(int, journal.columns.closed(run_id, part).rows.split()))


def outcome(row: int, event: Event, at: int = NOW, **more: Any) -> Outcome:
    """An outcome with a code and words wherever the state asks for them."""
    said = SAID.get(event)
    plain = Outcome(row, event, at, error_code=said, error=said and f"It said {said}.")
    return plain._replace(**more)


def dead_owner() -> Owner:
    """A process of this machine that is over."""
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    return replace(Owner.me(), pid=process.pid, started=1)


def path_to(status: Status) -> list[Status]:
    """Statuses that lead from planned to *status*, one arrow each."""
    if status is Status.PLANNED:
        return [Status.CLAIMED, Status.PLANNED]  # as a row: claimed and given back
    paths: dict[Status, list[Status]] = {Status.PLANNED: []}
    queue = [Status.PLANNED]
    while queue:
        one = queue.pop(0)
        for then in TRANSITIONS[one].values():
            if then not in paths:
                paths[then] = [*paths[one], then]
                queue.append(then)
    return paths[status]


class Sender(NamedTuple):
    """A journal under a lease, with a run to send."""

    journal: Journal
    run: Run
    epoch: int

    def claim(self, *rows: int, now: int = NOW) -> list[int]:
        wanted = [Candidate(row, 100 + row) for row in rows]
        return self.journal.claim(self.run, self.epoch, wanted, now=now)

    def record(self, *outcomes: Outcome) -> int:
        return self.journal.record(self.run.id, self.epoch, outcomes)

    def entry(self, row: int) -> Entry:
        (found,) = self.journal.entries(self.run.id, row, row)
        return found

    def bring(self, row: int, status: Status) -> None:
        """Lead *row* to *status* through the public methods."""
        if status in (Status.EXPIRED, Status.EXCLUDED):
            why = PAST_EXPIRATION if status is Status.EXPIRED else ALREADY_SENT
            self.journal.close_unsent(self.run.id, self.epoch, [row], why, now=NOW)
            return
        assert self.claim(row) == [row]
        events = {
            Status.PLANNED: [Event.RELEASE],
            Status.CLAIMED: [],
            Status.ACCEPTED: [Event.ACCEPT],
            Status.REFUSED: [Event.REFUSE],
            Status.UNKNOWN: [Event.LOSE],
            Status.NOT_SENT: [Event.LOSE, Event.DISPROVE],
            Status.DELIVERED: [Event.ACCEPT, Event.DELIVER],
            Status.FAILED: [Event.ACCEPT, Event.FAIL],
        }
        for event in events[status]:
            self.record(outcome(row, event))
        assert self.entry(row).status == status


OURS, THEIRS = "+19195550100", "+19195550199"
PROOFS = (Event.ACCEPT, Event.DELIVER, Event.FAIL, Event.DISPROVE)


def number_of(row: int) -> str:
    return f"+1919{2_000_000 + row}"


def person_of(row: int) -> Candidate:
    """A candidate that says whom it is for."""
    return Candidate(row, None, person=person_key(number_of(row)), sender=OURS)


def suppressed(row: int, **more: Any) -> Suppression:
    why = Cause(SUPPRESSED, "a list", NOW)
    return suppression(number_of(row), why._replace(**more))


def kept(**more: Any) -> Kept:
    return Kept("m2", 1, "message-delivered", NOW, NOW + 1)._replace(**more)


def proof(run_id: int, event: Event, row: int = 2) -> Evidence:
    is_absent = event is Event.DISPROVE
    return Evidence(
        run_id,
        row,
        event,
        NOW,
        Source.SEARCH,
        "{}",
        accepted_at=None if is_absent else NOW - 5,
        message_id=None if is_absent else f"m{row}",
        error_code="not_sent" if is_absent else None,
        error="It said so." if is_absent else None,
    )


class JournalSuite:
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

    # -- runs -----------------------------------------------------------------------

    def test_a_run_is_kept_as_it_was_added(self, place: Place) -> None:
        """What one connection adds, another reads; only the number is new."""
        with place.open() as one, place.open() as other:
            added = one.add_run(RUN)

            assert other.run(RUN.run) == added == replace(RUN, id=added.id)
            assert added.id > 0

    def test_adding_a_run_again_changes_nothing(self, journal: Journal) -> None:
        """The first plan of that name stands; the second is not written over it."""
        first = journal.add_run(RUN)

        assert journal.add_run(replace(RUN, plan_digest="else", rows=5_000)) == first
        assert journal.runs() == [first]

    def test_a_run_that_is_not_there_is_none(self, journal: Journal) -> None:
        """Asking for an unknown name is no error."""
        assert journal.run("never") is None
        assert journal.runs() == []

    def test_runs_come_newest_first(self, journal: Journal) -> None:
        """By the time of their creation; of two at once the later added first."""
        for name, at in (("a", 2), ("b", 9), ("c", 1), ("d", 9)):
            journal.add_run(replace(RUN, run=name, created_at=at))

        assert [run.run for run in journal.runs()] == ["d", "b", "a", "c"]

    def test_a_run_is_finished_reopened_and_has_its_results(
        self, journal: Journal
    ) -> None:
        """Each changes its own field, of its own run."""
        run, other = journal.add_run(RUN), journal.add_run(replace(RUN, run="other"))

        journal.finish_run(run.id, now=NOW + 5)
        assert not journal.end_run(run.id, now=NOW + 6)  # it is
        journal.set_results(run.id, "results/spring.csv")
        finished = replace(run, finished_at=NOW + 5, results="results/spring.csv")
        assert journal.run(run.run) == finished

        journal.reopen_run(run.id)
        assert journal.run(run.run) == replace(finished, finished_at=None)
        assert journal.run("other") == other
        assert journal.end_run(run.id, now=NOW + 7)

    # -- the lease ------------------------------------------------------------------

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

    # -- shards ---------------------------------------------------------------------

    def test_shards_of_one_run_are_sent_beside_each_other(
        self, journal: Journal
    ) -> None:
        """Each with an epoch of its own; the same shard twice is refused."""
        run = journal.add_run(RUN)
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
        run, other = journal.add_run(RUN), journal.add_run(replace(RUN, run="other"))
        high = Part(1, 10, 20)
        epoch = journal.leases.take_shard(run, high, ELSEWHERE, now=NOW)

        with pytest.raises(GateRefused, match="E610"):
            journal.leases.take(CAMPAIGN, Owner.me(), now=NOW)
        with pytest.raises(GateRefused, match="E610"):
            journal.leases.take_shard(other, Part(0, 2, 9), Owner.me(), now=NOW)
        journal.leases.end(CAMPAIGN, epoch)
        journal.leases.take(CAMPAIGN, ELSEWHERE, now=NOW)
        with pytest.raises(GateRefused, match="E610"):
            journal.leases.take_shard(run, high, Owner.me(), now=NOW)

    def test_who_takes_a_shard_over_leaves_the_others_alone(
        self, journal: Journal
    ) -> None:
        """Its own rows without an answer are unknown, and those of runs that are over."""
        earlier = journal.add_run(replace(RUN, run="earlier"))
        gone = journal.leases.take(CAMPAIGN, ELSEWHERE, now=NOW)
        journal.claim(earlier, gone, [Candidate(5, None)], now=NOW)
        journal.leases.end(CAMPAIGN, gone)
        run = journal.add_run(RUN)
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

    # -- one rate for all ---------------------------------------------------------------

    def test_what_two_senders_reserve_comes_one_after_the_other(
        self, place: Place
    ) -> None:
        """Each stretch begins where the last one ends, at the rate; others are apart."""
        now = time.time_ns() // 1000
        with place.open() as one, place.open() as other:
            first = one.paces.reserve("55", 200, 10.0, now=now)
            second = other.paces.reserve("55", 50, 10.0, now=now)
            third = one.paces.reserve("55", 1, 10.0, now=now)
            apart = one.paces.reserve("56", 1, 10.0, now=now)

        assert (first.wait, first.segments, first.rate) == (0, 200, 10)
        assert second.wait == pytest.approx(20, abs=2)
        assert third.wait == pytest.approx(25, abs=2)
        assert apart.wait == 0

    def test_a_429_that_one_saw_slows_all_and_the_pace_recovers(
        self, place: Place, journal: Journal
    ) -> None:
        """Halved once a second at most; a twentieth of the rate back each second."""
        now = time.time_ns() // 1000
        journal.paces.reserve("55", 1, 100.0, now=now)
        with place.open() as other:
            assert other.paces.slow_down("55", now=now)
            assert not other.paces.slow_down("55", now=now)

        slowed = journal.paces.reserve("55", 1, 100.0, now=now)
        assert slowed.rate == pytest.approx(50, abs=10)
        place.execute("update paces set changed_at = changed_at - 4000000")
        risen = journal.paces.reserve("55", 1, 100.0, now=now)
        assert risen.rate == pytest.approx(slowed.rate + 20, abs=10)
        place.execute("update paces set changed_at = changed_at - 40000000")
        assert journal.paces.reserve("55", 1, 100.0, now=now).rate == 100

    def test_a_sender_has_a_line_within_the_accounts(self, place: Place) -> None:
        """As many as its own rate lets go until the stretch ends, over all workers."""
        now = time.time_ns() // 1_000
        with place.open() as journal, place.open() as other:
            stretch = journal.paces.reserve("55", 100, 100.0, now=now)
            own = {"+1": 10.0, "+2": 3.0}
            first = journal.paces.grant("55", own, stretch)
            again = other.paces.grant("55", own, stretch)
            following = other.paces.reserve("55", 100, 100.0, now=now)
            more = other.paces.grant("55", {"+1": 10.0}, following)
            apart = other.paces.grant("56", {"+1": 10.0}, stretch)

        assert first == {"+1": (stretch.begins, 10), "+2": (stretch.begins, 3)}
        assert again == {}
        begins, slots = more["+1"]
        assert begins == pytest.approx(stretch.begins + 1_000_000, abs=3)
        assert slots in (10, 11)
        assert apart["+1"] == (stretch.begins, 10)

    def test_what_is_kept_for_urgent_runs_is_not_given_to_others(
        self, place: Place, journal: Journal
    ) -> None:
        """A line of its own, from where all was given away; for others the rest."""
        now = time.time_ns() // 1000
        paces = journal.paces
        before = paces.reserve("55", 1_000, 100.0, now=now)
        assert (before.rate, before.whole) == (100, 100)

        kept = paces.reserve("55", 10, 100.0, now=now, kept=True)
        after = paces.reserve("55", 90, 100.0, now=now)
        more = paces.reserve("55", 10, 100.0, now=now, kept=True)

        assert (kept.rate, after.rate, after.whole) == (10, 90, 100)
        assert kept.wait == pytest.approx(10, abs=1)
        assert after.wait == pytest.approx(10, abs=1)
        assert more.wait == pytest.approx(11, abs=1)
        place.execute("update paces set kept_to = 0")
        assert paces.reserve("55", 1, 100.0, now=now).rate == 100
        fresh = paces.reserve("56", 10, 100.0, now=now, kept=True)
        assert (fresh.wait, fresh.rate) == (0, 10)

    def test_a_ramp_is_one_for_all_who_send_a_run(
        self, place: Place, sender: Sender
    ) -> None:
        """It rises from its beginning in the journal, until nobody sends for a minute."""
        now, run_id = time.time_ns() // 1000, sender.run.id
        climb = sender.journal.paces.climb
        first = climb(run_id, 5, 100.0, seconds=100.0, now=now)
        with place.open() as other:
            second = other.paces.climb(run_id, 5, 100.0, seconds=100.0, now=now)
        assert (first.wait, first.rate) == (0, 5)
        assert second.wait == pytest.approx(1, abs=0.3)

        place.execute("update ramps set began_at = began_at - 50000000")
        half = climb(run_id, 1, 100.0, seconds=100.0, now=now)
        assert half.rate == pytest.approx(52.5, abs=2)
        place.execute("update ramps set began_at = began_at - 500000000")
        assert climb(run_id, 1, 100.0, seconds=100.0, now=now).rate == 100
        place.execute("update ramps set given_to = given_to - 70000000")
        anew = climb(run_id, 1, 100.0, seconds=100.0, now=now)
        assert (anew.wait, anew.rate) == (0, 5)

    # -- claiming -------------------------------------------------------------------

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
        run, now = journal.add_run(RUN), NOW
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

    # -- taking over ----------------------------------------------------------------

    def test_what_a_gone_sender_left_claimed_is_unknown(self, journal: Journal) -> None:
        """In every run of the campaign, and only there; what is proven stays."""
        run, old = journal.add_run(RUN), journal.add_run(replace(RUN, run="old"))
        other = journal.add_run(replace(RUN, run="x", campaign="other"))
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
        run = journal.add_run(RUN)
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
        run = journal.add_run(RUN)
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

    # -- recording ------------------------------------------------------------------

    @pytest.mark.parametrize("status", [s for s in Status if s is not Status.PLANNED])
    @pytest.mark.parametrize("event", Event)
    def test_an_outcome_follows_the_state_table(
        self, sender: Sender, status: Status, event: Event
    ) -> None:
        """An arrow is followed; without one the row stays exactly as it was."""
        sender.bring(2, status)
        before = sender.entry(2)

        changed = sender.record(outcome(2, event, NOW + 9, error_code="x", error="x"))

        try:
            then = step(status, event)
        except IllegalMove:
            assert (changed, sender.entry(2)) == (0, before)
        else:
            assert (changed, sender.entry(2).status) == (1, then)

    def test_an_accepted_message_keeps_its_id_and_times(self, sender: Sender) -> None:
        """When it was posted, when it was accepted, and by which id."""
        sender.claim(2)
        sender.record(
            outcome(2, Event.ACCEPT, NOW + 80, posted_at=NOW + 50, message_id="m2")
        )

        assert sender.entry(2) == Entry(
            2, "accepted", 1, NOW + 50, NOW + 80, NOW + 80, "m2", None, None
        )

    def test_a_refused_message_keeps_bandwidths_words(self, sender: Sender) -> None:
        """Code and sentence, as they were recorded."""
        sender.claim(2)
        sender.record(outcome(2, Event.REFUSE, NOW + 80, posted_at=NOW + 50))

        assert sender.entry(2) == Entry(
            2, "refused", 1, NOW + 50, None, NOW + 80, None, "400", "It said 400."
        )

    def test_words_are_kept_as_they_are(self, sender: Sender) -> None:
        """Quotes, line breaks and any script; an id of digits stays a text."""
        said = (
            "400: \"no\", 'never'\n\\ {1} [2] null \u00e9 \u6f22 \U0001f600 \u2028 true"
        )
        ids = ("14762070468292", "null", '{"a":1}', "[]")
        sender.claim(2, 3, 4, 5, 6)
        refusal = outcome(2, Event.REFUSE, error_code="007", error=said)
        rows = enumerate(ids, start=3)
        sender.record(
            refusal, *(outcome(row, Event.ACCEPT, message_id=id_) for row, id_ in rows)
        )

        assert (sender.entry(2).error_code, sender.entry(2).error) == ("007", said)
        assert [sender.entry(row).message_id for row in (3, 4, 5, 6)] == [*ids]

    def test_what_happened_to_one_row_is_taken_in_its_order(
        self, sender: Sender
    ) -> None:
        """Two outcomes of a row in one group: both count, the later one last."""
        sender.claim(2, 3)
        changed = sender.record(
            outcome(2, Event.ACCEPT, NOW + 1, message_id="m2"),
            outcome(3, Event.LOSE, NOW + 1),
            outcome(2, Event.DELIVER, NOW + 2),
            outcome(3, Event.REFUSE, NOW + 2),
        )

        assert changed == 4
        assert (sender.entry(2).status, sender.entry(2).message_id) == (
            "delivered",
            "m2",
        )
        assert sender.entry(3).status == "refused"

    def test_an_answer_after_the_receipt_takes_nothing_away(
        self, sender: Sender
    ) -> None:
        """A receipt can overtake its 202: why it failed, and when, stays."""
        sender.claim(2)
        sender.record(outcome(2, Event.FAIL, NOW + 5))
        sender.record(outcome(2, Event.ACCEPT, NOW + 9, message_id="m2"))

        assert sender.entry(2) == Entry(
            2, "failed", 1, None, NOW + 9, NOW + 5, "m2", "4720", "It said 4720."
        )

    def test_a_delivered_message_shows_no_error(self, sender: Sender) -> None:
        """Neither a failure before the real receipt, nor one that comes after it."""
        sender.claim(2)
        sender.record(outcome(2, Event.FAIL, NOW + 5))
        sender.record(outcome(2, Event.DELIVER, NOW + 7))
        sender.record(outcome(2, Event.FAIL, NOW + 9))

        assert sender.entry(2) == Entry(
            2, "delivered", 1, None, None, NOW + 7, None, None, None
        )

    def test_a_group_is_recorded_whole(self, sender: Sender) -> None:
        """The count is of those that changed; strangers in the group harm nobody."""
        sender.claim(2, 3)

        assert sender.record(*(outcome(row, Event.ACCEPT) for row in (2, 3, 4))) == 2
        assert sender.record() == 0

    # -- closing without sending ----------------------------------------------------

    @pytest.mark.parametrize("status", Status)
    def test_only_a_planned_row_is_closed_unsent(
        self, sender: Sender, status: Status
    ) -> None:
        """A row with another fate keeps it, also when it stands in the same group."""
        sender.bring(2, status)
        before = sender.entry(2)

        sender.journal.close_unsent(
            sender.run.id, sender.epoch, [2, 3], PAST_EXPIRATION, now=NOW + 1
        )

        closed = Entry(
            3, "expired", 0, None, None, NOW + 1, None, "expired", PAST_EXPIRATION.error
        )
        assert sender.entry(3) == closed
        if status is Status.PLANNED:
            assert sender.entry(2) == closed._replace(row=2, attempt=1)
        else:
            assert sender.entry(2) == before

    # -- reading --------------------------------------------------------------------

    def test_counts_closed_rows_and_entries_say_the_same(self, sender: Sender) -> None:
        """One row of each status: counted once, closed unless planned, in order."""
        for row, status in zip((9, 4, 6, 8, 3, 5, 7, 10, 2, 11), Status, strict=True):
            sender.bring(row, status)

        assert sender.journal.counts(sender.run.id) == dict.fromkeys(Status, 1)
        closed = [row for row in range(2, 12) if row != 9]
        assert closed_rows(sender.journal, sender.run.id) == closed
        assert sender.journal.closed_count(sender.run.id) == len(closed)
        entries = sender.journal.entries(sender.run.id, 3, 9)
        assert [one.row for one in entries] == [3, 4, 5, 6, 7, 8, 9]

    def test_a_run_sees_its_own_rows_only(self, sender: Sender) -> None:
        """The same row number in another run is another message."""
        other = sender.journal.add_run(replace(RUN, run="other"))
        sender.claim(2)

        assert sender.journal.counts(other.id) == {}
        assert closed_rows(sender.journal, other.id) == []
        assert sender.journal.closed_count(other.id) == 0
        assert sender.journal.entries(other.id, 0, 100) == []
        assert sender._replace(run=other).claim(2) == [2]

    @pytest.mark.parametrize("message_id", ["a\nb", "a,b", ",,", "", None])
    def test_columns_say_what_the_entries_say(
        self, sender: Sender, message_id: str | None
    ) -> None:
        """Whatever is in a row: line ends, quotes, commas in an id, nothing at all."""
        for row, status in enumerate(Status, start=2):
            sender.bring(row, status)
        sender.claim(50)
        words = 'He said "no",\nand\u2028left.'
        sender.record(outcome(50, Event.ACCEPT, message_id=message_id, error=words))

        found, said = sender.journal.columns.between(sender.run.id, 3, 60)
        assert tuple(found) == NAMES
        lines = zip(*(text.split(",") for text in found.values()), strict=True)
        rows = sorted(lines, key=lambda one: int(one[0]))
        entries = sender.journal.entries(sender.run.id, 3, 60)
        assert rows == [
            tuple(
                "" if one is None else str(one).replace(",", " ") for one in entry[:7]
            )
            for entry in entries
        ]
        assert sorted(json.loads(said)) == [
            [one.row, one.error_code, one.error]
            for one in entries
            if one.error_code is not None or one.error is not None
        ]
        assert sender.journal.columns.between(sender.run.id, 51, 60) == NOTHING

    def test_a_purge_keeps_counts_and_ledger_and_no_words(self, sender: Sender) -> None:
        """Whom it was for and what was said goes; nobody is texted twice because of it."""
        for row, status in enumerate(Status, start=2):
            sender.bring(row, status)
        journal, run = sender.journal, sender.run
        kept = Kept("m", 1, "message-received", NOW, NOW, 77, said='{"text": "Stop"}')
        journal.receipts.keep(
            [kept._replace(run_id=run.id, row=3), kept._replace(digest=2)]
        )
        other = journal.add_run(replace(RUN, run="another"))
        before = journal.counts(run.id), list(journal.ledger(other))

        assert not journal.purges.run(run, now=NOW + 5)  # it is not finished
        journal.finish_run(run.id, now=NOW)
        assert journal.purges.run(run, now=NOW + 6)
        assert not journal.purges.run(run, now=NOW + 7)
        assert journal.purges.strangers(before=NOW) == 0
        assert journal.purges.strangers(before=NOW + 1) == 1

        assert (journal.counts(run.id), list(journal.ledger(other))) == before
        found = journal.run(run.run)
        assert found is not None
        assert found.purged_at == NOW + 6
        words = {one.error for one in journal.entries(run.id, 2, 99)}
        assert words == {None, "Its words were purged."}

    def test_what_was_posted_lately_is_counted(self, sender: Sender) -> None:
        """From that moment on, in this run only; what was never posted is not."""
        sender.claim(2, 3, 4, 5)
        for row, at in ((2, NOW), (3, NOW + 1), (4, NOW + 2)):
            sender.record(outcome(row, Event.ACCEPT, posted_at=at))
        sender.record(outcome(5, Event.RELEASE, posted_at=NOW + 2))
        columns = sender.journal.columns
        assert columns.posted_since(sender.run.id, NOW + 1) == 2
        assert columns.posted_since(sender.run.id, NOW + 3) == 0
        assert columns.posted_since(sender.run.id + 1, 0) == 0

    def test_the_ledger_has_what_people_may_have_from_other_runs(
        self, sender: Sender
    ) -> None:
        """Keys of taken rows of this campaign's other runs, sorted; no others."""
        journal = sender.journal
        next_run = journal.add_run(replace(RUN, run="next"))
        foreign = journal.add_run(replace(RUN, run="x", campaign="other"))
        epoch = journal.leases.take("other", Owner.me(), now=NOW)
        Sender(journal, foreign, epoch).claim(50)
        sender._replace(run=next_run).claim(60)
        for row, status in enumerate(Status, 2):
            sender.bring(row, status)
        journal.claim(sender.run, sender.epoch, [Candidate(80, None)], now=NOW)
        low = Candidate(81, -(2**63))
        journal.claim(sender.run, sender.epoch, [low], now=NOW)

        taken = [100 + row for row, status in enumerate(Status, 2) if status in TAKEN]
        assert list(journal.ledger(next_run)) == [-(2**63), *taken]
        assert list(journal.ledger(sender.run)) == [160]

    def test_how_often_a_person_is_texted_is_counted_over_all_campaigns(
        self, sender: Sender
    ) -> None:
        """Taken rows since a moment, whatever the campaign; not those of a simulator."""
        journal = sender.journal
        foreign = journal.add_run(replace(RUN, run="x", campaign="other"))
        trial = journal.add_run(
            replace(RUN, run="y", campaign="trial", provider="simulator")
        )
        journal.limits.prepare()
        journal.limits.prepare()  # by each run anew

        def claim(run: Run, row: int, person: int, at: int) -> None:
            epoch = journal.leases.take(run.campaign, Owner.me(), now=at)
            wanted = [Candidate(row, 900 + row, False, person)]
            assert journal.claim(run, epoch, wanted, now=at) == [row]
            journal.record(run.id, epoch, [outcome(row, Event.ACCEPT, posted_at=at)])
            journal.leases.end(run.campaign, epoch)

        claim(foreign, 2, 7, NOW)
        claim(foreign, 3, 8, NOW)
        claim(foreign, 4, -9, NOW + 50)
        claim(trial, 2, 8, NOW)
        journal.leases.end(sender.run.campaign, sender.epoch)
        claim(sender.run, 70, 7, NOW + 100)

        def over(count: int, since: int, provider: str = "bandwidth") -> set[int]:
            limits = Limits(provider, (Often(count, since),))
            asked = [Candidate(row, None, False, row) for row in (-9, 7, 8, 11)]
            return journal.limits.over(asked, limits)

        assert over(1, NOW) == {-9, 7, 8}
        assert over(2, NOW) == {7}
        assert over(2, NOW + 60) == set()
        assert over(1, NOW + 60) == {7}
        assert over(1, NOW, "simulator") == {8}

    def test_two_campaigns_at_once_do_not_text_a_person_too_often(
        self, sender: Sender
    ) -> None:
        """What one has claimed counts for the other's next claim; the row says why."""
        journal = sender.journal
        other = journal.add_run(replace(RUN, run="x", campaign="other"))
        epoch = journal.leases.take(other.campaign, Owner.me(), now=NOW)
        limits = Limits(RUN.provider, (Often(2, NOW - 1_000), Often(None, NOW - 1_000)))
        for row in (2, 3):
            theirs = [
                Candidate(row, None, False, 7),
                Candidate(row + 50, None, False, 9),
            ]
            journal.claim_within(other, epoch, theirs, limits, now=NOW)
        mine = [
            Candidate(2, None, False, 7),
            Candidate(3, None, False, 8, others="9"),
            Candidate(4, None, False, 10),
            Candidate(5, None, False, 10, per_day=1),
            Candidate(6, None, False, 11, per_day=1),
        ]
        claimed = journal.claim_within(sender.run, sender.epoch, mine, limits, now=NOW)
        assert claimed == ([4, 6], {})
        closed = {one.row: one for one in journal.entries(sender.run.id, 2, 9)}
        assert {row: one.status for row, one in closed.items()} == {
            2: "excluded",
            3: "excluded",
            4: "claimed",
            5: "excluded",
            6: "claimed",
        }
        assert closed[2].error_code == "person_capped"

    def test_limits_hold_between_senders_that_claim_in_the_same_moment(
        self, place: Place, journal: Journal
    ) -> None:
        """Four campaigns at once: each person twice, and the cap to the last segment."""
        purse = Purse("t", frozenset({"unknown"}), 70, NOW, NOW, 1_000)
        limits = Limits(RUN.provider, (Often(2, NOW - 1_000),), (purse,))
        journal.limits.prepare()

        def send(number: int) -> int:
            claimed = 0
            with place.open() as mine:
                run = mine.add_run(
                    replace(RUN, run=f"r{number}", campaign=f"c{number}")
                )
                epoch = mine.leases.take(run.campaign, Owner.me(), now=NOW)
                for row in range(60):
                    one = Candidate(row, None, False, row, carrier="unknown")
                    found = mine.claim_within(run, epoch, [one], limits, now=NOW)
                    claimed += len(found.rows)
            return claimed

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(send, range(4))) == 70
        assert journal.limits.used("t", since=NOW) == {NOW: 70}
        asked = [Candidate(1_000 + one, None, False, one) for one in range(60)]
        three = Limits(RUN.provider, (Often(3, NOW - 1_000),))
        assert journal.limits.over(asked, three) == set()

    def test_what_was_given_back_does_not_count_for_its_person(
        self, sender: Sender
    ) -> None:
        """A message that did not leave may be claimed again under the same limit."""
        limits = Limits(RUN.provider, (Often(1, NOW - 1_000),))
        wanted = [Candidate(2, None, False, 7)]
        for again in (False, True):
            claimed = sender.journal.claim_within(
                sender.run,
                sender.epoch,
                [one._replace(again=again) for one in wanted],
                limits,
                now=NOW,
            )
            assert claimed.rows == [2]
            sender.journal.record(
                sender.run.id, sender.epoch, [outcome(2, Event.RELEASE)]
            )

    def test_a_carriers_cap_is_shared_and_kept_in_order(self, sender: Sender) -> None:
        """Of two campaigns and two caps; what is over waits, and nobody overtakes."""
        journal = sender.journal
        other = journal.add_run(replace(RUN, run="x", campaign="other"))
        epoch = journal.leases.take(other.campaign, Owner.me(), now=NOW)
        day = Purse("t", frozenset({"t_mobile", "unknown"}), 10, NOW, NOW, 86_400_000)
        minute = Purse("a", frozenset({"att", "unknown"}), 4, NOW - 60, NOW, 61)
        limits = Limits(purses=(day, minute))

        def one(row: int, carrier: str, weight: int) -> Candidate:
            return Candidate(row, None, weight=weight, carrier=carrier)

        theirs = [one(2, "unknown", 3), one(3, "t_mobile", 4), one(4, "", 900)]
        claimed = journal.claim_within(other, epoch, theirs, limits, now=NOW)
        assert claimed == ([2, 3, 4], {})
        mine = [
            one(2, "att", 2),
            one(3, "att", 1),
            one(4, "t_mobile", 3),
            one(5, "t_mobile", 1),
            one(6, "", 5),
            one(7, "unknown", 1),
        ]
        claimed = journal.claim_within(sender.run, sender.epoch, mine, limits, now=NOW)
        assert claimed.rows == [4, 6]
        assert claimed.held == {
            2: NOW + 61,
            3: NOW + 61,
            5: NOW + 86_400_000,
            7: NOW + 86_400_000,
        }
        assert journal.limits.used("t", since=NOW) == {NOW: 10}
        assert journal.limits.used("a", since=NOW) == {NOW: 3}

    def test_what_did_not_leave_goes_back_to_the_cap_once(self, sender: Sender) -> None:
        """Also where its outcome is recorded twice, after a lost answer."""
        purse = Purse("t", frozenset({"unknown"}), 5, NOW, NOW, 1_000)
        limits = Limits(purses=(purse,))
        wanted = [Candidate(row, None, weight=2, carrier="unknown") for row in (2, 3)]
        journal = sender.journal
        claimed = journal.claim_within(
            sender.run, sender.epoch, wanted, limits, now=NOW
        )
        assert claimed.rows == [2, 3]
        given = outcome(2, Event.RELEASE, returns=limits.uses(wanted[0]))
        kept = outcome(3, Event.ACCEPT)
        for _ in range(2):
            journal.record(sender.run.id, sender.epoch, [given, kept])
        assert journal.limits.used("t", since=NOW) == {NOW: 2}
        journal.limits.forget(before=NOW + 1)
        assert journal.limits.used("t", since=NOW) == {}

    def test_a_message_heavier_than_a_cap_goes_when_it_is_full(
        self, sender: Sender
    ) -> None:
        """It cannot be cut, and would wait for ever."""
        limits = Limits(purses=(Purse("t", frozenset({"att"}), 2, NOW, NOW, 1_000),))
        wanted = [
            Candidate(2, None, weight=3, carrier="att"),
            Candidate(3, None, weight=1, carrier="att"),
        ]
        claimed = sender.journal.claim_within(
            sender.run, sender.epoch, wanted, limits, now=NOW
        )
        assert claimed == ([2], {3: NOW + 1_000})

    def test_nothing_is_taken_from_a_cap_without_the_lease(
        self, sender: Sender
    ) -> None:
        """What was not claimed was not sent."""
        limits = Limits(purses=(Purse("t", frozenset({"att"}), 2, NOW, NOW, 1_000),))
        wanted = [Candidate(2, None, carrier="att")]
        with pytest.raises(LeaseLost):
            sender.journal.claim_within(
                sender.run, sender.epoch + 1, wanted, limits, now=NOW
            )
        assert sender.journal.limits.used("t", since=NOW) == {}

    # -- the first few, and what stops a run --------------------------------------------

    def test_a_canary_is_begun_sent_and_passed_once(self, sender: Sender) -> None:
        """Its size stays as it was said first; who passed it stays, too."""
        canaries, run_id = sender.journal.canaries, sender.run.id
        assert canaries.of(run_id) is None
        assert canaries.begin(run_id, 5) == (5, None, None, "")
        assert canaries.begin(run_id, 9) == (5, None, None, "")
        canaries.sent(run_id, now=NOW)
        canaries.sent(run_id, now=NOW + 5)  # anew, after a halt
        assert canaries.passed(run_id, by="ops", now=NOW + 9)
        canaries.sent(run_id, now=NOW + 20)
        assert not canaries.passed(run_id, by="", now=NOW + 30)
        assert canaries.of(run_id) == (5, NOW + 5, NOW + 9, "ops")

    def test_what_stopped_a_run_is_kept_and_lifted(self, sender: Sender) -> None:
        """The latest first; passing a canary lifts all of it."""
        canaries, run_id = sender.journal.canaries, sender.run.id
        assert canaries.standing(run_id) is None
        canaries.halt(run_id, Problem("E513", "a fifth"), now=NOW)
        canaries.halt(run_id, Problem("E514", "spam"), is_canary=True, now=NOW + 1)
        assert canaries.standing(run_id) == (NOW + 1, "E514", "spam", True, None)
        canaries.begin(run_id, 5)
        assert canaries.passed(run_id, by="ops", now=NOW + 2)
        assert canaries.standing(run_id) is None
        assert [(one.code, one.lifted_at) for one in canaries.halts(run_id)] == [
            ("E514", NOW + 2),
            ("E513", NOW + 2),
        ]
        canaries.halt(run_id, Problem("E514", "again"), now=NOW + 3)
        assert canaries.lift(run_id, now=NOW) == 1  # by a clock that is behind

    def test_what_became_of_all_that_was_sent_is_counted(self, sender: Sender) -> None:
        """By status and code; what is planned again was not sent."""
        sender.claim(2, 3, 4)
        sender.journal.record(
            sender.run.id,
            sender.epoch,
            [
                outcome(2, Event.ACCEPT),
                outcome(3, Event.REFUSE),
                outcome(4, Event.RELEASE),
            ],
        )
        assert sorted(sender.journal.canaries.fates(sender.run.id)) == [
            ("accepted", None, 1),
            ("refused", "400", 1),
        ]

    # -- who must not be texted -------------------------------------------------------

    def test_who_is_suppressed_is_not_claimed_and_the_row_says_why(
        self, place: Place, sender: Sender
    ) -> None:
        """Read again by each claim, whichever connection suppressed them a moment ago."""
        wanted = [person_of(row) for row in (2, 3, 4)]
        with place.open() as other:
            added = other.suppressions.add(
                [
                    suppressed(2, reason=OPTED_OUT, source="reply STOP"),
                    suppressed(3, source="operator"),
                ]
            )
        assert added == 2

        assert sender.journal.claim(sender.run, sender.epoch, wanted, now=NOW) == [4]
        found = [sender.entry(row) for row in (2, 3)]
        assert [(one.status, one.error_code) for one in found] == [
            ("excluded", "opted_out"),
            ("excluded", "suppressed"),
        ]
        assert found[0].error == (
            "This person has opted out (reply STOP); nothing was sent."
        )
        assert found[0].attempt == 0

    def test_a_retry_is_not_claimed_for_who_opted_out_meanwhile(
        self, sender: Sender
    ) -> None:
        """Between two attempts, too."""
        again = person_of(2)._replace(again=True)
        sender.journal.claim(sender.run, sender.epoch, [person_of(2)], now=NOW)
        sender.record(outcome(2, Event.RELEASE))
        sender.journal.suppressions.add([suppressed(2)])

        assert sender.journal.claim(sender.run, sender.epoch, [again], now=NOW) == []
        assert sender.entry(2).status == "excluded"

    @pytest.mark.parametrize(
        ("about", "claimed"), [("", []), (OURS, []), (THEIRS, [2])]
    )
    def test_a_suppression_is_about_all_senders_or_one(
        self, sender: Sender, about: str, claimed: list[int]
    ) -> None:
        """Who does not want texts from one number of ours may want them from another."""
        sender.journal.suppressions.add([suppressed(2, sender=about)])

        got = sender.journal.claim(sender.run, sender.epoch, [person_of(2)], now=NOW)

        assert got == claimed

    def test_a_group_message_is_not_sent_where_one_member_is_suppressed(
        self, sender: Sender
    ) -> None:
        """Whichever member it is; other groups go out."""
        sender.journal.suppressions.add([suppressed(9)])
        with_nine = f"{person_key(number_of(8))} {person_key(number_of(9))}"
        groups = [
            person_of(2)._replace(others=with_nine),
            person_of(3)._replace(others=str(person_key(number_of(8)))),
            person_of(9)._replace(others=str(person_key(number_of(8)))),
        ]

        assert sender.journal.claim(sender.run, sender.epoch, groups, now=NOW) == [3]
        assert {sender.entry(row).status for row in (2, 9)} == {"excluded"}

    def test_a_claim_keeps_whom_it_is_for(self, place: Place, sender: Sender) -> None:
        """As the key, never as the number; and nobody where nobody is said."""
        sender.journal.claim(
            sender.run, sender.epoch, [person_of(2), Candidate(3, None)], now=NOW
        )
        place.execute(f"delete from messages where person = {person_of(2).person}")
        assert closed_rows(sender.journal, sender.run.id) == [3]

    def test_lifting_lets_them_be_texted_again(self, sender: Sender) -> None:
        """By an operator: everything, or what is about one of our numbers."""
        store = sender.journal.suppressions
        store.add([suppressed(2), suppressed(2, sender=OURS)])

        assert store.lift(number_of(2), sender=OURS, now=NOW + 5) == 1
        assert [(one.sender, one.lifted_at) for one in store.of(number_of(2))] == [
            ("", None),
            (OURS, NOW + 5),
        ]
        assert store.lift(number_of(2), now=NOW + 6) == 1
        assert store.lift(number_of(2), now=NOW + 7) == 0
        assert list(store.all()) == []
        got = sender.journal.claim(sender.run, sender.epoch, [person_of(2)], now=NOW)
        assert got == [2]

    # each word as (what, minutes after NOW); who is suppressed in the end
    @pytest.mark.parametrize(
        ("words", "stays"),
        [
            (["stop 1"], True),
            (["stop 1", "start 2"], False),
            (["start 2", "stop 1"], False),
            (["start 1", "stop 2"], True),
            (["stop 2", "start 1"], True),
            (["stop 1", "start 2", "stop 3"], True),
            (["stop 3", "stop 1", "start 2"], True),
            (["start 2", "stop 1", "stop 3"], True),
            (["stop 1", "stop 1", "start 2", "start 2"], False),
            (["list 1", "start 2"], True),
            (["list 1", "stop 2", "start 3"], True),
            (["stop 1", "lift 2", "stop 1"], False),
            (["stop 1", "lift 2", "stop 3"], True),
            (["start 1"], False),
        ],
    )
    def test_the_time_of_a_word_counts_not_its_arrival(
        self, journal: Journal, words: list[str], stays: bool
    ) -> None:
        """A person's START lifts their own STOP; never what a list or a person set."""
        store = journal.suppressions
        for word in words:
            what, _, minutes = word.partition(" ")
            at = NOW + 60_000 * int(minutes)
            match what:
                case "stop":
                    store.add([suppressed(2, reason=OPTED_OUT, since=at)])
                case "start":
                    store.lift_own([suppressed(2, reason=OPTED_OUT, since=at)])
                case "list":
                    store.add([suppressed(2, since=at)])
                case _:
                    store.lift(number_of(2), now=at)
        assert bool(list(store.all())) is stays

    def test_suppressing_again_changes_nothing(self, journal: Journal) -> None:
        """The first word stands: since when, and who said it."""
        store = journal.suppressions
        first = suppressed(2, source="import a.csv")

        assert store.add([first, suppressed(3)]) == 2
        assert store.add([suppressed(2, source="reply STOP", since=NOW + 9)]) == 0
        assert store.of(number_of(2)) == [first]
        assert store.counts() == {"suppressed": 2}
        assert store.of(number_of(4)) == []

    def test_many_are_suppressed_at_once(self, journal: Journal) -> None:
        """By their numbers alone; those that are there already are not counted."""
        store = journal.suppressions
        store.add([suppressed(2)])
        numbers = [int(number_of(row)) for row in range(2, 400)]

        assert (
            store.add_numbers([*numbers, *numbers], Cause(SUPPRESSED, "import", NOW))
            == 397
        )
        assert store.counts() == {"suppressed": 398}
        assert sorted(one.number for one in store.all()) == numbers

    def test_the_opt_out_rate_counts_people_since_a_moment(
        self, sender: Sender
    ) -> None:
        """Who opted out, against who was texted; each once."""
        store = sender.journal.suppressions
        people = [person_of(row) for row in range(2, 12)]
        sender.journal.claim(sender.run, sender.epoch, people, now=NOW)
        sender.record(*(outcome(row, Event.ACCEPT, NOW + row) for row in range(2, 11)))
        store.add([suppressed(2, reason=OPTED_OUT, since=NOW + 100), suppressed(3)])

        assert store.opt_out_rate(since=NOW) == (1, 9)
        assert store.opt_out_rate(since=NOW + 10) == (1, 1)
        assert store.opt_out_rate(since=NOW + 101) == (0, 0)
        assert store.opted_out_since(NOW + 100) == 1
        store.lift(number_of(2), now=NOW + 200)
        assert store.opted_out_since(NOW) == 0

    def test_the_tables_refuse_a_lift_before_its_beginning(
        self, place: Place, journal: Journal
    ) -> None:
        """Or it would read as if nothing had ever been said."""
        journal.suppressions.add([suppressed(2)])
        with pytest.raises(place.refusal):
            place.execute(f"update suppressions set lifted_at = {NOW - 1}")

    # -- callbacks ----------------------------------------------------------------------

    def test_a_callback_is_kept_once(self, journal: Journal) -> None:
        """By its message and its digest, however often it comes."""
        run = journal.add_run(RUN)
        ours = kept(run_id=run.id, row=2)
        stranger = kept(message_id="other", digest=2, type="message-failed")

        assert journal.receipts.keep([ours, stranger, ours]) == 2
        assert journal.receipts.keep([ours._replace(received_at=NOW + 9)]) == 0
        assert journal.receipts.counts() == {
            "message-delivered": (1, 0),
            "message-failed": (0, 1),
        }
        (told,) = journal.receipts.of_row(run.id, 2)
        assert told == Told("message-delivered", NOW, NOW + 1, "m2", None, None)
        assert journal.receipts.of_row(run.id, 3) == []

    def test_a_message_is_found_by_its_id(self, sender: Sender) -> None:
        """Where the tag does not say which row it is."""
        sender.claim(2)
        sender.record(outcome(2, Event.ACCEPT, message_id="m2"))

        assert sender.journal.receipts.place_of("m2") == (sender.run.id, 2)
        assert sender.journal.receipts.place_of("m3") is None

    def test_failures_are_heard_of_since_a_moment(self, journal: Journal) -> None:
        """Of this run, with a code; by the time at which they came."""
        run = journal.add_run(RUN)
        other = journal.add_run(replace(RUN, run="other"))
        failed = kept(run_id=run.id, row=2, error_code=4770)
        journal.receipts.keep(
            [
                failed,
                failed._replace(message_id="m3", digest=3, received_at=NOW + 9),
                failed._replace(message_id="m4", digest=4, run_id=other.id),
                failed._replace(message_id="m5", digest=5, run_id=None, row=None),
                kept(run_id=run.id, row=6, message_id="m6"),
            ]
        )
        since = journal.receipts.failures_since
        assert since(run.id, NOW) == {"m2": "4770", "m3": "4770"}
        assert since(run.id, NOW + 2) == {"m3": "4770"}

    def test_the_first_message_without_a_receipt_is_known(self, sender: Sender) -> None:
        """From there on the search has something to tell; None where nothing is open."""
        first = sender.journal.decisions.first_accepted
        assert first(sender.run.id) is None
        sender.claim(2, 3, 4)
        sender.record(
            outcome(2, Event.ACCEPT, NOW + 1, message_id="m2"),
            outcome(3, Event.ACCEPT, NOW + 2, message_id="m3"),
            outcome(4, Event.ACCEPT, NOW),  # a broken 202: nobody knows its id
        )
        assert first(sender.run.id) == NOW + 1
        sender.record(outcome(2, Event.DELIVER))
        assert first(sender.run.id) == NOW + 2

    def test_two_messages_of_one_row_are_told(self, journal: Journal) -> None:
        """The proof that somebody was texted twice, if it ever happens."""
        run = journal.add_run(RUN)
        journal.receipts.keep(
            [
                kept(run_id=run.id, row=2),
                kept(run_id=run.id, row=2, digest=2),
                kept(run_id=run.id, row=3, message_id="m3"),
            ]
        )
        assert journal.receipts.doubled(run.id) == 0
        journal.receipts.keep([kept(run_id=run.id, row=3, message_id="m4")])
        assert journal.receipts.doubled(run.id) == 1

    def test_the_tables_refuse_half_a_place(
        self, place: Place, journal: Journal
    ) -> None:
        """A run without a row, or a row without a run."""
        run = journal.add_run(RUN)
        journal.receipts.keep([kept(run_id=run.id, row=2)])
        for hole in ("run_id", "row"):
            with pytest.raises(place.refusal):
                place.execute(f"update receipts set {hole} = null")

    # -- evidence -----------------------------------------------------------------------

    @pytest.mark.parametrize("status", Status)
    @pytest.mark.parametrize("event", PROOFS)
    def test_evidence_follows_the_state_table_under_no_epoch(
        self, sender: Sender, status: Status, event: Event
    ) -> None:
        """Whoever claimed the row; without an arrow the row stays exactly as it was."""
        sender.bring(2, status)
        before = sender.entry(2)

        sender.journal.decisions.apply([proof(sender.run.id, event)], now=NOW)

        try:
            then = step(status, event)
        except IllegalMove:
            assert sender.entry(2) == before
        else:
            assert sender.entry(2).status == then
            if event is not Event.DISPROVE:
                assert sender.entry(2).message_id == "m2"

    @pytest.mark.parametrize(
        ("event", "status"),
        [
            (Event.ACCEPT, "accepted"),
            (Event.DELIVER, "delivered"),
            (Event.FAIL, "failed"),
        ],
    )
    def test_evidence_about_a_row_that_was_never_claimed_here_is_believed(
        self, sender: Sender, event: Event, status: str
    ) -> None:
        """A journal restored from an old copy learns who was texted, and keeps to it."""
        evidence = proof(sender.run.id, event)._replace(accepted_at=None)
        sender.journal.decisions.apply([evidence], now=NOW)
        assert sender.entry(2).status == status
        assert sender.claim(2) == []

    def test_absence_of_a_row_that_was_never_claimed_says_nothing(
        self, sender: Sender
    ) -> None:
        """Only an unknown can be proven not to be sent."""
        evidence = proof(sender.run.id, Event.DISPROVE)
        sender.journal.decisions.apply([evidence], now=NOW)
        assert sender.journal.counts(sender.run.id) == {}

    def test_an_unknown_that_ends_keeps_what_it_rests_on(self, sender: Sender) -> None:
        """One decision for each unknown; none for rows that were known already."""
        sender.bring(2, Status.UNKNOWN)
        sender.bring(3, Status.ACCEPTED)
        sender.bring(4, Status.UNKNOWN)
        run_id = sender.run.id
        ended = [
            proof(run_id, Event.DELIVER),
            proof(run_id, Event.DELIVER, row=3),
            proof(run_id, Event.DISPROVE, row=4),
        ]

        sender.journal.decisions.apply(ended, now=NOW + 7)
        sender.journal.decisions.apply(ended, now=NOW + 9)

        decisions = sender.journal.decisions.of_rows(run_id, 2, 9)
        assert decisions == [
            Decision(2, NOW + 7, "deliver", "search", "{}"),
            Decision(4, NOW + 7, "disprove", "search", "{}"),
        ]
        assert sender.entry(2)[4:] == (NOW - 5, NOW, "m2", None, None)
        assert sender.entry(4)[5:] == (NOW, None, "not_sent", "It said so.")

    # what the second attempt came to, what is told of the first message, what it is then
    @pytest.mark.parametrize(
        ("second", "told", "then"),
        [
            ([], Event.FAIL, "planned"),
            ([], Event.ACCEPT, "planned"),
            ([], Event.DELIVER, "delivered"),
            (["claim"], Event.FAIL, "claimed"),
            (["claim"], Event.DELIVER, "delivered"),
            (["claim", Event.LOSE], Event.FAIL, "unknown"),
            (["claim", Event.LOSE], Event.ACCEPT, "unknown"),
            (["claim", Event.ACCEPT], Event.FAIL, "accepted"),
            (["claim", Event.ACCEPT], Event.DELIVER, "delivered"),
        ],
    )
    def test_what_is_told_of_the_first_message_fails_no_second_one(
        self, sender: Sender, second: list[Any], told: Event, then: str
    ) -> None:
        """A failed row that is tried again hears late, repeated callbacks of its past."""
        sender.claim(2)
        first = outcome(2, Event.ACCEPT, message_id="m2")
        sender.record(first, outcome(2, Event.FAIL))
        sender.journal.selections.reopen(sender.run, sender.epoch, "failed", now=NOW)
        for act in second:
            if act == "claim":
                assert sender.claim(2) == [2]
            else:
                new = "new" if act is Event.ACCEPT else None
                sender.record(outcome(2, act, message_id=new))

        late = proof(sender.run.id, told)._replace(message_id="m2")
        sender.journal.decisions.apply([late], now=NOW)

        assert sender.entry(2).status == then

    def test_a_callback_of_the_second_message_brings_its_id(
        self, sender: Sender
    ) -> None:
        """In the place of the first one's."""
        sender.claim(2)
        sender.record(outcome(2, Event.ACCEPT, message_id="m2"))
        sender.record(outcome(2, Event.FAIL))
        sender.journal.selections.reopen(sender.run, sender.epoch, "failed", now=NOW)
        sender.claim(2)
        sender.record(outcome(2, Event.LOSE))

        second = proof(sender.run.id, Event.ACCEPT)._replace(message_id="new")
        sender.journal.decisions.apply([second], now=NOW)

        assert sender.entry(2)[:2] == (2, "accepted")
        assert sender.entry(2).message_id == "new"

    def test_the_unknown_say_when_they_may_have_left(self, sender: Sender) -> None:
        """From the post, or the claim where none is known, to the giving up."""
        sender.claim(2, 3, now=NOW - 9)
        sender.record(outcome(2, Event.LOSE, NOW + 80, posted_at=NOW + 50))
        sender.record(outcome(3, Event.LOSE, NOW + 81))
        sender.bring(4, Status.ACCEPTED)

        assert sender.journal.decisions.unknown(sender.run.id) == [
            Unknown(2, NOW + 50, NOW + 80),
            Unknown(3, NOW - 9, NOW + 81),
        ]

    def test_a_claim_that_was_left_was_not_posted_much_later(
        self, sender: Sender
    ) -> None:
        """However long it took until somebody noticed that its sender was gone."""
        sender.claim(2)
        sender.record(outcome(2, Event.LOSE, NOW + 86_400_000))

        assert sender.journal.decisions.unknown(sender.run.id) == [
            Unknown(2, NOW, NOW + CLAIM_TO_POST_MS)
        ]

    def test_what_was_not_sent_is_sent_only_when_asked_for(
        self, sender: Sender
    ) -> None:
        """Resending plans it again and reopens the run; the unknown stay unknown."""
        sender.bring(2, Status.NOT_SENT)
        sender.bring(3, Status.UNKNOWN)
        sender.journal.finish_run(sender.run.id, now=NOW)
        assert sender.claim(2, 3) == []

        assert sender.journal.decisions.resend(sender.run.id) == 1
        assert sender.journal.decisions.resend(sender.run.id) == 0

        found = sender.journal.run(RUN.run)
        assert found is not None
        assert found.finished_at is None
        assert sender.claim(2, 3) == [2]
        assert sender.entry(2).attempt == 2

    def test_news_is_taken_in_whole_or_not_at_all(
        self, place: Place, sender: Sender
    ) -> None:
        """A callback without what follows from it would never be applied."""
        sender.bring(2, Status.UNKNOWN)
        good = kept(run_id=sender.run.id, row=2)
        bad = proof(sender.run.id, Event.DELIVER)._replace(
            evidence=None  # type: ignore[arg-type]
        )
        news = News([good], [bad], [suppressed(3)])

        with pytest.raises(BulksendError):
            sender.journal.take_in(news, now=NOW)

        assert sender.journal.receipts.counts() == {}
        assert sender.entry(2).status == "unknown"
        assert list(sender.journal.suppressions.all()) == []
        right = news._replace(evidence=[proof(sender.run.id, Event.DELIVER)])
        sender.journal.take_in(right, now=NOW)
        with place.open() as other:
            assert other.receipts.counts() == {"message-delivered": (1, 0)}
            assert other.counts(sender.run.id) == {Status.DELIVERED: 1}
            assert list(other.suppressions.all()) == [suppressed(3)]

    # -- the tables refuse what states.py forbids --------------------------------------

    @pytest.mark.parametrize("status", Status)
    @pytest.mark.parametrize("then", [*Status, "sent"])
    def test_the_tables_refuse_every_arrow_that_is_not_in_the_state_table(
        self, place: Place, sender: Sender, status: Status, then: str
    ) -> None:
        """Each (status, next) pair, by SQL that goes past the journal."""
        values = f"{sender.run.id}, 2, 1, {NOW}, {NOW}, 'x', 'x'"
        for index, one in enumerate(path_to(status)):
            place.execute(
                f"update messages set status = '{one}'"
                if index
                else "insert into messages (run_id, row, epoch, claimed_at, accepted_at,"
                f" error_code, error, status) values ({values}, '{one}')"
            )
        allowed = {status, *TRANSITIONS[status].values()}

        try:
            place.execute(f"update messages set status = '{then}'")
        except place.refusal:
            assert then not in allowed
            assert sender.entry(2).status == status
        else:
            assert then in allowed

    @pytest.mark.parametrize("first", [*Status, "sent"])
    def test_the_tables_refuse_a_row_that_begins_in_the_middle(
        self, place: Place, sender: Sender, first: str
    ) -> None:
        """A row appears by the first step after planned, and no other."""
        insert = (
            "insert into messages (run_id, row, epoch, claimed_at, accepted_at,"
            f" error_code, error, status) values ({sender.run.id}, 2, 1, {NOW}, {NOW},"
            f" 'x', 'x', '{first}')"
        )
        if first in TRANSITIONS[Status.PLANNED].values():
            place.execute(insert)
        else:
            with pytest.raises(place.refusal):
                place.execute(insert)

    @pytest.mark.parametrize(
        ("status", "hole"),
        [
            (Status.CLAIMED, "claimed_at"),
            (Status.ACCEPTED, "accepted_at"),
            (Status.REFUSED, "error"),
            (Status.UNKNOWN, "error_code"),
            (Status.EXPIRED, "error_code"),
            (Status.EXCLUDED, "error_code"),
        ],
    )
    def test_the_tables_refuse_a_status_without_its_evidence(
        self, place: Place, sender: Sender, status: Status, hole: str
    ) -> None:
        """No accepted without when, no refused without why."""
        sender.bring(2, status)

        with pytest.raises(place.refusal):
            place.execute(f"update messages set {hole} = null")

    @pytest.mark.parametrize(
        "statement",
        [
            "update messages set attempt = -1",
            "update runs set sendable = rows + 1",
            "update runs set sendable = -1",
            "update leases set epoch = 0",
        ],
    )
    def test_the_tables_refuse_impossible_numbers(
        self, place: Place, sender: Sender, statement: str
    ) -> None:
        """Counts that cannot be."""
        sender.claim(2)

        with pytest.raises(place.refusal):
            place.execute(statement)

    # -- all of it together ---------------------------------------------------------

    @settings(
        derandomize=True,
        max_examples=40,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,  # one suite, two journals
        ],
    )
    @given(
        script=st.lists(
            st.tuples(
                st.sampled_from(["claim", "close", "take over", *Event]),
                st.lists(st.integers(2, 6), min_size=1, max_size=3, unique=True),
                st.booleans(),
            ),
            max_size=25,
        )
    )
    def test_any_two_senders_leave_what_the_state_table_says(
        self, place: Place, script: list[tuple[str, list[int], bool]]
    ) -> None:
        """A model of six lines and the journal agree after any script of theirs."""
        with place.open() as journal:
            name = f"run {len(journal.runs())}"
            run = journal.add_run(replace(RUN, run=name, campaign=name))
            now, epochs = NOW, [journal.leases.take(name, ELSEWHERE, now=NOW)]
            status: dict[int, Status] = {}
            owner: dict[int, int] = {}
            for act, rows, is_late in script:
                epoch = epochs[-2 if is_late and len(epochs) > 1 else -1]
                if act == "take over":
                    now += LEASE_MS + 1
                    epochs.append(journal.leases.take(name, ELSEWHERE, now=now))
                    for row, there in status.items():
                        if there is Status.CLAIMED:
                            status[row] = Status.UNKNOWN
                elif act == "claim" and epoch == epochs[-1]:
                    wanted = [Candidate(row, None) for row in rows]
                    free = [r for r in rows if status.get(r, "planned") == "planned"]
                    assert journal.claim(run, epoch, wanted, now=now) == free
                    status |= dict.fromkeys(free, Status.CLAIMED)
                    owner |= dict.fromkeys(free, epoch)
                elif act == "claim":
                    with pytest.raises(LeaseLost):
                        journal.claim(run, epoch, [Candidate(2, None)], now=now)
                elif act == "close":
                    free = [r for r in rows if status.get(r, "planned") == "planned"]
                    journal.close_unsent(run.id, epoch, rows, ALREADY_SENT, now=now)
                    status |= dict.fromkeys(free, Status.EXCLUDED)
                    owner |= {r: owner.get(r, epoch) for r in free}
                else:
                    event = Event(act)
                    for row in rows:
                        said = outcome(row, event, now, error_code="x", error="x")
                        # Events of the plan are not outcomes of a claim.
                        arrow = TRANSITIONS.get(status.get(row, Status.EXCLUDED), {})
                        moves = owner.get(row) == epoch and event in arrow
                        assert journal.record(run.id, epoch, [said]) == moves
                        if moves:
                            status[row] = arrow[event]

            assert journal.counts(run.id) == Counter(status.values())
            journal.leases.end(name, epochs[-1])
