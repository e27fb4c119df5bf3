"""Bad input: a coded error with the way out; nothing is sent, nothing is overwritten."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
import pytest

from tests.flow.desk import (
    PEOPLE,
    Desk,
    Ran,
    codes,
    counts,
    ended,
    no_traceback,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flow.conftest import Bandwidth

RUN = ("run", "hello.yaml", "--yes")
HEADER = PEOPLE.splitlines()[0] + "\n"


class Case(NamedTuple):
    """What is changed on the desk, and what `run` says to it."""

    change: Callable[[Desk], object]
    code: str
    phrase: str
    exit_code: int = 2
    command: tuple[str, ...] = RUN


def listed(text: str | bytes) -> Callable[[Desk], object]:
    return lambda desk: desk.people(text)


def said(**changes: Any) -> Callable[[Desk], object]:
    return lambda desk: desk.campaign(**changes)


def written(name: str, text: str | bytes) -> Callable[[Desk], object]:
    return lambda desk: desk.write(name, text)


def gone(name: str) -> Callable[[Desk], object]:
    return lambda desk: (desk.folder / name).unlink()


def folder(name: str) -> Callable[[Desk], object]:
    def change(desk: Desk) -> None:
        (desk.folder / name).unlink(missing_ok=True)
        (desk.folder / name).mkdir()

    return change


def environment(*without: str, **values: str) -> Callable[[Desk], object]:
    def change(desk: Desk) -> None:
        for name in without:
            del desk.environment[name]
        desk.environment.update(values)

    return change


def nothing(_: Desk) -> None:
    """The desk as it is."""


CASES = {
    # -- the list -------------------------------------------------------------------
    "no list": Case(gone("list.csv"), "E200", "list.csv"),
    "an empty list": Case(listed(""), "E204", "list.csv"),
    "blank lines only": Case(listed("\n\n\n"), "E204", "list.csv"),
    "a header only": Case(listed(HEADER), "E204", "list.csv"),
    "no header": Case(
        listed("1,Ana,9192345671,9\n2,Ben,9192345672,9\n"), "E211", "row 1"
    ),
    "another delimiter than it says": Case(
        said(recipients={"delimiter": ";"}), "E207", "list.csv"
    ),
    "Windows' letters": Case(
        listed(PEOPLE.replace("Ana", "José").encode() + b"\xe9"), "E205", "not UTF-8"
    ),
    "a workbook that is called CSV": Case(
        listed(b"PK\x03\x04" + b"\0" * 60), "E203", "list.csv"
    ),
    "bytes of nothing": Case(listed(b"\0\1\2\3" * 99), "E2", "list.csv"),
    "a list that is a folder": Case(folder("list.csv"), "E20", "list.csv"),
    "the phone column is absent": Case(
        said(recipients={"phone": "mobil"}), "E216", "Did you mean `mobile`?"
    ),
    "the phone column twice": Case(
        listed("id,mobile,mobile,name,at\n1,9192345671,9192345672,A,9\n"),
        "E210",
        "2 columns",
    ),
    "the phone column twice but for its case": Case(
        listed("id,Mobile,MOBILE,name,at\n1,9192345671,9192345672,A,9\n"),
        "E217",
        "MOBILE",
    ),
    "a record with too many cells": Case(
        listed(PEOPLE + "8,Flo,9192345688,10:45,what,is,this\n"), "E209", "row 9"
    ),
    "a quote that never ends": Case(
        listed(PEOPLE + '8,"Flo,9192345688,1\n'), "E208", "row 9"
    ),
    "an absent opt-out list": Case(
        said(recipients={"suppress": ["opt-outs.csv"]}), "E200", "opt-outs.csv"
    ),
    "a glob that fits nothing": Case(
        said(recipients={"path": "lists/*.csv"}), "E201", "lists/"
    ),
    "two lists of which none is there": Case(
        said(recipients={"path": ["one.csv", "two.csv"]}), "E200", "two.csv"
    ),
    "a damaged Parquet file": Case(
        lambda desk: (
            desk.campaign(recipients={"path": "list.parquet"}),
            desk.write("list.parquet", b"PAR1" + b"\7" * 400 + b"PAR1"),
        ),
        "E213",
        "list.parquet",
    ),
    "NDJSON that is not": Case(
        lambda desk: (
            desk.campaign(recipients={"path": "list.ndjson"}),
            desk.write("list.ndjson", '{"mobile": "9192345671"}\nnothing\n'),
        ),
        "E212",
        "list.ndjson",
    ),
    # -- the campaign ---------------------------------------------------------------
    "no campaign": Case(gone("hello.yaml"), "E100", "no such file"),
    "a campaign that is a folder": Case(folder("hello.yaml"), "E100", "folder"),
    "an empty campaign": Case(written("hello.yaml", ""), "E10", "hello.yaml"),
    "not YAML": Case(
        written("hello.yaml", "name: [a\nfrom: b\n"), "E101", "hello.yaml:"
    ),
    "a tab": Case(
        written("hello.yaml", "name: a\nmessage:\n\ttext: b\n"), "E101", ":3"
    ),
    "a campaign that is a list": Case(
        written("hello.yaml", "- a\n- b\n"), "E1", "hello.yaml"
    ),
    "a campaign in Windows' letters": Case(
        written("hello.yaml", "name: é".encode("cp1252")), "E100", "UTF-8"
    ),
    "the list in the campaign's place": Case(
        nothing, "E10", "list.csv", command=("run", "list.csv", "--yes")
    ),
    "an unknown key": Case(said(recipient={"path": "x"}), "E102", "recipients"),
    "a variable that is not set": Case(
        said(application_id="${BW_MESSAGING_APPLICATION_ID}"),
        "E105",
        "BW_MESSAGING_APPLICATION_ID",
    ),
    "a sender that is none": Case(said(sender="919-555"), "E104", "from"),
    "a rate that is none": Case(said(send={"rate": "fast"}), "E104", "send.rate"),
    # -- the message ----------------------------------------------------------------
    "an absent column": Case(
        said(message={"text": "Hi {{ nmae }}"}), "E302", 'Did you mean "name"?'
    ),
    "a template that does not end": Case(
        said(message={"text": "Hi {{ name "}), "E300", "text"
    ),
    "a loop": Case(
        said(message={"text": "{% for a in b %}{% endfor %}"}), "E301", "for"
    ),
    "an absent column in the tag": Case(
        said(message={"tag": "{{ idd }}"}), "E302", '"id"'
    ),
    "eleven pictures": Case(
        said(message={"media": ["https://x.example/a.jpg"] * 11}), "E10", "media"
    ),
    # -- the output -----------------------------------------------------------------
    "results of somebody else": Case(
        written("results/hello.csv", "precious"), "E624", "hello.csv"
    ),
    "a folder for results": Case(
        folder("results.csv"),
        "E625",
        "folder",
        command=(*RUN, "--results", "results.csv"),
    ),
    "results below a file": Case(
        said(results="list.csv/hello.csv"), "E625", "list.csv"
    ),
    "results where nobody can write": Case(
        nothing, "E625", "/proc", command=(*RUN, "--results", "/proc/hello.csv")
    ),
    "results onto the list": Case(said(results="list.csv"), "E624", "list.csv"),
    "results of no kind": Case(
        nothing, "E6", "results.txt", command=(*RUN, "--results", "results.txt")
    ),
    # -- home and journal -----------------------------------------------------------
    "a home below a file": Case(
        environment(BULKSEND_HOME="list.csv/home"), "E609", "list.csv"
    ),
    "a home that is not there": Case(
        environment(BULKSEND_HOME="/proc/home"), "E609", "/proc/home"
    ),
    "a home where nobody can write": Case(
        environment(BULKSEND_HOME="/proc"), "E621", "/proc"
    ),
    "a journal on a database that is none of ours": Case(
        environment(BULKSEND_JOURNAL="mysql://u:sesame-9@db.example/x"),
        "E601",
        "postgresql://",
    ),
    "a journal's server that does not answer": Case(
        environment(BULKSEND_JOURNAL="postgresql://u:sesame-9@127.0.0.1:1/x"),
        "E563",
        "u@127.0.0.1:1/x",
        4,
    ),
    "a journal that is a text": Case(
        lambda desk: (
            desk.write("other.sqlite", "not a database at all, but long enough" * 30),
            desk.environment.update(BULKSEND_JOURNAL="other.sqlite"),
        ),
        "E601",
        "not a bulksend journal",
    ),
    "a journal that is a folder": Case(
        lambda desk: (
            folder("journal")(desk),
            desk.environment.update(BULKSEND_JOURNAL="journal"),
        ),
        "E601",
        "journal",
    ),
    # -- credentials ----------------------------------------------------------------
    "no credentials": Case(
        environment("BW_USERNAME", "BW_PASSWORD"), "E500", "BW_CLIENT_ID"
    ),
    "no account": Case(environment("BW_ACCOUNT_ID"), "E500", "BW_ACCOUNT_ID"),
    "half a token": Case(environment(BW_CLIENT_ID="id-7"), "E500", "BW_CLIENT_SECRET"),
    "a wrong secret": Case(
        environment(BW_CLIENT_ID="id-7", BW_CLIENT_SECRET="wrong-8"), "E501", "401", 3
    ),
    # -- commands -------------------------------------------------------------------
    "nobody said yes": Case(nothing, "E410", "--yes", 3, ("run", "hello.yaml")),
    "over the budget": Case(
        said(send={"budget": {"segments": 3}}), "E400", "4 segments", 3
    ),
    "duplicates refused": Case(
        said(recipients={"duplicates": "refuse"}), "E402", "row 5", 3
    ),
    "an unknown run": Case(
        nothing, "E630", "spring-0", command=("results", "spring-0")
    ),
    "a plan that is none": Case(
        nothing, "E620", "list.csv", command=("send", "list.csv", "--yes")
    ),
    "a plan that is not there": Case(
        nothing, "E620", "no such file", command=("send", "x.parquet")
    ),
    "a row that is not there": Case(
        nothing, "E640", "999", command=("preview", "hello.yaml", "--row", "999")
    ),
}


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=name) for name, c in CASES.items()]
)
def test_bad_input_is_one_coded_error(
    desk: Desk, bandwidth: Bandwidth, case: Case
) -> None:
    """Code, phrase and exit code; nothing sent, nothing changed, no secret, no traceback."""
    simulator = bandwidth(
        credentials=frozenset([("user", "pass"), ("id-7", "sesame-7")])
    )
    desk.people()
    desk.campaign()
    case.change(desk)
    before = desk.tree()

    told = desk.call(*case.command)
    as_json = desk.call(*case.command, "--json")

    assert told.code == as_json.code == case.exit_code, told
    for ran in (told, as_json):
        no_traceback(ran)
        assert "sesame" not in ran.all
    assert case.code in told.err
    assert case.phrase in told.err
    assert any(code.startswith(case.code) for code in codes(as_json)), as_json
    assert as_json.json["exit_code"] == case.exit_code
    assert all(problem["fix"] for problem in as_json.json["problems"])
    assert not simulator.bandwidth.witness.accepted
    assert desk.tree() == before


def test_all_problems_of_a_file_are_told_at_once(desk: Desk) -> None:
    """Five mistakes in the campaign are five problems, in the order of its lines."""
    desk.people()
    desk.campaign(
        sender="x" * 12,
        recipient={},
        recipients={"default_region": "USA"},
        message={"priority": "hihg"},
        send={"rate": "fast"},
    )

    ran = desk.call("check", "hello.yaml", "--json")

    problems = ran.json["problems"]
    assert (ran.code, len(problems)) == (2, 5), ran
    lines = [problem["line"] for problem in problems]
    assert lines == sorted(lines)


# -- runs that began, and input that changed -------------------------------------------


@pytest.fixture
def half_done(desk: Desk, bandwidth: Bandwidth) -> Desk:
    """A run of which a message or two were sent, and the rest waits."""
    simulator = bandwidth()
    desk.people()
    desk.campaign(send={"rate": "1/s"})
    sender = desk.start(*RUN)
    until(lambda: bool(simulator.bandwidth.witness.accepted), sender)
    sender.terminate()
    assert ended(sender).code == 4
    desk.campaign(send={"rate": "1000/s"})
    return desk


def left(desk: Desk) -> dict[str, int]:
    (only,) = desk.call("status", "--json").json
    return counts(Ran(0, json.dumps(only), ""))


def test_a_half_done_run_whose_list_changed_is_refused(half_done: Desk) -> None:
    """E622 says what changed; the old plan can be finished, and so can the new one."""
    desk = half_done
    before = left(desk)
    assert before["not_sent"] > 0
    desk.people(PEOPLE + "8,Gil,9192345688,11:00\n")

    refused = desk.call(*RUN, "--json")

    assert (refused.code, codes(refused)) == (3, ["E622"]), refused
    assert "a list changed" in refused.json["problems"][0]["found"]
    assert left(desk) == before

    begun = desk.call(*RUN, "--replan", "--results", "new.csv", "--json")
    assert begun.code == 0, begun
    found = counts(begun)
    assert found["accepted"] == 5 - before["accepted"]
    reasons = Counter(desk.results("new.csv")["reason"].drop_nulls())
    assert reasons["already_sent"] == before["accepted"]


def test_a_half_done_run_whose_text_changed_is_refused(half_done: Desk) -> None:
    """Another text is another plan: E622, until --replan."""
    desk = half_done
    desk.campaign(message={"text": "Hello {{ name }}, see you at {{ at }}."})

    refused = desk.call(*RUN, "--json")

    assert (refused.code, codes(refused)) == (3, ["E622"]), refused
    assert "the campaign changed" in refused.json["problems"][0]["found"]


def test_another_pace_is_the_same_run(half_done: Desk) -> None:
    """Rate and place of the results may change in mid-run: it resumes."""
    desk = half_done
    ran = desk.call(*RUN, "--json")
    assert (ran.code, counts(ran)) == (0, {"accepted": 4, "excluded": 3}), ran


def test_a_plan_that_was_touched_is_refused(half_done: Desk) -> None:
    """E623: a plan file whose bytes changed is not the one that was begun."""
    desk = half_done
    (plan,) = desk.folder.glob(".bulksend/plans/*.parquet")
    data = plan.read_bytes()
    about = pl.read_parquet_metadata(plan)
    touched = pl.read_parquet(plan).with_columns(to=pl.lit("+19192345600"))
    plan.chmod(0o644)
    touched.write_parquet(plan, metadata={"bulksend": about["bulksend"]})
    before = left(desk)

    refused = desk.call(*RUN, "--json")

    assert (refused.code, codes(refused)) == (2, ["E623"]), refused
    assert left(desk) == before
    plan.write_bytes(data)
    assert desk.call(*RUN).code == 0

    results = (desk.folder / "results/hello.csv").read_bytes()
    touched.write_parquet(plan, metadata={"bulksend": about["bulksend"]})
    again = desk.call(*RUN, "--json")
    assert (again.code, codes(again)) == (2, ["E623"]), again
    assert (desk.folder / "results/hello.csv").read_bytes() == results


@pytest.mark.parametrize(
    "command", [("check", "hello.yaml"), ("preview", "hello.yaml"), RUN]
)
def test_a_plan_that_was_damaged_is_no_fault_of_ours(
    desk: Desk, bandwidth: Bandwidth, command: tuple[str, ...]
) -> None:
    """E627, and what to do: not E689, nor that something was sent."""
    server = bandwidth()
    desk.people()
    desk.campaign()
    assert desk.call("plan", "hello.yaml").code == 0
    (plan,) = desk.folder.glob(".bulksend/plans/*.parquet")
    data = plan.read_bytes()
    plan.chmod(0o644)
    third = len(data) // 3
    spoiled = bytes(one ^ 0x5A for one in data[4:third])
    plan.write_bytes(data[:4] + spoiled + data[third:])

    ran = desk.call(*command, "--json")

    assert (ran.code, codes(ran)) == (2, ["E627"]), ran
    assert server.bandwidth.witness.attempts == []
    plan.unlink()
    assert desk.call(*command, "--json").code in {0, 1}


def test_a_plan_that_was_lost_is_made_again(half_done: Desk) -> None:
    """The same input gives the same plan, byte for byte: the run resumes."""
    desk = half_done
    (plan,) = desk.folder.glob(".bulksend/plans/*.parquet")
    plan.unlink()
    desk.campaign(send={"rate": "1/s"})

    ran = desk.call(*RUN, "--json")

    assert (ran.code, counts(ran)) == (0, {"accepted": 4, "excluded": 3}), ran


def test_a_damaged_journal_stops_everything(half_done: Desk) -> None:
    """Without a journal nobody knows who has been texted: nothing is sent."""
    desk = half_done
    journal = desk.folder / ".bulksend" / "journal.sqlite"
    with sqlite3.connect(journal) as link:
        link.execute("pragma wal_checkpoint(truncate)")
    link.close()
    data = journal.read_bytes()
    journal.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))

    for command in (RUN, ("status",), ("results", "hello-0")):
        ran = desk.call(*command, "--json")
        assert (ran.code, codes(ran)) == (2, ["E601"]), ran
        no_traceback(ran)


def test_results_of_another_run_are_left_alone(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """A second run does not overwrite the results of the first: E624, then elsewhere."""
    bandwidth()
    desk.people()
    desk.campaign()
    desk.call(*RUN)
    before = desk.tree()
    desk.campaign(message={"text": "Another text for {{ name }}."})

    refused = desk.call(*RUN, "--json")

    assert (refused.code, codes(refused)) == (2, ["E624"]), refused
    assert desk.tree() == before | {"hello.yaml": desk.tree()["hello.yaml"]}
    assert desk.call(*RUN, "--results", "other.csv").code == 0
    assert Path(desk.folder / "other.csv").exists()


@pytest.mark.parametrize(
    ("command", "phrase"),
    [
        (("run", "hello.yaml", "--force"), "--force"),
        (("rnu", "hello.yaml"), "rnu"),
        (("run",), "CAMPAIGN"),
        (("run", "hello.yaml", "more"), "more"),
        (("preview", "hello.yaml", "--row", "two"), "two"),
        (("preview", "hello.yaml", "--row", "-1"), "-1"),
        (("simulate", "--lost-after", "2"), "2"),
        (("simulate", "--rate", "0"), "rate"),
        (("simulate", "--port", "99999"), "99999"),
    ],
)
def test_a_wrong_command_is_exit_2(
    desk: Desk, command: tuple[str, ...], phrase: str
) -> None:
    """What was not understood is named, and nothing happens."""
    desk.people()
    desk.campaign()
    ran = desk.call(*command)
    assert ran.code == 2, ran
    assert phrase in ran.err
    no_traceback(ran)
