"""A file that appears whole, or not at all."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from bulksend.whole import whole

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_bytes_are_on_the_disk_before_the_name_and_the_name_before_it_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut there is the old file or the new one; after the block, the new."""
    path = tmp_path / "results.csv"
    path.write_text("old")
    seen: list[tuple[bool, str]] = []

    def flush(number: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(number).st_mode)
        seen.append((is_folder, path.read_text()))

    monkeypatch.setattr(os, "fsync", flush)
    with whole(path) as place:
        place.write_text("new")

    assert seen == [(False, "old"), (True, "new")]


def test_a_folder_that_takes_no_flush_keeps_nothing_from_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems refuse it; the file is there by then."""
    real = os.fsync

    def flush(number: int) -> None:
        if stat.S_ISDIR(os.fstat(number).st_mode):
            raise OSError(22, "Invalid argument")
        real(number)

    monkeypatch.setattr(os, "fsync", flush)
    with whole(tmp_path / "a.txt") as place:
        place.write_text("new")
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]
