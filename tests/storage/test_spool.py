"""What was fetched is kept by its version: once for all plans, anew when it changed."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from bulksend.errors import InputError
from bulksend.storage.spool import Spool

if TYPE_CHECKING:
    from pathlib import Path

    from bulksend.storage.objects import Objects
    from tests.storage.store import Bucket


@pytest.fixture
def spool(tmp_path: Path, objects: Objects) -> Spool:
    return Spool(tmp_path / "objects", objects)


def test_an_object_is_fetched_once(bucket: Bucket, spool: Spool) -> None:
    """The second time the copy is what is read, and its name is the object's."""
    address = bucket.put("e/list.csv.gz", "one")
    [(path, name)] = spool.local(address).items()
    assert (path.name, name, path.read_text()) == ("list.csv.gz", address, "one")
    path.write_text("the copy")
    assert spool.local(address) == {path: address}
    assert path.read_text() == "the copy"


def test_another_version_takes_the_place_of_the_first(
    bucket: Bucket, spool: Spool
) -> None:
    """One copy of each object is kept, not its whole history."""
    address = bucket.put("list.csv", "one")
    [old] = spool.local(address)
    bucket.put("list.csv", "two")
    [new] = spool.local(address)
    assert (old.exists(), new.read_text()) == (False, "two")


def test_a_pattern_is_many_files(bucket: Bucket, spool: Spool) -> None:
    """Objects of the same name in two folders are two copies."""
    bucket.put("a/l.csv", "one")
    bucket.put("b/l.csv", "two")
    found = spool.local(bucket.at("*/l.csv"))
    assert [path.read_text() for path in found] == ["one", "two"]
    assert list(found.values()) == [bucket.at("a/l.csv"), bucket.at("b/l.csv")]


def test_copies_are_for_their_owner_only(bucket: Bucket, spool: Spool) -> None:
    """There are numbers in them."""
    spool.local(bucket.put("list.csv", "one"))
    assert stat.S_IMODE(spool.folder.stat().st_mode) == 0o700


def test_a_copy_that_cannot_be_kept_is_said(bucket: Bucket, spool: Spool) -> None:
    """E200 with the object's address, and where room is wanted."""
    spool.folder.write_text("a file where the folder belongs")
    with pytest.raises(InputError, match=f"E200 {bucket.at('list.csv')}"):
        spool.local(bucket.put("list.csv", "one"))
