"""Damaged, mutated and random files: a right answer or `InputError`, nothing else."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulksend.errors import InputError
from bulksend.prepare import blocks
from bulksend.prepare.records import Records
from bulksend.prepare.source import scan

if TYPE_CHECKING:
    from collections.abc import Sequence

STEADY = settings(
    derandomize=True,
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

CELLS = st.text(st.sampled_from('ab,;\n"\t é'), max_size=5)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=6)
)


def read(name: str, content: bytes) -> tuple[pl.DataFrame, int] | None:
    """The frame and the promised height; None where the file is refused."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(content)
        try:
            with scan([name], folder=Path(folder)) as source:
                return source.frame.collect(engine="streaming"), source.rows
        except InputError as error:
            return None if str(error) else (pl.DataFrame(), -1)


def written(table: Sequence[Sequence[str]], **style: Any) -> str:
    width = len(table[0]) if table else 1
    text = io.StringIO()
    out = csv.writer(text, **style)
    out.writerow([f"c{i}" for i in range(width)])
    out.writerows(table)
    return text.getvalue()


@STEADY
@given(
    table=TABLES,
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n"]),
    block=st.sampled_from([1, 7, 64, 1 << 20]),
)
def test_what_the_csv_module_writes_is_read_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
    table: list[list[str]],
    quoting: int,
    end: str,
    block: int,
) -> None:
    """Quoted newlines, delimiters and quotes, at any place of a block's edge."""
    monkeypatch.setattr(blocks, "BLOCK", block)
    text = written(table, quoting=quoting, lineterminator=end)
    found = read("l.csv", text.encode())

    assert found is not None
    frame, promised = found
    records = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert records == [cells or [""] for cells in table]
    # An unquoted record of nothing is an empty row; "" is a cell.
    numbered = [(i, *cells) for i, cells in enumerate(table, start=2)]
    kept = [
        r for r in numbered if any(r[1:]) or quoting == csv.QUOTE_ALL or len(r) == 2
    ]
    got = [(row[0], *(cell or "" for cell in row[1:])) for row in frame.rows()]
    assert got == kept
    assert promised == len(kept)


class LineByLine(Records):
    """Takes no block as a whole."""

    def _is_plain(self, chunk: bytes) -> bool:
        return False


@STEADY
@given(table=TABLES, lost=st.integers(0, 6))
def test_the_quick_and_the_exact_reading_agree(
    table: list[list[str]], lost: int
) -> None:
    """On good files both count the same records; a lost cell is found by both, in its row."""
    lines = written(table, lineterminator="\n").splitlines(keepends=True)
    if 0 < lost < len(lines):
        lines[lost] = "x," + lines[lost]
    text = "".join(lines).encode()
    header = tuple(f"c{i}" for i in range(len(table[0]) if table else 1))

    seen = []
    for kind in (Records, LineByLine):
        records = kind(",", header, lines=1, first_row=2)
        records.feed(text)
        records.finish()
        problems = [str(problem) for problem in records.problems("l.csv")]
        seen.append((records.last_row, records.blank, problems))
    assert seen[0] == seen[1]


@STEADY
@given(body=st.binary(max_size=200), name=st.sampled_from(["l.csv", "l.ndjson"]))
def test_random_bytes_are_read_or_refused(name: str, body: bytes) -> None:
    """Never another exception, never another number of rows than promised."""
    found = read(name, body)
    assert found is None or found[0].height == found[1]


@STEADY
@given(body=st.text(st.sampled_from('x",\n\r é;\t\0'), max_size=40))
def test_random_texts_are_read_or_refused(body: str) -> None:
    """Quotes, delimiters and line ends in every order."""
    found = read("l.csv", b"a,b\n" + body.encode())
    assert found is None or found[0].height == found[1]


def seeds(folder: Path) -> dict[str, list[bytes]]:
    frame = pl.DataFrame(
        {
            "phone": [f"+1415555{i:04}" for i in range(60)],
            "n": list(range(60)),
            "half": [i / 2 for i in range(60)],
            "name": ['Ann, "A"', None, "Zoë\nZ"] * 20,
        }
    )
    frame.write_csv(folder / "s.csv")
    frame.write_ndjson(folder / "s.ndjson")
    frame.write_excel(folder / "s.xlsx")
    found = {
        end: [(folder / f"s.{end}").read_bytes()] for end in ("csv", "ndjson", "xlsx")
    }
    found["parquet"] = []
    for packing in ("zstd", "snappy", "uncompressed"):
        frame.write_parquet(folder / "s", compression=packing, row_group_size=20)
        found["parquet"].append((folder / "s").read_bytes())
    return found


with tempfile.TemporaryDirectory() as _folder:
    SEEDS = seeds(Path(_folder))


@pytest.mark.parametrize("end", sorted(SEEDS))
@STEADY
@given(data=st.data())
def test_a_mutated_file_is_read_or_refused(end: str, data: st.DataObject) -> None:
    """Bytes changed, lost, inserted or cut off: panics of the reader are refusals too."""
    content = bytearray(data.draw(st.sampled_from(SEEDS[end])))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(content)))
        lost = data.draw(st.sampled_from([0, 1, 1, 1, 9, 1 << 20]))
        content[at : at + lost] = data.draw(st.binary(max_size=3))
    found = read(f"l.{end}", bytes(content))
    assert found is None or found[0].height == found[1]


@pytest.mark.parametrize("end", sorted(SEEDS))
def test_the_seeds_themselves_are_read(end: str) -> None:
    """Or the mutations would prove nothing."""
    for content in SEEDS[end]:
        found = read(f"l.{end}", content)
        assert found is not None
        assert found[0].height == 60
