"""A list and a campaign to the plan's rows: each row exactly once, with one fate."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulksend.define.load import load
from bulksend.errors import InputError
from bulksend.planning import plan_campaign
from bulksend.prepare.draft import draft
from tests.prepare.planning import (
    SENDER,
    campaign,
    codes,
    column,
    fates,
    hold,
    number,
    plan,
    put,
)

A, B, C, D = map(number, range(1, 5))

STEADY = settings(derandomize=True, deadline=None, max_examples=50)
POLICIES = st.sampled_from(
    ["first", "last", "refuse", "keep"]
    + [{"by": "note", "keep": keep} for keep in ("highest", "lowest")]
)
CELLS = st.one_of(
    st.integers(1, 6).map(number),
    st.sampled_from(
        ["919 234 0001", "12", "", "x", "1.9192340002E+10", "+447400123456"]
    ),
)
PEOPLE = st.lists(
    st.tuples(
        CELLS,
        CELLS,
        st.sampled_from(["", "Ana", "Zoë", "“q”", "x" * 2_100, " ", "a\nb"]),
        st.sampled_from(["", "1", "2", "10", "b"]),
    ),
    min_size=1,
    max_size=14,
)


@STEADY
@given(
    people=PEOPLE,
    policy=POLICIES,
    household=st.booleans(),
    columns=st.sampled_from([["phone"], ["phone", "other"]]),
    text=st.sampled_from(["Hi", "Hi {{ name }}", "{{ name | default('') }}"]),
    lists=st.sampled_from([{}, {"suppress": ["off.csv"]}, {"only": ["off.csv"]}]),
    group=st.booleans(),
)
def test_every_row_stands_in_the_plan_once_and_every_person_gets_one_message(
    *,
    people: list[tuple[str, ...]],
    policy: object,
    household: bool,
    columns: list[str],
    text: str,
    lists: dict[str, Any],
    group: bool,
) -> None:
    """Whatever the list and the policies; a loser names a row that is sent."""
    out = io.StringIO()
    csv.writer(out).writerows([("phone", "other", "name", "note", "id"), *((*row, "x") for row in people)])  # fmt: skip
    recipients = {"phone": columns, "duplicates": policy, **lists}
    if household:
        recipients["household"] = "note"
    with tempfile.TemporaryDirectory() as folder:
        checked = plan(
            Path(folder),
            out.getvalue(),
            {"off.csv": f"n\n{number(1)}\n{number(2)}\n"},
            recipients=recipients,
            message={"text": text, "group": group},
        )
        frame = hold(checked)
        winners = dict(checked.plan.winners().iter_rows())
    assert frame["row"].to_list() == list(range(2, len(people) + 2))
    names = frame["name"].fill_null("").to_list()
    assert names == [row[2] for row in people]
    sent = frame.filter(pl.col("reason").is_null())
    if policy != "keep":
        assert sent["to"].is_unique().all()
    if household:
        homes = sent["note"].str.strip_chars()
        assert homes.filter(homes != "").is_unique().all()
    else:
        to = dict(frame.select("row", "to").iter_rows())
        assert all(to[loser] == to[winner] for loser, winner in winners.items())


def test_a_column_may_have_any_name_and_templates_use_it(tmp_path: Path) -> None:
    """In the plan, names of bulksend's own become `input_NAME`; the template's stay."""
    names = ["text", "status", "reason", "to", "from", "tag", "input_text", "winner",
             "ended_at", "media", "segments", "name", "value", "error", "attempts"]  # fmt: skip
    cells = [f"c{place}" for place in range(len(names))]
    people = f"phone,{','.join(names)}\n{A},{','.join(cells)}\n"
    text = " ".join(f"{{{{ {name} }}}}" for name in names)
    checked = plan(tmp_path, people, message={"text": text})
    assert column(checked, "text") == [" ".join(cells)]
    (row,) = checked.plan.frame().select(checked.plan.inputs).collect().rows()
    assert row == (A, *cells)
    headers = checked.plan.about["headers"]
    assert [headers[name] for name in checked.plan.inputs] == ["phone", *names]
    assert headers["input_input_text"] == "text"
    assert column(checked, "from") == [SENDER]


def test_a_column_called_row_is_renamed_and_said(tmp_path: Path) -> None:
    """`row`, `source_file` and `source_row` number the rows themselves."""
    people = f"phone,row,source_file\n{A},x,y\n"
    text = "{{ input_row }} {{ input_source_file }}"
    checked = plan(tmp_path, people, message={"text": text})
    assert column(checked, "text") == ["x y"]
    assert column(checked, "row") == [2]
    assert codes(checked) == ["W221", "W221"]


TYPES: dict[str, list[Any]] = {
    "integer": [1, 2, None],
    "float": [1.5, 2.0, None],
    "text": ["a", "b", None],
    "flag": [True, False, None],
    "date": [dt.date(2026, 1, 2), dt.date(2026, 1, 3), None],
    "moment": [dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC)] * 2 + [None],
    "time": [dt.time(9, 30), dt.time(9, 31), None],
    "list": [[1], [], None],
    "object": [{"a": 1}, {"a": None}, None],
    "bytes": [b"a", b"\xff", None],
    "nothing": [None, None, None],
}


@pytest.mark.parametrize("kind", ["parquet", "ndjson", "xlsx"])
def test_typed_lists_keep_their_values_in_the_plan(tmp_path: Path, kind: str) -> None:
    """Numbers as numbers, dates as dates; a workbook's cells as people read them."""
    people = pl.DataFrame({"phone": [9192340001, 9192340002, None], **TYPES})
    if kind == "ndjson":
        people = people.drop("bytes", "time", "moment", "date")
    if kind == "xlsx":
        people = people.drop("bytes", "list", "object", "moment")
    message = {"text": "{{ integer }} {{ float }} {{ text | upper }}"}
    recipients = {"path": f"list.{kind}"}
    checked = plan(tmp_path, people, recipients=recipients, message=message)
    missing = [] if kind == "xlsx" else ["number_missing"]  # its last row is empty
    assert fates(checked) == ["sent", "sent", *missing]
    assert column(checked, "text")[0].startswith("1 1.5 A")
    if kind == "parquet":
        inputs = checked.plan.frame().select(checked.plan.inputs).collect()
        assert inputs.rename({"input_text": "text"}).equals(people)


@pytest.mark.parametrize("shape", ["number", "list"])
@pytest.mark.parametrize("key", ["phone", "household"])
def test_a_column_that_has_rounded_its_numbers_is_refused(
    tmp_path: Path, key: str, shape: str
) -> None:
    """4155550102 in 32 bits is 4155550208, a stranger."""
    rounded = pl.Series("n", [4155550102.0, 4155550301.0], dtype=pl.Float32)
    people = pl.DataFrame([pl.Series("phone", [A, B]), rounded])
    if shape == "list":
        people = people.with_columns(pl.concat_list("n"))
    recipients = {"path": "list.parquet", key: "n"}
    with pytest.raises(InputError) as caught:
        plan(tmp_path, people, recipients=recipients)
    problem = caught.value.problems[-1]
    assert (problem.code, problem.column) == ("E224", f"recipients.{key}")
    assert "`n` is of type" in str(problem)


def test_a_price_in_32_bits_is_written_as_people_know_it(tmp_path: Path) -> None:
    """19.99, and not the double that lies nearest to the float."""
    people = pl.DataFrame({"phone": [A, B]}).with_columns(
        pl.Series("price", [19.99, 0.1], dtype=pl.Float32)
    )
    message = {"text": "{{ price }} {{ price * 2 }}"}
    checked = plan(
        tmp_path, people, recipients={"path": "list.parquet"}, message=message
    )
    assert column(checked, "text") == ["19.99 39.98", "0.1 0.2"]


def test_several_files_are_one_sheet(tmp_path: Path) -> None:
    """Rows count on over the files; a duplicate may stand in another file."""
    put(tmp_path, "in/a.csv", f"phone,name\n{A},Ana\n\n{B},Ben\n")
    put(tmp_path, "in/b.csv", f"name,phone\nAnn,{A}\nCy,{C}\n")
    put(tmp_path, "in/c.txt", "no list")
    path = campaign(
        tmp_path, recipients={"path": "in/*.csv"}, message={"text": "Hi {{ name }}"}
    )
    checked = plan_campaign(path, environment={})
    hold(checked)
    names = ["row", "source_file", "source_row", "name", "reason"]
    assert checked.plan.frame().select(names).collect().rows() == [
        (2, "in/a.csv", 2, "Ana", None),
        (4, "in/a.csv", 4, "Ben", None),
        (5, "in/b.csv", 2, "Ann", "duplicate"),
        (6, "in/b.csv", 3, "Cy", None),
    ]
    assert checked.plan.winners().rows() == [(5, 2)]


def test_what_is_sent_with_every_message_leaves_the_rows_alone(tmp_path: Path) -> None:
    """Expiration and priority are the run's; only the hash tells such plans apart."""
    people = f"phone\n{A}\n"
    usual = plan(tmp_path, people)
    other = plan(tmp_path, people, message={"expiration": "2h", "priority": "high"})
    assert usual.plan.frame().collect().equals(other.plan.frame().collect())
    assert usual.plan.hash != other.plan.hash


TITLED: list[tuple[str, str, int | None]] = [
    ("a title", f"Contacts,,\nphone,name,x\n{A},Ann,1\n", 2),
    (
        "a title and a date",
        f"Contacts;;\n;;\n2026-01-02;;\nPhone ;name;x\n{A};Ann;1\n",
        4,
    ),
    ("a short title", f"Contacts\nphone;name\n{A};Ann\n", 2),
    ("merged cells", f"Who,,When\nphone,name,day\n{A},Ann,1\n", 2),
    ("a value, no header", f"kind,number,x\nphone,{A},1\n", None),
    ("nowhere", f"Contacts,,\ntel,name,x\n{A},Ann,1\n", None),
]


@pytest.mark.parametrize(
    ("people", "row"), [one[1:] for one in TITLED], ids=[one[0] for one in TITLED]
)
def test_rows_above_the_header_are_named(
    tmp_path: Path, people: str, row: int | None
) -> None:
    """What spreadsheets write above their table is not what has to be looked for."""
    with pytest.raises(InputError) as caught:
        plan(tmp_path, people)
    (problem,) = caught.value.problems
    assert problem.code == "E216"
    above = "row" if row == 2 else "rows"
    said = f"`phone` stands in row {row}: delete the {above} above it."
    assert (problem.fix == said) == (row is not None)


def test_a_list_without_rows_is_refused(tmp_path: Path) -> None:
    """A header alone is a broken export, and never a campaign to nobody."""
    with pytest.raises(InputError, match=r"E204 list\.csv"):
        plan(tmp_path, "phone,name\n", message={"text": "Hi {{ name }}"})


def steps(folder: Path, **sections: Any) -> set[str]:
    """The kinds of step of the engine's own plan; `explain` shows only the logical one."""
    loaded = load(campaign(folder, **sections), {})
    with draft(loaded, version="1") as drafted:
        sink = drafted.frame.sink_parquet(folder / "x.parquet", lazy=True)
        graph = sink.show_graph(
            engine="streaming", plan_stage="physical", raw_output=True, show=False
        )
    found = set(re.findall(r'label="([a-z-]+)', graph or ""))
    assert "parquet-sink" in found
    return found


MEMORY = {"in-memory-map", "in-memory-source", "columnar-function", "sort", "group-by"}
STREAMED: list[tuple[str, dict[str, Any], set[str]]] = [
    # The few rows that repeat are found before.
    ("keep", {"duplicates": "keep"}, {"in-memory-source"}),
    ("first", {"duplicates": "first"}, set()),
    ("refuse", {"duplicates": "refuse"}, set()),
    ("household", {"household": "home"}, set()),
    ("lists and types", {"suppress": ["off.csv"], "only": ["off.csv"], "allow": ["mobile"]}, set()),
    ("two columns", {"phone": ["phone", "home"]}, set()),
    # A later row decides about an earlier one.
    ("last", {"duplicates": "last"}, {"columnar-function"}),
    ("ranked", {"duplicates": {"by": "name", "keep": "highest"}}, {"in-memory-map"}),
]  # fmt: skip


@pytest.mark.parametrize("group", [False, True], ids=["single", "group"])
@pytest.mark.parametrize(
    ("recipients", "held"),
    [case[1:] for case in STREAMED],
    ids=[c[0] for c in STREAMED],
)
def test_a_plan_streams_but_where_a_later_row_decides(
    tmp_path: Path, recipients: dict[str, Any], held: set[str], *, group: bool
) -> None:
    """Rows pass through; nothing but the policies `last` and `by` waits for all of them."""
    put(tmp_path, "list.csv", f"phone,name,home\n{A},Ana,1\n")
    put(tmp_path, "off.csv", f"n\n{B}\n")
    message = {
        "text": "Hi {{ name }}",
        "variants": {"es": "Hola {{ home | default('') | upper }}"},
        "language": "name",
        "media": ["http://x.example/{{ name }}"],
        "tag": "{{ home }}",
        "smart_encoding": True,
        "group": group,
    }
    two = [number(8), number(9)]
    found = steps(tmp_path, recipients=recipients, message=message, sender=two)
    assert found & MEMORY == held


def test_equal_messages_that_are_kept_are_told_apart(tmp_path: Path) -> None:
    """By their place among the equal ones that are sent, whatever stands between them."""
    people = f"phone,word\n{A},hi\n{B},hi\n{A},\n{A},hi\n{A},bye\n{A},hi\n"
    checked = plan(
        tmp_path,
        people,
        recipients={"duplicates": "keep"},
        message={"text": "{{ word }}", "media": ["http://x.example/a.png"]},
    )
    said = "hi http://x.example/a.png"
    told = [None, None, None, f"{said} 1", None, f"{said} 2"]
    assert column(checked, "once_key") == told


def test_three_hundred_thousand_rows_reach_the_plan(tmp_path: Path) -> None:
    """In order, each once, with every fifth a duplicate."""
    rows = 300_000
    out = ["phone,name"]
    out += [f"+1919{2_340_000 + row % (rows * 4 // 5):07},Ann" for row in range(rows)]
    checked = plan(tmp_path, "\n".join(out), message={"text": "Hi {{ name }}"})
    assert checked.summary.rows == rows
    assert checked.summary.reasons["duplicate"] == rows // 5
    assert column(checked, "row") == list(range(2, rows + 2))
