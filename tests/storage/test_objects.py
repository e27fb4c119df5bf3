"""Objects are found, fetched, and put so that nobody's work is overwritten: at moto's S3."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from bulksend.errors import InputError
from bulksend.storage.location import located
from bulksend.storage.objects import PIECE, Objects

if TYPE_CHECKING:
    from pathlib import Path

    from tests.storage.store import Bucket


def test_a_pattern_finds_what_it_means(bucket: Bucket, objects: Objects) -> None:
    """In order of the keys, only what fits; nothing at all is E201."""
    for key in ("e/b.csv", "e/a.csv", "e/a.txt", "e/sub/c.csv", "eve/d.csv"):
        bucket.put(key, key)

    def names(pattern: str) -> list[str]:
        return [one.place.key for one in objects.find(located(bucket.at(pattern)))]

    assert names("e/*.csv") == ["e/a.csv", "e/b.csv"]
    assert names("e/**/*.csv") == ["e/a.csv", "e/b.csv", "e/sub/c.csv"]
    assert names("*/*.csv") == ["e/a.csv", "e/b.csv", "eve/d.csv"]
    assert names("e/[b]*") == ["e/b.csv"]
    assert names("e/a.csv") == ["e/a.csv"]
    with pytest.raises(InputError, match="E201"):
        names("e/*.parquet")


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, 2 * PIECE + 12_345])
def test_what_is_fetched_is_what_is_there(
    bucket: Bucket, objects: Objects, tmp_path: Path, size: int
) -> None:
    """Byte for byte, in pieces side by side, whatever the size."""
    content = os.urandom(size)
    place = located(bucket.put("list.bin", content))
    objects.fetch(objects.find(place)[0], tmp_path / "sub" / "list.bin")
    assert (tmp_path / "sub" / "list.bin").read_bytes() == content


def test_an_object_that_is_replaced_while_it_is_read_is_no_mixture(
    bucket: Bucket, objects: Objects, tmp_path: Path
) -> None:
    """E697; nothing is left on the disk."""
    found = objects.find(located(bucket.put("list.csv", "one")))[0]
    bucket.put("list.csv", "two")
    with pytest.raises(InputError, match="E697"):
        objects.fetch(found, tmp_path / "list.csv")
    with pytest.raises(InputError, match="E697"):
        objects.read(found)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_created_again(
    bucket: Bucket, objects: Objects, tmp_path: Path
) -> None:
    """The second of two says so, and changes nothing; the owner is on the object."""
    place = located(bucket.at("a/new.csv"))
    file = tmp_path / "new.csv"
    file.write_bytes(b"first")
    assert objects.create(file, place, owner="run-1") is True
    assert objects.create(b"second", place, owner="run-2") is False
    assert bucket.get("a/new.csv") == b"first"
    assert objects.owner(place) == "run-1"
    said = bucket.client.head_object(Bucket=bucket.name, Key="a/new.csv")
    assert said["ContentType"].startswith("text/csv")


def test_of_many_who_create_at_once_one_does(bucket: Bucket, objects: Objects) -> None:
    """Eight threads, one object: exactly one is told that it is theirs."""
    place = located(bucket.at("one.csv"))
    with ThreadPoolExecutor(8) as pool:
        done = list(
            pool.map(lambda n: objects.create(b"%d" % n, place, owner=str(n)), range(8))
        )
    assert done.count(True) == 1
    assert bucket.get("one.csv") == b"%d" % done.index(True)


def test_what_was_replaced_meanwhile_is_not_replaced(
    bucket: Bucket, objects: Objects
) -> None:
    """A conditional put compares the version that was seen."""
    place = located(bucket.put("m.json", "1"))
    seen = objects.look(place)
    assert seen is not None
    assert objects.replace(b"2", seen, owner="") is True
    assert objects.replace(b"3", seen, owner="") is False
    assert bucket.get("m.json") == b"2"


def test_what_is_not_there_is_no_object(bucket: Bucket, objects: Objects) -> None:
    """`look` says None; whoever needs it gets E696."""
    place = located(bucket.at("none.csv"))
    assert objects.look(place) is None
    with pytest.raises(InputError, match="E696"):
        objects.find(place)


def test_a_bucket_that_is_not_there_is_said(s3: str, objects: Objects) -> None:
    """E693, to look, to list, to put; and its name is in the message."""
    place = located("s3://no-such-bucket/list.csv")
    for work in (
        lambda: objects.look(place),
        lambda: objects.find(located("s3://no-such-bucket/*.csv")),
        lambda: objects.create(b"x", place, owner=""),
    ):
        with pytest.raises(InputError, match="E693 s3://no-such-bucket/"):
            work()


def test_removed_objects_are_gone_and_missing_ones_are_no_error(
    bucket: Bucket, objects: Objects
) -> None:
    """As `rm -f` does it."""
    place = located(bucket.put("x.csv", "x"))
    objects.delete([place, located(bucket.at("y.csv"))])
    assert bucket.keys == []
