"""Google's and Azure's stores: the same promises, by their own conditions.

Against stand-ins that were written from their descriptions: what is shown is that
bulksend asks as they want to be asked, not that they answer so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from bulksend.errors import InputError
from bulksend.storage.access import settings
from bulksend.storage.location import located
from bulksend.storage.objects import Objects
from bulksend.storage.ours import put_ours
from tests.flow.desk import PEOPLE, counts
from tests.storage.others import Store, standing_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk


@pytest.fixture(params=["gs", "az"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with standing_in(request.param) as store:
        yield store


def test_what_is_new_and_what_is_replaced_is_conditional(
    store: Store, tmp_path: Path
) -> None:
    """Google compares generations, Azure ETags; of two writers one is told."""
    objects = Objects(store.environment, retries=0)
    place = located(f"{store.kind}://crm/results/a.csv")
    assert objects.look(place) is None
    objects.may_write(place)
    assert objects.create(b"one", place, owner="run-1") is True
    assert objects.create(b"two", place, owner="run-2") is False
    seen = objects.look(place)
    assert seen is not None
    assert objects.owner(place) == "run-1"
    assert objects.replace(b"three", seen, owner="run-1") is True
    assert objects.replace(b"four", seen, owner="run-1") is False
    assert put_ours(objects, place, lambda: b"five", owner="run-2") is False
    assert store.kept["results/a.csv"].content == b"three"
    asked = {one.partition(" ")[0] for one in store.conditions}
    assert asked == (
        {"generation"} if store.kind == "gs" else {"if-none-match", "if-match"}
    )


def test_a_pattern_and_a_copy(store: Store, tmp_path: Path) -> None:
    """Found by a listing, fetched by its version, and not once it is another one."""
    objects = Objects(store.environment, retries=0)
    for key in ("e/1.csv", "e/2.csv", "e/2.txt", "f/3.csv"):
        store.put(key, key.encode(), {})
    found = objects.find(located(f"{store.kind}://crm/e/*.csv"))
    assert [one.place.key for one in found] == ["e/1.csv", "e/2.csv"]
    objects.fetch(found[1], tmp_path / "2.csv")
    assert (tmp_path / "2.csv").read_text() == "e/2.csv"
    store.put("e/1.csv", b"another", {})
    with pytest.raises(InputError, match="E697"):
        objects.fetch(found[0], tmp_path / "1.csv")


def test_a_bucket_that_is_none(store: Store) -> None:
    """E693, as for S3."""
    with pytest.raises(InputError, match=f"E693 {store.kind}://other/x.csv"):
        Objects(store.environment, retries=0).look(
            located(f"{store.kind}://other/x.csv")
        )


def test_a_campaign_from_list_to_results(
    store: Store, desk: Desk, bandwidth: Bandwidth
) -> None:
    """The whole way, with nothing on the disk but the campaign."""
    bandwidth()
    desk.environment |= store.environment
    store.put("list.csv", PEOPLE.encode(), {})
    desk.campaign(
        recipients={
            "path": f"{store.kind}://crm/list.csv",
            "phone": "mobile",
            "default_region": "US",
        },
        results=f"{store.kind}://crm/results/hello.csv",
    )
    for _ in range(2):
        ran = desk.call("run", "hello.yaml", "--yes", "--json")
        assert (ran.code, counts(ran)["accepted"]) == (0, 4), ran
    assert pl.read_csv(store.kept["results/hello.csv"].content).height == 7


SETTINGS = [
    (
        "s3",
        {"AWS_REGION": "eu-west-1", "AWS_PROFILE": "x"},
        {"aws_region": "eu-west-1"},
    ),
    ("s3", {"AWS_ENDPOINT_URL_S3": "http://a"}, {"aws_endpoint_url": "http://a"}),
    ("s3", {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}, {}),
    (
        "gs",
        {"GOOGLE_APPLICATION_CREDENTIALS": "/k.json", "GOOGLE_CLOUD_PROJECT": "p"},
        {"google_application_credentials": "/k.json"},
    ),
    (
        "az",
        {"AZURE_STORAGE_ACCOUNT_NAME": "a", "AZURE_STORAGE_ACCOUNT_KEY": " "},
        {"azure_storage_account_name": "a"},
    ),
]


@pytest.mark.parametrize(("scheme", "environment", "expected"), SETTINGS)
def test_only_known_variables_are_settings(
    scheme: str, environment: dict[str, str], expected: dict[str, str]
) -> None:
    """Others of the same beginning are other programs'; keys go another way."""
    assert settings(scheme, environment) == expected
