"""Who must not be texted."""

from __future__ import annotations

from itertools import permutations, product
from typing import TYPE_CHECKING

import pytest

from bulksend.journal.records import Candidate, Part, person_key
from bulksend.journal.states import Event
from bulksend.journal.suppressions import OPTED_OUT, SUPPRESSED, Cause, suppression
from tests.suites.scene import (
    NOW,
    OURS,
    THEIRS,
    Place,
    Sender,
    closed_rows,
    number_of,
    outcome,
    person_of,
    suppressed,
)

if TYPE_CHECKING:
    from bulksend.journal.store import Journal
    from bulksend.journal.suppressions import Suppression


class SuppressionsSuite:
    """Mixed into a `JournalSuite`, whose fixtures it uses."""

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

    def test_the_case_of_a_senders_name_says_nothing(self, sender: Sender) -> None:
        """An operator who writes acme means ACME."""
        sender.journal.suppressions.add([suppressed(2, sender="acme")])
        people = [
            person_of(2)._replace(sender="ACME"),
            person_of(3)._replace(sender="ACME"),
        ]
        got = sender.journal.claim(sender.run, sender.epoch, people, now=NOW)

        assert got == [3]

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
            (["stop 1", "stop 3", "start 2"], True),
            (["stop 1", "stop 3", "start 2", "start 4"], False),
            (["stop 1", "lift 3", "stop 2"], True),
            (["stop 1", "lift 3", "stop 2", "start 4"], False),
            (["stop 2", "stop 1", "lift 3", "stop 1"], False),
            (["stop 1", "lift 4", "start 3", "stop 2"], False),
            (["list 1", "lift 3", "list 2"], False),
            (["stop 1", "start 1"], True),
            (["start 1", "stop 1"], True),
            (["stop 1", "start 1", "start 2", "stop 1"], False),
            (["stop 1", "lift 1", "stop 1"], False),
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

    def test_the_last_word_wins_whatever_the_order_of_arrival(
        self, journal: Journal
    ) -> None:
        """All orders of four words and the first again, each for a person of its own."""
        kinds = product((True, False), repeat=4)
        cases = [
            [*order, order[0]]
            for stops in kinds
            for order in permutations(enumerate(stops))
        ]
        store = journal.suppressions
        for arrival in range(5):
            stop: list[Suppression] = []
            start: list[Suppression] = []
            for row, case in enumerate(cases, 2):
                minute, is_stop = case[arrival]
                since = NOW + 60_000 * minute
                word = suppressed(row, reason=OPTED_OUT, since=since)
                (stop if is_stop else start).append(word)
            store.add(stop)
            store.lift_own(start)

        last = [max(case)[1] for case in cases]
        stands = {one.person for one in store.all()}
        assert [
            person_of(row).person in stands for row in range(2, len(cases) + 2)
        ] == last
        assert store.counts() == {OPTED_OUT: sum(last)}

    def test_what_stands_is_told_by_person_and_sender(self, journal: Journal) -> None:
        """Of those who are asked about, and nothing that was lifted."""
        store = journal.suppressions
        two, three = (person_of(row).person for row in (2, 3))
        assert two is not None
        assert three is not None
        store.add([suppressed(2), suppressed(2, sender=OURS), suppressed(3)])
        store.add([suppressed(4)])
        store.lift(number_of(2), sender=OURS, now=NOW + 1)

        assert store.standing([two, three]) == {(two, ""), (three, "")}
        assert store.standing([]) == set()

    def test_who_says_stop_twice_is_one_person(self, journal: Journal) -> None:
        """In lists and in counts, with the first word that stands."""
        store = journal.suppressions
        words = [suppressed(2, reason=OPTED_OUT, since=NOW + at) for at in (7, 5)]
        assert store.add(words) == 2
        assert [one.since for one in store.all()] == [NOW + 5]
        assert store.counts() == {OPTED_OUT: 1}
        assert store.opted_out_since(NOW) == 1
        assert len(store.of(number_of(2))) == 2

    def test_a_phone_with_two_numbers_is_one_person(self, journal: Journal) -> None:
        """Argentina's, with the 9 and without: both are suppressed, and one opted out."""
        why = Cause("opted_out", "reply STOP", NOW)
        lines = [
            ("+5491123456789", "+541123456789"),
            ("+5493512345678", "+543512345678"),
        ]
        for line in lines:
            journal.suppressions.add([suppression(number, why) for number in line])
        others = ("+5492000000", "+541123456780", "+12125550123")
        journal.suppressions.add([suppression(one, why) for one in others])
        assert journal.suppressions.opted_out_since(NOW) == len(lines) + len(others)

    def test_an_operators_entry_swallows_no_stop(self, journal: Journal) -> None:
        """Each stands with its date and source, and START ends the person's own only."""
        store = journal.suppressions
        stop = suppressed(2, reason=OPTED_OUT, source="reply STOP", since=NOW + 2)
        start = stop._replace(source="reply START", since=NOW + 3)
        assert store.add([suppressed(2, source="a lawyer")]) == 1
        assert store.add([stop]) == 1
        assert store.counts() == {"suppressed": 1, "opted_out": 1}

        store.lift_own([start])

        assert [
            (one.source, one.since, one.lifted_at, one.lifted_by)
            for one in store.of(number_of(2))
        ] == [
            ("a lawyer", NOW, None, None),
            ("reply STOP", NOW + 2, NOW + 3, "reply START"),
        ]

    def test_every_word_is_kept(self, journal: Journal) -> None:
        """Who opts out again is no reason to forget the first time."""
        store = journal.suppressions
        for minute in (1, 3):
            stop = suppressed(2, reason=OPTED_OUT, since=NOW + minute)
            store.add([stop])
            store.lift_own([stop._replace(since=NOW + minute + 1)])
        assert [(one.since, one.lifted_at) for one in store.of(number_of(2))] == [
            (NOW + 1, NOW + 2),
            (NOW + 3, NOW + 4),
        ]
        assert store.opted_out_since(NOW) == 0

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
        # Of a run are those whom it texted: 3 is no opt-out, 12 was left out, 20 is not there.
        why = [suppressed(row, reason=OPTED_OUT, since=NOW + 100) for row in (12, 20)]
        store.add(why)
        assert store.opted_out_since(NOW + 100) == 3
        assert store.opted_out_of(sender.run.id, since=NOW + 100) == 1
        assert store.opt_out_rows(sender.run.id, since=NOW + 100) == [2]
        assert store.opted_out_of(sender.run.id, since=NOW + 101) == 0
        assert store.opt_out_rows(sender.run.id, since=NOW + 101) == []
        store.lift(number_of(2), now=NOW + 200)
        assert store.opted_out_of(sender.run.id, since=NOW) == 0

    def test_of_a_group_everybody_is_texted_and_may_opt_out(
        self, sender: Sender
    ) -> None:
        """Not its first member alone; its row is one, however many leave."""
        store, run = sender.journal.suppressions, sender.run
        first, *others = (person_key(number_of(row)) for row in (2, 20, 21))
        group = Candidate(2, None, person=first, others=" ".join(map(str, others)))
        sender.journal.claim(run, sender.epoch, [group, person_of(3)], now=NOW)
        sender.record(
            outcome(2, Event.ACCEPT, NOW + 1), outcome(3, Event.ACCEPT, NOW + 1)
        )
        for gone, row in enumerate((20, 21), 1):
            store.add([suppressed(row, reason=OPTED_OUT, since=NOW + 100)])
            assert store.opted_out_of(run.id, since=NOW) == gone
            assert store.opt_out_rows(run.id, since=NOW) == [2]
        assert store.opt_out_rate(since=NOW) == (2, 4)
        assert store.opted_out_of(run.id, Part(1, 3, 9), since=NOW) == 0

    def test_the_tables_refuse_a_lift_before_its_beginning(
        self, place: Place, journal: Journal
    ) -> None:
        """Or it would read as if nothing had ever been said."""
        journal.suppressions.add([suppressed(2)])
        with pytest.raises(place.refusal):
            place.execute(f"update suppressions set lifted_at = {NOW - 1}")
