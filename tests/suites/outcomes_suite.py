"""What an answer was, and what is read of it again."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest

from bulksend.journal.columns import NAMES, NOTHING, Expected
from bulksend.journal.owner import Owner
from bulksend.journal.receipts import Kept
from bulksend.journal.records import PAST_EXPIRATION, Candidate, Entry, Part
from bulksend.journal.states import TAKEN, Event, IllegalMove, Status, step
from tests.suites.scene import NOW, RUN, Place, Sender, closed_rows, outcome


def told(entry: Entry, begun: int) -> tuple[object, ...]:
    """A row as `journal.columns` gives it: moments counted from when it was posted."""
    since = begun if entry.posted_at is None else entry.posted_at
    accepted, ended = (
        None if at is None else at - since for at in (entry.accepted_at, entry.ended_at)
    )
    posted = None if entry.posted_at is None else entry.posted_at - begun
    return posted, accepted, ended, entry.message_id


def needs_words(entry: Entry) -> bool:
    """Whether its moments do not tell all of it."""
    ended, accepted = entry.ended_at, entry.accepted_at
    is_later = ended is not None and accepted is not None and ended > accepted
    usual = (1, None, None, "delivered" if is_later else "accepted")
    return (entry.attempt, entry.error_code, entry.error, entry.status) != usual


class OutcomesSuite:
    """Mixed into a `JournalSuite`, whose fixtures it uses."""

    # -- recording ---------------------------------------------------------------

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
            2, "failed", 1, None, NOW + 9, NOW + 5, "m2", "4785", "It said 4785."
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

    # -- closing without sending -------------------------------------------------

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

    # -- reading -----------------------------------------------------------------

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

    def test_the_last_row_is_of_the_part_that_is_asked_for(
        self, sender: Sender
    ) -> None:
        """0 where there is none."""
        sender.claim(4, 9, 12)
        columns, run_id = sender.journal.columns, sender.run.id

        assert columns.last(run_id) == 12
        assert columns.last(run_id, Part(1, 5, 11)) == 9
        assert columns.last(run_id, Part(2, 13, 20)) == 0
        assert columns.last(run_id + 1) == 0

    def test_a_run_ends_in_doubt_whose_latest_rows_hold_an_unknown(
        self, sender: Sender
    ) -> None:
        """Among the last hundred; of the part that is asked for."""
        journal, run_id = sender.journal, sender.run.id
        assert not journal.latest.is_in_doubt(run_id)
        sender.bring(2, Status.UNKNOWN)
        assert journal.latest.is_in_doubt(run_id)
        assert not journal.latest.is_in_doubt(run_id, Part(1, 3, 500))

        sender.claim(*range(3, 102))
        assert journal.latest.is_in_doubt(run_id)
        sender.claim(102)
        assert not journal.latest.is_in_doubt(run_id)

    def test_a_run_sees_its_own_rows_only(self, sender: Sender) -> None:
        """The same row number in another run is another message."""
        other = sender.journal.runs.add(replace(RUN, run="other"))
        sender.claim(2)

        assert sender.journal.counts(other.id) == {}
        assert closed_rows(sender.journal, other.id) == []
        assert sender.journal.closed_count(other.id) == 0
        assert sender.journal.entries(other.id, 0, 100) == []
        assert sender._replace(run=other).claim(2) == [2]

    @pytest.mark.parametrize("asked", [4, 5_000])
    @pytest.mark.parametrize("message_id", ["a\nb", "a,b", ",,", "", None])
    def test_columns_say_what_the_entries_say(
        self,
        sender: Sender,
        message_id: str | None,
        asked: int,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Whatever is in a row: line ends, quotes, commas in an id, nothing at all."""
        monkeypatch.setattr("bulksend.journal.columns.ASKED_ROWS", asked)
        for row, status in enumerate(Status, start=2):
            sender.bring(row, status)
        sender.claim(50)
        words = 'He said "no",\nand\u2028left.'
        sender.record(outcome(50, Event.ACCEPT, message_id=message_id, error=words))

        entries = sender.journal.entries(sender.run.id, 3, 60)
        between = partial(sender.journal.columns.between, sender.run)
        found = between(3, 60, expected=None)
        assert tuple(found.columns) == NAMES
        rows, *columns = (
            ",".join(texts).split(",")
            for texts in (found.rows or (), *found.columns.values())
        )
        assert [found.first + int(row) for row in rows] == [one.row for one in entries]
        assert list(zip(*columns, strict=True)) == [
            tuple("" if one is None else str(one).replace(",", " ") for one in entry)
            for entry in (told(one, sender.run.created_at) for one in entries)
        ]
        assert [row for some in found.said for row in json.loads(some)] == [
            [one.row, one.attempt, one.error_code, one.error, one.status]
            for one in filter(needs_words, entries)
        ]
        numbers = [one.row for one in entries]
        expected = Expected(len(numbers), sum(numbers))
        assert between(3, 60, expected=expected) == found._replace(rows=None)
        for other in (expected._replace(rows=9), expected._replace(total=99)):
            assert between(3, 60, expected=other) == found
        for nothing in (expected, None):
            assert between(51, 60, expected=nothing) == NOTHING

    def test_a_purge_keeps_counts_and_ledger_and_no_words(self, sender: Sender) -> None:
        """Whom it was for and what was said goes; nobody is texted twice because of it."""
        for row, status in enumerate(Status, start=2):
            sender.bring(row, status)
        journal, run = sender.journal, sender.run
        kept = Kept("m", 1, "message-received", NOW, NOW, 77, said='{"text": "Stop"}')
        journal.receipts.keep([kept._replace(run_id=run.id, row=3)])
        other = journal.runs.add(replace(RUN, run="another"))
        before = journal.counts(run.id), list(journal.ledger(other))

        assert not journal.purges.run(run, now=NOW + 5)  # it is not finished
        journal.runs.finish(run.id, now=NOW)
        assert journal.purges.run(run, now=NOW + 6)
        assert not journal.purges.run(run, now=NOW + 7)

        assert (journal.counts(run.id), list(journal.ledger(other))) == before
        found = journal.runs.named(run.run)
        assert found is not None
        assert found.purged_at == NOW + 6
        words = {one.error for one in journal.entries(run.id, 2, 99)}
        assert words == {None, "Its words were purged."}

    def test_a_purge_reaches_rows_beyond_the_count_of_rows(
        self, sender: Sender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Blank lines of the list have numbers, too, and receipts may name any row."""
        monkeypatch.setattr("bulksend.journal.purges.AT_ONCE", 2)
        journal, run, looks = sender.journal, sender.run, []
        for row in (2, 7, 5_000):
            sender.bring(row, Status.REFUSED)
        said = Kept("m", 1, "message-failed", NOW, NOW, 77, run_id=run.id, row=9_999)
        journal.receipts.keep([said._replace(said="{}")])
        journal.runs.finish(run.id, now=NOW)
        assert journal.purges.run(run, now=NOW, between=lambda: looks.append(1))
        words = {one.error for one in journal.entries(run.id, 2, 9_999)}
        assert words == {"Its words were purged."}
        assert journal.purges.due_callbacks(before=NOW + 1) == 0
        assert len(looks) > 2_000, "a lease can be renewed between the pieces"

    def test_a_purge_takes_callbacks_that_no_run_takes_with_it(
        self, sender: Sender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Replies, and what came after its run was purged; of other runs, none."""
        monkeypatch.setattr("bulksend.journal.purges.AT_ONCE", 2)
        sender.bring(3, Status.FAILED)
        journal, run = sender.journal, sender.run
        kept = Kept("", 1, "message-received", NOW, NOW, 77, said='{"text": "Hi"}')
        replies = [kept._replace(digest=one) for one in (-(1 << 63), -2, 1, 5)]
        late = kept._replace(message_id="m", run_id=run.id, row=3, person=None)
        journal.receipts.keep([*replies, late])

        def due(at: int) -> int:
            return journal.purges.due_callbacks(before=at)

        assert (due(NOW), due(NOW + 1)) == (0, 4), "its run is there, and takes it"
        journal.runs.finish(run.id, now=NOW)
        assert journal.purges.run(run, now=NOW + 6)
        assert due(NOW + 1) == 4
        journal.receipts.keep([late._replace(digest=2, person=77)])
        assert (due(NOW), due(NOW + 1)) == (0, 5)
        assert journal.purges.callbacks(before=NOW) == 0
        assert journal.purges.callbacks(before=NOW + 1) == 5
        assert due(NOW + 1) == 0
        assert journal.purges.callbacks(before=NOW + 1) == 0

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

    def test_what_is_read_in_a_snapshot_is_of_one_moment(
        self, place: Place, sender: Sender
    ) -> None:
        """A sender beside it goes on, waits for nothing, and is seen afterwards."""
        sender.claim(2, 3)
        with place.open() as reader:
            with reader.database.snapshot():
                before = reader.counts(sender.run.id)
                sender.record(outcome(2, Event.ACCEPT))
                sender.claim(4)
                assert reader.counts(sender.run.id) == before
                with reader.database.snapshot():  # the same one
                    assert reader.counts(sender.run.id) == before
                assert len(reader.entries(sender.run.id, 2, 9)) == 2
            assert reader.counts(sender.run.id) != before
            assert len(reader.entries(sender.run.id, 2, 9)) == 3

    def test_a_snapshot_that_is_left_by_an_error_leaves_nothing_behind(
        self, sender: Sender
    ) -> None:
        """The same connection writes on."""
        with (
            suppress(ZeroDivisionError),
            sender.journal.database.snapshot(),
        ):
            sender.journal.counts(sender.run.id)
            raise ZeroDivisionError
        assert sender.claim(2) == [2]

    def test_the_ledger_has_what_people_may_have_from_other_runs(
        self, sender: Sender
    ) -> None:
        """Keys of taken rows of this campaign's other runs, sorted; no others."""
        journal = sender.journal
        next_run = journal.runs.add(replace(RUN, run="next"))
        foreign = journal.runs.add(replace(RUN, run="x", campaign="other"))
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
