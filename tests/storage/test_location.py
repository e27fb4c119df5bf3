"""What an address in object storage may look like, and what it means."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulksend.errors import InputError
from bulksend.storage.location import Location, is_address, located, where

PLACES = {
    "s3://crm/exports/list.csv": Location("s3", "crm", "exports/list.csv"),
    "S3://crm/a b/ü.csv": Location("s3", "crm", "a b/ü.csv"),
    "gs://crm-data/x": Location("gs", "crm-data", "x"),
    "az://container/results/": Location("az", "container", "results/"),
    "s3://bucket": Location("s3", "bucket", ""),
}


@pytest.mark.parametrize(("text", "place"), PLACES.items())
def test_an_address_is_read(text: str, place: Location) -> None:
    """Scheme, bucket and key; a key that ends in a slash is a folder."""
    assert located(text) == place
    assert is_address(text)
    assert place.is_folder == (not place.key or place.key.endswith("/"))


REFUSED = {
    "s3a://crm/list.csv": "s3://",
    "abfss://c@account.dfs.core.windows.net/x": "az://",
    "https://example.com/list.csv": "https:// is not read",
    "ftp://example.com/list.csv": "ftp:// is not read",
    "s3:///list.csv": "no bucket",
    "s3://-crm/list.csv": "no bucket's name",
    "s3://crm//list.csv": "empty",
    "s3://crm/a/../list.csv": "empty, `.` or `..`",
}


@pytest.mark.parametrize(("text", "told"), REFUSED.items())
def test_what_is_no_address_is_refused(text: str, told: str) -> None:
    """E692 says what is there, and where another scheme is meant, which."""
    with pytest.raises(InputError) as caught:
        located(text)
    assert caught.value.problems[0].code == "E692"
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "s3://AKIASECRET:hunter2@crm/list.csv",
        "az://container/list.csv?sv=2024&sig=hunter2",
        "s3://crm/list.csv?X-Amz-Credential=a&X-Amz-Signature=hunter2",
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_shown(text: str) -> None:
    """Credentials belong into the environment; what is told of them is that they were there."""
    with pytest.raises(InputError) as caught:
        located(text)
    assert "E692" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "AKIASECRET" not in str(caught.value)


def test_a_location_answers_as_a_path_does() -> None:
    """Name, stem, suffix, parent, another name, and what is below."""
    place = located("s3://bkt/results/sale.tar.csv")
    assert (place.name, place.stem, place.suffix) == (
        "sale.tar.csv",
        "sale.tar",
        ".csv",
    )
    assert str(place.parent) == "s3://bkt/results/"
    assert str(place.parent.parent) == "s3://bkt/"
    assert str(place.with_name("x.html")) == "s3://bkt/results/x.html"
    assert str(place.parent / "y.csv") == "s3://bkt/results/y.csv"
    assert str(place.parent.with_name("other")) == "s3://bkt/other/"
    assert place.parent.suffix == ""


def test_a_path_stays_a_path() -> None:
    """What has no scheme is a file of this machine."""
    assert where("results/sale.csv") == Path("results/sale.csv")
    assert where("s3://bkt/k") == Location("s3", "bkt", "k")
    assert where(Path("x")) == Path("x")


FITS = [
    ("exports/*.csv", "exports/a.csv", True),
    ("exports/*.csv", "exports/sub/a.csv", False),
    ("exports/*.csv", "exports/a.csv.gz", False),
    ("exports/**/*.csv", "exports/a.csv", True),
    ("exports/**/*.csv", "exports/x/y/a.csv", True),
    ("**/a.csv", "a.csv", True),
    ("day-?.csv", "day-1.csv", True),
    ("day-?.csv", "day-/.csv", False),
    ("day-[12].csv", "day-2.csv", True),
    ("day-[12].csv", "day-3.csv", False),
    ("day-[!12].csv", "day-3.csv", True),
    ("day-[12].csv", "day-[12].csv", True),
    ("a.b+c*.csv", "a.b+c1.csv", True),
    ("a.b+c*.csv", "aXb+c1.csv", False),
    ("exports/*/x.csv", "exports/a/x.csv", True),
    ("exports/*/x.csv", "exports/x.csv", False),
]


@pytest.mark.parametrize(("pattern", "key", "fits"), FITS)
def test_a_pattern_is_a_shells(pattern: str, key: str, fits: bool) -> None:
    """``*`` and ``?`` stay within a folder, ``**`` goes below, ``[…]`` is one of these."""
    assert Location("s3", "b", pattern).fits(key) is fits
