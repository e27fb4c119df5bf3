"""Reading stays flat in memory, and finds a fault far down in a large file."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bulksend.errors import InputError
from bulksend.prepare.source import scan

if TYPE_CHECKING:
    from pathlib import Path

OURS = """
import resource, sys
from pathlib import Path
from bulksend.prepare.source import scan
with scan(["l.csv"], folder=Path(sys.argv[1])) as source:
    source.frame.sink_parquet(Path(sys.argv[1]) / "o.parquet")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
PLAIN = """
import polars, resource, sys
polars.scan_csv(sys.argv[1] + "/l.csv").sink_parquet(sys.argv[1] + "/o.parquet")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def large(folder: Path, rows: int, odd: dict[int, str]) -> None:
    with (folder / "l.csv").open("w", encoding="utf-8") as file:
        file.write("id,phone,name,code,city\n")
        for row in range(2, rows + 2):
            plain = f'{row},+1919555{row % 10000:04},Ann,{row:08x},"Springfield, IL"\n'
            file.write(odd.get(row, plain))


def test_a_quote_left_open_far_down_is_named_without_reading_on_in_memory(
    tmp_path: Path,
) -> None:
    """The row where it opened, whether a later quote closes it or none does."""
    large(tmp_path, 120_000, {90_000: '1,"2,3,4,5\n'})
    with pytest.raises(InputError) as caught:
        scan(["l.csv"], folder=tmp_path)
    assert 'row 90000, column "phone": a quote opens' in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "phrases"),
    [
        ({70_000: "1,2\n", 80_000: "1\n"}, ["row 70000: this record has 2 cells", "1 more"]),
        ({70_000: "1,2,3,4,5,6\n"}, ["row 70000: this record has 6 cells"]),
        ({70_000: "1,\0,3,4,5\n"}, ["E206 l.csv row 70000"]),
        ({70_000: '1,5" x,3,4,5\n', 70_001: '1,6" x,3,4,5\n'}, ["E208 l.csv row 70000", "1 more"]),
    ],
)  # fmt: skip
def test_a_fault_far_down_is_named_by_its_row(
    tmp_path: Path, lines: dict[int, str], phrases: list[str]
) -> None:
    """Blocks that are good are passed over; the rows still count."""
    large(tmp_path, 90_000, lines)
    with pytest.raises(InputError) as caught:
        scan(["l.csv"], folder=tmp_path)
    for phrase in phrases:
        assert phrase in str(caught.value)


def test_the_plan_of_a_scan_is_streaming(tmp_path: Path) -> None:
    """The row index comes from the scan, several files included."""
    (tmp_path / "a.csv").write_text("x,y\n1,2\n\n")
    (tmp_path / "b.csv").write_text("y,x\n1,2\n")
    for paths in (["a.csv"], ["a.csv", "b.csv"]):
        with scan(paths, folder=tmp_path) as source:
            shown = source.frame.explain(engine="streaming").lower()
        assert "in-memory" not in shown
        assert "in_memory" not in shown


@pytest.mark.slow
def test_memory_is_what_polars_alone_needs(tmp_path: Path) -> None:
    """A million and a half rows, scanned, checked and written: within 60 MB of it."""
    large(tmp_path, 1_500_000, {})
    peaks = [
        int(subprocess.check_output([sys.executable, "-c", code, str(tmp_path)]))
        for code in (PLAIN, OURS)
    ]
    assert peaks[1] < peaks[0] + 60
