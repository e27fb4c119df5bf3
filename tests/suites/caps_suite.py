"""How often a person, and how much a carrier, may be given; the first few."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bulksend.errors import Problem
from bulksend.journal.limits import Limits, Often, Purse
from bulksend.journal.owner import Owner
from bulksend.journal.records import Candidate, LeaseLost, Run, Use
from bulksend.journal.states import Event
from tests.suites.scene import NOW, RUN, Place, Sender, outcome

if TYPE_CHECKING:
    from bulksend.journal.store import Journal


class CapsSuite:
    """Mixed into a `JournalSuite`, whose fixtures it uses."""

    # -- people and carriers --------------------------------------------------------

    def test_how_often_a_person_is_texted_is_counted_over_all_campaigns(
        self, sender: Sender
    ) -> None:
        """Taken rows since a moment, whatever the campaign; not those of a simulator."""
        journal = sender.journal
        foreign = journal.runs.add(replace(RUN, run="x", campaign="other"))
        trial = journal.runs.add(
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

    def test_a_group_message_counts_for_each_of_its_members(
        self, sender: Sender
    ) -> None:
        """Once each, whatever became of a claim before; no more when it is purged."""
        journal, run = sender.journal, sender.run
        group = Candidate(2, None, False, 7, others="-8 9")
        for _ in range(2):
            assert journal.claim(run, sender.epoch, [group], now=NOW) == [2]
            sender.record(outcome(2, Event.RELEASE))
        limits = Limits(RUN.provider, (Often(1, NOW),))
        asked = [Candidate(row, None, False, row) for row in (7, -8, 9, 10)]
        assert journal.limits.over(asked, limits) == set(), "it was given back"
        assert journal.claim(run, sender.epoch, [group], now=NOW) == [2]
        rivals = journal.decisions.rivals(run.id, now=NOW + 5)
        assert {one.person for one in rivals} == {7, -8, 9}
        sender.record(outcome(2, Event.ACCEPT, posted_at=NOW))
        assert journal.limits.over(asked, limits) == {7, -8, 9}
        assert journal.limits.over(
            [Candidate(3, None, person=10, others="9")], limits
        ) == {3}
        assert sorted(journal.limits.had_enough(RUN.provider, Often(1, NOW))) == [
            -8,
            7,
            9,
        ]
        assert list(journal.limits.had_enough(RUN.provider, Often(2, NOW))) == []
        journal.runs.finish(run.id, now=NOW)
        assert journal.purges.run(run, now=NOW + 1)
        assert journal.limits.over(asked, limits) == set()

    def test_a_cap_for_a_purpose_counts_campaigns_with_that_purpose(
        self, sender: Sender
    ) -> None:
        """And those that do not say theirs, such as an older version's: it may be that."""
        journal = sender.journal
        people = {"marketing": 7, "transactional": 8, "": 9}
        for purpose, person in people.items():
            run = journal.runs.add(
                replace(RUN, run=f"x{person}", campaign=f"c{person}", purpose=purpose)
            )
            assert run.purpose == purpose
            epoch = journal.leases.take(run.campaign, Owner.me(), now=NOW)
            wanted = [Candidate(2, None, False, person)]
            assert journal.claim(run, epoch, wanted, now=NOW) == [2]

        def over(purpose: str) -> set[int]:
            limits = Limits(RUN.provider, (Often(1, NOW, purpose),))
            asked = [Candidate(row, None, False, row) for row in (7, 8, 9, 10)]
            return journal.limits.over(asked, limits)

        assert over("marketing") == {7, 9}
        assert over("transactional") == {8, 9}
        assert over("") == {7, 8, 9}

        def enough(purpose: str, since: int = NOW, provider: str = "") -> list[int]:
            some = Often(1, since, purpose)
            return sorted(journal.limits.had_enough(provider or RUN.provider, some))

        assert enough("marketing") == [7, 9]
        assert enough("") == [7, 8, 9]
        assert enough("", since=NOW + 1) == []
        assert enough("", provider="simulator") == []
        for run in journal.runs.all():
            journal.runs.finish(run.id, now=NOW)
        assert enough("transactional") == [8, 9]
        assert list(journal.limits.had_enough(RUN.provider, Often(2, NOW))) == []

    def test_two_campaigns_at_once_do_not_text_a_person_too_often(
        self, sender: Sender
    ) -> None:
        """What one has claimed counts for the other's next claim; the row says why."""
        journal = sender.journal
        other = journal.runs.add(replace(RUN, run="x", campaign="other"))
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
        purse = Purse("t", frozenset({"unknown"}), 70, NOW, NOW, 1_000, NOW)
        limits = Limits(RUN.provider, (Often(2, NOW - 1_000),), (purse,))
        journal.limits.prepare()

        def send(number: int) -> int:
            claimed = 0
            with place.open() as mine:
                run = mine.runs.add(
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
        other = journal.runs.add(replace(RUN, run="x", campaign="other"))
        epoch = journal.leases.take(other.campaign, Owner.me(), now=NOW)
        day = Purse(
            "t", frozenset({"t_mobile", "unknown"}), 10, NOW, NOW, 86_400_000, NOW
        )
        minute = Purse(
            "a", frozenset({"att", "unknown"}), 4, NOW - 60, NOW, 61, NOW + 1
        )
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
            2: 60,
            3: 60,
            5: 86_400_000,
            7: 86_400_000,
        }
        assert journal.limits.used("t", since=NOW) == {NOW: 10}
        assert journal.limits.used("a", since=NOW) == {NOW: 3}

    def test_what_did_not_leave_goes_back_to_the_cap_once(self, sender: Sender) -> None:
        """Also where its outcome is recorded twice, after a lost answer."""
        purse = Purse("t", frozenset({"unknown"}), 5, NOW, NOW, 1_000, NOW)
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

    def test_a_purse_that_is_closed_stays_so(self, sender: Sender) -> None:
        """Whatever is put back, and however large it is to another; the next one is open."""
        limits = sender.journal.limits
        limits.take([Use("t", NOW, 3), Use("t", NOW - 9, 4), Use("a", NOW, 1)])
        assert limits.close("t", at=NOW)
        assert not limits.close("t", at=NOW)
        assert limits.used("a", since=NOW) == {NOW: 1}
        wanted = [Candidate(2, None, carrier="unknown")]
        limits.put_back([Use("t", NOW, 3)])
        for most in (10, 10_000_000):
            purse = Purse("t", frozenset({"unknown"}), most, NOW, NOW, 1_000, NOW)
            assert limits.held(wanted, Limits(purses=(purse,))) == {2: 1_000}
            later = purse._replace(since=NOW + 1, at=NOW + 1)
            assert limits.held(wanted, Limits(purses=(later,))) == {}

    def test_a_message_heavier_than_a_cap_goes_when_it_is_full(
        self, sender: Sender
    ) -> None:
        """It cannot be cut, and would wait for ever."""
        limits = Limits(
            purses=(Purse("t", frozenset({"att"}), 2, NOW, NOW, 1_000, NOW),)
        )
        wanted = [
            Candidate(2, None, weight=3, carrier="att"),
            Candidate(3, None, weight=1, carrier="att"),
        ]
        claimed = sender.journal.claim_within(
            sender.run, sender.epoch, wanted, limits, now=NOW
        )
        assert claimed == ([2], {3: 1_000})

    def test_nothing_is_taken_from_a_cap_without_the_lease(
        self, sender: Sender
    ) -> None:
        """What was not claimed was not sent."""
        limits = Limits(
            purses=(Purse("t", frozenset({"att"}), 2, NOW, NOW, 1_000, NOW),)
        )
        wanted = [Candidate(2, None, carrier="att")]
        with pytest.raises(LeaseLost):
            sender.journal.claim_within(
                sender.run, sender.epoch + 1, wanted, limits, now=NOW
            )
        assert sender.journal.limits.used("t", since=NOW) == {}

    # -- the first few, and what stops a run -------------------------------------

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
