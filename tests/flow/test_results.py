"""The results file: a line for each row of the input, as design.md names the columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tests.flow.desk import Desk, codes, counts, ended, served, until

if TYPE_CHECKING:
    from tests.flow.conftest import Bandwidth

OURS = [
    "to",
    "from",
    "status",
    "message_id",
    "error_code",
    "error",
    "tag",
    "text",
    "segments",
    "attempts",
    "posted_at",
    "accepted_at",
    "delivered_at",
    "reason",
]

DIRTY = (
    "status,mobile,name,text,row,at,note\r\n"
    'new,919-234-5671,Ana,old text,77,9:15,"two\r\nlines"\r\n'
    "new,n/a,Ben,,78,9:30,\r\n"
    "\r\n"
    'new,919-234-5673,"Cy, Jr.",,79,9:45,"say ""hi"""\r\n'
)


def test_the_columns_are_those_of_the_design(desk: Desk, bandwidth: Bandwidth) -> None:
    """Row, every input column in order (renamed where it collides), then ours."""
    bandwidth()
    desk.people(DIRTY)
    desk.campaign()

    ran = desk.call("run", "hello.yaml", "--yes", "--json")

    frame = desk.results()
    inputs = ["input_status", "mobile", "name", "input_text", "input_row", "at", "note"]
    assert frame.columns == ["row", *inputs, *OURS]
    assert counts(ran)["accepted"] == 2, ran
    assert frame["row"].to_list() == ["2", "3", "5"], "as a spreadsheet shows them"
    assert frame["input_row"].to_list() == ["77", "78", "79"]
    assert frame["note"].to_list() == ["two\r\nlines", None, 'say "hi"']
    assert frame["name"].to_list() == ["Ana", "Ben", "Cy, Jr."]


def test_csv_and_parquet_say_the_same(desk: Desk, bandwidth: Bandwidth) -> None:
    """Both forms have the same names and values; Parquet has moments and numbers."""
    bandwidth()
    desk.people()
    desk.campaign()
    began = datetime.now(UTC).replace(microsecond=0)
    run = desk.call("run", "hello.yaml", "--yes", "--json").json["run"]
    for name in ("copy.parquet", "copy.csv"):
        assert desk.call("results", run, "--results", name, "--json").code == 0

    text, typed = desk.results(), desk.results("copy.parquet")
    assert text.equals(desk.results("copy.csv"))
    assert text.columns == typed.columns
    assert typed.schema["posted_at"] == pl.Datetime("ms", "UTC")
    assert typed.schema["row"] == pl.Int64
    assert typed.schema["segments"].is_integer()
    for name in ("row", "to", "status", "message_id", "tag", "reason", "attempts"):
        assert text[name].to_list() == typed[name].cast(pl.String).to_list()
    for posted, accepted in (
        typed.select("posted_at", "accepted_at").drop_nulls().rows()
    ):
        assert began <= posted <= accepted <= datetime.now(UTC)
    assert [datetime.fromisoformat(x) for x in text["posted_at"].drop_nulls()] == (
        typed["posted_at"].drop_nulls().to_list()
    )


def test_an_excluded_row_says_why_and_what_to_do(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Code, sentence and the other row: nothing is dropped without a reason."""
    bandwidth()
    desk.people()
    desk.campaign()
    desk.call("run", "hello.yaml", "--yes")

    rows = desk.results().filter(pl.col("status") == "excluded").to_dicts()

    said = {row["row"]: (row["reason"], row["error"]) for row in rows}
    assert said["5"][0] == "duplicate"
    assert "row 2" in said["5"][1]
    assert said["6"][0] == "number_too_short"
    assert said["7"][0] == "value_missing"
    assert "`at`" in said["7"][1]
    for row in rows:
        assert row["attempts"] == "0"
        assert row["message_id"] is row["posted_at"] is row["accepted_at"] is None


def test_a_list_in_parquet_keeps_its_types(desk: Desk, bandwidth: Bandwidth) -> None:
    """Input columns of a Parquet list arrive in a Parquet results file as they were."""
    bandwidth()
    people = pl.DataFrame(
        {
            "mobile": [19192345671, None],
            "name": ["Ana", "Ben"],
            "at": [datetime(2026, 1, 2, 9, 15), datetime(2026, 1, 2, 9, 30)],  # noqa: DTZ001
            "points": [1.5, None],
            "tags": [["a", "b"], []],
            "lasts": [timedelta(seconds=61), None],
        }
    )
    people.write_parquet(desk.folder / "list.parquet")
    desk.campaign(
        recipients={"path": "list.parquet"},
        message={"text": "Hi {{ name }}"},
        results="results/hello.parquet",
    )

    ran = desk.call("run", "hello.yaml", "--yes", "--json")

    assert counts(ran) == {"accepted": 1, "excluded": 1}, ran
    frame = desk.results("results/hello.parquet")
    assert frame.select(people.columns).equals(people)
    run = ran.json["run"]
    assert desk.call("results", run, "--results", "out.csv").code == 0
    written = desk.results("out.csv")
    assert written["tags"].to_list() == ['["a","b"]', "[]"]
    assert written["lasts"].to_list() == ["PT1M1S", None]


def test_the_counts_are_printed_and_add_up(desk: Desk, bandwidth: Bandwidth) -> None:
    """The line of counts is the invariant: rows in = the sum of all fates."""
    bandwidth()
    desk.people()
    desk.campaign()

    ran = desk.call("run", "hello.yaml", "--yes")
    listed = desk.call("status", "--json").json

    assert "7 rows = 4 accepted + 3 excluded" in ran.out
    assert [(each["rows"], each["accepted"], each["excluded"]) for each in listed] == [
        (7, 4, 3)
    ]


def test_a_list_nobody_on_which_can_be_sent_to_is_done(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Every row excluded by rule is exit 0, with a line for each."""
    simulator = bandwidth()
    desk.people("id,name,mobile,at\n1,Ana,n/a,9\n2,Ben,,9\n")
    desk.campaign()

    ran = desk.call("run", "hello.yaml", "--yes", "--json")

    assert (ran.code, counts(ran)) == (0, {"excluded": 2}), ran
    assert len(desk.results()) == 2
    assert not simulator.bandwidth.witness.attempts


def test_results_are_found_from_another_folder(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """A run begun with a relative path is found from wherever one stands later."""
    bandwidth()
    desk.write("campaigns/list.csv", (desk.people()).read_bytes())
    desk.campaign("campaigns/hello.yaml")
    run = desk.call("run", "campaigns/hello.yaml", "--yes", "--json").json["run"]
    there = Desk(desk.folder / "campaigns", desk.environment)

    ran = there.call("results", run, "--json")

    assert ran.code == 0, ran


@pytest.mark.slow
def test_results_whose_disk_goes_away_while_it_sends(desk: Desk) -> None:
    """E625 and exit 4, not 2: messages went out. Run again, it only writes them."""
    command = ("run", "hello.yaml", "--yes", "--json")
    folder = desk.folder / "results"
    with served(desk.folder) as server:
        desk.environment = server.environment
        desk.people()
        desk.campaign(send={"rate": "2/s"})
        sender = desk.start(*command)
        until(server.has(1), sender)
        if folder.exists():
            folder.rmdir()
        folder.write_text("no folder any more")
        ran = ended(sender)
        folder.unlink()
        again = desk.process(*command)

    assert (ran.code, codes(ran)) == (4, ["E625"]), ran
    assert (again.code, counts(again)) == (0, {"accepted": 4, "excluded": 3}), again
    assert len(server.lines()) == 4
    assert desk.results().height == 7
