"""A home in object storage: plans and rejects that every machine finds; no shared disk."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest

from bulksend.home import Home
from bulksend.prepare.kept import keep_plan
from bulksend.prepare.plan import Plan
from bulksend.storage import objects
from tests.flow.desk import Desk, counts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flow.conftest import Bandwidth
    from tests.storage.store import Bucket


@pytest.fixture
def machines(cloud_desk: Desk, bucket: Bucket, tmp_path: Path) -> tuple[Desk, Desk]:
    """Two machines with nothing in common but bucket and journal."""
    shared = {
        "BULKSEND_HOME": bucket.at("bulksend"),
        "BULKSEND_JOURNAL": str(tmp_path / "journal.sqlite"),
    }
    other = Desk(tmp_path / "other")
    other.folder.mkdir()
    for name, desk in {"first": cloud_desk, "second": other}.items():
        desk.environment |= shared | {"XDG_CACHE_HOME": str(tmp_path / "cache" / name)}
    other.environment = cloud_desk.environment | other.environment
    other.environment |= bucket.environment
    return cloud_desk, other


def test_a_plan_is_sent_by_another_machine(
    machines: tuple[Desk, Desk], bucket: Bucket, bandwidth: Bandwidth
) -> None:
    """By its address; results, report and explain work there as they do here."""
    first, second = machines
    simulator = bandwidth()
    second.environment |= {
        name: first.environment[name]
        for name in first.environment
        if name.startswith("BW_")
    }
    first.people()
    first.campaign(results=bucket.at("results/hello.csv"))
    planned = first.call("plan", "hello.yaml", "--json").json
    assert planned["plan"] == bucket.at(f"bulksend/plans/{planned['run']}.parquet")
    rejects = pl.read_csv(bucket.get(f"bulksend/rejects/{planned['run']}.csv"))
    assert rejects["rejected_row"].to_list() == [6, 7]

    sent = second.call("send", planned["plan"], "--yes", "--json")

    assert (sent.code, counts(sent)["accepted"]) == (0, 4), sent
    assert len(simulator.bandwidth.witness.accepted) == 4
    assert pl.read_csv(bucket.get("results/hello.csv")).height == 7
    for command in (["results"], ["report"], ["explain", "+19192345672"]):
        for desk in machines:
            ran = desk.call(*command)
            assert (ran.code, ran.err) == (0, ""), ran
    made = bucket.modified(f"bulksend/plans/{planned['run']}.parquet")
    for desk in machines:
        told = desk.call("explain", "+19192345672", "--json").json["rows"][0]["steps"]
        assert told[0] == {"at": f"{made:%Y-%m-%dT%H:%M:%S}.000Z", "what": "planned"}
    assert not (second.folder / ".bulksend").exists()
    again = first.call("run", "hello.yaml", "--yes", "--json")
    assert (again.code, len(simulator.bandwidth.witness.accepted)) == (0, 4), again


def test_explain_finds_what_another_machine_planned_and_nobody_sent(
    machines: tuple[Desk, Desk], bucket: Bucket
) -> None:
    """The home's plans are all machines' plans."""
    first, second = machines
    first.people()
    first.campaign(results=bucket.at("results/hello.csv"))
    planned = first.call("plan", "hello.yaml", "--json").json

    (row,) = second.call("explain", "+19192345672", "--json").json["rows"]

    assert (row["run"], row["status"]) == (planned["run"], "planned")


def test_a_plan_too_large_for_one_object_says_what_to_do(
    machines: tuple[Desk, Desk], bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E699 while it is planned; 5 GiB are 5 kB here."""
    monkeypatch.setattr(objects, "LARGEST", 5_000)
    first, _ = machines
    first.people()
    first.campaign(results=bucket.at("results/hello.csv"))
    refused = first.call("plan", "hello.yaml")
    assert (refused.code, "E699" in refused.err) == (2, True), refused
    assert "several campaigns" in refused.err
    assert not [key for key in bucket.keys if "plans/" in key]


def test_two_machines_that_plan_have_one_plan(
    machines: tuple[Desk, Desk], bucket: Bucket
) -> None:
    """The first to put it is first; both go on with its bytes, from copies of their own."""
    first, second = machines
    first.people()
    first.campaign(results=bucket.at("results/hello.csv"))
    shutil.copytree(first.folder, second.folder, dirs_exist_ok=True)
    plans = [
        desk.call("plan", "hello.yaml", "--json").json["plan"] for desk in machines
    ]
    assert plans[0] == plans[1]
    [key] = [key for key in bucket.keys if key.startswith("bulksend/plans/")]
    assert bucket.at(key) == plans[0]


def test_who_is_second_takes_the_plan_of_the_first(
    machines: tuple[Desk, Desk], bucket: Bucket, tmp_path: Path
) -> None:
    """Also where both began before either was there: create-only decides."""
    first, second = machines
    first.people()
    first.campaign()
    made = first.call("plan", "hello.yaml", "--json").json["plan"]
    name = made.rpartition("/")[2].removesuffix(".parquet")
    theirs = bucket.get(f"bulksend/plans/{name}.parquet")
    bucket.delete(f"bulksend/plans/{name}.parquet")
    home = Home.find(second.folder, second.environment)

    def make(path: Path) -> Plan:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"mine, and later")
        bucket.put(f"bulksend/plans/{name}.parquet", theirs)
        return Plan(path, {})

    kept = keep_plan(name, home, make)
    assert (kept.path.read_bytes(), kept.place) == (theirs, made)
    assert not home.plan_path(name).exists()


def test_a_home_in_a_bucket_needs_a_journal_elsewhere(
    machines: tuple[Desk, Desk],
) -> None:
    """E601 says which variable: a journal in a worker's cache would forget who was texted."""
    first, _ = machines
    first.people()
    first.campaign()
    first.environment["BULKSEND_JOURNAL"] = ""
    ran = first.call("check", "hello.yaml")
    assert (ran.code, "E601" in ran.err, "BULKSEND_JOURNAL" in ran.err) == (
        2,
        True,
        True,
    )


WRONG = {
    "none.parquet": None,
    "list.csv": b"a,b\n1,2\n",
}


@pytest.mark.parametrize(("key", "content"), WRONG.items())
def test_what_is_no_plan_is_said_by_its_address(
    machines: tuple[Desk, Desk], bucket: Bucket, key: str, content: bytes | None
) -> None:
    """E620, with the address that was typed."""
    first, _ = machines
    if content is not None:
        bucket.put(key, content)
    ran = first.call("send", bucket.at(key), "--yes")
    assert (ran.code, f"E620 {bucket.at(key)}" in ran.err) == (2, True), ran


def test_a_plan_that_was_touched_in_the_bucket_is_refused(
    machines: tuple[Desk, Desk], bucket: Bucket, bandwidth: Bandwidth
) -> None:
    """It is another plan then: nothing is sent."""
    first, _ = machines
    simulator = bandwidth()
    first.people()
    first.campaign()
    made = first.call("plan", "hello.yaml", "--json").json["plan"]
    key = made.removeprefix(bucket.at(""))
    frame = pl.read_parquet(bucket.get(key))
    about = pl.read_parquet_metadata(bucket.get(key))
    frame = frame.with_columns(pl.col("text").str.replace("Hi", "Bye"))
    file = first.folder / "touched.parquet"
    frame.write_parquet(file, metadata=about)
    bucket.put(key, file.read_bytes())
    ran = first.call("send", made, "--yes", "--as-planned")
    assert ran.code == 2, ran
    assert not simulator.bandwidth.witness.accepted


def test_a_purge_removes_shared_plans_and_rejects(
    machines: tuple[Desk, Desk], bucket: Bucket
) -> None:
    """A plan that was never sent goes with its rejects."""
    from datetime import timedelta

    from bulksend.settle.purging import plan_purge
    from bulksend.settle.removing import purge

    first, _ = machines
    first.people()
    first.campaign()
    assert first.call("check", "hello.yaml").code == 0
    assert len(bucket.keys) == 3
    home = Home.find(first.folder, first.environment)
    later = 4_000_000_000_000
    purge(home, plan_purge(home, timedelta(days=1), now=later), now=later)
    assert bucket.keys == []
    assert replace(home).shared is not None
