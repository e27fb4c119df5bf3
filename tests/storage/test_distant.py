"""A campaign file in a bucket: what it names is beside it there, and nothing is here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tests.flow.desk import Desk, codes, counts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flow.conftest import Bandwidth
    from tests.storage.store import Bucket


def put_campaign(desk: Desk, bucket: Bucket, **changes: object) -> str:
    """`Desk.campaign` under ``campaigns/`` in the bucket; its address."""
    path = desk.campaign(**changes)
    address = bucket.put("campaigns/hello.yaml", path.read_bytes())
    path.unlink()
    return address


def test_a_campaign_is_run_from_its_address(
    cloud_desk: Desk, bucket: Bucket, bandwidth: Bandwidth
) -> None:
    """Lists, text and results beside it; run again, it resumes."""
    simulator = bandwidth()
    people = cloud_desk.people()
    bucket.put("campaigns/list.csv", people.read_bytes())
    bucket.put("shared/opt-outs.csv", "mobile\n+19192345672\n")
    bucket.put("campaigns/texts/hello.txt", "Hi {{ name }}.\n")
    people.unlink()
    address = put_campaign(
        cloud_desk,
        bucket,
        message={"text": None, "file": "texts/hello.txt"},
        recipients={
            "path": "*.csv",
            "phone": "mobile",
            "default_region": "US",
            "suppress": ["../shared/opt-outs.csv"],
        },
        results="results/{run}.csv",
    )
    for _ in range(2):
        ran = cloud_desk.call("run", address, "--yes", "--json")
        assert (ran.code, counts(ran)["accepted"]) == (0, 4), ran
    key = f"campaigns/results/{ran.json['run']}.csv"
    assert ran.json["results"] == bucket.at(key)
    assert pl.read_csv(bucket.get(key)).height == 7
    texts = {one.text for one in simulator.bandwidth.witness.accepted}
    assert "Hi Ana." in texts
    assert [path.name for path in cloud_desk.folder.iterdir()] == [".bulksend"]


def test_another_machine_makes_the_same_plan(
    cloud_desk: Desk, bucket: Bucket, tmp_path: Path
) -> None:
    """Its name is of content and addresses, never of where a copy lies or which version."""
    for name in ("1", "2"):
        bucket.put(f"campaigns/{name}.csv", cloud_desk.people().read_bytes())
    said = {"path": "[12].csv", "phone": "mobile", "default_region": "US"}
    address = put_campaign(cloud_desk, bucket, recipients=said)
    first = cloud_desk.call("plan", address, "--json").json["run"]
    other = Desk(tmp_path / "elsewhere" / "deeper")
    other.folder.mkdir(parents=True)
    other.environment = {**cloud_desk.environment, "BULKSEND_HOME": str(tmp_path / "h")}
    assert other.call("plan", address, "--json").json["run"] == first
    upload = bucket.client.create_multipart_upload(
        Bucket=bucket.name, Key="campaigns/1.csv"
    )
    there = {"Bucket": bucket.name, "Key": "campaigns/1.csv"}
    there["UploadId"] = upload["UploadId"]
    body = bucket.get("campaigns/1.csv")
    tag = bucket.client.upload_part(**there, PartNumber=1, Body=body)["ETag"]
    bucket.client.complete_multipart_upload(
        **there, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]}
    )
    assert other.call("plan", address, "--json").json["run"] == first


@pytest.mark.parametrize(
    ("text", "code"),
    [(None, "E100"), ("name: [", "E101"), ("name: hello\nsmss: 1\n", "E102")],
)
def test_a_wrong_campaign_is_said_by_its_address(
    cloud_desk: Desk, bucket: Bucket, text: str | None, code: str
) -> None:
    """With its line, as for a file."""
    address = bucket.at("hello.yaml")
    if text is not None:
        bucket.put("hello.yaml", text)
    ran = cloud_desk.call("check", address, "--json")
    assert ran.code == 2, ran
    told = {one["code"]: one["file"] for one in json.loads(ran.out)["problems"]}
    assert told[code] == address


def test_opt_outs_are_imported_from_their_address(
    cloud_desk: Desk, bucket: Bucket
) -> None:
    """As a campaign takes them; an object that is not there is named."""
    bucket.put("shared/opt-outs.csv", "mobile\n+19192345672\n")
    ran = cloud_desk.call(
        "suppress", "import", bucket.at("shared/opt-outs.csv"), "--json"
    )
    assert (ran.code, ran.json) == (0, {"numbers": 1, "added": 1})
    gone = cloud_desk.call("suppress", "import", bucket.at("shared/gone.csv"), "--json")
    assert (gone.code, codes(gone)) == (2, ["E696"])
