"""What another terminal wants of a run, and which rows may be sent again: any journal."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bulksend import codes
from bulksend.journal.orders import Order, Word
from bulksend.journal.records import (
    ALREADY_SENT,
    PAST_EXPIRATION,
    Closing,
    LeaseLost,
    Run,
)
from bulksend.journal.selections import SELECTIONS, Try
from bulksend.journal.states import Event, Status
from tests.suites.scene import (
    NOW,
    RUN,
    THEIRS,
    Place,
    Sender,
    kept,
    number_of,
    outcome,
    person_of,
    reopened,
    suppressed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from bulksend.journal.store import Journal


class OrdersSuite:
    """Mixed into a `JournalSuite`, whose fixtures it uses."""

    def test_an_order_stands_until_it_is_taken_back(
        self, place: Place, journal: Journal
    ) -> None:
        """For every connection, and for its own run only."""
        run, other = journal.runs.add(RUN), journal.runs.add(replace(RUN, run="other"))
        with place.open() as terminal:
            assert journal.orders.of(run.id) is None
            terminal.orders.give(run.id, Word.PAUSE, "ann on web-3", now=NOW)

            assert journal.orders.of(run.id) == Order(Word.PAUSE, "ann on web-3", NOW)
            assert journal.orders.of(other.id) is None

            terminal.orders.take_back(run.id)
            assert journal.orders.of(run.id) is None
            terminal.orders.take_back(run.id)  # twice is no error

    def test_the_first_giver_is_remembered_and_a_stronger_word_replaces(
        self, journal: Journal
    ) -> None:
        """Pausing twice is pausing once; an abort over it is a new order, not heeded."""
        run = journal.runs.add(RUN)
        journal.orders.give(run.id, Word.PAUSE, "ann", now=NOW)
        journal.orders.heed(run.id, now=NOW + 1)
        journal.orders.heed(run.id, now=NOW + 2)
        journal.orders.give(run.id, Word.PAUSE, "ben", now=NOW + 3)
        assert journal.orders.of(run.id) == Order(Word.PAUSE, "ann", NOW, NOW + 1)
        assert not journal.orders.is_aborted(run.id)

        journal.orders.give(run.id, Word.ABORT, "ben", now=NOW + 4)
        assert journal.orders.of(run.id) == Order(Word.ABORT, "ben", NOW + 4)
        assert journal.orders.is_aborted(run.id)

    def test_the_tables_refuse_a_word_that_is_none(
        self, place: Place, journal: Journal
    ) -> None:
        """And an order for a run that is not there names nobody's run."""
        run = journal.runs.add(RUN)
        with pytest.raises(place.refusal):
            place.execute(
                "insert into orders (run_id, word, giver, at)"
                f" values ({run.id}, 'hurry', 'ann', {NOW})"
            )

    @pytest.mark.parametrize("status", Status)
    @pytest.mark.parametrize("which", SELECTIONS)
    def test_only_what_failed_for_certain_is_planned_again(
        self, sender: Sender, status: Status, which: str
    ) -> None:
        """Never a row that is, or may be, with the person."""
        sender.bring(2, status)
        before = sender.entry(2)
        chosen = reopened(sender.journal, sender.run, sender.epoch, which, now=NOW)
        is_meant = which == "failed" and status in {Status.REFUSED, Status.FAILED}
        assert chosen == ([2] if is_meant else [])
        if not is_meant:
            assert sender.entry(2) == before
        else:
            entry = sender.entry(2)
            assert (entry.status, entry.attempt) == ("planned", 1)
            assert entry[3:7] == (None,) * 4
            assert entry.error_code == "again"
            assert sender.claim(2) == [2]
            assert sender.entry(2)[7:] == (None, None)

    @pytest.mark.parametrize("which", ["failed", "retryable"])
    def test_what_was_planned_again_and_not_sent_is_chosen_again(
        self, sender: Sender, which: str
    ) -> None:
        """Its sender was killed: the run is open, and the same word finds the rest."""
        for row in (2, 3):
            sender.claim(row)
            sender.record(outcome(row, Event.FAIL, error_code="5100"))
        sender.bring(4, Status.PLANNED)
        journal, run = sender.journal, sender.run
        journal.runs.finish(run.id, now=NOW)
        assert reopened(sender.journal, run, sender.epoch, which, now=NOW) == [2, 3]
        known = journal.runs.named(run.run)
        assert known is not None
        assert known.finished_at is None
        sender.claim(3)

        assert reopened(sender.journal, run, sender.epoch, which, now=NOW) == [2]
        assert sender.claim(2) == [2]

    def test_what_may_arrive_yet_is_no_failure_to_repeat(self, sender: Sender) -> None:
        """9902: no receipt came in time; 4702: the carrier may deliver it later."""
        failed = ("4476", "9902", None, "4701", "4702", "4730", "4750", "4753", "4785")
        for row, code in enumerate(failed, 2):
            sender.claim(row)
            sender.record(outcome(row, Event.FAIL, error_code=code))

        assert list(sender.journal.selections.rows(sender.run.id, "failed")) == [
            2,
            4,
            10,
        ]

    def test_of_every_code_the_word_takes_what_the_table_says(
        self, sender: Sender
    ) -> None:
        """What it leaves out it counts by code; refused ones are not among those."""
        known = [str(code) for code in codes.table()]
        rows = dict(enumerate(known, 2))
        sender.claim(*rows)
        sender.record(
            *(outcome(row, Event.FAIL, error_code=code) for row, code in rows.items())
        )
        sender.bring(200, Status.REFUSED)
        select, run = sender.journal.selections, sender.run.id

        def rows_that(does: Callable[..., bool]) -> list[int]:
            return [row for row, code in rows.items() if does(code, by_carrier=0)]

        may = rows_that(codes.may_fare_better)
        assert list(select.rows(run, "failed")) == [*may, 200]
        assert list(select.rows(run, "retryable")) == rows_that(codes.is_retryable)
        left = Counter(code for row, code in rows.items() if row not in may)
        assert select.left_out(run) == left
        assert {"4470", "4770", "4771"} < left.keys()
        reopened(sender.journal, sender.run, sender.epoch, "failed", now=NOW)
        assert select.left_out(run) == left, "and they stay as they were"

    def test_who_must_not_be_texted_any_more_is_not_chosen(
        self, sender: Sender
    ) -> None:
        """What became of their message stays; who may be texted by another number is."""
        journal, run = sender.journal, sender.run
        for row in (2, 3, 4):
            journal.claim(run, sender.epoch, [person_of(row)], now=NOW)
            sender.record(outcome(row, Event.FAIL, error_code="5100"))
        journal.suppressions.add([suppressed(2), suppressed(3, sender=THEIRS)])

        for which in ("failed", "retryable"):
            assert list(journal.selections.rows(run.id, which)) == [3, 4]
        journal.suppressions.lift(number_of(2), now=NOW + 1)
        assert list(journal.selections.rows(run.id, "failed")) == [2, 3, 4]

    @pytest.mark.parametrize("why", [ALREADY_SENT, PAST_EXPIRATION, "suppressed"])
    @pytest.mark.parametrize("is_given_back", [False, True])
    def test_what_was_posted_and_is_not_sent_again_stays_failed(
        self, sender: Sender, why: Closing | str, is_given_back: bool
    ) -> None:
        """Whatever keeps it from being sent: it was, once, and says when and as what."""
        journal, run = sender.journal, sender.run
        journal.claim(run, sender.epoch, [person_of(2)], now=NOW)
        sender.record(
            outcome(2, Event.ACCEPT, NOW + 2, posted_at=NOW + 1, message_id="m2"),
            outcome(2, Event.FAIL, NOW + 3, error_code="5100"),
        )
        reopened(journal, run, sender.epoch, "failed", now=NOW + 4)
        if is_given_back:
            assert sender.claim(2) == [2]
            sender.record(outcome(2, Event.RELEASE, NOW + 5))

        if isinstance(why, Closing):
            count = journal.close_unsent(run.id, sender.epoch, [2], why, now=NOW + 6)
            assert count == 1
        else:
            journal.suppressions.add([suppressed(2)])
            candidates = [person_of(2)._replace(again=is_given_back)]
            assert journal.claim(run, sender.epoch, candidates, now=NOW + 6) == []

        entry = sender.entry(2)
        assert entry.status == "failed"
        assert entry[3:8] == (NOW + 1, NOW + 2, NOW + 3, "m2", "5100")
        assert entry.error is not None
        assert entry.error.startswith("It failed, and was not sent again: ")
        assert "nothing was sent" not in entry.error

    def test_what_was_refused_and_is_not_sent_again_is_excluded(
        self, sender: Sender
    ) -> None:
        """Bandwidth never took it: that nothing was sent is true."""
        sender.bring(2, Status.REFUSED)
        reopened(sender.journal, sender.run, sender.epoch, "failed", now=NOW)
        sender.journal.close_unsent(
            sender.run.id, sender.epoch, [2], ALREADY_SENT, now=NOW
        )
        assert sender.entry(2)[:2] == (2, "excluded")

    def test_only_what_may_be_repeated_is_retryable(self, sender: Sender) -> None:
        """4xxx never, Bandwidth's own 5xxx yes, a carrier's 56xx a single time."""
        failed = {2: "4720", 3: "5100", 4: "5620", 5: "9902", 6: "4360", 7: None}
        for row, code in failed.items():
            sender.claim(row)
            sender.record(outcome(row, Event.FAIL, error_code=code))
        sender.bring(8, Status.REFUSED)
        select = sender.journal.selections

        assert list(select.rows(sender.run.id, "retryable")) == [3, 4]
        reopened(sender.journal, sender.run, sender.epoch, "retryable", now=NOW)
        assert sender.claim(3, 4) == [3, 4]
        sender.record(
            outcome(3, Event.FAIL, error_code="5100"),
            outcome(4, Event.FAIL, error_code="5620"),
        )
        assert list(select.rows(sender.run.id, "retryable")) == [3]

    # what receipts tell of a group of three; may it be sent again
    @pytest.mark.parametrize(
        ("told", "may"),
        [
            ((), False),
            (((1, "5100"), (2, "5100")), False),
            (((1, "5100"), (2, "5100"), (2, "4720")), False),
            (((1, "5100"), (2, "5100"), (3, "5100")), True),
            (((1, "5100"), (2, "5100"), (3, "9902")), False),
            (((1, "5100"), (2, "5100"), (3, "5100"), (3, None)), False),
            (((1, "5100"), (2, "5100"), (None, "5100")), False),
        ],
    )
    def test_a_group_is_sent_again_where_each_of_it_is_known_not_to_have_it(
        self, sender: Sender, told: tuple[tuple[int | None, str | None], ...], may: bool
    ) -> None:
        """A receipt tells of one person; a delivery, or one of nobody, of no failure."""
        sender.claim(2)
        sender.record(outcome(2, Event.ACCEPT, message_id="m2"))
        sender.record(outcome(2, Event.FAIL, error_code="5100"))
        for digest, (person, code) in enumerate(told):
            kind = "message-delivered" if code is None else "message-failed"
            said = kept(run_id=sender.run.id, row=2, digest=digest, type=kind)
            code_of = None if code is None else int(code)
            said = said._replace(person=person, error_code=code_of)
            sender.journal.receipts.keep([said])

        select, groups = sender.journal.selections, {2: 3, 9: 2}
        for which in ("failed", "retryable"):
            chosen = list(select.rows(sender.run.id, which, groups))
            assert chosen == ([2] if may else [])
            assert list(select.rows(sender.run.id, which)) == [2], "to one person"
        assert select.reached(sender.run.id, groups) == (set() if may else {2})

    # how the row fared before, each a message or a POST; what then failed; may it be sent
    @pytest.mark.parametrize(
        ("before", "code", "may"),
        [
            ([Event.RELEASE], "5600", True),  # a 500: nothing was taken
            ([Event.RELEASE] * 3, "5600", True),
            (["5100"], "5600", True),  # Bandwidth's own failure
            (["5600"], "5600", False),
            (["5600"], "5650", False),
            (["5600", "5100"], "5600", False),
            (["5100", "5100"], "5100", True),
            (["5600", Event.RELEASE], "5100", True),
        ],
    )
    def test_once_is_once_by_the_carrier(
        self, sender: Sender, before: list[Event | str], code: str, may: bool
    ) -> None:
        """What Bandwidth failed, or did not take, is no message that a carrier had."""
        for at, one in enumerate(before, NOW):
            assert sender.claim(2) == [2]
            if isinstance(one, Event):
                sender.record(outcome(2, one, at))
                continue
            sender.record(outcome(2, Event.FAIL, at, error_code=one))
            reopened(sender.journal, sender.run, sender.epoch, "failed", now=at)
        assert sender.claim(2) == [2]
        sender.record(outcome(2, Event.FAIL, error_code=code))

        chosen = list(sender.journal.selections.rows(sender.run.id, "retryable"))
        assert chosen == ([2] if may else [])

    @pytest.mark.parametrize(("status", "may"), [("failed", []), ("refused", [2])])
    def test_what_failed_and_was_kept_without_a_code_may_have_been_a_carriers(
        self, place: Place, sender: Sender, status: str, may: list[int]
    ) -> None:
        """As versions before 2026-11-27 kept it: no third message by a carrier."""
        sender.claim(2)
        failed = outcome(2, Event.FAIL, posted_at=NOW + 9, error_code="5600")
        sender.record(failed)
        said = f'{{"attempt":1,"since":{NOW},"ended":{NOW + 1},"status":"{status}"}}'
        place.execute(
            "insert into decisions (run_id, row, decided_at, event, source, evidence)"
            f" values ({sender.run.id}, 2, {NOW + 2}, 'again', 'operator', '{said}')"
        )

        assert list(sender.journal.selections.rows(sender.run.id, "retryable")) == may

    def test_what_was_chosen_and_not_sent_keeps_its_one_retry(
        self, sender: Sender
    ) -> None:
        """Chosen twice, and kept from it each time: a carrier had one message of it."""
        select, run, epoch = sender.journal.selections, sender.run, sender.epoch
        sender.claim(2)
        sender.record(outcome(2, Event.FAIL, posted_at=NOW + 1, error_code="5600"))
        for now in (NOW + 2, NOW + 3):
            assert reopened(sender.journal, run, epoch, "retryable", now=now) == [2]
            sender.journal.close_unsent(run.id, epoch, [2], ALREADY_SENT, now=now)
        assert reopened(sender.journal, run, epoch, "retryable", now=NOW + 4) == [2]
        sender.claim(2)
        sender.record(outcome(2, Event.FAIL, posted_at=NOW + 19, error_code="5600"))

        assert list(select.rows(run.id, "retryable")) == []

    def test_each_message_that_was_planned_again_is_told_once(
        self, sender: Sender
    ) -> None:
        """Of what was never posted, or not sent again by a person's word, nothing is."""
        select, run, epoch = sender.journal.selections, sender.run, sender.epoch
        sender.claim(2, 3, 4)
        sender.record(
            outcome(2, Event.FAIL, posted_at=NOW + 1, error_code="5600"),
            outcome(3, Event.REFUSE, posted_at=NOW + 2, error_code="400"),
            outcome(4, Event.FAIL, error_code="5100"),
        )
        reopened(sender.journal, run, epoch, "failed", now=NOW + 5)
        sender.claim(2)
        sender.record(outcome(2, Event.FAIL, posted_at=NOW + 9, error_code="5100"))
        for now in (NOW + 10, NOW + 11):
            reopened(sender.journal, run, epoch, "failed", now=now)
            sender.journal.close_unsent(run.id, epoch, [2], ALREADY_SENT, now=now)

        assert list(select.earlier(run.id)) == [
            Try(2, NOW + 1, "failed", "5600"),
            Try(2, NOW + 9, "failed", "5100"),
            Try(3, NOW + 2, "refused", "400"),
        ]

    def test_rows_are_reopened_under_the_lease_only(self, sender: Sender) -> None:
        """A sender that was thought dead changes nothing."""
        sender.bring(2, Status.REFUSED)
        late = sender.epoch + 1

        with pytest.raises(LeaseLost):
            reopened(sender.journal, sender.run, late, "failed", now=NOW)

        assert sender.entry(2).status == "refused"

    def test_a_slot_has_a_ledger_of_its_own(self, sender: Sender) -> None:
        """Next week's run does not see this week's texts, and a rerun of it does."""
        journal = sender.journal

        def of(name: str, slot: str) -> Run:
            return journal.runs.add(replace(RUN, run=name, slot=slot))

        this_week, again, next_week = of("a", "w1"), of("b", "w1"), of("c", "w2")
        sender._replace(run=this_week).claim(2)

        assert list(journal.ledger(again)) == [102]
        assert list(journal.ledger(next_week)) == []
        assert list(journal.ledger(sender.run)) == []

    def test_the_tables_know_a_test_from_a_send(
        self, place: Place, journal: Journal
    ) -> None:
        """A run says what it is, in one of two words."""
        test = journal.runs.add(replace(RUN, kind="test"))
        assert (test.kind, journal.runs.named(RUN.run)) == ("test", test)

        with pytest.raises(place.refusal):
            place.execute("update runs set kind = 'rehearsal'")
