"""Objects of a store: found, fetched, and put so that nobody's work is overwritten.

Theory of operation
-------------------
An object appears whole or not at all; that is the store's promise.  Ours is that two
writers never overwrite each other: what is new is put with *create* (the store refuses
where something is there already), what replaces something says which version it means
(the store refuses where it is another one by now).  Both are one request, also for a
large file: it is mapped, not read, so memory stays flat.

Reading goes in pieces side by side, each with the version that was found at first: an
object that is replaced meanwhile is an error, never a mixture.
"""

from __future__ import annotations

import mmap
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bulksend.errors import InputError, Problem
from bulksend.storage.access import RETRIES, open_store
from bulksend.storage.found import Found, found_at
from bulksend.storage.location import Location
from bulksend.storage.trouble import is_panic, is_wordless, trouble, unusable
from bulksend.whole import whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bulksend.storage.access import Store

PIECE = 8 * 1024 * 1024
AT_ONCE = 8
"""Pieces of one object that are under way: at most 64 MB in memory."""

MOST_PIECES = 9_000
"""Of one object; S3 takes 10,000."""

LARGEST = 5 * 1024**3
"""Bytes of one request; S3's limit, and Azure's is about the same."""

OWNER = "bulksendrun"
"""The metadata key that says whose an object is; Azure wants an identifier."""

_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True, slots=True)
class Objects:
    """Object storage, with the credentials of an environment.

    Args:
        retries: How often a request that met a broken connection is made again.
    """

    environment: Mapping[str, str] = field(repr=False)
    retries: int = RETRIES

    def find(self, place: Location) -> list[Found]:
        """The objects that *place* means, in order; a pattern may mean many.

        Raises:
            InputError: E696, where there is none; E201, where nothing fits a pattern.
        """
        if not place.has_magic:
            found = self.look(place)
            if found is None:
                raise InputError(Problem("E696", "there is none", file=str(place)))
            return [found]
        prefix = place.fixed.rpartition("/")[0]
        deep = "/" in place.key.removeprefix(f"{prefix}/")
        folder = Location(place.scheme, place.bucket, f"{prefix}/" if prefix else "")
        listed = self.inside(folder, deep=deep)
        fitting = [one for one in listed if place.fits(one.place.key)]
        if not fitting:
            fix = "Check the pattern: * stays within a folder, ** goes below it."
            raise InputError(
                Problem("E201", "no object matches", fix=fix, file=str(place))
            )
        return sorted(fitting, key=lambda one: one.place.key)

    def look(self, place: Location) -> Found | None:
        """An object as it is now; None where there is none.

        Raises:
            InputError: E693 to E695, what stands against it.
            Stopped: E698.
        """
        store = self._store(place)
        try:
            with told(place):
                try:
                    return found_at(place, store.head(place.key))
                except Exception as error:
                    if not is_wordless(error):
                        raise
                    return found_at(place, store.get(place.key).meta)
        except InputError as error:
            if error.problems[0].code != "E696":
                raise
            return None

    def inside(self, folder: Location, *, deep: bool = True) -> list[Found]:
        """The objects in a folder, and below it where *deep*.

        Raises:
            InputError: E693 to E695, what stands against it.
            Stopped: E698.
        """
        store = self._store(folder)
        prefix = folder.key.rstrip("/") or None
        with told(folder):
            if deep:
                metas: Sequence[Any] = store.list(prefix, chunk_size=1_000).collect()
            else:
                metas = store.list_with_delimiter(prefix)["objects"]
        return [
            found_at(Location(folder.scheme, folder.bucket, meta["path"]), meta)
            for meta in metas
        ]

    def fetch(self, found: Found, path: Path) -> None:
        """Copy an object to *path*, which appears whole or not at all.

        Raises:
            InputError: E697, where it was replaced meanwhile.
            OSError: What the disk says.
        """
        store = self._store(found.place)
        with whole(path) as unfinished, unfinished.open("wb", buffering=0) as file:
            file.truncate(found.size)

            def piece(start: int) -> None:
                end = min(start + PIECE, found.size)
                with told(found.place):
                    got = store.get(
                        found.place.key,
                        options={"range": (start, end), "if_match": found.tag},
                    ).bytes()
                _write_at(file.fileno(), memoryview(got), start)

            with ThreadPoolExecutor(AT_ONCE) as pool:
                for _ in pool.map(piece, range(0, found.size, PIECE)):
                    pass

    def read(self, found: Found) -> bytes:
        """A small object's content.

        Raises:
            InputError: E697, where it was replaced meanwhile.
        """
        with told(found.place):
            store = self._store(found.place)
            got = store.get(found.place.key, options={"if_match": found.tag})
            return bytes(got.bytes())

    def owner(self, place: Location) -> str:
        """The run that an object says it is of; empty where it says nothing."""
        return self.metadata(place).get(OWNER, "")

    def metadata(self, place: Location) -> dict[str, str]:
        """What was put beside an object's content."""
        store = self._store(place)
        with told(place):
            return dict(store.get(place.key, options={"head": True}).attributes)

    def create(self, content: Path | bytes, place: Location, *, owner: str) -> bool:
        """Put what is new; False where something is there already.

        Raises:
            InputError: E699, where it is too large for one object.
        """
        return self._put(content, place, owner, "create")

    def replace(self, content: Path | bytes, before: Found, *, owner: str) -> bool:
        """Put over *before*; False where it is another object by now."""
        return self._put(content, before.place, owner, before.version)

    def upload(
        self, path: Path, place: Location, *, owner: str, more: dict[str, str]
    ) -> None:
        """Put a file of any size, in pieces side by side, under a name of its own.

        Args:
            more: Further metadata.
        """
        attributes = _attributes(place, owner) | more
        size = path.stat().st_size
        store = self._store(place)
        with told(place):
            store.put(
                place.key,
                path,
                attributes=attributes,
                use_multipart=size > PIECE,
                chunk_size=max(PIECE, size // MOST_PIECES + 1),
                max_concurrency=AT_ONCE,
            )

    def overwrite(self, content: Path | bytes, place: Location, *, owner: str) -> None:
        """Put over whatever is there."""
        self._put(content, place, owner, "overwrite")

    def _put(
        self, content: Path | bytes, place: Location, owner: str, mode: Any
    ) -> bool:
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        with _mapped(content) as buffer:
            check_size(place, len(buffer))
            store = self._store(place, size=len(buffer))
            with told(place):
                try:
                    store.put(
                        place.key,
                        buffer,
                        mode=mode,
                        attributes=_attributes(place, owner),
                        use_multipart=False,
                    )
                except (AlreadyExistsError, PreconditionError):
                    return False
        return True

    def may_write(self, place: Location) -> None:
        """Find out without writing: what is put says that it replaces what is not there.

        Raises:
            InputError: E693 to E695, what stands against it.
            Stopped: E698.
        """
        nothing = Found(place, 0, '"0"', "1", datetime.fromtimestamp(0, UTC))
        try:
            self.replace(b"", nothing, owner="")
        except InputError as error:
            if error.problems[0].code != "E696":
                raise

    def delete(self, places: Sequence[Location]) -> None:
        """Remove objects of one bucket; one that is not there is no error."""
        if places:
            with told(places[0]):
                self._store(places[0]).delete([one.key for one in places])

    def _store(self, place: Location, *, size: int = PIECE) -> Store:
        return open_store(place, self.environment, size=size, retries=self.retries)


def _attributes(place: Location, owner: str) -> dict[str, str]:
    said = {"Content-Type": _TYPES.get(place.suffix, ""), OWNER: owner}
    return {name: value for name, value in said.items() if value}


def check_size(place: Location, size: int, *, about: str = "", fix: str = "") -> None:
    """Raises InputError (E699) where *size* bytes are too many for one conditional put.

    Pieces put side by side know no condition, and could overwrite another's object.

    Args:
        about: Said before the size, where it was estimated.
    """
    if size > LARGEST:
        found = f"{about}{size / 1024**3:,.1f} GiB"
        raise InputError(Problem("E699", found, fix=fix, file=str(place)))


@contextmanager
def told(place: Location) -> Iterator[None]:
    """Raises our own errors instead of obstore's, whose words may hold secrets."""
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, OSError, ValueError) as error:
        raise trouble(error, str(place)) from None
    except BaseException as error:
        if not is_panic(error):
            raise
        raise unusable(str(place)) from None


@contextmanager
def _mapped(content: Path | bytes) -> Iterator[Any]:
    """A buffer over a file's bytes that takes no memory."""
    if isinstance(content, bytes) or not content.stat().st_size:
        yield content if isinstance(content, bytes) else b""
        return
    with (
        content.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
    ):
        yield mapped


def _write_at(handle: int, data: memoryview, start: int) -> None:
    while data:
        written = os.pwrite(handle, data, start)
        data, start = data[written:], start + written
