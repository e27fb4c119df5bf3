"""The arms of an experiment: counted, compared, and shown to whoever asks for a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bulksend.journal.states import Event
from bulksend.settle.arms import arms, interval
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
