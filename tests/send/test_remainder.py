"""What is left of a run, found in two lots: each row once, and the first few at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulksend.journal.owner import Owner
from bulksend.journal.records import WHOLE, Candidate, Outcome, Part
from bulksend.journal.states import Event
from bulksend.journal.store import Journal
from bulksend.journal.writer import Writer
from bulksend.send import remainder
from bulksend.send.remainder import Remainder
from tests.suites.scene import CAMPAIGN, NOW, RUN

if TYPE_CHECKING:
    from pathlib import Path

FIRST, LOOKED_AT_FIRST, AT_ONCE = 3, 5, 4


@pytest.fixture(scope="module", autouse=True)
def _small() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remainder, "FIRST_ROWS", FIRST)
        patch.setattr(remainder, "LOOKED_AT_FIRST", LOOKED_AT_FIRST)
        patch.setattr(remainder, "LOOKED_AT_ONCE", AT_ONCE)
        yield


def _rows(numbers: list[int]) -> pl.DataFrame:
    return pl.DataFrame({"row": pl.Series(numbers, dtype=pl.UInt32)})


async def _look(
    path: Path, rows: list[int], done: list[int], given_back: list[int], **more: object
) -> tuple[list[int], list[int], int]:
    """The first few, all others, and how many were done."""
    with Journal.open(path) as journal:
        run = journal.runs.add(RUN)
        epoch = journal.leases.take(CAMPAIGN, Owner.me(), now=NOW)
        some = [Candidate(row, None) for row in [*done, *given_back]]
        journal.claim(run, epoch, some, now=NOW)
        back = [Outcome(row, Event.RELEASE, NOW) for row in given_back]
        journal.record(run.id, epoch, back)
    async with Writer(path, run) as writer:
        writer.epoch = epoch
        left = await Remainder.find(_rows(rows), writer, **more)  # type: ignore[arg-type]
        first = left.first["row"].to_list()
        # What goes out meanwhile is closed when the journal gets to it.
        await writer.claim([Candidate(row, None) for row in first], now=NOW)
        rest, before = await left.rest(), left.known_before
        assert before is not None
        await left.close()
        return first, rest["row"].to_list(), before


@settings(max_examples=25)
@given(
    fates=st.lists(st.sampled_from(["open", "done", "given back"]), max_size=20),
    data=st.data(),
)
def test_each_row_that_is_left_comes_once(
    tmp_path_factory: pytest.TempPathFactory, fates: list[str], data: st.DataObject
) -> None:
    """In order within each lot; none that is done, all that are not, some of them first."""
    rows = [2 + 3 * at for at in range(len(fates))]
    chosen = data.draw(st.none() | st.lists(st.sampled_from(rows or [2]), unique=True))
    only = None if chosen is None else pl.Series(sorted(chosen), dtype=pl.UInt32)
    by_fate = {
        fate: [row for row, one in zip(rows, fates, strict=True) if one == fate]
        for fate in ("open", "done", "given back")
    }
    path = tmp_path_factory.mktemp("left") / "journal.sqlite"

    first, rest, before = asyncio.run(
        _look(path, rows, by_fate["done"], by_fate["given back"], only=only)
    )

    wanted = sorted(by_fate["open"] + by_fate["given back"])
    if chosen is not None:
        wanted = [row for row in wanted if row in chosen]
    assert sorted(first + rest) == wanted
    assert (first, rest) == (sorted(first), sorted(rest))
    assert before == len(by_fate["done"])
    assert len(first) <= FIRST


# what of 100 rows is done; which are found at once
SHAPES: tuple[tuple[str, list[int], list[int]], ...] = (
    ("nothing", [], [1, 2, 3]),
    ("every second", list(range(1, 101, 2)), [2, 4]),
    ("the first half", list(range(1, 51)), [51, 52, 53]),
    ("all but the last", list(range(1, 100)), [100]),
    ("all but one", [row for row in range(1, 101) if row != 50], []),
    ("all", list(range(1, 101)), []),
)


@pytest.mark.parametrize(("done", "found"), [one[1:] for one in SHAPES])
def test_a_run_that_was_broken_off_goes_on_at_once(
    tmp_path: Path, done: list[int], found: list[int]
) -> None:
    """Where it stopped, or in the gaps of its beginning; elsewhere it looks first."""
    rows = list(range(1, 101))

    first, rest, before = asyncio.run(_look(tmp_path / "j", rows, done, []))

    assert first == found
    assert sorted(first + rest) == [row for row in rows if row not in done]
    assert before == len(done)


def test_a_shard_looks_at_its_own_rows(tmp_path: Path) -> None:
    """What others have done says nothing about them."""
    part = Part(1, 51, 100)
    done = [*range(1, 60), 99]
    found = asyncio.run(
        _look(tmp_path / "j", list(range(51, 101)), done, [], part=part)
    )

    first, rest, before = found
    assert WHOLE.shard != part.shard
    assert sorted(first + rest) == [row for row in range(60, 101) if row != 99]
    assert before == 10
