"""The suppression list from the command line, and a run that reads it as it goes."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from bulksend.home import Home
from bulksend.journal.store import Journal
from bulksend.journal.suppressions import OPTED_OUT, Cause, suppression
from tests.flow.desk import PEOPLE_NUMBERS, codes, counts, crowd, until
from tests.suites.mounts import mounted

if TYPE_CHECKING:
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk

ANA, BEN = PEOPLE_NUMBERS[:2]


def test_numbers_are_added_checked_and_removed(desk: Desk) -> None:
    """Read by the rules of lists; masked on the screen, whole where asked for."""
    added = desk.call("suppress", "add", "(919) 234-5671", BEN, "--region", "US")
    assert (added.code, added.out) == (0, "numbers 2 · added 2\n")
    again = desk.call("suppress", "add", ANA, "--json", "--because", "by phone")
    assert again.json == {"numbers": 1, "added": 0}

    found = desk.call("suppress", "check", ANA, "--json").json
    assert found["suppressed"]
    (entry,) = found["entries"]
    assert (entry["number"], entry["source"]) == ("+191…71", "operator")
    whole = desk.call("suppress", "check", ANA, "--json", "--show-numbers").json
    assert whole["entries"][0]["number"] == ANA

    assert desk.call("suppress", "remove", ANA).out == "numbers 1 · lifted 1\n"
    after = desk.call("suppress", "check", ANA)
    assert after.out.startswith("not suppressed\n")
    assert "lifted at" in after.out
    with Journal.open(Home.find(desk.folder, {}).journal) as journal:
        stop = Cause(OPTED_OUT, "reply STOP", time.time_ns() // 10**6 - 1)
        journal.suppressions.add([suppression(ANA, stop)])
    lifted = desk.call("suppress", "remove", ANA)
    assert lifted.out == "numbers 1 · lifted 1 · opted_out 1\n"
    listed = desk.call("suppress", "list")
    assert listed.out.startswith("1 suppressed = 1 suppressed\n")
    assert ANA not in listed.all + after.all
    assert BEN not in listed.all


@pytest.mark.parametrize(
    "command", [["suppress", "add"], ["suppress", "check"], ["explain"]]
)
def test_a_region_that_is_none_is_told_as_one(desk: Desk, command: list[str]) -> None:
    """No key of a campaign file is blamed: there is none."""
    desk.call("suppress", "add", BEN)
    refused = desk.call(*command, ANA, "--region", "us")
    assert refused.code == 2
    assert 'E104 "us" is no region with phone numbers' in refused.err
    assert 'Write "US".' in refused.err
    assert "recipients" not in refused.all


@pytest.mark.parametrize("name", ["out.parquet", "out.xlsx", "out", "-"])
def test_an_export_is_called_what_it_is(desk: Desk, name: str) -> None:
    """CSV in a file of another name could not be read back; `-` would be a file."""
    desk.call("suppress", "add", ANA)
    refused = desk.call("suppress", "export", name, "--json")
    assert (refused.code, codes(refused)) == (2, ["E652"])
    assert [path.name for path in desk.folder.iterdir()] == [".bulksend"]


def test_a_number_in_its_old_form_is_the_same_person(desk: Desk) -> None:
    """Mexico's 1 of before 2019: added and asked for either way, it is in one form."""
    added = desk.call("suppress", "add", "+52 1 55 1234 5678", "--json")
    assert added.json == {"numbers": 1, "added": 1}
    for spelled in ("+525512345678", "+5215512345678"):
        found = desk.call("suppress", "check", spelled, "--json", "--show-numbers").json
        assert [one["number"] for one in found["entries"]] == ["+525512345678"]


def test_what_is_no_number_is_told_and_nothing_is_added(
    desk: Desk,
) -> None:
    """E651 for each, masked; the good ones in between wait for a clean command."""
    ran = desk.call("suppress", "add", ANA, "919", "+1919234567890123", "--json")
    assert (ran.code, codes(ran)) == (2, ["E651", "E651"])
    assert "234567890123" not in ran.all
    assert desk.call("suppress", "list", "--json").json["counts"] == {}


def test_a_list_is_imported_and_exported(desk: Desk) -> None:
    """A spreadsheet's mess in, E.164 with who and when out; nothing is overwritten."""
    desk.write("stop.csv", "name,Mobile\nA,(919) 234-5671\nB,9192345672\nC,none\n")
    ran = desk.call("suppress", "import", "stop.csv", "--region", "US", "--json")
    assert ran.json == {"numbers": 2, "added": 2}
    assert "W252" in ran.err

    out = desk.call("suppress", "export", "out.csv")
    assert out.out == "numbers 2\n"
    frame = pl.read_csv(desk.folder / "out.csv", infer_schema=False)
    assert set(frame["number"]) == {ANA, BEN}
    assert set(frame["source"]) == {"import stop.csv"}
    assert set(frame["reason"]) == {"suppressed"}
    assert (desk.folder / "out.csv").stat().st_mode & 0o077 == 0
    again = desk.call("suppress", "export", "out.csv", "--json")
    assert (again.code, codes(again)) == (2, ["E652"])

    back = desk.call("suppress", "import", "out.csv", "--json")
    assert back.json == {"numbers": 2, "added": 0}


def test_an_export_is_imported_elsewhere_as_it_was(desk: Desk) -> None:
    """With who, what, when and about which sender: their START lifts it there, too."""
    there = ("--journal", "there.sqlite")
    at = time.time_ns() // 10**6 - 5_000
    words = [
        suppression(ANA, Cause(OPTED_OUT, "reply STOP", at)),
        suppression(BEN, Cause(OPTED_OUT, 'import "a", b.csv', at + 1, "+19195550100")),
        suppression("+4532123456", Cause("suppressed", "receipt 4721", at + 2, "Acme")),
    ]
    with Journal.open(Home.find(desk.folder, {}).journal) as journal:
        journal.suppressions.add(words)
    assert desk.call("suppress", "export", "out.csv").code == 0

    came = desk.call("suppress", "import", "out.csv", *there)

    assert came.out == "numbers 3 · added 3\n"
    assert desk.call("suppress", "import", "out.csv", *there).out.endswith("added 0\n")
    with Journal.open(desk.folder / "there.sqlite") as journal:
        store = journal.suppressions
        assert sorted(store.all()) == sorted(words)
        store.lift_own([words[0]._replace(since=at + 9, source="reply START")])
    again = desk.call("suppress", "import", "out.csv", *there)
    assert again.out == "numbers 3 · added 0 · stay_lifted 1\n"
    assert desk.call("suppress", "export", "back.csv", *there).out == "numbers 2\n"
    lines = (desk.folder / "out.csv").read_text().splitlines()
    back = (desk.folder / "back.csv").read_text().splitlines()
    assert set(lines) - set(back) == {line for line in lines if ANA in line}


def test_an_export_that_a_spreadsheet_saved_is_read(desk: Desk) -> None:
    """Without plus, with semicolons and a row by hand; no date is later than now."""
    desk.write(
        "out.csv",
        "number;sender;reason;source;since;a note\n"
        f"{ANA[1:]};19195550100;opted_out;reply STOP;2026-01-02 03:04:05;\n"
        "(919) 234-5672;;suppressed;;2999-01-01T00:00:00Z;by phone\n",
    )
    came = desk.call("suppress", "import", "out.csv", "--region", "US")
    assert came.out == "numbers 2 · added 2\n", came
    with Journal.open(Home.find(desk.folder, {}).journal) as journal:
        (ana,), (ben,) = map(journal.suppressions.of, (ANA, BEN))
    assert (ana.sender, ana.reason, ana.since) == (
        "+19195550100",
        OPTED_OUT,
        1_767_323_045_000,
    )
    assert (ben.sender, ben.source) == ("", "import out.csv")
    assert ben.since <= time.time_ns() // 10**6


def test_an_export_that_cannot_be_read_is_told_and_nothing_is_added(desk: Desk) -> None:
    """E658 with row and column, for each column; and no sender beside its own (E656)."""
    rows = (
        "9192345671,,opted_out,,2026-01-02T03:04:05Z",
        "1.9192E+10,,opted_out,,yesterday",
        f"{ANA},no sender of ours,opted,,2026-01-02T03:04:05Z",
        f"{BEN},,opted_out,,2026-01-02T03:04:05Z",
    )
    header = "number,sender,reason,source,since"
    desk.write(
        "out.csv", f"number,sender,reason,source\n{ANA},+19195550100,opted_out,x\n"
    )
    ran = desk.call("suppress", "import", "out.csv", "--json")
    assert (ran.code, codes(ran)) == (2, ["E658"])
    assert "`since`" in ran.all
    desk.write("out.csv", "\n".join((header, *rows)) + "\n")
    ran = desk.call("suppress", "import", "out.csv", "--json")
    assert (ran.code, codes(ran)) == (2, ["E658"] * 4), ran
    assert "9192345671" not in ran.all
    desk.write("out.csv", "\n".join((header, rows[3])) + "\n")
    ran = desk.call(
        "suppress", "import", "out.csv", "--sender", "+19195550100", "--json"
    )
    assert (ran.code, codes(ran)) == (2, ["E656"])
    assert desk.call("suppress", "list", "--json").json["counts"] == {}
    desk.write("out.csv", header + "\n")
    assert desk.call("suppress", "import", "out.csv").out == "numbers 0 · added 0\n"


def test_a_run_leaves_out_who_is_suppressed(
    desk: Desk,
    bandwidth: Bandwidth,
) -> None:
    """The plan is older than the word: the row says excluded, and why."""
    simulator = bandwidth()
    desk.people()
    desk.campaign()
    plan = desk.call("plan", "hello.yaml", "--json").json["plan"]
    desk.call("suppress", "add", ANA)

    ran = desk.call("send", plan, "--yes", "--json")

    assert (ran.code, counts(ran)) == (0, {"accepted": 3, "excluded": 4}), ran
    assert {to for one in simulator.bandwidth.witness.accepted for to in one.to} == {
        *PEOPLE_NUMBERS[1:]
    }
    row = desk.results().row(0, named=True)
    assert (row["status"], row["reason"]) == ("excluded", "suppressed")
    assert row["error"] == (
        "This number is on the suppression list (operator); nothing was sent."
    )
    checked = " ".join(desk.call("check", "hello.yaml").out.split())
    assert "4 have their outcome and get nothing more" in checked
    assert "already sent" not in checked, "one was sent nothing"


def test_who_is_suppressed_while_a_run_is_under_way_gets_nothing(
    desk: Desk,
    bandwidth: Bandwidth,
) -> None:
    """The rows not yet claimed are closed; the run itself notices nothing."""
    simulator = bandwidth()
    size = 400
    desk.people(crowd(size))
    desk.campaign(send={"rate": "100/s"})
    last = [f"+1919{2_000_000 + n}" for n in range(size - 50, size)]
    run = desk.start("run", "hello.yaml", "--yes", "--json")
    accepted = simulator.bandwidth.witness.accepted
    until(lambda: len(accepted) >= 5, run)

    assert desk.call("suppress", "add", *last, "--json").json["added"] == 50

    out, _ = run.communicate(timeout=60)
    said = json.loads(out)
    assert (said["accepted"], said["excluded"]) == (size - 50, 50)
    assert not {one.to[0] for one in accepted} & set(last)


@pytest.mark.parametrize(
    ("sender", "texted"),
    [("+19195550100", 3), ("(919) 555-0100", 3), ("+19195550199", 4)],
)
def test_a_suppression_can_be_about_one_number_of_ours(
    desk: Desk,
    bandwidth: Bandwidth,
    sender: str,
    texted: int,
) -> None:
    """--sender: texts from another one go on."""
    bandwidth()
    desk.people()
    desk.campaign()
    desk.call("suppress", "add", ANA, "--region", "US", "--sender", sender)
    said = desk.call("check", "hello.yaml", "--json").json
    assert (said["left"], said["suppressed"]) == (texted, 4 - texted)
    ran = desk.call("run", "hello.yaml", "--yes", "--json")
    assert counts(ran)["accepted"] == texted


LEFT_OUT = [
    # who is suppressed · what the campaign says beside it · held by a cap · suppressed
    ([], {}, (0, 0)),
    ([ANA, BEN], {}, (0, 2)),
    (["+19192345679"], {}, (0, 0)),  # nobody of the list
    ([ANA], {"message": {"text": "Now", "group": True}}, (0, 1)),
    ([BEN], {"send": {"per_person": "1 in 24h"}}, (2, 0)),  # he has had enough as well
    (PEOPLE_NUMBERS[2:], {"send": {"per_person": "1 in 24h"}}, (2, 2)),
]


@pytest.mark.parametrize(("who", "says", "held"), LEFT_OUT)
def test_a_check_counts_whom_the_run_would_leave_out(
    desk: Desk,
    bandwidth: Bandwidth,
    who: list[str],
    says: dict[str, Any],
    held: tuple[int, int],
) -> None:
    """Each once: by a cap, or because the journal knows that they must not be texted."""
    bandwidth()
    mobiles = [one[2:] for one in PEOPLE_NUMBERS]
    desk.people("\n".join(["name,mobile", *(f"A,{one}" for one in mobiles[:2]), ""]))
    desk.campaign(name="before", message={"text": "Before"})
    assert desk.call("run", "hello.yaml", "--yes").code == 0
    desk.people("\n".join(["name,mobile", *(f"A,{one}" for one in mobiles), ""]))
    desk.campaign(**{"message": {"text": "Now"}} | says)
    if who:
        desk.call("suppress", "add", *who)

    said = desk.call("check", "hello.yaml", "--json").json
    ran = desk.call("run", "hello.yaml", "--yes", "--json", "--results", "r.csv")

    assert (said["capped"].get("all", 0), said["suppressed"]) == held
    assert counts(ran).get("accepted", 0) == said["left"] == 4 - sum(held)
    reasons = desk.results("r.csv")["reason"].to_list()
    assert held == (reasons.count("person_capped"), reasons.count("suppressed"))


def test_a_check_says_whom_the_journal_knows_as_not_to_be_texted(desk: Desk) -> None:
    """In its first line, and why in one of its own; a run that has begun is not asked."""
    desk.people()
    desk.campaign()
    desk.call("suppress", "add", ANA)
    shown = " ".join(desk.call("check", "hello.yaml").out.split())
    assert "3 of 4 will receive a message" in shown
    assert "1 on the journal's suppression list, which would get nothing" in shown


def test_a_sender_is_read_as_the_campaign_has_it(desk: Desk) -> None:
    """Or told (E657): a suppression about what no campaign has holds nobody back."""
    about = ("--sender", "919.555.0100", "--region", "US")
    for command in (("add", ANA), ("import", "stop.csv")):
        desk.write("stop.csv", f"mobile\n{ANA}\n")
        assert desk.call("suppress", *command, *about, "--json").json["added"] == 1
        (entry,) = desk.call("suppress", "list", "--json", "--show-numbers").json[
            "entries"
        ]
        assert entry["sender"] == "+19195550100"
        lifted = desk.call("suppress", "remove", ANA, "--sender", "+1 919 555 0100")
        assert lifted.out == "numbers 1 · lifted 1\n"
    for command in (("add", BEN), ("remove", BEN), ("import", "stop.csv")):
        refused = desk.call("suppress", *command, "--sender", "19195550100", "--json")
        assert (refused.code, codes(refused)) == (2, ["E657"])
        assert "19195550100" not in refused.all
    assert desk.call("suppress", "list", "--json").json["counts"] == {}


def test_a_list_that_the_disk_has_no_room_for_is_not_left_half(desk: Desk) -> None:
    """Half of those who said no would pass for all of them; the way out names the room."""
    many = "".join(f"+1919{2_000_000 + n}\n" for n in range(20_000))
    desk.write("stop.csv", f"number\n{many}")
    assert desk.call("suppress", "import", "stop.csv").code == 0
    with mounted(desk.folder / "small", "size=64k"):
        ran = desk.call("suppress", "export", "small/out.csv", "--json")
        assert (ran.code, codes(ran)) == (2, ["E652"])
        assert "Free some space" in ran.json["problems"][0]["fix"]
        assert list((desk.folder / "small").iterdir()) == []
