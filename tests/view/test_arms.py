"""The arms of an experiment: counted, compared, and shown to whoever asks for a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from bulksend.journal.states import Event
from bulksend.journal.suppressions import (
    EVERY_SENDER,
    OPTED_OUT,
    SUPPRESSED,
    Suppression,
)
from bulksend.settle.arms import Arm, Measured, arms, clearest, interval
from bulksend.settle.results import results
from bulksend.view.comparison import said
from bulksend.view.figures import count
from bulksend.view.page import Page
from tests.prepare.planning import number, plan
from tests.settle.test_results import NOW, begun, played

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.prepare.plan import Plan

EXPERIMENT: dict[str, Any] = {
    "name": "greeting",
    "arms": {"<short>": 45, "long": 45, "nobody": 10},
    "holdout": "nobody",
}
FATES = {
    0: [Event.CLAIM, Event.ACCEPT, Event.DELIVER],
    1: [Event.CLAIM, Event.ACCEPT, Event.FAIL],
    2: [Event.CLAIM, Event.REFUSE],
    3: [Event.CLAIM],
    4: [],
}


@pytest.fixture
def compared(tmp_path: Path) -> Iterator[tuple[Plan, Journal, Run]]:
    """A hundred people in three arms, whose messages met everything; one twice."""
    people = "phone\n" + "".join(f"{number(row)}\n" for row in range(2, 102))
    made = plan(
        tmp_path,
        people + f"{number(4)}\n",
        message={"text": "Hi {{ arm }}"},
        experiment=EXPERIMENT,
    )
    with begun(tmp_path, made.plan, made.summary.sendable) as (journal, run, epoch):
        rows = [row for chunk in made.plan.sendable() for row in chunk["row"]]
        events = {row: FATES[row % 5] for row in rows}
        played(journal, run, epoch, {row: said for row, said in events.items() if said})
        yield made.plan, journal, run


def test_arms_add_up_and_everybody_is_in_one(
    compared: tuple[Plan, Journal, Run],
) -> None:
    """Who lost to a duplicate is in none; who gets nothing is counted all the same."""
    found = {one.name: one for one in arms(*compared)}
    assert list(found) == sorted(EXPERIMENT["arms"])
    assert sum(one.people for one in found.values()) == 100
    seen = count(*compared, now=NOW)
    for name in ("delivered", "failed", "refused", "unknown"):
        assert sum(getattr(one, name) for one in seen.arms) == seen.counts[name]
    assert seen.arms == tuple(arms(*compared))
    held = found["nobody"]
    assert held.people > 0
    assert (held.taken, held.delivered_share) == (0, None)


def test_shares_are_of_those_whose_end_is_known(
    compared: tuple[Plan, Journal, Run],
) -> None:
    """What was taken and told of by nobody says nothing about an arm."""
    for one in arms(*compared):
        assert one.taken >= one.ended == one.delivered + one.failed
        assert one.delivered_share == interval(one.delivered, one.ended)


def test_the_report_compares_the_arms(compared: tuple[Plan, Journal, Run]) -> None:
    """In a table and in a chart, with intervals; names are text, whatever they hold."""
    seen = count(*compared, now=NOW)
    page = Page(seen).main()
    section = page.partition('id="arms"')[2].partition("</section>")[0]
    assert "<short>" not in section
    assert "&lt;short&gt;" in section
    assert "gets nothing" in section
    for one in seen.arms:
        if one.delivered_share is not None:
            low, high = one.delivered_share
            assert section.count(f"{100 * low:.1f} to {100 * high:.1f} %") >= 2
    assert section.count("<svg") == 2


@pytest.mark.parametrize("row", [4, 2])
def test_nothing_is_compared_before_a_receipt(tmp_path: Path, row: int) -> None:
    """Arms without a chart; a campaign without an experiment has no such part."""
    said: dict[str, Any] = {} if row == 2 else {"experiment": EXPERIMENT}
    made = plan(tmp_path, f"phone\n{number(row)}\n{number(row + 1)}\n", **said)
    with begun(tmp_path, made.plan, made.summary.sendable) as (journal, run, _):
        page = Page(count(made.plan, journal, run, now=NOW)).main()
    assert ('id="arms"' in page) == ("experiment" in said)
    assert "<svg" not in page.partition('id="arms"')[2].partition("</section>")[0]


def test_an_interval_is_wilsons() -> None:
    """By the formula's own examples: never below 0 or above 1, and never a point."""
    assert interval(0, 0) is None
    low, high = interval(10, 10) or (0, 0)
    assert (round(low, 4), round(high, 4)) == (0.7225, 1.0)
    low, high = interval(81, 263) or (0, 0)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_who_opted_out_is_counted_for_their_arm(
    compared: tuple[Plan, Journal, Run],
) -> None:
    """Of messages that were taken, since the run began; not who is on a list."""
    made, journal, _ = compared
    frame = made.frame().select("row", "to", "experiment_arm", "reason").collect()
    sent = frame.filter(pl.col("reason").is_null())
    taken = sent.filter(pl.col("row") % 5 < 2)
    since = NOW + 5_000
    said = [(row, OPTED_OUT, since) for row in taken["row"][:7]]
    said += [(row, OPTED_OUT, NOW - 1) for row in taken["row"][7:9]]
    said += [(row, SUPPRESSED, since) for row in taken["row"][9:11]]
    said += [(row, OPTED_OUT, since) for row in sent["row"] if row % 5 == 2]
    journal.suppressions.add(
        [
            Suppression(row, EVERY_SENDER, 1_919_000_0000 + row, why, "reply STOP", at)
            for row, why, at in said
        ]
    )
    expected = dict(taken[:7]["experiment_arm"].value_counts().iter_rows())
    found = {one.name: one for one in arms(*compared)}
    assert {name: one.opted_out for name, one in found.items() if one.opted_out} == (
        expected
    )
    for one in found.values():
        assert one.opted_out_share == interval(one.opted_out, one.taken)
    assert count(*compared, now=NOW).arms == tuple(found.values())


def test_the_results_name_the_arm(compared: tuple[Plan, Journal, Run]) -> None:
    """Of who is in one; the row that lost to a duplicate is in none."""
    made = compared[0]
    rows = results(*compared).collect()
    assert rows.columns[-1] == "arm"
    assert rows["arm"][:-1].to_list() == column_of(made, "experiment_arm")[:-1]
    assert (rows["reason"][-1], rows["arm"][-1]) == ("duplicate", None)


def column_of(made: Plan, name: str) -> list[Any]:
    return made.frame().select(name).collect()[name].to_list()


DIFFERENCES = [
    # by statsmodels 0.14: confint_proportions_2indep(..., method="newcomb")
    ((1228, 1325), (1196, 1301), -0.012963, 0.028056),
    ((56, 70), (48, 80), 0.052431, 0.333873),  # Newcombe's own example (1998)
    ((9, 10), (3, 10), 0.170523, 0.809018),
    ((10, 10), (0, 29), 0.698825, 1.0),
]


@pytest.mark.parametrize(("more", "less", "low", "high"), DIFFERENCES)
def test_a_difference_has_an_interval_of_its_own(
    more: tuple[int, int], less: tuple[int, int], low: float, high: float
) -> None:
    """Newcombe's, as another library has it, whichever arm is said first."""
    two = [Measured("b", *more), Measured("a", *less)]
    found = clearest(two)
    assert found == clearest(reversed(two))
    assert found is not None
    assert (found.more.name, found.less.name) == ("b", "a")
    assert (found.low, found.high) == pytest.approx((low, high), abs=2e-6)
    assert found.is_proven == (low > 0)


def test_of_many_arms_a_pair_needs_a_clearer_difference() -> None:
    """What would be one of two arms is chance among ten."""
    two = [Measured("a", 85, 1000), Measured("b", 112, 1000)]
    more = [Measured(f"c{n}", 98, 1000) for n in range(8)]
    alone, among = clearest(two), clearest([*two, *more])
    assert alone is not None
    assert among is not None
    assert (alone.is_proven, among.is_proven) == (True, False)
    assert (alone.arms, among.arms) == (2, 10)
    assert clearest(two[:1]) is clearest([]) is None
    assert clearest([two[0], Measured("b", 0, 0)]) is None


SENTENCES = [
    ((900, 1000), (880, 1000), 0, "means nothing: chance alone may bring it."),
    ((920, 1000), (840, 1000), 0, "is more than chance brings."),
    ((920, 1000), (840, 1000), 3, "the clearest of 3 arms, of 8.0 points"),
]


@pytest.mark.parametrize(("one", "other", "arms", "says"), SENTENCES)
def test_it_is_said_whether_a_difference_means_anything(
    one: tuple[int, int], other: tuple[int, int], arms: int, says: str
) -> None:
    """In a sentence, with shares and interval; nothing of arms without a receipt."""
    some = [arm_of("long", *one), arm_of("short", *other)]
    some += [arm_of("third", 880, 1000)] if arms else []
    (delivered,) = said([*some, arm_of("nobody", 0, 0)])  # and nobody opted out
    assert says in delivered
    assert delivered.startswith(f"Delivered: {one[0] / 10:.1f} % of long and ")
    gone = said([one._replace(opted_out=9 - n) for n, one in enumerate(some)])[1]
    assert gone.startswith("Opted out: 0.9 % of long and 0.")
    assert said([arm_of("a", 0, 0), arm_of("b", 0, 0)]) == []


def arm_of(name: str, delivered: int, of: int) -> Arm:
    counts = (of, of, delivered, of - delivered, 0, 0, 0)
    shares = interval(delivered, of), interval(of - delivered, of), interval(0, of)
    return Arm(name, *counts, *shares)
