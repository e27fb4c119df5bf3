"""Lists in object storage: read as files are, and watched by their versions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tests.flow.desk import PEOPLE, counts, no_traceback
from tests.storage.refusing import LEAK, Answer, refusing
from tests.storage.store import SECRET

if TYPE_CHECKING:
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk
    from tests.storage.store import Bucket

OPT_OUTS = "mobile\n+19192345672\n"


def campaign(desk: Desk, path: str | list[str], **more: object) -> None:
    desk.campaign(
        recipients={"path": path, "phone": "mobile", "default_region": "US", **more}
    )


def test_a_campaign_reads_its_lists_from_a_bucket(
    cloud_desk: Desk, bucket: Bucket, bandwidth: Bandwidth
) -> None:
    """Recipients by a pattern, opt-outs and an allow-list by their addresses.

    Every row of the results says which object it came from.
    """
    simulator = bandwidth()
    first, *rest = PEOPLE.splitlines(keepends=True)
    bucket.put("exports/1.csv", first + "".join(rest[:3]))
    bucket.put("exports/2.csv", first + "".join(rest[3:]))
    bucket.put("exports/notes.txt", "not a list")
    campaign(
        cloud_desk,
        bucket.at("exports/*.csv"),
        suppress=[bucket.put("opt-outs.csv", OPT_OUTS)],
    )

    ran = cloud_desk.call("run", "hello.yaml", "--yes", "--json")

    assert (ran.code, counts(ran)["accepted"]) == (0, 3), ran
    assert len(simulator.bandwidth.witness.accepted) == 3
    results = pl.read_csv(cloud_desk.folder / "results/hello.csv")
    assert results["source_file"].unique().sort().to_list() == [
        bucket.at("exports/1.csv"),
        bucket.at("exports/2.csv"),
    ]
    assert results.filter(pl.col("reason") == "suppressed").height == 1


def test_a_second_plan_fetches_nothing(cloud_desk: Desk, bucket: Bucket) -> None:
    """The copy is of the same version: what is planned from is what was fetched."""
    campaign(cloud_desk, bucket.put("list.csv", PEOPLE))
    first = cloud_desk.call("plan", "hello.yaml", "--json").json
    [copy] = (cloud_desk.folder / ".bulksend/objects").glob("*/*/list.csv")
    before = copy.stat().st_ino
    second = cloud_desk.call("plan", "hello.yaml", "--json").json
    assert (second["plan"], copy.stat().st_ino) == (first["plan"], before)


def test_a_packed_list_and_a_parquet_are_read(cloud_desk: Desk, bucket: Bucket) -> None:
    """What a file may be, an object may be."""
    import gzip
    from io import BytesIO

    body = BytesIO()
    pl.read_csv(PEOPLE.encode(), infer_schema=False).write_parquet(body)
    for key, content in {
        "list.csv.gz": gzip.compress(PEOPLE.encode()),
        "list.parquet": body.getvalue(),
    }.items():
        campaign(cloud_desk, bucket.put(key, content))
        assert cloud_desk.call("check", "hello.yaml", "--json").json["sendable"] == 4


@pytest.mark.parametrize("key", ["list.csv", "opt-outs.csv", "more/9.csv"])
def test_a_list_that_changes_between_plan_and_send_is_seen(
    cloud_desk: Desk, bucket: Bucket, bandwidth: Bandwidth, key: str
) -> None:
    """E626 where the list of people did; who opted out gets nothing, as planned or not."""
    simulator = bandwidth()
    bucket.put("more/1.csv", OPT_OUTS)
    campaign(
        cloud_desk,
        bucket.put("list.csv", PEOPLE),
        suppress=[bucket.put("opt-outs.csv", OPT_OUTS), bucket.at("more/*.csv")],
    )
    plan = cloud_desk.call("plan", "hello.yaml", "--json").json["plan"]
    bucket.put(key, (PEOPLE if key == "list.csv" else OPT_OUTS) + "+19192345671\n")

    if key == "list.csv":
        refused = cloud_desk.call("send", plan, "--yes")
        assert (refused.code, "E626" in refused.err) == (3, True), refused
        assert f"{bucket.at(key)} changed since this plan was made" in refused.err
        assert not simulator.bandwidth.witness.accepted
    sent = cloud_desk.call("send", plan, "--yes", "--as-planned", "--json")

    left = 3 if key == "list.csv" else 2
    assert (sent.code, counts(sent)["accepted"]) == (0, left), sent


def test_the_same_content_put_again_is_no_change(
    cloud_desk: Desk, bucket: Bucket, bandwidth: Bandwidth
) -> None:
    """A version alone refuses nothing: what counts is what is in it."""
    bandwidth()
    address = bucket.put("list.csv", PEOPLE)
    campaign(cloud_desk, address)
    plan = cloud_desk.call("plan", "hello.yaml", "--json").json["plan"]
    said = bucket.client.create_multipart_upload(Bucket=bucket.name, Key="list.csv")
    there = {"Bucket": bucket.name, "Key": "list.csv", "UploadId": said["UploadId"]}
    part = bucket.client.upload_part(**there, PartNumber=1, Body=PEOPLE.encode())
    bucket.client.complete_multipart_upload(
        **there, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    )
    assert cloud_desk.call("send", plan, "--yes", "--json").code == 0


def test_a_list_that_is_gone_says_nothing_and_one_that_is_locked_does(
    cloud_desk: Desk, bucket: Bucket, bandwidth: Bandwidth
) -> None:
    """Exports are tidied away; but who cannot look does not know who opted out since."""
    simulator = bandwidth()
    campaign(cloud_desk, bucket.put("list.csv", PEOPLE))
    plan = cloud_desk.call("plan", "hello.yaml", "--json").json["plan"]
    with refusing(Answer(403, "AccessDenied")) as url:
        cloud_desk.environment["AWS_ENDPOINT_URL"] = url
        refused = cloud_desk.call("send", plan, "--yes")
    assert (refused.code, "E694" in refused.err) == (2, True), refused
    assert not simulator.bandwidth.witness.accepted
    cloud_desk.environment |= bucket.environment
    bucket.delete("list.csv")
    assert cloud_desk.call("send", plan, "--yes", "--json").code == 0


def test_an_endpoint_that_is_no_address_is_named(
    cloud_desk: Desk, bucket: Bucket
) -> None:
    """By its variable, before anything is asked of it."""
    campaign(cloud_desk, bucket.put("list.csv", PEOPLE))
    cloud_desk.environment["AWS_ENDPOINT_URL"] = "localhost:9000"
    ran = cloud_desk.call("check", "hello.yaml")
    assert ran.code == 2, ran
    assert "E694" in ran.err
    assert "AWS_ENDPOINT_URL is not the address of a server" in ran.err
    assert "Traceback" not in ran.err


def test_what_is_wrong_with_objects_is_told_all_at_once(
    cloud_desk: Desk, bucket: Bucket
) -> None:
    """Each with its own code and address, beside a local file's."""
    bucket.put("empty.csv", "")
    campaign(
        cloud_desk,
        [
            bucket.at("none.csv"),
            "s3://no-such-bucket/list.csv",
            bucket.at("none-*.csv"),
            "https://example.com/list.csv",
            "missing.csv",
        ],
    )
    ran = cloud_desk.call("check", "hello.yaml", "--json")
    no_traceback(ran)
    told = {one["code"]: one["file"] for one in json.loads(ran.out)["problems"]}
    assert told == {
        "E696": bucket.at("none.csv"),
        "E693": "s3://no-such-bucket/list.csv",
        "E201": bucket.at("none-*.csv"),
        "E692": "https://example.com/list.csv",
        "E200": "missing.csv",
    }
    campaign(cloud_desk, bucket.at("empty.csv"))
    assert (
        f"E204 {bucket.at('empty.csv')}" in cloud_desk.call("check", "hello.yaml").err
    )


def test_expired_credentials_end_a_plan_with_what_to_do(
    cloud_desk: Desk, bucket: Bucket
) -> None:
    """E695, exit code 2, no secret anywhere; with new ones the same command goes on."""
    campaign(cloud_desk, bucket.put("list.csv", PEOPLE))
    with refusing(Answer(400, "ExpiredToken")) as url:
        cloud_desk.environment |= {"AWS_ENDPOINT_URL": url, "AWS_SESSION_TOKEN": LEAK}
        ran = cloud_desk.call("plan", "hello.yaml")
    assert (ran.code, "E695" in ran.err) == (2, True), ran
    assert LEAK not in ran.all
    assert SECRET not in ran.all
    cloud_desk.environment |= bucket.environment
    assert cloud_desk.call("plan", "hello.yaml", "--json").code == 0


def test_a_plan_keeps_no_credentials(cloud_desk: Desk, bucket: Bucket) -> None:
    """Its metadata has the objects' versions, and nothing of who read them."""
    address = bucket.put("list.csv", PEOPLE)
    campaign(cloud_desk, address)
    plan = cloud_desk.call("plan", "hello.yaml", "--json").json["plan"]
    about = json.loads(pl.read_parquet_metadata(cloud_desk.folder / plan)["bulksend"])
    assert list(about["objects"]) == [address]
    assert SECRET not in json.dumps(about)
    assert "AKIAOFTHETESTS" not in json.dumps(about)
