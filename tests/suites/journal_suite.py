"""What every journal promises, whatever it stands on.

A backend's test file derives from `JournalSuite` and gives it a `place` fixture; all of
these tests then run against it.  They use the public methods, and SQL only where they
ask whether the tables themselves refuse what `states.py` forbids.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulksend.errors import GateRefused
from bulksend.journal.columns import NAMES
from bulksend.journal.leases import LEASE_MS
from bulksend.journal.owner import Owner
from bulksend.journal.records import (
    ALREADY_SENT,
    PAST_EXPIRATION,
    Candidate,
    Entry,
    LeaseLost,
    Outcome,
    Part,
    Run,
)
from bulksend.journal.states import (
    TAKEN,
    TRANSITIONS,
    Event,
    IllegalMove,
    Status,
    step,
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

SAID = {Event.REFUSE: "400", Event.LOSE: "no_answer", Event.FAIL: "4720"}


class Place(Protocol):
    """Where one journal lives; it can be open several times at once."""

    refusal: type[Exception]
    """What `execute` raises when the tables refuse a statement."""

    def open(self) -> Journal: ...

    def execute(self, statement: str) -> None:
        """Run plain SQL, past the journal, and commit it."""


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
            Status.DELIVERED: [Event.ACCEPT, Event.DELIVER],
            Status.FAILED: [Event.ACCEPT, Event.FAIL],
        }
        for event in events[status]:
            self.record(outcome(row, event))
        assert self.entry(row).status == status


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
        journal.set_results(run.id, "results/spring.csv")
        finished = replace(run, finished_at=NOW + 5, results="results/spring.csv")
        assert journal.run(run.run) == finished

        journal.reopen_run(run.id)
        assert journal.run(run.run) == replace(finished, finished_at=None)
        assert journal.run("other") == other

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
        assert journal.closed_rows(run.id, high) == [12]
        assert journal.closed_rows(run.id) == [3, 12]
        # The one that was thought dead brings the truth about its own message.
        said = [outcome(3, Event.ACCEPT), outcome(12, Event.ACCEPT)]
        assert journal.record(run.id, first, said) == 1

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
        for row, status in zip((9, 4, 6, 8, 3, 5, 7, 10, 2), Status, strict=True):
            sender.bring(row, status)

        assert sender.journal.counts(sender.run.id) == dict.fromkeys(Status, 1)
        assert sender.journal.closed_rows(sender.run.id) == [2, 3, 4, 5, 6, 7, 8, 10]
        entries = sender.journal.entries(sender.run.id, 3, 9)
        assert [one.row for one in entries] == [3, 4, 5, 6, 7, 8, 9]

    def test_a_run_sees_its_own_rows_only(self, sender: Sender) -> None:
        """The same row number in another run is another message."""
        other = sender.journal.add_run(replace(RUN, run="other"))
        sender.claim(2)

        assert sender.journal.counts(other.id) == {}
        assert sender.journal.closed_rows(other.id) == []
        assert sender.journal.entries(other.id, 0, 100) == []
        assert sender._replace(run=other).claim(2) == [2]

    def test_columns_say_what_the_entries_say(self, sender: Sender) -> None:
        """A line for each row whatever is in it: line ends, quotes, nothing at all."""
        for row, status in enumerate(Status, start=2):
            sender.bring(row, status)
        sender.claim(50)
        words = 'He said "no",\nand\u2028left.'
        sender.record(outcome(50, Event.ACCEPT, message_id="a\nb", error=words))

        found = sender.journal.columns.between(sender.run.id, 3, 60)
        lines = {name: text.split("\n") for name, text in found.items()}
        assert tuple(lines) == NAMES
        rows = sorted(zip(*lines.values(), strict=True), key=lambda one: int(one[0]))
        entries = sender.journal.entries(sender.run.id, 3, 60)
        assert rows == [
            tuple("" if one is None else str(one).replace("\n", " ") for one in entry)
            for entry in entries
        ]
        assert sender.journal.columns.between(sender.run.id, 51, 60) == {}

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
