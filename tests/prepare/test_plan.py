"""The plan file: its name, its bytes, and what is read from it."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from bulksend.errors import InputError
from bulksend.planning import campaign_of, load_campaign, plan_campaign
from bulksend.prepare import seal
from bulksend.prepare.draft import draft
from bulksend.prepare.freezing import write
from bulksend.prepare.plan import CHUNK_ROWS, Plan
from tests.prepare.planning import campaign, number, plan, put

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

A, B, C = map(number, range(1, 4))
PEOPLE = f"phone,name\n{A},Ana\n{B},Ben\n12,Cy\n{C},Di\n"
BASE: dict[str, Any] = {
    "recipients": {"suppress": ["off.csv"]},
    "message": {"text": "Hi {{ name }}"},
    "send": {"rate": "5/s"},
}


def hashed(
    folder: Path, people: str = PEOPLE, off: str = f"n\n{C}\n", **changes: Any
) -> str:
    said = {key: BASE.get(key, {}) | changes.get(key, {}) for key in BASE}
    rest = {key: value for key, value in changes.items() if key not in BASE}
    files = {changes.get("recipients", {}).get("suppress", ["off.csv"])[0]: off}
    return plan(folder, people, files, **said, **rest).plan.hash


SAME: list[tuple[str, dict[str, Any]]] = [
    ("again", {}),
    ("the rate", {"send": {"rate": "500/s"}}),
    ("the results", {"results": "elsewhere.parquet"}),
    ("the budget", {"send": {"budget": {"segments": 9}}}),
    ("the list's name", {"recipients": {"path": "other.csv"}}),
    ("an opt-out list's name", {"recipients": {"suppress": ["other-off.csv"]}}),
]
OTHER: list[tuple[str, dict[str, Any]]] = [
    ("a value", {"people": PEOPLE.replace("Ben", "Bea")}),
    ("a row more", {"people": PEOPLE + f"{number(9)},Eve\n"}),
    ("the order", {"people": f"phone,name\n{B},Ben\n{A},Ana\n12,Cy\n{C},Di\n"}),
    ("the text", {"message": {"text": "Hello {{ name }}"}}),
    ("the sender", {"sender": number(8)}),
    ("an opt-out", {"off": f"n\n{B}\n"}),
    ("no opt-outs", {"recipients": {"suppress": None}}),
    ("the provider", {"provider": "bandwidth", "application_id": "x"}),
    ("the name", {"name": "other"}),
    ("the region", {"recipients": {"default_region": "CA"}}),
    ("the policy", {"recipients": {"duplicates": "last"}}),
    ("the prices", {"send": {"prices": {"default": "0.01"}}}),
    ("the tag", {"message": {"tag": "{{ name }}"}}),
]


@pytest.mark.parametrize("changes", [c[1] for c in SAME], ids=[c[0] for c in SAME])
def test_what_decides_nobody_s_text_leaves_the_plan_s_name(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    """A run goes on under it, though the file was renamed or the pace changed."""
    assert hashed(tmp_path / "a") == hashed(tmp_path / "b", **changes)


@pytest.mark.parametrize("changes", [c[1] for c in OTHER], ids=[c[0] for c in OTHER])
def test_whatever_decides_a_text_is_in_the_plan_s_name(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    """Another input never hides behind the same name."""
    if changes.get("recipients", {}).get("suppress", "") is None:
        changed = plan(tmp_path / "b", PEOPLE, **BASE | changes).plan.hash
    else:
        changed = hashed(tmp_path / "b", **changes)
    assert hashed(tmp_path / "a") != changed


def test_a_template_file_counts_by_what_it_says(tmp_path: Path) -> None:
    """Its words are in the hash, its name is not."""
    hashes = [
        plan(
            tmp_path / str(place),
            PEOPLE,
            {name: text},
            message={"text": None, "file": name},
        ).plan.hash
        for place, (name, text) in enumerate(
            [("a.txt", "Hi"), ("b.txt", "Hi"), ("a.txt", "Ho")]
        )
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_an_equal_plan_is_used_again_and_a_plan_is_read_only(tmp_path: Path) -> None:
    """Nobody writes to it by accident; nothing else is left beside it."""
    first = plan(tmp_path, PEOPLE)
    before = first.plan.path.stat()
    again = plan(tmp_path, PEOPLE, send={"rate": "9/s"})
    assert again.plan.path == first.plan.path
    assert again.plan.path.stat().st_mtime_ns == before.st_mtime_ns
    assert not before.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
    assert list(first.plan.path.parent.iterdir()) == [first.plan.path]
    assert first.plan.path.name == f"test-{first.plan.hash[:12]}.parquet"


def test_a_plan_knows_its_campaign(tmp_path: Path) -> None:
    """As it was written; `send PLAN` reads it without the campaign file."""
    sections: dict[str, Any] = {
        "message": {"expiration": "90 min", "priority": "high", "tag": "x"},
        "send": {
            "rate": "20/min",
            "budget": {"money": 3},
            "prices": {"default": "0.01"},
        },
        "results": "out/x.parquet",
    }
    checked = plan(tmp_path, PEOPLE, **sections)
    said = campaign_of(Plan.open(checked.plan.path))
    (tmp_path / "c").mkdir()
    path = campaign(tmp_path / "c", **sections)
    put(tmp_path / "c", "list.csv", PEOPLE)
    assert said == campaign_of(plan_campaign(path, environment={}).plan)
    assert said.message.expiration is not None
    assert (said.send.rate.text, said.results) == ("20/min", "out/x.parquet")


def test_a_plan_that_says_what_we_do_not_know_is_of_another_version(
    tmp_path: Path,
) -> None:
    """E620 names the key and both versions; the value may be somebody's number."""
    made = plan(tmp_path, PEOPLE).plan
    later = made.about["campaign"] | {"send": {"rate": "5/s", "haste": A}}
    about = made.about | {"campaign": later, "bulksend": "9.9"}

    with pytest.raises(InputError, match=r"E620 .*send\.haste .*9\.9") as refused:
        campaign_of(replace(made, about=about))

    assert A not in str(refused.value)
    assert version("bulksend") in str(refused.value)


@pytest.mark.parametrize(
    "fail",
    [
        lambda: pl.LazyFrame({"a": [1]}).map_batches(_refuse),
        lambda: pl.LazyFrame({"a": ["x"]}).select(pl.col("a").cast(pl.Int64)),
    ],
    ids=["while it is written", "of a value"],
)
def test_nothing_is_left_of_a_plan_that_could_not_be_written(
    tmp_path: Path, fail: Callable[[], pl.LazyFrame]
) -> None:
    """A plan is there whole, or not at all."""
    with pytest.raises((InputError, pl.exceptions.PolarsError)):
        write(fail(), tmp_path / "plans" / "x-1.parquet", {})
    assert list((tmp_path / "plans").iterdir()) == []


def _refuse(frame: pl.DataFrame) -> pl.DataFrame:
    raise OSError(28, "No space left on device")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """With the way out."""
    (tmp_path / "plans").write_text("a file")
    with pytest.raises(InputError, match="E621") as caught:
        write(pl.LazyFrame({"a": [1]}), tmp_path / "plans" / "x-1.parquet", {})
    assert "BULKSEND_HOME" in str(caught.value)


GARBAGE: list[tuple[str, bytes | pl.DataFrame | None]] = [
    ("nothing", None),
    ("an empty file", b""),
    ("text", b"row,to\n2,x\n"),
    ("a cut file", b"PAR1" + b"\0" * 99),
    ("another Parquet file", pl.DataFrame({"row": [1]})),
]


@pytest.mark.parametrize(
    "content", [c[1] for c in GARBAGE], ids=[c[0] for c in GARBAGE]
)
def test_what_is_not_a_plan_is_refused(
    tmp_path: Path, content: bytes | pl.DataFrame | None
) -> None:
    """A coded error, whatever the file is."""
    path = tmp_path / "x.parquet"
    if content is not None:
        put(tmp_path, "x.parquet", content)
    with pytest.raises(InputError, match="E620"):
        Plan.open(path)
    with pytest.raises(InputError, match="E620"):
        Plan.open(tmp_path)


@pytest.mark.parametrize("said", ["{}", "[]", "7", "null", "x", '{"format": 99}'])
def test_a_plan_of_another_version_is_refused(tmp_path: Path, said: str) -> None:
    """Its format is asked first, whatever it looks like."""
    path = tmp_path / "x.parquet"
    pl.LazyFrame({"row": [1]}).sink_parquet(path, metadata={"bulksend": said})
    with pytest.raises(InputError, match="E620"):
        Plan.open(path)


def test_what_is_to_be_sent_is_in_order_and_without_the_closed(tmp_path: Path) -> None:
    """In chunks, over any number of rows."""
    rows = 2 * CHUNK_ROWS + 7
    people = "\n".join(
        ["phone", *(f"+1919{row:07}" for row in range(2_340_000, 2_340_000 + rows))]
    )
    checked = plan(tmp_path, people)
    chunks = list(checked.plan.sendable())
    assert all(0 < len(chunk) <= CHUNK_ROWS for chunk in chunks)
    sent = pl.concat(chunks)
    wanted = checked.plan.frame().filter(pl.col("reason").is_null()).collect()
    assert sent["row"].to_list() == wanted["row"].to_list()
    assert len(sent) == checked.summary.sendable > CHUNK_ROWS

    closed = sent["row"].gather_every(3)
    left = pl.concat(checked.plan.sendable(closed))
    assert (
        left["row"].to_list()
        == sent.filter(~pl.col("row").is_in(closed.implode()))["row"].to_list()
    )
    assert list(checked.plan.sendable(sent["row"])) == []
    assert len(pl.concat(checked.plan.sendable(pl.Series(dtype=pl.Int64)))) == len(sent)


def test_the_bytes_of_a_plan_tell_whether_it_was_touched(tmp_path: Path) -> None:
    """Whichever bit of it is turned over, its seal's own too."""
    path = plan(tmp_path, PEOPLE).plan.path
    made = Plan.open(path).seal()
    assert made.is_whole
    assert made == Plan.open(path).seal()
    assert made.said == Plan.open(path).about["seal"]
    data, copy = path.read_bytes(), tmp_path / "copy.parquet"
    for place in {*range(0, len(data), 997), data.rindex(made.said.encode())}:
        changed = bytearray(data)
        changed[place] ^= 1
        copy.write_bytes(changed)
        assert not seal.read(copy).is_whole, place


def test_a_plan_that_was_written_by_hand_has_no_whole_seal(tmp_path: Path) -> None:
    """Its words are taken over, with the seal of other rows, or without one."""
    path, copy = plan(tmp_path, PEOPLE).plan.path, tmp_path / "copy.parquet"
    words = pl.read_parquet_metadata(path)["bulksend"]
    rows = pl.read_parquet(path).with_columns(text=pl.lit("Something else."))
    for said in (words, json.dumps(json.loads(words) | {"seal": ""})):
        rows.write_parquet(copy, metadata={"bulksend": said})
        assert not Plan.open(copy).seal().is_whole
    for data in (b"", b"PAR1", b"\xff" * 100):
        copy.write_bytes(data)
        assert not seal.read(copy).is_whole


@pytest.mark.parametrize("more", [f"{number(9)},Zoe\n", f"{number(9)},Zoe,x\n", ""])
def test_a_list_that_changes_while_it_is_read_makes_no_plan(
    tmp_path: Path, more: str
) -> None:
    """A row more, a row that cannot be read, or only a new time: named, nothing left."""
    path = put(tmp_path, "list.csv", f"phone,name\n{number(1)},Ana\n{number(2)},Ben\n")
    loaded = load_campaign(campaign(tmp_path), environment={})
    with draft(loaded, version="test") as drafted:
        with path.open("a") as file:
            file.write(more)
        os.utime(path, ns=(1, 1))
        plan_path = tmp_path / "plans" / "one.parquet"
        with pytest.raises(InputError) as caught:
            write(drafted.frame, plan_path, drafted.about, hold=drafted.source.hold)
    assert [problem.code for problem in caught.value.problems] == ["E222"]
    assert "list.csv" in str(caught.value)
    assert not list(plan_path.parent.iterdir())
