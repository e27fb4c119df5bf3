"""What carriers take of a brand in a day, over all of its campaigns."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from bulksend.home import Home
from bulksend.journal.receipts import Kept
from bulksend.journal.store import Journal
from bulksend.rules.carriers import pacific_day
from tests.flow.desk import counts, crowd

if TYPE_CHECKING:
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk

RUN = ("run", "hello.yaml", "--yes", "--json")
OF_THE_BRAND = {"carriers": {"t_mobile_per_day": 2_000, "brand": "B1"}}

# a later campaign's brand and cap, whether the first one's plan is there · may it send
NEXT = [
    pytest.param("B1", 2_000, True, False, id="the same brand"),
    pytest.param("B1", 200_000, True, False, id="and a larger cap"),
    pytest.param("B2", 2_000, True, True, id="another brand"),
    pytest.param("B2", 2_000, False, False, id="nobody knows of which brand it was"),
]


@pytest.mark.parametrize(("brand", "most", "is_there", "may_send"), NEXT)
def test_a_day_that_t_mobile_closed_is_over_for_the_brand(
    desk: Desk,
    bandwidth: Bandwidth,
    *,
    brand: str,
    most: int,
    is_there: bool,
    may_send: bool,
) -> None:
    """Also where its receipt came after the run; `check` says it; the next day is open."""
    now = time.time_ns() // 1_000_000
    if pacific_day(now + 120_000) != pacific_day(now):
        pytest.skip("within two minutes of midnight in Seattle")
    simulator = bandwidth()
    desk.write("list.csv", crowd(3))
    desk.campaign(send=OF_THE_BRAND)
    assert counts(desk.call(*RUN)) == {"accepted": 3}
    with Journal.open(Home.find(desk.folder, {}).journal) as journal:
        (run,) = journal.runs.all()
        (row, *_), *_ = [one[:1] for one in journal.entries(run.id, 2, 9)]
        message_id = journal.entries(run.id, row, row)[0].message_id
        told = Kept(str(message_id), 1, "message-failed", now, now, None, 4780)
        journal.receipts.keep([told._replace(run_id=run.id, row=row)])
    if not is_there:
        next((desk.folder / ".bulksend" / "plans").iterdir()).unlink()

    desk.write("list.csv", crowd(3, 3_000_000))
    carriers = {"t_mobile_per_day": most, "brand": brand}
    desk.campaign(name="another", send={"carriers": carriers}, results="results/b.csv")
    course = desk.call("check", "hello.yaml", "--json").json["forecast"]["course"]
    begins_today = course["begins"] < pacific_day(now)[1]
    ran = desk.call(*RUN, "--no-wait")

    sent = len(simulator.bandwidth.witness.accepted) - 3
    assert (sent, ran.code) == ((3, 0) if may_send else (0, 4)), ran
    assert begins_today is may_send
