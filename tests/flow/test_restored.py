"""An older journal that was put back never makes a second text, whatever else changed."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.flow.desk import PEOPLE, TOKEN, codes, counts, crowd, ended, until
from tests.flow.test_listen import listening
from tests.settle.callbacks import reply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk

RUN = ("run", "hello.yaml", "--yes", "--json")


def half_done(desk: Desk, accepted: Sequence[object]) -> None:
    """Stopped after its first text or two."""
    desk.campaign(send={"rate": "1/s"})
    sender = desk.start(*RUN)
    until(lambda: bool(accepted), sender)
    sender.terminate()
    assert ended(sender).code == 4


def not_signed_in(desk: Desk, _: Sequence[object]) -> None:
    """The run stands in the journal, and none of its rows."""
    good = dict(desk.environment)
    desk.environment |= TOKEN | {"BW_TOKEN_URL": "http://127.0.0.1:9/token"}
    del desk.environment["BW_USERNAME"], desk.environment["BW_PASSWORD"]
    assert desk.call(*RUN).code != 0
    desk.environment = good
    (run,) = desk.call("status", "--json").json
    assert run["not_sent"] == 4, run


@pytest.mark.parametrize("begin", [half_done, not_signed_in])
def test_a_changed_list_does_not_hide_what_the_journal_lost(
    desk: Desk,
    bandwidth: Bandwidth,
    begin: Callable[[Desk, Sequence[object]], None],
) -> None:
    """E604 comes before E622, and --replan does not lift it: nobody is texted again."""
    accepted = bandwidth().bandwidth.witness.accepted
    desk.people()
    desk.campaign()
    begin(desk, accepted)
    assert desk.call("backup", desk.folder / "copy").code == 0
    desk.campaign()
    ran = desk.call(*RUN)
    assert (ran.code, counts(ran)["accepted"]) == (0, 4), ran
    (old_plan,) = desk.folder.glob(".bulksend/plans/*.parquet")

    home = desk.folder / ".bulksend"
    put_back(desk)
    desk.people(PEOPLE + "8,Gil,9192345688,11:00\n")

    plan = ("send", old_plan, "--yes", "--json", "--results", "old.csv")
    for command in (RUN, (*RUN, "--replan", "--results", "new.csv"), plan):
        refused = desk.call(*command)
        assert (refused.code, codes(refused)) == (3, ["E604"]), refused
    numbers = Counter(one.to[0] for one in accepted)
    assert (len(numbers), max(numbers.values())) == (4, 1)

    # Who accepts a second text removes what is named, and is told of the list then.
    (mark,) = (home / "claims" / "bandwidth+hello").iterdir()
    assert refused.json["problems"][0]["fix"].endswith(f"removes {mark}.")
    mark.unlink()
    next_said = "E622" if begin is half_done else "E624"  # the results are of that run
    assert codes(desk.call(*RUN)) == [next_said]


def put_back(desk: Desk) -> None:
    """As docs/journal.md says, but for that nobody was stopped before."""
    home = desk.folder / ".bulksend"
    for file in home.glob("journal.sqlite*"):
        file.unlink()
    shutil.copy(desk.folder / "copy" / "journal.sqlite", home)


def test_a_sender_stops_where_another_journal_stands_in_its_place(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """E608, and what it has sent since is not sent again: E604 for who goes on."""
    accepted = bandwidth().bandwidth.witness.accepted
    desk.people(crowd(20))
    desk.campaign(send={"rate": "2/s"})
    sender = desk.start(*RUN)
    until(lambda: bool(accepted), sender)
    assert desk.call("backup", "copy").code == 0
    sent = len(accepted)
    until(lambda: len(accepted) > sent, sender)
    put_back(desk)

    stopped = ended(sender)
    assert (stopped.code, codes(stopped)) == (4, ["E608"]), stopped
    assert len(accepted) < 20
    refused = desk.call(*RUN)
    assert (refused.code, codes(refused)) == (3, ["E604"]), refused


def test_a_listener_takes_in_by_the_journal_that_was_put_back(desk: Desk) -> None:
    """The first callback after it gets 503, and comes again; no STOP is lost."""
    with listening(desk) as at:
        assert desk.call("backup", "copy").code == 0
        assert at.post(reply("hello")) == 200
        put_back(desk)
        assert at.post(reply("Stop")) == 503
        assert at.post(reply("Stop")) == 200
        assert "E608" in at.stop()
    assert desk.call("suppress", "list", "--json").json["counts"] == {"opted_out": 1}
    with closing(sqlite3.connect(desk.folder / ".bulksend/journal.sqlite")) as sql:
        assert sql.execute("pragma integrity_check").fetchall() == [("ok",)]
