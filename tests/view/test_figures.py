"""A run counted in one pass: what the report, the live page and the metrics stand on."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulksend.journal.owner import Owner
from bulksend.journal.records import ALREADY_SENT, Candidate, Outcome
from bulksend.journal.states import Event
from bulksend.journal.suppressions import (
    EVERY_SENDER,
    OPTED_OUT,
    SUPPRESSED,
    Suppression,
)
from bulksend.settle.results import OUTCOMES, results
from bulksend.settle.standing import standing
from bulksend.view.figures import Slot, count
from bulksend.view.pace import MOST_BARS, bins
from bulksend.view.page import Page
from bulksend.view.state import state_of
from bulksend.view.tables import outcomes
from bulksend.view.waits import Waits, waits
from tests.prepare.planning import number, plan
from tests.settle.test_results import EVERYTHING, NOW, begun, played
from tests.suites.scene import reopened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.prepare.plan import Plan

PRICES = {"currency": "USD", "default": 0.01}


@pytest.fixture
def everything(tmp_path: Path) -> Iterator[tuple[Plan, Journal, Run]]:
    """Ten rows that met everything, one duplicate, one short number; with prices."""
    people = "phone,name\n" + "".join(f"{number(row)},n{row}\n" for row in range(2, 12))
    people += f"{number(4)},n\n12,n\n"
    text = "Hi {{ name }}" + "x" * 160
    checked = plan(
        tmp_path, people, message={"text": text}, send={"rate": "5/s", "prices": PRICES}
    )
    with begun(tmp_path, checked.plan, checked.summary.sendable) as (
        journal,
        run,
        epoch,
    ):
        played(journal, run, epoch, EVERYTHING)
        yield checked.plan, journal, run


def test_what_a_living_sender_has_under_way_is_in_flight(
    everything: tuple[Plan, Journal, Run],
) -> None:
    """As `status` counts it; it may be billed, and nobody is told to settle it."""
    _, journal, run = everything
    before = count(*everything, now=NOW)
    later = NOW + 60_000
    epoch = journal.leases.take(run.campaign, Owner.me(run.run), now=later)
    journal.claim(run, epoch, [Candidate(2, 2), Candidate(11, 11)], now=later)
    seen = count(*everything, now=later)
    assert seen.counts == standing(journal, run, now=later).counts
    assert (seen.counts["in_flight"], seen.counts["not_sent"]) == (2, 0)
    assert sum(seen.counts.values()) == 12
    assert seen.counts["unknown"] == before.counts["unknown"]
    assert state_of(seen) == ("under way", "2 messages are in flight.")
    maybe = sum(one.rows for one in seen.may_be_used)
    assert maybe == seen.counts["unknown"] + 2
    assert [one.rows for one in outcomes(seen) if one.name == "in_flight"] == [2]
    assert Page(seen, UTC).html()


def test_every_count_is_that_of_the_results(
    everything: tuple[Plan, Journal, Run],
) -> None:
    """One truth: the outcomes of the file, those of `status`, and they add up."""
    seen = count(*everything, now=NOW)
    frame = results(*everything).collect()
    counted = dict(frame["status"].value_counts().iter_rows())
    assert seen.counts == {name: counted.get(name, 0) for name in OUTCOMES}
    assert seen.counts == standing(everything[1], everything[2]).counts
    assert sum(seen.counts.values()) == sum(fate.rows for fate in seen.fates) == 12
    assert {(f.status, f.code) for f in seen.fates} >= {
        ("excluded", "duplicate"),
        ("excluded", "number_too_short"),
        ("excluded", "already_sent"),
        ("refused", "4785"),
        ("failed", "4785"),
        ("unknown", "4785"),
        ("expired", "expired"),
        ("accepted", None),
        ("delivered", None),
    }


def test_segments_and_money_are_those_of_the_plan(
    everything: tuple[Plan, Journal, Run],
) -> None:
    """Two segments a message at a cent each; what was refused or not sent is not used."""
    seen = count(*everything, now=NOW)
    assert [(one.encoding, one.segments, one.messages) for one in seen.sizes] == [
        ("GSM-7", 2, 10)
    ]
    assert sum(one.segments for one in seen.planned) == 2 * 9  # one was left out late
    assert sum(one.cost for one in seen.planned) == 2 * 9 * 10_000
    assert sum(one.segments for one in seen.used) == 2 * 3
    assert sum(one.segments for one in seen.may_be_used) == 2 * 2
    assert seen.currency == "USD"


def test_people_who_opted_out_since_it_began_are_counted(
    everything: tuple[Plan, Journal, Run],
) -> None:
    """Of those that it texted, whatever became of it; not who is on a list of ours."""
    _, journal, run = everything
    assert count(*everything, now=NOW).opted_out == 0
    began = journal.canaries.first_claim(run.id)
    texted = [row for row, said in EVERYTHING.items() if said[-1:] == [Event.ACCEPT]]
    texted += [row for row, said in EVERYTHING.items() if Event.DELIVER in said]
    said = [(texted[0], OPTED_OUT, began), (texted[1], OPTED_OUT, began - 1)]
    said += [(texted[1], SUPPRESSED, began), (90, OPTED_OUT, began)]
    journal.suppressions.add(
        [
            Suppression(row, EVERY_SENDER, 1_919_000_0000 + row, why, "reply STOP", at)
            for row, why, at in said
        ]
    )
    assert count(*everything, now=NOW).opted_out == 1


def test_what_bandwidth_does_not_bill_is_not_used(tmp_path: Path) -> None:
    """A failure with a code that is documented as not billed costs nothing."""
    checked = plan(tmp_path, f"phone\n{number(1)}\n{number(2)}\n")
    with begun(tmp_path, checked.plan, 2) as (journal, run, epoch):
        said = [Event.CLAIM, Event.ACCEPT, Event.FAIL]
        played(journal, run, epoch, {2: said, 3: said})
        seen = count(checked.plan, journal, run, now=NOW)
        free = [fate._replace(code="4406") for fate in seen.fates]
    assert sum(one.rows for one in seen.used) == 2

    assert replace(seen, fates=tuple(free)).used == []


@pytest.mark.parametrize("chunk", [50_000, 1])
def test_each_message_of_a_row_that_was_sent_again_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    """A carrier's failure is billed, Bandwidth's own is not; each had its second."""
    monkeypatch.setattr("bulksend.settle.outcomes.CHUNK_ROWS", chunk)
    people = "phone\n" + "".join(f"{number(row)}\n" for row in range(2, 7))
    checked = plan(tmp_path, people, send={"prices": PRICES})
    with begun(tmp_path, checked.plan, 5) as (journal, run, epoch):
        claims = [Candidate(row, row) for row in range(2, 7)]

        def sent(second: int, codes: dict[int, str | None]) -> None:
            """Delivered, but for what has a code."""
            wanted = [one for one in claims if one.row in codes]
            journal.claim(run, epoch, wanted, now=NOW)
            at = NOW + 1_000 * second
            for row, code in codes.items():
                event = Event.FAIL if code else Event.DELIVER
                said = [
                    Outcome(row, Event.ACCEPT, at + 5, at, f"id-{row}-{second}"),
                    Outcome(row, event, at + 9, error_code=code),
                ]
                assert [journal.record(run.id, epoch, [one]) for one in said] == [1, 1]

        sent(0, {2: None, 3: "5100", 4: "5600", 5: "5600", 6: "5620"})
        once = count(checked.plan, journal, run, now=NOW)
        reopened(journal, run, epoch, "retryable", now=NOW + 1)
        planned = count(checked.plan, journal, run, now=NOW)
        sent(3, {3: None, 4: None, 5: "5100"})
        journal.close_unsent(run.id, epoch, [6], ALREADY_SENT, now=NOW + 4_000)
        seen = count(checked.plan, journal, run, now=NOW)

    first = Slot(NOW // 1000, taken=5, refused=0, unknown=0)
    assert once.pace == planned.pace == (first,)
    assert seen.pace == (first, Slot(NOW // 1000 + 3, taken=3, refused=0, unknown=0))
    # billed: 2, 4, 5 and 6 at first; then 3 and 4
    for figures, messages in ((once, 4), (planned, 4), (seen, 6)):
        assert sum(one.segments for one in figures.used) == messages
        assert sum(one.cost for one in figures.used) == messages * 10_000
        assert sum(one.segments for one in figures.planned) == 5
    assert seen.counts["delivered"] == 3
    assert seen.counts["failed"] == 2


def test_the_size_of_the_chunks_changes_nothing(
    everything: tuple[Plan, Journal, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """White box: counted row by row or all at once."""
    whole = count(*everything, now=NOW)
    monkeypatch.setattr("bulksend.settle.outcomes.CHUNK_ROWS", 1)
    assert count(*everything, now=NOW) == whole


def test_what_was_posted_is_counted_by_the_second(
    everything: tuple[Plan, Journal, Run],
) -> None:
    """In segments, as the pace is: two each of what was posted at that moment."""
    seen = count(*everything, now=NOW)
    assert seen.pace == (Slot((NOW + 1) // 1000, taken=6, refused=2, unknown=2),)
    assert seen.answers.messages == 3
    assert seen.deliveries.messages == 1


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=200))
def test_percentiles_are_right_within_two_percent(times: list[int]) -> None:
    """Whatever the waits are, from none to days; and no wait is lost from the bars."""
    frame = pl.DataFrame({"ms": times}, schema={"ms": pl.Int64})
    counted = frame.group_by(place=Waits.place(pl.col("ms"))).agg(
        pl.len().cast(pl.Int64).alias("messages")
    )
    found = waits(counted)
    ordered = sorted(times)
    for got, wanted in ((found.median, 0.5), (found.p95, 0.95), (found.p99, 0.99)):
        exact = ordered[math.ceil(wanted * len(times)) - 1]
        assert math.isclose(got, exact, rel_tol=0.021, abs_tol=0.6)
    assert found.messages == len(times) == sum(bar.messages for bar in found.bars)


@given(
    st.dictionaries(
        st.integers(0, 10**8), st.tuples(*[st.integers(0, 50)] * 3), min_size=1
    )
)
def test_bars_hold_every_segment_and_are_never_too_many(
    seconds: dict[int, tuple[int, int, int]],
) -> None:
    """From one second to years: no gap, nothing lost, a hundred bars at most."""
    slots = [Slot(second, *seconds[second]) for second in sorted(seconds)]
    found = bins(slots)
    assert len(found) <= MOST_BARS + 1
    assert {b.start - a.start for a, b in pairwise(found)} <= {found[0].seconds}
    first, last = slots[0].second, slots[-1].second
    held = [
        min(bar.start + bar.seconds, last + 1) - max(bar.start, first) for bar in found
    ]
    for place, name in enumerate(("taken", "refused", "unknown")):
        drawn = sum(
            bar[2 + place] * seconds for bar, seconds in zip(found, held, strict=True)
        )
        assert drawn == pytest.approx(sum(getattr(slot, name) for slot in slots))
