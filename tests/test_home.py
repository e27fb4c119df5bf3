"""Rooms for work: what a killed process left there is people's numbers, and goes."""

from __future__ import annotations

import os
import subprocess
import sys
from socket import gethostname
from typing import TYPE_CHECKING

import pytest

from bulksend.home import Address, Home
from bulksend.prepare.blocks import Scratch
from tests.flow.desk import Desk

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def gone() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def _room(folder: Path, pid: int, host: str) -> Path:
    room = folder / f"{pid}@{host}-abc"
    room.mkdir(parents=True)
    (room / "rows.arrow").write_text("+19195550142")
    return room


@pytest.mark.parametrize("kind", ["workrooms", "outgoing"])
def test_a_sweep_takes_what_a_killed_one_left_here(
    tmp_path: Path, gone: int, kind: str
) -> None:
    """Of this machine alone: whose process lives elsewhere only that machine knows."""
    here, folder = gethostname(), tmp_path / kind
    left = _room(folder, gone, here)
    at_work = _room(folder, os.getpid(), here)
    elsewhere = _room(folder, gone, "another-machine")
    others = folder / "a folder of somebody's"
    others.mkdir()

    Home(tmp_path, tmp_path / "journal.sqlite").sweep()

    assert not left.exists()
    assert [one.exists() for one in (at_work, elsewhere, others)] == [True] * 3


def test_a_sweep_takes_what_a_killed_one_left_in_the_system_s_folder(
    tmp_path: Path, gone: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A workbook's rows as CSV, which hold all numbers; whoever is alive keeps its own."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    scratch = Scratch().new().parent
    here, end = f"@{gethostname()}-", scratch.name.partition(f"@{gethostname()}-")[2]
    assert scratch.name == f"{os.getpid()}{here}{end}"
    left = tmp_path / f"{gone}{here}{end}"
    left.mkdir()
    (left / "0.csv").write_text("+19195550142")
    others = tmp_path / f"{gone}{here}editor"
    others.mkdir()
    home = Home(tmp_path / "home", tmp_path / "journal.sqlite")

    assert home.leftovers(before=0) == [left / "0.csv"]
    home.sweep()

    assert not left.exists()
    assert others.exists()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("u:s3cret@db/j", "u@db/j"),
        ("u:s3cret@db/j?sslmode=require", "u@db/j?sslmode=require"),
        (
            "u@db/j?sslpassword=s3cret&options=-cx%3D1",
            "u@db/j?sslpassword=***&options=-cx%3D1",
        ),
        ("u@db/j?token=s3cret&%70assword=s3cret", "u@db/j?token=***&%70assword=***"),
        ("u@db/j?s3cret", "u@db/j?***"),
    ],
)
def test_a_journals_address_shows_no_secret(url: str, shown: str) -> None:
    """Of its keys the value is shown only where it is known to be none."""
    assert str(Address(f"postgresql://{url}")) == f"postgresql://{shown}"


def test_a_home_that_is_not_there_is_swept_too(tmp_path: Path) -> None:
    """Nothing is made by it."""
    Home(tmp_path / "none", tmp_path / "journal.sqlite").sweep()

    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("command", ["check", "plan", "run"])
def test_who_plans_sweeps(tmp_path: Path, gone: int, command: str) -> None:
    """A plan that was killed while workers made it is cleared away by the next one."""
    desk = Desk(tmp_path)
    desk.people()
    desk.campaign(provider="simulator")
    left = _room(tmp_path / ".bulksend" / "workrooms", gone, gethostname())

    assert desk.call(command, "hello.yaml", "--json").code == 0
    assert not left.exists()


def test_what_another_machine_left_is_told_when_it_is_old(
    tmp_path: Path, gone: int
) -> None:
    """`purge` shows it before it goes; a room of today may be in use there."""
    home = Home(tmp_path, tmp_path / "journal.sqlite")
    room = _room(tmp_path / "workrooms", gone, "another-machine")
    now = room.stat().st_mtime_ns // 1_000_000

    assert home.leftovers(before=now - 60_000) == []
    assert home.leftovers(before=now + 60_000) == [room / "rows.arrow"]
