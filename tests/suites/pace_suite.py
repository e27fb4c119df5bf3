"""One rate for all senders of an account."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from bulksend.journal.paces import Rise
from bulksend.journal.turns import Own, Wanted

if TYPE_CHECKING:
    from bulksend.journal.store import Journal
    from tests.suites.scene import Place, Sender

RISE = Rise(seconds=100.0, lowest=0.05, idle=60.0)
AN_HOUR_AHEAD = """
    update paces set begins = begins + 3600000000, given_to = given_to + 3600000000,
        kept_to = kept_to + 3600000000, changed_at = changed_at + 3600000000,
        asked_at = asked_at + 3600000000
"""
"""What a journal holds whose clock was set back by an hour."""


class SharedPaceSuite:
    """Mixed into a `JournalSuite`, whose fixtures it uses."""

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

    def test_a_message_has_its_segments_in_one_piece(self, place: Place) -> None:
        """Whoever asks next comes after all of them, whatever the messages weigh."""
        now = time.time_ns() // 1_000
        some = [Wanted("", weight) for weight in (3, 1, 5)]
        with place.open() as one, place.open() as other:
            first = one.paces.allot("55", some, 10.0, own={}, most=9, now=now)
            second = other.paces.allot("55", some, 10.0, own={}, most=9, now=now)

        begins = first.turns[0].at
        found = [turn.at - begins for turn in (*first.turns, *second.turns)]
        expected = [0, 300_000, 400_000, 900_000, 1_200_000, 1_300_000]
        assert found == pytest.approx(expected, abs=3)
        assert [turn.wanted for turn in first.turns] == some

    def test_a_sender_has_a_line_beside_the_accounts(self, place: Place) -> None:
        """At most its own rate over all workers; who must wait is told for how long."""
        now = time.time_ns() // 1_000
        own = {"+1": Own(10.0, 0.1), "+2": Own(2.0, 0.5)}
        some = [Wanted(one, 1) for one in ("+1", "+2", "") for _ in range(9)]
        with place.open() as journal, place.open() as other:
            ask = partial(journal.paces.allot, "55", own=own, now=now)
            first = ask(some, 100.0, most=20)
            begins = first.turns[0].at
            alone = other.paces.allot(
                "55", [Wanted("+2", 1)], 100.0, own=own, most=1, now=now
            )
            rest = ask([Wanted("", 1)], 100.0, most=1)
            apart = other.paces.allot("56", some, 100.0, own=own, most=1, now=now)

        of = Counter(turn.wanted.sender for turn in first.turns)
        assert of == {"+1": 2, "+2": 1, "": 9}  # nobody waits: it is moved on a little
        assert alone.turns == []
        assert alone.later["+2"] == pytest.approx(0.5 - 0.12, abs=0.02)
        assert rest.turns[0].at == pytest.approx(begins + 120_000, abs=10_000)
        assert apart.turns

    def test_what_lay_reserved_when_a_clock_was_set_comes_first(
        self, place: Place
    ) -> None:
        """It says how far ahead the line was, and is moved on by that."""
        now = time.time_ns() // 1_000
        with place.open() as journal:
            paces = journal.paces
            paces.reserve("55", 500, 100.0, now=now)
            after = paces.reserve("55", 1, 100.0, now=now)
            place.execute("update paces set given_to = given_to - 3600000000")
            paces.put_off("55", after.queued, now=now)
            following = paces.reserve("55", 1, 100.0, now=now)

        assert after.queued == pytest.approx(5.0, abs=0.1)
        assert following.wait == pytest.approx(5.0, abs=2)

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
        first = climb(run_id, 5, 100.0, rise=RISE, now=now)
        with place.open() as other:
            second = other.paces.climb(run_id, 5, 100.0, rise=RISE, now=now)
        assert (first.wait, first.rate) == (0, 5)
        assert second.wait == pytest.approx(1, abs=0.3)

        place.execute("update ramps set began_at = began_at - 50000000")
        half = climb(run_id, 1, 100.0, rise=RISE, now=now)
        assert half.rate == pytest.approx(52.5, abs=2)
        place.execute("update ramps set began_at = began_at - 500000000")
        assert climb(run_id, 1, 100.0, rise=RISE, now=now).rate == 100
        place.execute("update ramps set given_to = given_to - 70000000")
        anew = climb(run_id, 1, 100.0, rise=RISE, now=now)
        assert (anew.wait, anew.rate) == (0, 5)

    @pytest.mark.parametrize("kept", [False, True])
    def test_a_clock_that_is_set_back_holds_nobody_up(
        self, place: Place, journal: Journal, kept: bool
    ) -> None:
        """A line follows its clock: what was given away stays so, and a 429 is not forgotten."""
        now = time.time_ns() // 1_000
        paces, own = journal.paces, {"+1": Own(5.0, 0.2)}
        paces.reserve("55", 1_000, 100.0, now=now)
        slowed = paces.slow_down("55", now=now)
        stretch = paces.reserve("55", 10, 100.0, now=now, kept=kept)
        mine = [Wanted("+1", 1)]
        given = paces.allot("55", mine, 100.0, own=own, most=1, now=now, kept=kept)
        place.execute(AN_HOUR_AHEAD)

        following = paces.reserve("55", 10, 100.0, now=now, kept=kept)
        more = paces.allot("55", mine, 100.0, own=own, most=1, now=now, kept=kept)
        apart = paces.reserve("55/", 10, 100.0, now=now)

        assert slowed
        assert following.begins == pytest.approx(stretch.ends, abs=5_000_000)
        assert following.rate == pytest.approx(stretch.rate, rel=0.2)
        assert given.turns[0].at == pytest.approx(stretch.ends, abs=5)
        assert more.turns[0].at == pytest.approx(following.ends, abs=300_000)
        assert not paces.slow_down("55", now=now)
        assert apart.wait == 0
        place.execute("update paces set changed_at = changed_at + 3600000000")
        assert paces.slow_down("55", now=now)

    def test_a_ramp_follows_a_clock_that_is_set_back(
        self, place: Place, sender: Sender
    ) -> None:
        """It neither waits for the hour to come again, nor begins anew."""
        now, run_id = time.time_ns() // 1000, sender.run.id
        climb = sender.journal.paces.climb
        climb(run_id, 5, 100.0, rise=RISE, now=now)
        place.execute(
            "update ramps set began_at = began_at + 3550000000, "
            "given_to = given_to + 3600000000, asked_at = asked_at + 3600000000"
        )
        half = climb(run_id, 1, 100.0, rise=RISE, now=now)

        assert half.rate == pytest.approx(52.5, abs=2)
        assert half.wait == pytest.approx(1.0, abs=0.5)

    def test_what_waits_for_the_file_is_taken_for_no_clock(
        self, place: Place, journal: Journal
    ) -> None:
        """Who read the clock before others had their turn gets what comes after theirs."""
        now = time.time_ns() // 1_000
        with place.open() as other:
            first = other.paces.reserve("55", 100, 100.0, now=now + 20_000_000)
            second = journal.paces.reserve("55", 100, 100.0, now=now)
            third = journal.paces.reserve("55", 100, 100.0, now=now)

        assert second.begins >= first.ends - 1_000
        assert third.begins == pytest.approx(second.ends, abs=5)  # it is asked once

    @pytest.mark.parametrize("workers", [2, 4])
    def test_no_worker_is_left_behind_when_a_clock_is_set_back(
        self, place: Place, workers: int
    ) -> None:
        """All ask at once, of a line that is an hour ahead: none of them waits for it."""
        now = time.time_ns() // 1_000
        with ExitStack() as stack:
            journals = [stack.enter_context(place.open()) for _ in range(workers)]
            crowd = stack.enter_context(ThreadPoolExecutor(workers))
            for _ in range(5):
                journals[0].paces.reserve("55", 5, 100.0, now=now)
                place.execute(AN_HOUR_AHEAD)
                together = Barrier(workers)

                def ask(journal: Journal, together: Barrier = together) -> float:
                    together.wait()
                    return journal.paces.reserve("55", 5, 100.0, now=now).wait

                assert max(crowd.map(ask, journals)) < 60
