"""Looks at a search that lags, with the margins that hold out there, on a clock that jumps.

What is looked at is the stand-in's own search over its own log; only the wire between
them is left out, and hours pass in a moment.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from bulksend.journal.owner import Owner
from bulksend.journal.records import Candidate, Outcome, person_key
from bulksend.journal.states import Event
from bulksend.send.signin import Credentials
from bulksend.settle.evidence import ON_ITS_WAY_MS, SKEW_MS, WAIT_MS, Proof
from bulksend.settle.ground import Ground
from bulksend.settle.looking import look
from bulksend.settle.search import MessageSearch
from bulksend.settle.sights import Page, page_of
from bulksend.simulator.answers import Moment, Request
from bulksend.simulator.scenario import Scenario
from bulksend.simulator.search import Search
from bulksend.simulator.witness import Accepted, Witness
from tests.prepare.planning import SENDER, number, plan
from tests.settle.test_results import NOW, begun, run_of

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = "9900000"
MINUTE = 60_000
ROWS = 300


class World:
    """A Bandwidth whose search lags, and the time there."""

    def __init__(self, lag: float) -> None:
        self.now = NOW
        self.witness = Witness()
        self.search = Search(self.witness, Scenario(search_lag=lag))

    def accept(self, message_id: str, to: str, text: str, at: int) -> None:
        said: dict[str, Any] = dict.fromkeys(Accepted._fields) | {
            "seq": len(self.witness.accepted),
            "id": message_id,
            "wall": at / 1000,
            "mono": at / 1000,
            "account": ACCOUNT,
            "to": tuple(to.split(",")),
            "sender": SENDER,
            "text": text,
            "media": (),
            "segments": 1,
            "units": 1,
        }
        self.witness.accepted.append(Accepted(**said))


class Wireless(MessageSearch):
    """The real client, but for the wire."""

    def __init__(self, world: World) -> None:
        credentials = Credentials(ACCOUNT, username="u", password="p")
        super().__init__(
            credentials,
            clock=lambda: 0.0,
            now=lambda: world.now,
            rng=random.Random(7),
        )
        self._world = world

    async def _ask(self, params: dict[str, str]) -> Page:
        wanted = {"messageDirection": "OUTBOUND"} | params
        request = Request("GET", f"/messages?{urlencode(wanted)}")
        at = Moment(self._world.now / 1000, self._world.now / 1000)
        answer = self._world.search.answer(ACCOUNT, request, at)
        assert answer.status == 200, answer
        page = page_of(answer.body)
        assert page is not None
        date = formatdate(self._world.now / 1000, usegmt=True)
        self.theirs.heard(date, asked=self.theirs.boot())
        return page


@pytest.mark.parametrize(
    ("lag", "others", "ends"),
    [
        pytest.param(30, True, True, id="30 s"),
        pytest.param(15 * 60, True, True, id="as documented"),
        pytest.param(3 * 3600, True, True, id="far beyond what is documented"),
        pytest.param(30, False, False, id="nobody else sends"),
    ],
)
def test_absence_is_believed_when_it_is_proven_and_not_before(
    tmp_path: Path, lag: int, others: bool, ends: bool
) -> None:
    """2 % lost, half of them taken: these are found, and only the others are absent.

    Nothing is absent before the waiting time, or before the search shows a message that
    was accepted later by all margins; where it never shows one, nothing ever is.
    """
    people = "phone\n" + "".join(f"{number(row)}\n" for row in range(2, ROWS + 2))
    made = plan(tmp_path, people, message={"text": "Hi"})
    world, lost = World(lag), range(2, ROWS + 2, 50)
    taken = {row for row in lost if row % 100 == 2}
    with begun(tmp_path, made.plan, ROWS) as (journal, run, epoch):
        rows = range(2, ROWS + 2)
        journal.claim(run, epoch, [Candidate(row, row) for row in rows], now=NOW)
        for row in rows:
            at = NOW + 20 * row
            if row not in lost or row in taken:
                world.accept(f"m{row}", number(row), "Hi", at)
            if row in lost:
                outcome = Outcome(row, Event.LOSE, at + 50, at, None, "no_answer", "-")
            else:
                outcome = Outcome(row, Event.ACCEPT, at + 50, at, f"m{row}")
            assert journal.record(run.id, epoch, [outcome]) == 1
        posted = {row: NOW + 20 * row for row in lost}

        seen: Counter[str] = Counter()
        for minute in range(1, 60 * 5):
            world.now = NOW + minute * MINUTE
            if others and not minute % 5:
                world.accept(f"x{minute}", number(9_000 + minute), "Yo", world.now)
            before = {one.row for one in journal.decisions.unknown(run.id)}
            counts = asyncio.run(
                look(
                    Ground(
                        journal,
                        {run: made.plan},
                        Wireless(world),
                        WAIT_MS,
                        lambda: world.now,
                    )
                )
            )
            seen += Counter(
                {one: counts[one] for one in (Proof.ACCEPTED, Proof.ABSENT)}
            )
            after = {one.row for one in journal.decisions.unknown(run.id)}
            for row in before - after:
                (entry,) = journal.entries(run.id, row, row)
                if row in taken:
                    assert (entry.status, entry.message_id) == ("accepted", f"m{row}")
                    continue
                assert entry.status == "not_sent"
                assert world.now - posted[row] >= WAIT_MS
                visible = [
                    one.wall * 1000
                    for one in world.witness.accepted
                    if one.mono <= world.now / 1000 - lag
                ]
                assert max(visible) - posted[row] > ON_ITS_WAY_MS + SKEW_MS
    assert seen[Proof.ACCEPTED] == len(taken)
    assert seen[Proof.ABSENT] == (len(lost) - len(taken) if ends else 0)


@pytest.mark.parametrize(
    "rival", ["claimed", "accepted without an id", "with its id", "and was sent again"]
)
def test_a_record_of_a_row_whose_id_is_not_known_settles_no_other(
    tmp_path: Path, rival: str
) -> None:
    """Two campaigns to one person: the one's record, and the other never arrived."""
    people, world = f"phone\n{number(2)}\n", World(0)
    (tmp_path / "bravo").mkdir()
    (tmp_path / "alpha").mkdir()
    ours = plan(tmp_path / "alpha", people, name="alpha", message={"text": "Hi"}).plan
    theirs = plan(tmp_path / "bravo", people, name="bravo", message={"text": "Hi"}).plan
    with begun(tmp_path, ours, 1) as (journal, alpha, one):
        bravo = journal.runs.add(
            replace(run_of(theirs, 1), campaign="b", provider="bandwidth")
        )
        other = journal.leases.take("b", Owner.me(), now=NOW)
        for run, epoch in ((alpha, one), (bravo, other)):
            person = person_key(number(2))
            candidate = Candidate(2, run.id, person=person)
            assert journal.claim(run, epoch, [candidate], now=NOW) == [2]
        lost = Outcome(2, Event.LOSE, NOW + 50, NOW, None, "no_answer", "-")
        journal.record(alpha.id, one, [lost])
        if rival != "claimed":
            message_id = "b" if rival == "with its id" else None
            taken = Outcome(2, Event.ACCEPT, NOW + 50, NOW, message_id)
            journal.record(bravo.id, other, [taken])
        if rival == "and was sent again":
            failed = Outcome(2, Event.FAIL, NOW + 60, None, None, "5600", "-")
            journal.record(bravo.id, other, [taken._replace(message_id="b"), failed])
            select = journal.selections
            assert select.reopen(bravo, other, [2], now=NOW + 70) == 1
            assert journal.claim(bravo, other, [candidate], now=NOW + 80) == [2]
            journal.record(bravo.id, other, [taken._replace(message_id="c")])
        world.accept("b", number(2), "Hi", NOW + 20)
        world.accept("x", number(9), "Yo", NOW + 60 * MINUTE)
        world.now = NOW + 120 * MINUTE
        ground = Ground(
            journal, {alpha: ours}, Wireless(world), WAIT_MS, lambda: world.now
        )
        counts = asyncio.run(look(ground))
        known = rival in {"with its id", "and was sent again"}
        assert counts == {Proof.WAITING if known else Proof.AMBIGUOUS: 1}


def test_a_record_that_fits_two_runs_settles_neither(tmp_path: Path) -> None:
    """Whichever of them is asked about: one person, two campaigns, one of them taken."""
    people, world = f"phone\n{number(2)}\n", World(0)
    plans = {}
    for name in ("alpha", "bravo"):
        (tmp_path / name).mkdir()
        made = plan(tmp_path / name, people, name=name, message={"text": "Hi"})
        plans[name] = made.plan
    with begun(tmp_path, plans["alpha"], 1) as (journal, alpha, one):
        bravo = journal.runs.add(replace(run_of(plans["bravo"], 1), campaign="b"))
        other = journal.leases.take("b", Owner.me(), now=NOW)
        for run, epoch in ((alpha, one), (bravo, other)):
            journal.claim(run, epoch, [Candidate(2, run.id)], now=NOW)
            lost = Outcome(2, Event.LOSE, NOW + 50, NOW, None, "no_answer", "-")
            assert journal.record(run.id, epoch, [lost]) == 1
        world.accept("b", number(2), "Hi", NOW + 20)
        world.accept("x", number(9), "Yo", NOW + 60 * MINUTE)
        world.now = NOW + 120 * MINUTE
        both = {alpha: plans["alpha"], bravo: plans["bravo"]}
        for asked in ({alpha.id}, {bravo.id}, None):
            counts = asyncio.run(
                look(
                    Ground(
                        journal,
                        both,
                        Wireless(world),
                        WAIT_MS,
                        lambda: world.now,
                        asked,
                    )
                )
            )
            assert counts == {Proof.AMBIGUOUS: 2 if asked is None else 1}
        for run in (alpha, bravo):
            assert [one.row for one in journal.decisions.unknown(run.id)] == [2]


@pytest.mark.parametrize("asked", ["alpha", "bravo", "both"])
def test_a_record_of_one_group_settles_no_other_with_a_member_of_it(
    tmp_path: Path, asked: str
) -> None:
    """Also where the numbers of both are more than one question holds."""
    both = number(29)
    people = {
        "alpha": [*(number(row) for row in range(10, 18)), both],
        "bravo": [number(27), number(28), both],
    }
    message = {"text": "Hi", "group": True}
    plans, world = {}, World(0)
    for name, group in people.items():
        (tmp_path / name).mkdir()
        row = f'phone\n"{",".join(group)}"\n'
        plans[name] = plan(tmp_path / name, row, name=name, message=message).plan
    with begun(tmp_path, plans["alpha"], 1) as (journal, alpha, one):
        bravo = journal.runs.add(replace(run_of(plans["bravo"], 1), campaign="b"))
        other = journal.leases.take("b", Owner.me(), now=NOW)
        runs = {"alpha": alpha, "bravo": bravo}
        for run, epoch in ((alpha, one), (bravo, other)):
            journal.claim(run, epoch, [Candidate(2, run.id)], now=NOW)
            lost = Outcome(2, Event.LOSE, NOW + 50, NOW, None, "no_answer", "-")
            assert journal.record(run.id, epoch, [lost]) == 1
        world.accept("b", ",".join(people["bravo"]), "Hi", NOW + 20)
        world.now = NOW + MINUTE
        ground = Ground(
            journal,
            {runs[name]: made for name, made in plans.items()},
            Wireless(world),
            WAIT_MS,
            lambda: world.now,
            None if asked == "both" else {runs[asked].id},
        )
        counts = asyncio.run(look(ground))
        assert counts == {Proof.AMBIGUOUS: 2 if asked == "both" else 1}
