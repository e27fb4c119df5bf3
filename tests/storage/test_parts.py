"""Results as parts and a manifest: a reader sees all of them or none, whoever dies when."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from bulksend.home import Home
from bulksend.settle import parts as parts_module
from bulksend.settle.parts import Parts
from bulksend.settle.purging import plan_purge
from bulksend.settle.removing import purge
from bulksend.storage.location import located
from tests.flow.desk import ROOT, counts, served
from tests.flow.test_shards import _people

if TYPE_CHECKING:
    from pathlib import Path

    from bulksend.storage.objects import Objects
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk
    from tests.storage.store import Bucket

RUN = "sale-0123456789ab"


def part(folder: Path, name: str, statuses: list[str]) -> Path:
    """A part's file: one row for each status."""
    path = folder / f"{name}.parquet"
    pl.DataFrame({"row": range(len(statuses)), "status": statuses}).write_parquet(path)
    return path


def manifest(bucket: Bucket, folder: str = "results/") -> dict[str, Any]:
    said: dict[str, Any] = json.loads(bucket.get(f"{folder}manifest.json"))
    return said


def read(bucket: Bucket, folder: str = "results/") -> pl.DataFrame:
    """As the documents say that results are read: what the manifest names."""
    named = [part["name"] for part in manifest(bucket, folder)["parts"]]
    return pl.concat(pl.read_parquet(bucket.get(folder + name)) for name in named)


@pytest.fixture
def parts(bucket: Bucket, objects: Objects) -> Parts:
    return Parts(located(bucket.at("results/")), RUN, objects)


def test_the_last_shard_puts_the_manifest(
    bucket: Bucket, parts: Parts, tmp_path: Path
) -> None:
    """Before it there is none; it names one part of each shard, and counts their rows."""
    for shard in (2, 0, 1):
        assert "results/manifest.json" not in bucket.keys
        statuses = ["accepted"] * (shard + 1) + ["excluded"]
        assert parts.put_shard(shard, 3, part(tmp_path, str(shard), statuses)) is True
    said = manifest(bucket)
    assert said["run"] == RUN
    assert said["counts"] == {"accepted": 6, "excluded": 3}
    assert (said["rows"], [one["rows"] for one in said["parts"]]) == (9, [2, 3, 4])
    assert [one["uri"] for one in said["parts"]] == [
        bucket.at(f"results/{one['name']}") for one in said["parts"]
    ]
    assert read(bucket).height == 9


def test_of_shards_that_end_at_once_the_manifest_names_every_one(
    bucket: Bucket, objects: Objects, tmp_path: Path
) -> None:
    """Two parts at the same moment, again and again: never none, never half a manifest."""
    files = [part(tmp_path, str(shard), ["accepted"]) for shard in range(2)]
    for turn in range(8):
        parts = Parts(located(bucket.at(f"{turn}/")), RUN, objects)
        at_once = Barrier(2)

        def end(shard: int, parts: Parts = parts, at_once: Barrier = at_once) -> bool:
            at_once.wait()
            return parts.put_shard(shard, 2, files[shard])

        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(end, range(2))) == [True, True]
        assert read(bucket, f"{turn}/").height == 2


def test_who_comes_after_the_manifest_writes_it_all_again(
    bucket: Bucket, parts: Parts, tmp_path: Path
) -> None:
    """A shard that was sent again: its part alone would be newer than the others'."""
    one = part(tmp_path, "one", ["unknown"])
    assert parts.put_shard(0, 1, one) is True
    assert parts.put_shard(0, 1, part(tmp_path, "two", ["accepted"])) is False
    assert manifest(bucket)["counts"] == {"unknown": 1}
    whole = part(tmp_path, "whole", ["accepted"])
    before = [one["name"] for one in manifest(bucket)["parts"]]
    assert parts.put_all(lambda: whole) is True
    said = manifest(bucket)
    assert (said["counts"], said["before"]) == ({"accepted": 1}, before)


def test_parts_that_no_manifest_names_go(
    bucket: Bucket, parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were replaced just now stay for whoever reads; older ones go in a day."""
    whole = part(tmp_path, "whole", ["accepted"])
    bucket.put("results/somebody-elses.parquet", "x")
    for _ in range(3):
        assert parts.put_all(lambda: whole)
    assert len(bucket.keys) == 5
    monkeypatch.setattr(parts_module, "FORGOTTEN", timedelta(days=-1))
    assert parts.put_all(lambda: whole)
    said = manifest(bucket)
    named = [one["name"] for one in said["parts"]] + said["before"]
    assert sorted(bucket.keys) == sorted(
        [
            *(f"results/{name}" for name in named),
            "results/manifest.json",
            "results/somebody-elses.parquet",
        ]
    )


def test_another_runs_folder_is_left_alone(
    bucket: Bucket, objects: Objects, parts: Parts, tmp_path: Path
) -> None:
    """Its manifest stays, and its parts are not taken for ours."""
    mine = part(tmp_path, "mine", ["accepted"])
    other = Parts(parts.folder, "other-0123456789ab", objects)
    assert other.put_shard(0, 2, mine)
    assert parts.put_shard(1, 2, mine)
    assert "results/manifest.json" not in bucket.keys
    assert other.put_all(lambda: mine)
    assert parts.put_all(lambda: mine) is False
    assert manifest(bucket)["run"] == other.run


def test_shards_leave_a_folder_of_results(
    cloud_desk: Desk, bucket: Bucket, bandwidth: Bandwidth
) -> None:
    """Each its part, the last one the manifest; `results`, report and purge know it."""
    bandwidth()
    cloud_desk.people(_people(100))
    cloud_desk.campaign(results=bucket.at("results/"))
    plan = cloud_desk.call("plan", "hello.yaml", "--shards", "3", "--json").json["plan"]
    for shard in (2, 0, 1):
        assert "results/manifest.json" not in bucket.keys
        ran = cloud_desk.call("send", plan, "--shard", str(shard), "--yes")
        assert ran.code == 0, ran
    rows = read(bucket)
    assert sorted(rows["row"]) == list(range(2, 102))
    said = cloud_desk.call("results", "--json")
    assert said.json["results"] == bucket.at("results/")
    assert manifest(bucket)["counts"] == counts(said)
    assert read(bucket).sort("row").equals(rows.sort("row"))
    report = cloud_desk.call("report", "--json").json["report"]
    assert report == bucket.at(f"results/{said.json['run']}.html")

    cloud_desk.campaign(name="other", results=bucket.at("results/"))
    refused = cloud_desk.call("run", "hello.yaml", "--yes")
    assert (refused.code, "E624" in refused.err) == (2, True), refused

    bucket.delete(report.removeprefix(bucket.at("")))
    home = Home.find(cloud_desk.folder, cloud_desk.environment)
    later = 4_000_000_000_000
    purge(home, plan_purge(home, timedelta(days=1), now=later), now=later)
    assert bucket.keys == []


def test_a_run_in_one_piece_is_one_part(
    cloud_desk: Desk, bucket: Bucket, bandwidth: Bandwidth
) -> None:
    """Also each slot's, in a folder of its own."""
    bandwidth()
    cloud_desk.people()
    cloud_desk.campaign(results=bucket.at("{run}/"))
    ran = cloud_desk.call("run", "hello.yaml", "--yes", "--json")
    folder = f"{ran.json['run']}/"
    assert ran.json["results"] == bucket.at(folder)
    assert manifest(bucket, folder)["counts"] == counts(ran)
    assert len(manifest(bucket, folder)["parts"]) == 1


DYING = """
import os, signal, sys
from bulksend.settle.parts import Parts
Parts._create = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
sys.argv[0] = "bulksend"
from bulksend.cli import main
main()
"""


@pytest.mark.crash
def test_a_sender_that_dies_between_part_and_manifest_is_run_again(
    cloud_desk: Desk, bucket: Bucket
) -> None:
    """Its part is there and no reader sees it; once more, and all of it is; nobody twice."""
    with served(cloud_desk.folder) as server:
        cloud_desk.environment |= server.environment
        cloud_desk.people(_people(60))
        cloud_desk.campaign(results=bucket.at("results/"))
        plan = cloud_desk.call("plan", "hello.yaml", "--shards", "2", "--json").json[
            "plan"
        ]
        assert cloud_desk.call("send", plan, "--shard", "0", "--yes").code == 0
        dead = subprocess.run(
            [sys.executable, "-c", DYING, "send", plan, "--shard", "1", "--yes"],
            cwd=cloud_desk.folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | cloud_desk.environment,
            capture_output=True,
            check=False,
        )
        assert dead.returncode == -9, dead
        assert len([key for key in bucket.keys if "-part-" in key]) == 2
        assert "results/manifest.json" not in bucket.keys

        again = cloud_desk.call("send", plan, "--shard", "1", "--yes", "--json")

        assert again.code == 0, again
        assert sorted(read(bucket)["row"]) == list(range(2, 62))
        sent = Counter(line["to"][0] for line in server.lines())
        assert set(sent.values()) == {1}
