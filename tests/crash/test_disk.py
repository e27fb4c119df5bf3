"""The journal's disk fails: nothing is posted whose intent was not durable."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from bulksend.errors import InputError
from bulksend.home import Home
from bulksend.journal.store import Journal
from bulksend.safekeeping import back_up
from tests.crash.ground import FAULTS, Ground, Nursery, until
from tests.suites.mounts import mounted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.crash]


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery


PATIENT = {"bulksend__send__bandwidth__ANSWER_SECONDS": 30.0}
"""Where no answer is lost, a busy machine shall not look like one that loses them."""


def texted(ground: Ground) -> Counter[str]:
    return Counter(number for one in ground.accepted for number in one.to)


@pytest.mark.parametrize("seed", range(6))
def test_commits_that_fail_at_random_stop_the_sending_at_once(
    tmp_path: Path, nursery: Nursery, seed: int
) -> None:
    """Reported as failed, written or not: each number at most once, each row a fate."""
    ground, rng = Ground(tmp_path, 60, rate="400/s"), random.Random(seed)
    codes = []
    with ground.served(rng, **FAULTS, slow_seconds=0.2):
        for turn in range(40):
            disk = {"disk": (0.1, rng.random())} if turn < 12 else {}
            ground.begin(nursery, **disk)
            codes.append(nursery.wait())
            ground.note_orphans()
            if codes[-1] in {0, 5} and turn >= 12:
                break
        verdict = ground.judge()

    assert codes[-1] in {0, 5}, codes
    assert 2 in codes or 4 in codes
    assert set(codes) <= {0, 2, 3, 4, 5}
    # An intent that was written and reported as failed is an unknown that never left.
    assert (verdict.doubled, verdict.lost, verdict.wrong) == (0, 0, 0), verdict


@pytest.mark.parametrize("megabytes", [0.4, 0.6])
def test_a_disk_that_runs_full_in_the_middle(
    tmp_path: Path, nursery: Nursery, megabytes: float
) -> None:
    """E601 and its way out; when there is room again, the same command ends the run."""
    ground = Ground(tmp_path / "desk", 3_000, rate="1500/s")
    home = tmp_path / "small"
    with (
        mounted(home, f"size={int(megabytes * 1024)}k"),
        ground.served(random.Random(1)),
    ):
        ground.environment["BULKSEND_HOME"] = str(home)
        ground.home = home
        _fill(home, leave=260_000)
        ground.begin(nursery, **PATIENT)
        code = nursery.wait()
        sent = len(ground.accepted)
        said = ground.said()
        assert code in {2, 4}, said
        assert "E601" in [problem["code"] for problem in said["problems"]], said
        assert "Free some space" in str(said["problems"])
        # Whatever was posted is known to the journal, as far as its disk could say so.
        known = ground.statuses()
        assert set(texted(ground)) <= {ground.numbers[row - 2] for row in known}
        assert sent < 3_000
        subprocess.run(["mount", "-o", "remount,size=64m", str(home)], check=True)
        for _ in range(10):  # a busy machine may stop it once more: it resumes
            ground.begin(nursery, **PATIENT)
            if (code := nursery.wait()) in {0, 5}:
                break
            assert code in {3, 4}, ground.said()
        assert code in {0, 5}, ground.said()
        verdict = ground.judge()

    assert (verdict.doubled, verdict.lost, verdict.wrong) == (0, 0, 0), verdict


def _fill(folder: Path, *, leave: int) -> None:
    free = shutil.disk_usage(folder).free
    (folder / "filler").write_bytes(b"x" * max(0, free - leave))


@pytest.mark.parametrize(
    "loss", ["wal removed", "wal cut", "journal removed", "old copy"]
)
def test_a_journal_that_forgot_is_refused(
    tmp_path: Path, nursery: Nursery, loss: str
) -> None:
    """E604, and nothing is sent; whoever accepts a second text removes what it names."""
    ground = Ground(tmp_path, 200, rate="100/s")
    home = tmp_path / ".bulksend"
    journal, wal = home / "journal.sqlite", home / "journal.sqlite-wal"
    with ground.served(random.Random(1)):
        ground.begin(nursery)
        until(lambda: len(ground.accepted) > 40, "forty texts")
        if loss == "old copy":
            back_up(Home(home, journal), tmp_path / "copy")
            before = len(ground.accepted)
            until(lambda: len(ground.accepted) > before + 20, "twenty more")
        nursery.kill()
        nursery.wait()
        if loss == "wal removed":
            wal.unlink()
        elif loss == "wal cut":
            os.truncate(wal, wal.stat().st_size * 2 // 3)
        else:
            for file in home.glob("journal.sqlite*"):
                file.unlink()
        if loss == "old copy":
            shutil.copy(tmp_path / "copy" / "journal.sqlite", journal)
        sent = len(ground.attempts)

        (ground.folder / "results").mkdir(exist_ok=True)
        for name in ("c.csv", "c.parquet"):  # as a finished run would have left them
            (ground.folder / "results" / name).touch()
        ground.begin(nursery)
        code = nursery.wait()
        (problem,) = ground.said()["problems"]
        assert (code, problem["code"]) == (3, "E604"), ground.said()
        assert len(ground.attempts) == sent

        (mark,) = (home / "claims" / "bandwidth+c").iterdir()
        assert problem["fix"].endswith(f"removes {mark.relative_to(tmp_path)}.")
        mark.unlink()
        shutil.rmtree(ground.folder / "results")
        ground.begin(nursery)
        assert nursery.wait() in {0, 5}


def test_what_is_on_a_disk_that_only_reads_can_be_looked_at(
    tmp_path: Path, nursery: Nursery
) -> None:
    """Status, results, history; who would write is told that it cannot be written."""
    ground, home = Ground(tmp_path / "desk", 20), tmp_path / "disk"

    def call(*arguments: str) -> str:
        nursery.start(ground.folder, ground.environment, *arguments)
        return f"{nursery.wait()} {ground.printed()}"

    with mounted(home, "size=16m"), ground.served(random.Random(1)):
        ground.environment["BULKSEND_HOME"] = str(home)
        ground.begin(nursery)
        assert nursery.wait() == 0
        subprocess.run(["mount", "-o", "remount,ro", str(home)], check=True)

        assert "20 rows = 20 accepted" in call("status")
        assert call("results", "c", "--results", "again.csv").startswith("0 ")
        assert "accepted" in call("explain", ground.numbers[3])
        assert "bulksend_run_" in call("metrics")
        for command in (("run", "c.yaml", "--yes"), ("pause", "c")):
            said = call(*command)
            assert said.startswith("2 E601 ")
            assert "it cannot be written" in said
        ground.environment["BULKSEND_HOME"] = str(home / "claims")
        said = call("plan", "c.yaml")
        assert said.startswith("2 E621 ")
        assert "Make the folder writable" in said
        assert "it cannot be written" in call("suppress", "add", "+19195550101")


def test_a_backup_of_a_journal_in_use_is_of_one_moment(
    tmp_path: Path, nursery: Nursery
) -> None:
    """Taken again and again while a run sends: whole, and it knows whatever was posted."""
    ground = Ground(tmp_path, 1_500, rate="1000/s")
    home = Home(tmp_path / ".bulksend", tmp_path / ".bulksend" / "journal.sqlite")
    copies = 0
    with ground.served(random.Random(1)):
        ground.begin(nursery, **PATIENT)
        until(lambda: len(ground.accepted) > 20, "twenty texts")
        while len(ground.accepted) < 1_400:
            posted = {number for one in ground.attempts for number in one.to}
            made = back_up(home, tmp_path / "safe")
            copies += 1
            with closing(sqlite3.connect(made.journal)) as copy:
                assert copy.execute("pragma integrity_check").fetchone() == ("ok",)
                known = dict(copy.execute("select row, status from messages"))
            assert posted <= {ground.numbers[row - 2] for row in known}
            took = texted(ground)
            assert all(
                ground.numbers[row - 2] in took
                for row, status in known.items()
                if status == "accepted"
            )
            time.sleep(0.02)
        assert nursery.wait() == 0

    assert copies >= 3
    assert made.runs == 1
    assert len(list((tmp_path / "safe" / "plans").glob("*.parquet"))) == 1
    assert not list((tmp_path / "safe").rglob("*unfinished*"))


def test_a_backup_that_cannot_be_says_why(tmp_path: Path) -> None:
    """No journal, a folder that is a file, the journal's own folder: E606, unchanged."""
    journal = tmp_path / "home" / "journal.sqlite"
    home = Home(journal.parent, journal)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"E606 .*there is no journal"):
        back_up(home, tmp_path / "safe")
    Journal.open(journal).close()
    content = journal.read_bytes()

    for folder in (tmp_path / "file", home.folder):
        with pytest.raises(InputError, match="E606"):
            back_up(home, folder)

    assert journal.read_bytes() == content
    assert not list(tmp_path.rglob("*unfinished*"))
