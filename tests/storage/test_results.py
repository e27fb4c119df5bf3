"""Results and reports in object storage: whole, the run's own, and never over another's."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta
from io import BytesIO
from socket import gethostname
from typing import TYPE_CHECKING

import polars as pl
import pytest

from bulksend.home import Home
from bulksend.settle.purging import plan_purge
from bulksend.settle.removing import purge
from bulksend.storage import objects as objects_module
from bulksend.storage.location import located
from bulksend.storage.ours import TRIES, put_ours
from tests.flow.desk import counts
from tests.storage.refusing import Answer, refusing

if TYPE_CHECKING:
    from pathlib import Path

    from bulksend.storage.objects import Objects
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk
    from tests.storage.store import Bucket


def test_results_are_objects_as_they_are_files(
    cloud_desk: Desk, bucket: Bucket, bandwidth: Bandwidth
) -> None:
    """Each form, from the campaign's key and from --results; a line for every row."""
    bandwidth()
    cloud_desk.people()
    cloud_desk.campaign(results=bucket.at("results/hello.parquet"))
    ran = cloud_desk.call("run", "hello.yaml", "--yes", "--json")
    assert (ran.code, counts(ran)["accepted"]) == (0, 4), ran
    assert ran.json["results"] == bucket.at("results/hello.parquet")
    whole = pl.read_parquet(BytesIO(bucket.get("results/hello.parquet")))
    assert whole["status"].value_counts(sort=True).rows() == [
        ("accepted", 4),
        ("excluded", 3),
    ]
    for key in ("again.csv", "again.xlsx"):
        done = cloud_desk.call("results", "--results", bucket.at(key))
        assert done.code == 0, done
    assert (
        pl.read_csv(bucket.get("again.csv"))["row"].to_list() == whole["row"].to_list()
    )
    assert bucket.get("again.xlsx")[:2] == b"PK"
    assert list((cloud_desk.folder / ".bulksend/outgoing").iterdir()) == []


ENOUGH = {".csv": 1.2, ".parquet": 2.5}
"""How much more than its size a file of results may be taken for."""


@pytest.mark.parametrize("suffix", ENOUGH)
def test_results_too_large_for_one_object_are_found_before_anything_is_sent(
    cloud_desk: Desk,
    bucket: Bucket,
    bandwidth: Bandwidth,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
) -> None:
    """E699, and the way out; 5 GiB are some kilobytes here.

    A CSV's size is foreseen to a fifth; Parquet's rather too large than too small.
    """
    simulator = bandwidth()
    rows = "".join(f"{n},P{n},+1919{2_000_000 + n},9:15\n" for n in range(2_000))
    cloud_desk.people(f"id,name,mobile,at\n{rows}")
    cloud_desk.campaign()
    assert cloud_desk.call("run", "hello.yaml", "--yes").code == 0
    file = cloud_desk.folder / f"there{suffix}"
    assert cloud_desk.call("results", "--results", file).code == 0
    size = file.stat().st_size
    simulator.bandwidth.witness.accepted.clear()

    def sent(results: str, largest: float) -> tuple[int, str]:
        monkeypatch.setattr(objects_module, "LARGEST", largest)
        cloud_desk.campaign(results=results, name="other")
        ran = cloud_desk.call("run", "hello.yaml", "--yes")
        return ran.code, ran.err

    code, said = sent(bucket.at(f"there{suffix}"), 0.8 * size)
    assert (code, "E699" in said, "end in a slash" in said) == (2, True, True), said
    assert not simulator.bandwidth.witness.accepted
    assert sent(bucket.at(f"there{suffix}"), ENOUGH[suffix] * size)[0] == 0
    assert len(simulator.bandwidth.witness.accepted) == 2_000


def test_a_run_replaces_its_own_results(
    cloud_desk: Desk, bucket: Bucket, bandwidth: Bandwidth
) -> None:
    """Run again, resumed, settled: the object is the same run's, and is put again."""
    bandwidth()
    cloud_desk.people()
    cloud_desk.campaign(results=bucket.at("hello.csv"))
    for _ in range(2):
        assert cloud_desk.call("run", "hello.yaml", "--yes").code == 0
        assert cloud_desk.call("results").code == 0
    assert bucket.keys == ["hello.csv"]


def test_anothers_object_is_never_written_over(
    cloud_desk: Desk, bucket: Bucket, bandwidth: Bandwidth
) -> None:
    """E624 before anything is sent: a stranger's file, and another run's results."""
    simulator = bandwidth()
    cloud_desk.people()
    cloud_desk.campaign(results=bucket.put("hello.csv", "mine"))
    refused = cloud_desk.call("run", "hello.yaml", "--yes")
    assert (refused.code, "E624" in refused.err) == (2, True), refused
    assert not simulator.bandwidth.witness.accepted
    assert bucket.get("hello.csv") == b"mine"

    cloud_desk.campaign(results=bucket.at("spring.csv"))
    assert cloud_desk.call("run", "hello.yaml", "--yes").code == 0
    first = bucket.get("spring.csv")
    cloud_desk.campaign(name="other", results=bucket.at("spring.csv"))
    refused = cloud_desk.call("run", "hello.yaml", "--yes")
    assert (refused.code, "E624" in refused.err) == (2, True), refused
    assert bucket.get("spring.csv") == first


REFUSALS = {
    "E692": "s3a://bucket/hello.csv",
    "E625": "s3://bucket/hello.txt",
    "E693": "s3://no-such-bucket/hello.csv",
}


@pytest.mark.parametrize(("code", "place"), REFUSALS.items())
def test_a_place_that_cannot_be_written_is_known_before_anything_is_sent(
    cloud_desk: Desk, bandwidth: Bandwidth, code: str, place: str
) -> None:
    """Its code, exit code 2, and not a single message."""
    simulator = bandwidth()
    cloud_desk.people()
    cloud_desk.campaign()
    ran = cloud_desk.call("run", "hello.yaml", "--yes", "--results", place)
    assert (ran.code, code in ran.err) == (2, True), ran
    assert not simulator.bandwidth.witness.accepted


def test_a_bucket_that_may_not_be_written_is_known_before_anything_is_sent(
    cloud_desk: Desk, bandwidth: Bandwidth
) -> None:
    """E694 for a refusal, E698 and exit code 4 for a store that is away."""
    simulator = bandwidth()
    cloud_desk.people()
    cloud_desk.campaign(results="s3://bucket/hello.csv")
    with refusing(Answer(403, "AccessDenied")) as url:
        cloud_desk.environment["AWS_ENDPOINT_URL"] = url
        ran = cloud_desk.call("run", "hello.yaml", "--yes")
    assert (ran.code, "E694" in ran.err) == (2, True), ran
    assert not simulator.bandwidth.witness.accepted


def test_a_store_that_fails_after_the_send_loses_nothing(
    cloud_desk: Desk, bucket: Bucket, bandwidth: Bandwidth
) -> None:
    """The journal has it all: the results are written when the store is back."""
    simulator = bandwidth()
    cloud_desk.people()
    cloud_desk.campaign()
    assert cloud_desk.call("run", "hello.yaml", "--yes").code == 0
    with refusing(Answer(400, "ExpiredToken")) as url:
        cloud_desk.environment["AWS_ENDPOINT_URL"] = url
        ran = cloud_desk.call("results", "--results", bucket.at("late.csv"))
    assert (ran.code, "E695" in ran.err) == (2, True), ran
    cloud_desk.environment |= bucket.environment
    assert cloud_desk.call("results", "--results", bucket.at("late.csv")).code == 0
    assert pl.read_csv(bucket.get("late.csv")).height == 7
    assert len(simulator.bandwidth.witness.accepted) == 4


def test_who_was_overtaken_makes_it_anew(bucket: Bucket, objects: Objects) -> None:
    """What stands there in the end was made after everything that stood there before."""
    place = located(bucket.at("hello.csv"))
    journal = iter(["one", "two", "three"])
    overtaken: list[bytes] = []

    def make() -> bytes:
        said = next(journal).encode()
        if not overtaken:
            overtaken.append(said)
            assert put_ours(objects, place, lambda: next(journal).encode(), owner="run")
        return said

    assert put_ours(objects, place, make, owner="run")
    assert (overtaken, bucket.get("hello.csv")) == ([b"one"], b"three")


def test_who_is_always_overtaken_gives_up(bucket: Bucket, objects: Objects) -> None:
    """E697 after some tries, which may pass by itself; and never over another's object."""
    place = located(bucket.at("hello.csv"))
    made: list[str] = []

    def make() -> bytes:
        made.append(bucket.put("hello.csv", f"{len(made)}"))
        return b"mine"

    assert put_ours(objects, place, make, owner="run") is False
    assert (len(made), bucket.get("hello.csv")) == (1, b"0")

    def always_later() -> bytes:
        made.append("")
        objects.overwrite(b"%d" % len(made), place, owner="run")
        return b"mine"

    bucket.delete("hello.csv")
    with pytest.raises(Exception, match="E697"):
        put_ours(objects, place, always_later, owner="run")
    assert len(made) == 1 + TRIES


def test_a_report_is_an_object(
    cloud_desk: Desk, bucket: Bucket, bandwidth: Bandwidth
) -> None:
    """Beside the results, or where --output says; it replaces a report and nothing else."""
    bandwidth()
    cloud_desk.people()
    cloud_desk.campaign(results=bucket.at("results/hello.csv"))
    run = cloud_desk.call("run", "hello.yaml", "--yes", "--json").json["run"]
    for _ in range(2):
        said = cloud_desk.call("report", "--json")
        assert said.json["report"] == bucket.at(f"results/{run}.html")
    assert b"<html" in bucket.get(f"results/{run}.html")
    head = bucket.client.head_object(Bucket=bucket.name, Key=f"results/{run}.html")
    assert head["ContentType"] == "text/html; charset=utf-8"
    refused = cloud_desk.call("report", "--output", bucket.at("results/hello.csv"))
    assert (refused.code, "E670" in refused.err) == (2, True), refused


def test_a_purge_removes_results_and_copies(
    cloud_desk: Desk, bucket: Bucket, bandwidth: Bandwidth
) -> None:
    """What holds numbers goes: the run's own object, and the copies of its lists."""
    bandwidth()
    address = bucket.put("list.csv", cloud_desk.people().read_text())
    cloud_desk.campaign(
        recipients={"path": address, "phone": "mobile", "default_region": "US"},
        results=bucket.at("hello.csv"),
    )
    assert cloud_desk.call("run", "hello.yaml", "--yes").code == 0
    assert bucket.keys == ["hello.csv", "list.csv"]
    home = Home.find(cloud_desk.folder, cloud_desk.environment)
    later = time.time_ns() // 1_000_000 + 3 * 86_400_000
    purge(home, plan_purge(home, timedelta(days=1), now=later), now=later)
    assert bucket.keys == ["list.csv"]
    assert not list((cloud_desk.folder / ".bulksend/objects").glob("*/*/*"))


def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    """Results on their way hold numbers: they lie about no longer than their writer lives."""
    home = Home(tmp_path, tmp_path / "journal.sqlite")
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    outgoing = tmp_path / "outgoing"
    left = outgoing / f"{gone.pid}@{gethostname()}-abc" / "run.csv"
    of_another = outgoing / f"{gone.pid}@elsewhere-abc" / "run.csv"
    for path in (left, of_another):
        path.parent.mkdir(parents=True)
        path.write_text("to\n+19192345671\n")
    with home.outgoing("run.csv") as one, home.outgoing("run.csv") as other:
        assert one != other
        one.write_text("mine")
        assert not left.parent.exists()
    assert list(outgoing.iterdir()) == [of_another.parent]  # its machine knows
