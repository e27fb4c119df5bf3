"""A plan worked out by several machines is the plan of one."""

from __future__ import annotations

import csv
import datetime as dt
import io
import pickle
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from bulksend.errors import InputError
from bulksend.planning import plan_campaign
from bulksend.prepare import spread
from tests.prepare.planning import campaign, number, put

if TYPE_CHECKING:
    from collections.abc import Iterator


T = TypeVar("T")

STEADY = settings(derandomize=True, deadline=None, max_examples=12)


class Here(NamedTuple):
    """A crew of one, which does the last piece first."""

    room: Path
    worth_bytes: int = 0

    def each(self, step: spread.Step[T], count: int) -> list[T]:
        done = {n: step(self.room, n) for n in reversed(range(count))}
        return [pickle.loads(pickle.dumps(done[n])) for n in range(count)]


@contextmanager
def small(rows: int) -> Iterator[None]:
    """Stretches and partitions of so few rows that little lists have many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spread, "STRETCH_ROWS", rows)
        patch.setattr(spread, "PARTITION_ROWS", rows)
        yield


def hold_equal(folder: Path, rows: int = 2) -> pl.DataFrame:
    """Both plans agree in everything but the bytes of their files; the rows."""
    path, room = folder / "campaign.yaml", folder / "room"
    room.mkdir()
    alone = plan_campaign(path, environment={})
    first = pl.read_parquet(alone.plan.path)
    summary, winners = alone.summary, alone.plan.winners()
    alone.plan.path.unlink()
    with small(rows):
        together = plan_campaign(path, environment={}, crew=Here(room))
    found = pl.read_parquet(together.plan.path)
    said, meant = together.plan.about, alone.plan.about
    assert_frame_equal(found, first)
    assert said | {"seal": ""} == meant | {"seal": ""}
    assert together.plan.run == alone.plan.run
    assert together.summary == summary
    assert together.plan.winners().equals(winners)
    assert together.notices == alone.notices
    assert together.plan.seal().is_whole
    return found


CELLS = st.one_of(
    st.integers(1, 6).map(number),
    st.sampled_from(["919 234 0001", "12", "", "1.9192340002E+10", "+447400123456"]),
)
ROWS = st.lists(
    st.tuples(
        CELLS,
        CELLS,
        st.sampled_from(["", "Ana", "Zoë", "“q”", "x" * 2_100, "a\nb", "NULL"]),
        st.sampled_from(["", "1", "2", "10", "b"]),
    ),
    max_size=8,
)
FILES = st.lists(ROWS, min_size=1, max_size=4).filter(any)
POLICIES = st.sampled_from(
    ["first", "last", "refuse", "keep"]
    + [{"by": "note", "keep": keep} for keep in ("highest", "lowest")]
)


@STEADY
@given(
    files=FILES,
    policy=POLICIES,
    household=st.booleans(),
    text=st.sampled_from(["Hi", "Hi {{ name }}", "{{ name | default('') }}"]),
    once=st.sampled_from([None, "{{ note }}"]),
    lists=st.sampled_from([{}, {"suppress": ["off.csv"]}, {"only": ["off.csv"]}]),
    group=st.booleans(),
    rows=st.sampled_from([1, 2, 5]),
)
def test_the_plan_is_that_of_one_machine(  # noqa: PLR0917
    files: list[Any],
    policy: object,
    household: bool,
    text: str,
    once: str | None,
    lists: dict[str, Any],
    group: bool,
    rows: int,
) -> None:
    """To the row, the text, the winner, the reason and the hash; whatever the files."""
    recipients: dict[str, Any] = {"path": "list-*.csv", "phone": ["phone", "other"]}
    recipients |= {"duplicates": policy, **lists}
    if household:
        recipients["household"] = "note"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for place, some in enumerate(files):
            out = io.StringIO()
            head = ("phone", "other", "name", "note", "id")
            csv.writer(out).writerows([head, *((*row, "x") for row in some)])
            put(folder, f"list-{place}.csv", out.getvalue())
        put(folder, "off.csv", f"n\n{number(1)}\n{number(2)}\n")
        campaign(
            folder,
            recipients=recipients,
            message={"text": text, "group": group, "once_key": once},
        )
        hold_equal(folder, rows)


def test_a_small_list_is_not_handed_out(tmp_path: Path) -> None:
    """Where that would take longer than the work; whoever asks for it gets it."""
    put(tmp_path, "list.csv", f"phone\n{number(1)}\n")
    path, room = campaign(tmp_path), tmp_path / "room"
    room.mkdir()

    plan_campaign(path, environment={}, crew=Here(room, 1_000))
    assert list(room.iterdir()) == []


def test_a_worker_that_sees_another_campaign_is_refused(tmp_path: Path) -> None:
    """E592: its template would write other texts than were looked at."""
    put(tmp_path, "list.csv", f"phone\n{number(1)}\n")
    text = put(tmp_path, "text.txt", "Hi")
    path, room = (
        campaign(tmp_path, message={"text": None, "file": "text.txt"}),
        tmp_path / "room",
    )
    room.mkdir()

    class Elsewhere(Here):
        def each(self, step: spread.Step[T], count: int) -> list[T]:
            if step is spread.judge:
                text.write_text("Bye")
            return super().each(step, count)

    with pytest.raises(InputError, match=r"E592 .*another campaign"):
        plan_campaign(path, environment={}, crew=Elsewhere(room))


def test_what_is_wrong_with_any_file_is_told_of_all(tmp_path: Path) -> None:
    """The problems of one machine, in the files' order."""
    put(tmp_path, "list-1.csv", f"phone\n{number(1)}\n")
    put(tmp_path, "list-2.csv", f"mobile\n{number(1)}\n")
    put(tmp_path, "list-3.parquet", "no Parquet at all")
    path, room = campaign(tmp_path, recipients={"path": "list-*"}), tmp_path / "room"
    room.mkdir()
    with pytest.raises(InputError) as alone:
        plan_campaign(path, environment={})
    with pytest.raises(InputError) as together:
        plan_campaign(path, environment={}, crew=Here(room))

    assert together.value.problems == alone.value.problems
    again = pickle.loads(pickle.dumps(together.value))
    assert (again.problems, str(again)) == (alone.value.problems, str(alone.value))


TYPED = {
    "phone": [number(1), number(2), number(1), None],
    "flag": [True, None, False, True],
    "day": [dt.date(2026, 1, 2)] * 3 + [None],
    "many": [[1], [], None, [2, 3]],
    "of": [{"a": 1}, {"a": None}, None, {"a": 2}],
    "bytes": [b"a", b"\xff", None, b""],
    "nothing": [None] * 4,
}


@pytest.mark.parametrize("kind", ["parquet", "ndjson", "xlsx"])
def test_lists_with_types_keep_them(tmp_path: Path, kind: str) -> None:
    """In the room they lie as Arrow: dates, flags, lists and objects come out the same."""
    columns = {
        "parquet": [*TYPED],
        "ndjson": ["phone", "flag", "many", "of", "nothing"],
        "xlsx": ["phone", "flag", "day"],
    }[kind]
    people = pl.DataFrame(TYPED).select(columns)
    put(tmp_path, f"list-1.{kind}", people)
    put(tmp_path, f"list-2.{kind}", people)
    campaign(
        tmp_path,
        recipients={"path": f"list-*.{kind}"},
        message={"text": "{{ flag | default('x') }}"},
    )
    hold_equal(tmp_path)
