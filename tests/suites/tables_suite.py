"""The tables refuse what `states.py` forbids, and all of it together."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulksend.journal.database import atomically
from bulksend.journal.leases import LEASE_MS
from bulksend.journal.records import ALREADY_SENT, Candidate, LeaseLost
from bulksend.journal.states import TRANSITIONS, Event, Status
from tests.suites.scene import ELSEWHERE, NOW, RUN, Place, Sender, outcome, path_to


class TablesSuite:
    """Mixed into a `JournalSuite`, whose fixtures it uses."""

    @pytest.mark.parametrize("fault", [ValueError, OSError, KeyError])
    @pytest.mark.parametrize("how", ["transaction", "together", "snapshot"])
    def test_a_fault_of_ours_is_no_damage_of_the_journal(
        self, sender: Sender, how: str, fault: type[Exception]
    ) -> None:
        """It is raised as it is, and what a transaction had written is undone."""
        database, ours = sender.journal.database, fault("ours")
        with pytest.raises(fault) as raised, getattr(database, how)():
            raise ours
        assert raised.value is ours

        def work() -> None:
            database.execute("finish_run", run_id=sender.run.id, now=NOW)
            raise ours

        with pytest.raises(fault):
            atomically(database, work)
        run = sender.journal.runs.named(sender.run.run)
        assert run is not None
        assert run.finished_at is None

    # -- the tables refuse what states.py forbids --------------------------------

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

    # -- all of it together ------------------------------------------------------

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
            name = f"run {len(journal.runs.all())}"
            run = journal.runs.add(replace(RUN, run=name, campaign=name))
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
