"""What callbacks and searches prove, afterwards."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from bulksend.errors import BulksendError
from bulksend.journal.decisions import (
    CLAIM_TO_POST_MS,
    Decision,
    Rival,
    Source,
    Unknown,
)
from bulksend.journal.inbox import News
from bulksend.journal.receipts import Told
from bulksend.journal.states import Event, IllegalMove, Status, step
from tests.suites.scene import (
    NOW,
    PROOFS,
    RUN,
    Place,
    Sender,
    kept,
    outcome,
    person_of,
    proof,
    reopened,
    suppressed,
)

if TYPE_CHECKING:
    from bulksend.journal.records import Outcome
    from bulksend.journal.store import Journal

EARLIER = NOW - 600_000


def tried_again(sender: Sender) -> None:
    """Row 2's first message was lost, and called not sent; the second is under way."""
    sender.claim(2, now=EARLIER)
    sender.record(outcome(2, Event.LOSE, EARLIER))
    run_id, decisions = sender.run.id, sender.journal.decisions
    decisions.apply([proof(run_id, Event.DISPROVE)], now=NOW)
    decisions.resend(run_id, [(2, 1)], now=NOW, evidence="{}")
    sender.claim(2)


class EvidenceSuite:
    """Mixed into a `JournalSuite`, whose fixtures it uses."""

    # -- callbacks ---------------------------------------------------------------

    def test_a_callback_is_kept_once(self, journal: Journal) -> None:
        """By its message and its digest, however often it comes."""
        run = journal.runs.add(RUN)
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
        sender.journal.receipts.keep(
            [kept(run_id=sender.run.id, row=2, message_id="m1")]
        )
        assert sender.journal.receipts.place_of("m1") == (sender.run.id, 2)

    def test_failures_are_heard_of_since_a_moment(self, journal: Journal) -> None:
        """Of this run, with a code; by the time at which they came."""
        run = journal.runs.add(RUN)
        other = journal.runs.add(replace(RUN, run="other"))
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
        assert since(run.id, since=NOW) == {"m2": "4770", "m3": "4770"}
        assert since(run.id, since=NOW + 2) == {"m3": "4770"}

    def test_a_failure_of_a_message_posted_since_is_found_by_its_code(
        self, sender: Sender
    ) -> None:
        """In which runs; by when it was posted, and not when it was told."""
        sender.claim(2)
        posted = NOW + 3
        sender.record(
            outcome(2, Event.ACCEPT, NOW + 5, posted_at=posted, message_id="m2")
        )
        told = kept(run_id=sender.run.id, row=2, error_code=4780, received_at=NOW + 99)
        sender.journal.receipts.keep([told])
        failed_with, name = sender.journal.receipts.failed_with, sender.run.provider
        assert failed_with(name, 4780, since=posted) == {sender.run.id}
        assert failed_with(name, 4781, since=posted) == set()
        assert failed_with("another", 4780, since=posted) == set()
        assert failed_with(name, 4780, since=NOW + 50) == set()

    def test_the_first_message_without_a_receipt_is_known(self, sender: Sender) -> None:
        """From there on the search has something to tell; None where nothing is open."""
        first = partial(sender.journal.decisions.first_accepted, since=NOW)
        assert first(sender.run.id) is None
        sender.claim(2, 3, 4)
        sender.record(
            outcome(2, Event.ACCEPT, NOW + 1, message_id="m2"),
            outcome(3, Event.ACCEPT, NOW + 2, message_id="m3"),
            outcome(4, Event.ACCEPT, NOW),  # a broken 202: nobody knows its id
        )
        assert first(sender.run.id) == NOW + 1
        assert first(sender.run.id, since=NOW + 2) == NOW + 2
        assert first(sender.run.id, since=NOW + 3) is None
        before = sender.journal.decisions.accepted_before
        assert [before(sender.run.id, NOW + n) for n in (1, 2, 3)] == [0, 1, 2]
        waiting = sender.journal.decisions.waiting_from
        assert [waiting(sender.run.id, row) for row in (0, 2, 3, 4)] == [2, 2, 3, None]
        sender.record(outcome(2, Event.DELIVER))
        assert first(sender.run.id) == NOW + 2
        assert waiting(sender.run.id, 0) == 3
        sender.record(outcome(3, Event.FAIL, error_code="4770"))
        assert waiting(sender.run.id, 0) is None

    def test_two_messages_of_one_row_are_told(self, journal: Journal) -> None:
        """The proof that somebody was texted twice, if it ever happens."""
        run = journal.runs.add(RUN)
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

    # what is told of the first of two messages; whether the person has, or may have, two
    @pytest.mark.parametrize(
        ("first", "twice"),
        [
            ([("message-failed", 5100)], False),
            ([("message-failed", 5600)], False),
            ([("message-sending", None), ("message-failed", 4720)], False),
            ([("message-failed", None)], False),
            ([("message-failed", 9902)], True),  # it may have arrived
            ([("message-failed", 4702)], True),
            ([("message-failed", 9902), ("message-failed", 4720)], False),
            ([("message-failed", 5600), ("message-delivered", None)], True),
            ([("message-sending", None)], True),
        ],
    )
    def test_what_failed_and_was_sent_again_is_not_texted_twice(
        self, journal: Journal, first: list[tuple[str, int | None]], twice: bool
    ) -> None:
        """`run --only` on purpose: the person has one text, and is told to have one."""
        run = journal.runs.add(RUN)
        here = kept(run_id=run.id, row=2)
        said = [
            here._replace(message_id="m1", digest=place, type=kind, error_code=code)
            for place, (kind, code) in enumerate(first)
        ]
        journal.receipts.keep([*said, here, here._replace(row=3, message_id="m3")])

        assert journal.receipts.doubled(run.id) == twice

    def test_the_tables_refuse_half_a_place(
        self, place: Place, journal: Journal
    ) -> None:
        """A run without a row, or a row without a run."""
        run = journal.runs.add(RUN)
        journal.receipts.keep([kept(run_id=run.id, row=2)])
        for hole in ("run_id", "row"):
            with pytest.raises(place.refusal):
                place.execute(f"update receipts set {hole} = null")

    # -- evidence ----------------------------------------------------------------

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

    def test_the_rows_that_something_has_happened_to_are_known(
        self, sender: Sender
    ) -> None:
        """Of a run, and of those asked for."""
        sender.claim(2, 4)
        known = sender.journal.decisions.known_rows
        assert known(sender.run.id, {2, 3, 10**11}) == {2}
        assert known(sender.run.id, ()) == set()
        assert known(sender.run.id + 1, {2}) == set()

    def test_absence_of_a_row_that_was_never_claimed_says_nothing(
        self, sender: Sender
    ) -> None:
        """Only an unknown can be proven not to be sent."""
        evidence = proof(sender.run.id, Event.DISPROVE)
        sender.journal.decisions.apply([evidence], now=NOW)
        assert sender.journal.counts(sender.run.id) == {}

    def test_who_says_no_time_leaves_none(self, sender: Sender) -> None:
        """The search knows how a message ended, a callback when: it may come later."""
        sender.claim(2, 3)
        sender.record(
            outcome(2, Event.ACCEPT, message_id="m2"),
            outcome(3, Event.ACCEPT, message_id="m3"),
        )
        deliver, fail = (
            proof(sender.run.id, event, row=row)._replace(at=None)
            for event, row in ((Event.DELIVER, 2), (Event.FAIL, 3))
        )
        sender.journal.decisions.apply([deliver, fail], now=NOW)
        assert [
            (sender.entry(row).status, sender.entry(row).ended_at) for row in (2, 3)
        ] == [
            ("delivered", None),
            ("failed", None),
        ]
        for at in (NOW + 7, NOW + 9):
            told = deliver._replace(at=at)
            sender.journal.decisions.apply([told], now=NOW)
        assert sender.entry(2).ended_at == NOW + 7

    def test_the_rows_of_a_person_are_found(self, sender: Sender) -> None:
        """By the key that the claim left, in one run."""
        people = [person_of(2), person_of(3), person_of(2)._replace(row=4)]
        sender.journal.claim(sender.run, sender.epoch, people, now=NOW)
        rows, person = sender.journal.decisions.rows_of_person, people[0].person
        assert person is not None
        assert rows(sender.run.id, person) == [2, 4]
        assert rows(sender.run.id + 1, person) == []

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
        reopened(sender.journal, sender.run, sender.epoch, "failed", now=NOW)
        for act in second:
            if act == "claim":
                assert sender.claim(2) == [2]
            else:
                new = "new" if act is Event.ACCEPT else None
                sender.record(outcome(2, act, message_id=new))

        late = proof(sender.run.id, told)._replace(message_id="m2")
        sender.journal.decisions.apply([late], now=NOW)

        assert sender.entry(2).status == then

    @pytest.mark.parametrize("told", [Event.FAIL, Event.ACCEPT, Event.DELIVER])
    def test_what_is_told_of_any_message_before_settles_no_later_one(
        self, sender: Sender, told: Event
    ) -> None:
        """Three have failed; of the fourth nobody knows.  That one was delivered counts."""
        earlier = ['m"1\\', "m2", "m3"]
        for at, message_id in enumerate(earlier, NOW):
            sender.claim(2)
            sender.record(outcome(2, Event.ACCEPT, message_id=message_id))
            sender.record(outcome(2, Event.FAIL))
            again = sender.journal.selections
            assert again.reopen(sender.run, sender.epoch, [2], now=at) == 1
        sender.claim(2)
        sender.record(outcome(2, Event.LOSE))

        for message_id in earlier:
            late = proof(sender.run.id, told)._replace(message_id=message_id)
            sender.journal.decisions.apply([late], now=NOW)

        ended = "delivered" if told is Event.DELIVER else "unknown"
        assert sender.entry(2).status == ended
        assert sender.journal.decisions.earlier_ids() == set(earlier)

    @pytest.mark.parametrize("by", ["an answer that broke off", "a person"])
    def test_who_was_sent_again_has_not_the_id_of_the_message_before(
        self, sender: Sender, by: str
    ) -> None:
        """Late news of that one fail no second one, whose own record may be anybody's."""
        sender.claim(2)
        sender.record(outcome(2, Event.ACCEPT, message_id="m2"))
        sender.record(outcome(2, Event.FAIL))
        reopened(sender.journal, sender.run, sender.epoch, "failed", now=NOW)
        sender.claim(2)
        run_id, decisions = sender.run.id, sender.journal.decisions
        if by == "a person":
            sender.record(outcome(2, Event.LOSE))
            word = proof(run_id, Event.ACCEPT)._replace(source=Source.OPERATOR)
            decisions.apply([word._replace(message_id=None)], now=NOW)
        else:
            sender.record(outcome(2, Event.ACCEPT))

        late = proof(run_id, Event.FAIL)._replace(message_id="m2")
        decisions.apply([late], now=NOW)

        entry = sender.entry(2)
        assert (entry.status, entry.message_id) == ("accepted", None)
        assert [one.row for one in decisions.rivals(run_id, now=NOW)] == [2]
        second = proof(run_id, Event.FAIL)._replace(message_id="new")
        decisions.apply([second], now=NOW)
        entry = sender.entry(2)
        assert (entry.status, entry.message_id) == ("failed", "new")

    @pytest.mark.parametrize("told_before", [(), (Event.ACCEPT,)])
    @pytest.mark.parametrize(
        ("answer", "then"),
        [
            (outcome(2, Event.LOSE), "unknown"),
            (outcome(2, Event.ACCEPT, message_id="second"), "accepted"),
            (outcome(2, Event.ACCEPT), "accepted"),  # it broke off
        ],
    )
    @pytest.mark.parametrize("is_answered_first", [True, False])
    def test_a_first_message_that_was_called_not_sent_fails_no_second_one(
        self,
        sender: Sender,
        told_before: tuple[Event, ...],
        answer: Outcome,
        then: str,
        is_answered_first: bool,
    ) -> None:
        """`run --only failed` would send a third, while the second is on its way."""
        run_id, decisions = sender.run.id, sender.journal.decisions
        tried_again(sender)

        if is_answered_first:
            sender.record(answer)
        for event in (*told_before, Event.FAIL):
            late = proof(run_id, event)._replace(
                message_id="first", accepted_at=EARLIER
            )
            decisions.apply([late], now=NOW)
        if not is_answered_first:
            sender.record(answer)

        expected = "accepted" if told_before else then
        assert sender.entry(2).status == expected
        if answer.message_id:
            own = proof(run_id, Event.FAIL)._replace(
                message_id="second", accepted_at=NOW - 5
            )
            decisions.apply([own], now=NOW)
            assert sender.entry(2)[1] == "failed"

    @pytest.mark.parametrize("is_answered", [True, False])
    @pytest.mark.parametrize(
        ("code", "end"), [("9902", Status.ACCEPTED), ("5600", Status.PLANNED)]
    )
    def test_a_first_message_in_doubt_keeps_the_second_from_a_third(
        self, sender: Sender, code: str, end: Status, *, is_answered: bool
    ) -> None:
        """The second did not leave, and 9902 says that the first may have arrived."""
        run_id, decisions = sender.run.id, sender.journal.decisions
        tried_again(sender)

        if is_answered:
            sender.record(outcome(2, Event.LOSE))
        late = proof(run_id, Event.FAIL)._replace(
            message_id="first", accepted_at=EARLIER, error_code=code
        )
        decisions.apply([late], now=NOW)
        sender.record(outcome(2, Event.RELEASE))

        assert sender.entry(2).status == end

    @pytest.mark.parametrize("is_told_first", [True, False])
    def test_a_broken_off_answer_is_not_failed_by_the_message_before(
        self, sender: Sender, *, is_told_first: bool
    ) -> None:
        """Callbacks of the first come around a 202 without an id, of the second."""
        run_id, decisions = sender.run.id, sender.journal.decisions
        tried_again(sender)
        told, failed = (
            proof(run_id, event)._replace(message_id="first", accepted_at=EARLIER)
            for event in (Event.ACCEPT, Event.FAIL)
        )

        if is_told_first:
            decisions.apply([told], now=NOW)
        sender.record(outcome(2, Event.ACCEPT))
        if not is_told_first:
            decisions.apply([told], now=NOW)
        decisions.apply([failed], now=NOW)

        entry = sender.entry(2)
        assert (entry.status, entry.message_id) == ("accepted", "first")
        assert [*sender.journal.selections.rows(run_id, "failed")] == []

    @pytest.mark.parametrize(
        ("told", "chosen"),
        [
            ([], [2]),
            (["message-sent"], []),
            (["message-delivered"], []),
            (["message-sent", "message-failed"], [2]),
            (["message-failed", "message-delivered"], []),
            (["message-sent", "9902"], []),
        ],
    )
    @pytest.mark.parametrize(
        "ends", [(Event.REFUSE,), (Event.ACCEPT, Event.FAIL)], ids=["refused", "failed"]
    )
    def test_who_has_a_first_message_gets_none_for_the_second_that_was_not_delivered(
        self,
        sender: Sender,
        told: list[str],
        chosen: list[int],
        ends: tuple[Event, ...],
    ) -> None:
        """The first was called not sent, and its callbacks came after the second's end."""
        sender.claim(2)
        sender.record(outcome(2, Event.LOSE))
        run_id, journal = sender.run.id, sender.journal
        journal.decisions.apply([proof(run_id, Event.DISPROVE)], now=NOW)
        journal.decisions.resend(run_id, [(2, 1)], now=NOW + 1, evidence="{}")
        sender.claim(2)
        for event in ends:
            code = "5600" if event is Event.FAIL else "400"
            said = None if event is Event.ACCEPT else code
            sender.record(outcome(2, event, error_code=said, message_id="second"))

        late = kept(run_id=run_id, row=2, message_id="first")
        failed = late._replace(type="message-failed", error_code=9902)
        journal.receipts.keep(
            [
                (failed if one == "9902" else late._replace(type=one))._replace(
                    digest=n
                )
                for n, one in enumerate(told)
            ]
        )

        assert [*journal.selections.rows(run_id, "failed")] == chosen
        other = journal.runs.add(replace(RUN, run="other"))
        has = told or Event.FAIL in ends
        assert list(journal.ledger(other)) == ([102] if has else [])

    def test_a_callback_of_the_second_message_brings_its_id(
        self, sender: Sender
    ) -> None:
        """In the place of the first one's."""
        sender.claim(2)
        sender.record(outcome(2, Event.ACCEPT, message_id="m2"))
        sender.record(outcome(2, Event.FAIL))
        reopened(sender.journal, sender.run, sender.epoch, "failed", now=NOW)
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

    def test_the_first_look_at_an_unknown_is_kept(self, sender: Sender) -> None:
        """For each attempt: what the next one's are is not known by then."""
        sender.claim(2, 3)
        sender.record(outcome(2, Event.LOSE), outcome(3, Event.LOSE))
        run_id, decisions = sender.run.id, sender.journal.decisions
        decisions.note_looks(run_id, [(2, 1), (3, 2), (4, 0)], at=NOW + 5)
        assert [one.seen for one in decisions.unknown(run_id)] == [NOW + 5, None]
        decisions.note_looks(run_id, [(2, 0), (3, 0)], at=NOW + 9)
        assert [one.seen for one in decisions.unknown(run_id)] == [NOW + 5, NOW + 9]

        decisions.apply([proof(run_id, Event.DISPROVE)], now=NOW)
        decisions.resend(run_id, [(2, 1)], now=NOW, evidence="{}")
        sender.claim(2)
        sender.record(outcome(2, Event.LOSE))

        assert decisions.unknown(run_id)[0] == Unknown(2, NOW, NOW, 2, None)

    def test_messages_whose_id_nobody_knows_are_rivals(self, sender: Sender) -> None:
        """On their way, accepted by an answer that broke off, unknown."""
        people = [person_of(row) for row in (2, 3, 4, 5, 6)]
        sender.journal.claim(sender.run, sender.epoch, people, now=NOW)
        sender.record(
            outcome(3, Event.ACCEPT, NOW + 3),
            outcome(4, Event.ACCEPT, NOW + 4, message_id="m4"),
            outcome(5, Event.LOSE, NOW + 5),
            outcome(6, Event.RELEASE, NOW + 6),
        )
        some = partial(sender.journal.decisions.rivals, sender.run.id, now=NOW + 9)
        posted, broken, lost = (people[n].person for n in (0, 1, 3))
        assert some() == [
            Rival(2, posted, NOW, NOW + 9),
            Rival(3, broken, NOW, NOW + 3),
            Rival(5, lost, NOW, NOW + 5),
            Rival(6, people[4].person, NOW, NOW + 9),
        ]
        sender.journal.decisions.apply(
            [proof(sender.run.id, Event.DISPROVE, 5)], now=NOW
        )
        assert [one.row for one in some()] == [2, 3, 5, 6]

    def test_a_proof_about_one_attempt_is_none_about_the_next(
        self, sender: Sender
    ) -> None:
        """Two looks, one of which was slow: in between it was sent again."""
        sender.claim(2)
        sender.record(outcome(2, Event.LOSE))
        run_id, decisions = sender.run.id, sender.journal.decisions
        first = proof(run_id, Event.DISPROVE)._replace(attempt=1)
        assert decisions.apply([first], now=NOW) == 1
        decisions.resend(run_id, [(2, 1)], now=NOW + 1, evidence="{}")
        sender.claim(2)
        sender.record(outcome(2, Event.LOSE))

        assert decisions.apply([first], now=NOW + 2) == 0

        assert sender.entry(2).status == "unknown"
        made = [one.event for one in decisions.of_rows(run_id, 2, 2)]
        assert made == ["disprove", "again"]
        assert decisions.apply([first._replace(attempt=2)], now=NOW + 3) == 1

    def test_what_was_called_not_sent_says_by_whom(self, sender: Sender) -> None:
        """A search's proof with the times that it went by; a person's word without."""
        sender.claim(2, 3, 4)
        sender.record(*(outcome(row, Event.LOSE) for row in (2, 3, 4)))
        run_id, decisions = sender.run.id, sender.journal.decisions
        absent = proof(run_id, Event.DISPROVE)
        said = f'{{"since": {NOW}, "until": {NOW + 1}, "seen": {NOW + 2}}}'
        by_search = absent._replace(evidence=said)
        by_person = absent._replace(
            row=3, source=Source.OPERATOR, evidence=f'{{"since": {NOW - 1}}}'
        )
        decisions.apply([by_search, by_person], now=NOW + 3)

        assert decisions.disproved(run_id, Source.SEARCH) == [
            Unknown(2, NOW, NOW + 1, 1, NOW + 2)
        ]
        assert decisions.disproved(run_id, Source.OPERATOR) == [
            Unknown(3, NOW - 1, NOW + 3, 1)
        ]

    def test_only_a_persons_word_is_taken_back(self, sender: Sender) -> None:
        """Not what an answer, a record or a callback has told; once."""
        sender.claim(2, 3, 4, 5)
        sender.record(
            *(outcome(row, Event.LOSE) for row in (2, 3, 4)),
            outcome(5, Event.ACCEPT),  # a 202 that broke off, without an id
        )
        run_id, decisions = sender.run.id, sender.journal.decisions
        word = proof(run_id, Event.ACCEPT)._replace(
            source=Source.OPERATOR, message_id=None
        )
        named = word._replace(row=3, message_id="m3", source=Source.SEARCH)
        heard = word._replace(row=4, source=Source.RECEIPT)
        decisions.apply([word, named, heard], now=NOW + 3)
        back = proof(run_id, Event.DISPROVE)._replace(
            source=Source.OPERATOR, evidence='{"by":"kim"}'
        )
        taken = [
            decisions.take_back(back._replace(row=n), now=NOW + 4) for n in (2, 3, 4, 5)
        ]
        assert taken == [True, False, False, False]
        assert not decisions.take_back(back, now=NOW + 5)
        entry = sender.entry(2)
        assert (entry.status, entry.accepted_at) == ("not_sent", None)
        assert decisions.of_rows(run_id, 2, 2) == [
            Decision(2, NOW + 3, "accept", "operator", "{}"),
            Decision(2, NOW + 4, "disprove", "operator", '{"by":"kim"}'),
        ]

    def test_what_is_planned_again_can_be_called_accepted(self, sender: Sender) -> None:
        """By a person, whose word is kept; it is not claimed any more."""
        sender.bring(2, Status.NOT_SENT)
        run_id, decisions = sender.run.id, sender.journal.decisions
        decisions.resend(run_id, [(2, 1)], now=NOW + 3, evidence="{}")
        word = proof(run_id, Event.ACCEPT)._replace(
            source=Source.OPERATOR, message_id=None
        )
        decisions.apply([word], now=NOW + 4)
        assert sender.entry(2).status == "accepted"
        assert sender.claim(2) == []
        made = [one.event for one in decisions.of_rows(run_id, 2, 2)]
        assert made == ["again", "accept"]

    def test_witnesses_are_accepted_rows_close_by(self, sender: Sender) -> None:
        """Those of which no receipt has come first; none that came later."""
        sender.claim(2, 3, 4, 5, 6, 7)
        sender.record(
            *(
                outcome(row, Event.ACCEPT, NOW + row, message_id=f"m{row}")
                for row in (2, 3, 5, 6)
            ),
            outcome(7, Event.ACCEPT),
            outcome(4, Event.LOSE),
        )
        sender.record(outcome(3, Event.DELIVER, NOW + 9))
        some = partial(sender.journal.decisions.witnesses, sender.run.id, 4)
        assert some(between=(NOW, NOW + 5), most=9) == [
            (5, "m5"),
            (2, "m2"),
            (3, "m3"),
        ]
        assert some(between=(NOW + 3, NOW + 9), most=2) == [(5, "m5"), (6, "m6")]

    def test_what_tells_of_callbacks_is_a_witness_before_others(
        self, sender: Sender
    ) -> None:
        """A message without any callback first; none that only the search has told of."""
        rows, run_id = range(2, 7), sender.run.id
        sender.claim(*rows)
        taken = [
            outcome(row, Event.ACCEPT, NOW + 1, message_id=f"m{row}")
            for row in (3, 4, 6)
        ]
        sender.record(*taken, outcome(2, Event.LOSE), outcome(5, Event.LOSE))
        searched = proof(run_id, Event.ACCEPT, 5)._replace(message_id="m5")
        sender.journal.decisions.apply([searched], now=NOW)
        # Kept as a stranger's, or of a type that proves nothing: it was answered.
        sender.journal.receipts.keep([kept(message_id="m3", type="of tomorrow")])

        some = partial(sender.journal.decisions.witnesses, run_id, 2)
        assert some(between=(NOW, NOW + 5), most=9) == [(4, "m4"), (6, "m6"), (3, "m3")]
        heard = sender.journal.receipts.is_heard
        assert [heard(f"m{row}") for row in (3, 4)] == [True, False]

    def test_what_was_not_sent_is_sent_only_when_asked_for(
        self, sender: Sender
    ) -> None:
        """Resending plans it again and reopens the run; the unknown stay unknown."""
        sender.bring(2, Status.NOT_SENT)
        sender.bring(3, Status.UNKNOWN)
        sender.journal.runs.finish(sender.run.id, now=NOW)
        assert sender.claim(2, 3) == []

        again = partial(
            sender.journal.decisions.resend, sender.run.id, [(2, 1), (3, 1), (2, 2)]
        )
        assert again(now=NOW + 3, evidence='{"by":"kim"}') == 1
        assert again(now=NOW + 4, evidence='{"by":"kim"}') == 0

        found = sender.journal.runs.named(RUN.run)
        assert found is not None
        assert found.finished_at is None
        assert sender.claim(2, 3) == [2]
        assert sender.entry(2).attempt == 2
        assert sender.journal.decisions.of_rows(sender.run.id, 2, 3) == [
            Decision(2, NOW + 3, "again", "operator", '{"by":"kim"}')
        ]

    def test_whether_news_could_be_taken_in_is_tried_by_writing(
        self, place: Place, journal: Journal
    ) -> None:
        """Again and again, and it leaves nothing that says anything."""
        for moment in (NOW, NOW + 1):
            journal.inbox.try_out(now=moment)
        assert journal.receipts.counts() == {}
        place.execute("update meta set value = '99' where name = 'oldest_program'")
        place.execute("update meta set value = '99' where name = 'schema'")
        with pytest.raises(BulksendError) as caught:
            journal.inbox.try_out(now=NOW)
        assert caught.value.problems[0].code == "E602"

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
            sender.journal.inbox.take_in(news, now=NOW)

        assert sender.journal.receipts.counts() == {}
        assert sender.entry(2).status == "unknown"
        assert list(sender.journal.suppressions.all()) == []
        right = news._replace(evidence=[proof(sender.run.id, Event.DELIVER)])
        sender.journal.inbox.take_in(right, now=NOW)
        with place.open() as other:
            assert other.receipts.counts() == {"message-delivered": (1, 0)}
            assert other.counts(sender.run.id) == {Status.DELIVERED: 1}
            assert list(other.suppressions.all()) == [suppressed(3)]
