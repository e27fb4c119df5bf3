"""Every kind of message: what Bandwidth received is what the results file says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bulksend.home import Home
from bulksend.journal.decisions import Evidence, Source
from bulksend.journal.receipts import Kept
from bulksend.journal.records import person_key
from bulksend.journal.states import Event
from bulksend.journal.store import Journal
from tests.flow.desk import TOKEN, Desk, codes, counts
from tests.flow.stranger import stranger

if TYPE_CHECKING:
    from bulksend.simulator.server import Simulator
    from bulksend.simulator.witness import Accepted
    from tests.flow.conftest import Bandwidth

CATALOGUE = """\
id,name,mobile,at,sku
C-1,Ana,(919) 234-5671,9:15,vase
C-2,Zoë 🌿,919-234-5672,9:30,vase
C-3,"Cy, ""the"" third",919-234-5673,9:45,oak chair
C-4,Dee,919-234-5674,9:45,
"""


def by_id(simulator: Simulator) -> dict[str, Accepted]:
    return {one.id: one for one in simulator.bandwidth.witness.accepted}


def sent(desk: Desk) -> list[dict[str, Any]]:
    frame = desk.results()
    return [row for row in frame.iter_rows(named=True) if row["status"] == "accepted"]


def run(desk: Desk) -> dict[str, int]:
    ran = desk.call("run", "hello.yaml", "--yes", "--json")
    assert ran.code == 0, ran
    return counts(ran)


def test_a_text_arrives_as_the_results_tell_it(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Number, sender, text, segments, tag and id are the same on both sides."""
    simulator = bandwidth()
    desk.people(CATALOGUE)
    desk.campaign(message={"tag": "visit-{{ id }}"})

    assert run(desk) == {"accepted": 4}

    received = by_id(simulator)
    for row in sent(desk):
        got = received.pop(row["message_id"])
        assert (got.to, got.sender) == ((row["to"],), row["from"])
        assert (got.text, got.tag) == (row["text"], row["tag"])
        assert got.text == f"Hi {row['name']}, see you at {row['at']}."
        assert (got.segments, got.media) == (int(row["segments"]), ())
        assert (got.priority, got.account) == ("default", "1")
        assert (got.application_id, got.expiration) == ("an-application", None)
    assert not received


def test_each_tag_has_a_key_of_its_own(desk: Desk, bandwidth: Bandwidth) -> None:
    """A callback's tag finds its row: the key is there with and without a tag."""
    simulator = bandwidth()
    desk.people(CATALOGUE)
    desk.campaign(message={"tag": "visit-{{ id }}"})
    run(desk)
    rows = sent(desk)

    assert len({row["tag"] for row in rows}) == 4
    for row in rows:
        prefix, _, key = row["tag"].rpartition("#")
        assert prefix == f"visit-{row['id']}"
        assert key.endswith(f"-{row['row']}")

    desk.campaign(name="bare", message={"tag": None})
    desk.call("run", "hello.yaml", "--yes", "--results", "bare.csv")
    tags = [row["tag"] for row in desk.results("bare.csv").iter_rows(named=True)]
    assert len(set(tags)) == 4
    assert all(tag.startswith("#") for tag in tags)
    assert {one.tag for one in by_id(simulator).values()} == {
        *tags,
        *(row["tag"] for row in rows),
    }


def test_pictures_go_with_each_row_s_own_address(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Media are per row, in order, and written as addresses; no sku, no message."""
    simulator = bandwidth()
    desk.people(CATALOGUE)
    desk.campaign(
        message={
            "media": [
                "https://cdn.example.com/{{ sku | urlencode }}.jpg",
                "https://cdn.example.com/terms.pdf?for={{ id }}",
            ]
        }
    )

    assert run(desk) == {"accepted": 3, "excluded": 1}

    received = by_id(simulator)
    assert [received[row["message_id"]].media for row in sent(desk)] == [
        (
            f"https://cdn.example.com/{sku}.jpg",
            f"https://cdn.example.com/terms.pdf?for={id_}",
        )
        for sku, id_ in (("vase", "C-1"), ("vase", "C-2"), ("oak%20chair", "C-3"))
    ]
    assert {row["segments"] for row in sent(desk)} == {"1"}


def test_a_picture_needs_no_text(desk: Desk, bandwidth: Bandwidth) -> None:
    """A message of media alone is sent without a text field."""
    simulator = bandwidth()
    desk.people(CATALOGUE)
    desk.campaign(message={"text": None, "media": "https://cdn.example.com/a.jpg"})

    assert run(desk) == {"accepted": 4}
    assert {one.text for one in by_id(simulator).values()} == {None}


def test_a_group_is_one_message_to_all_of_it(desk: Desk, bandwidth: Bandwidth) -> None:
    """A row's numbers make one message; ten is the most; a bad number refuses the row."""
    simulator = bandwidth()
    many = ";".join(f"919234568{digit}" for digit in range(10))
    desk.people(
        "id,name,mobile,at\n"
        '1,Team,"919-234-5671; (919) 234-5672",9\n'
        f"2,Ten,{many},9\n"
        f"3,Eleven,{many};9192345699,9\n"
        "4,Broken,9192345673;919234,9\n"
        '5,Same,"(919) 234-5672|919.234.5671",9\n'
    )
    desk.campaign(message={"group": True})

    assert run(desk) == {"accepted": 2, "excluded": 3}

    received = by_id(simulator)
    rows = sent(desk)
    assert [row["id"] for row in rows] == ["1", "2"]
    assert [received[row["message_id"]].to for row in rows] == [
        tuple(row["to"].split(",")) for row in rows
    ]
    assert set(rows[0]["to"].split(",")) == {"+19192345671", "+19192345672"}
    assert [received[row["message_id"]].units for row in rows] == [2, 10]
    reasons = desk.results()["reason"].to_list()
    assert reasons == [None, None, "group_too_large", "number_too_short", "duplicate"]


def test_a_group_is_not_sent_again_to_those_who_may_have_it(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Failed for one of two: nothing more goes out; failed for both: once more."""
    simulator = bandwidth()
    desk.people('id,name,mobile,at\n1,Team,"919-234-5671; 919-234-5672",9\n')
    desk.campaign(message={"group": True})
    assert run(desk) == {"accepted": 1}
    (message_id,) = by_id(simulator)
    for number, sent_again in (("+19192345671", 0), ("+19192345672", 1)):
        with Journal.open(Home.find(desk.folder, {}).journal) as journal:
            (begun,) = journal.runs.all()
            who = person_key(number)
            said = Kept(
                message_id, who, "message-failed", 1, 1, who, 5100, None, begun.id, 2
            )
            journal.receipts.keep([said])
            failed = Evidence(
                begun.id,
                2,
                Event.FAIL,
                1,
                Source.RECEIPT,
                "{}",
                1,
                message_id,
                "5100",
                "-",
            )
            journal.decisions.believe([failed], now=2)
        again = desk.call("run", "hello.yaml", "--yes", "--json", "--only", "retryable")
        assert ("W569" in again.out + again.err) == (not sent_again), again
        assert len(by_id(simulator)) == 1 + sent_again


def test_several_numbers_are_a_group_only_when_the_campaign_says_so(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Without `group: true` such a row is excluded, and says so."""
    simulator = bandwidth()
    desk.people('id,name,mobile,at\n1,Team,"9192345671;9192345672",9\n')
    desk.campaign()

    assert run(desk) == {"excluded": 1}
    assert desk.results()["reason"].to_list() == ["number_several"]
    assert not by_id(simulator)


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        ("2h", timedelta(hours=2), timedelta(hours=2)),
        ("90 min", *[timedelta(hours=1.5)] * 2),
    ],
)
def test_priority_and_expiration_travel_with_each_message(
    desk: Desk,
    bandwidth: Bandwidth,
    said: str,
    least: timedelta,
    most: timedelta,
) -> None:
    """`priority: high` and a lifetime reach Bandwidth; the lifetime counts from the POST."""
    simulator = bandwidth()
    desk.people()
    desk.campaign(message={"priority": "high", "expiration": said})

    run(desk)

    for one in by_id(simulator).values():
        assert one.priority == "high"
        assert one.expiration is not None
        lasts = datetime.fromisoformat(one.expiration) - datetime.fromtimestamp(
            one.wall, UTC
        )
        assert least - timedelta(seconds=5) < lasts <= most + timedelta(seconds=1)


def test_after_its_moment_nothing_is_begun(desk: Desk, bandwidth: Bandwidth) -> None:
    """That all of its messages have expired is said before any is sent."""
    simulator = bandwidth()
    desk.people()
    desk.campaign(message={"expiration": "2020-01-01T00:00:00Z"})

    ran = desk.call("run", "hello.yaml", "--yes", "--json")

    assert (ran.code, codes(ran)) == (3, ["E429"]), ran
    assert not by_id(simulator)


def test_each_person_keeps_one_sender(desk: Desk, bandwidth: Bandwidth) -> None:
    """Of several senders a number keeps the same one, whatever the list's order."""
    bandwidth()
    lines = [f"{n},P{n},+1919{2_000_000 + n},9" for n in range(40)]
    desk.people("\n".join(["id,name,mobile,at", *lines]))
    senders = ["+19195550100", "+19195550101", "+19195550102"]
    desk.campaign(sender=senders)
    run(desk)
    first = {row["to"]: row["from"] for row in sent(desk)}

    desk.people("\n".join(["id,name,mobile,at", *reversed(lines)]))
    desk.campaign(sender=senders[::-1], name="again", results="again.csv")
    desk.call("run", "hello.yaml", "--yes")
    second = dict(desk.results("again.csv").select("to", "from").iter_rows())

    assert first == second
    assert set(first.values()) == set(senders)


def test_a_server_that_is_not_ours_is_served_just_as_well(desk: Desk) -> None:
    """A strict stranger takes every valid row once; what it refuses ends in exit 1."""
    lines = [f"{n},P{n},+1919{2_000_000 + n},9" for n in range(20)]
    desk.people("\n".join(["id,name,mobile,at", *lines]))
    desk.campaign(message={"tag": "t-{{ id }}", "expiration": "2h"})
    command = ("run", "hello.yaml", "--yes", "--json")
    with stranger() as server:
        desk.environment = TOKEN | {
            "BW_ACCOUNT_ID": "55",
            "BW_MESSAGING_URL": f"{server.origin}/api/v2",
            "BW_TOKEN_URL": f"{server.origin}/oauth2/token",
        }
        first = desk.call(*command)
        again = desk.call(*command)

    assert (first.code, counts(first)) == (1, {"accepted": 19, "refused": 1}), first
    assert (again.code, counts(again)) == (1, {"accepted": 19, "refused": 1})
    assert server.odd == []
    assert len({said["to"][0] for said in server.taken}) == len(server.taken) == 19
    frame = desk.results()
    (refused,) = frame.filter(frame["status"] == "refused").iter_rows(named=True)
    assert refused["to"] == "+19192000013"
    assert (refused["error_code"], refused["message_id"]) == ("400", None)
    assert "'to' is not reachable" in refused["error"]
    assert refused["posted_at"]
    assert refused["accepted_at"] is None
