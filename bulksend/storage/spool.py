"""What was fetched from object storage, kept by its version.

A list is fetched once, however often it is planned: its folder is named by its address
and its ETag.  A newer version takes the older one's place; `purge` removes what has not
been used for long.  The folder is for its owner only, as there are numbers in it.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

from bulksend.errors import InputError, Problem
from bulksend.storage.location import located

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bulksend.storage.found import Found
    from bulksend.storage.objects import Objects


@dataclass(frozen=True, slots=True)
class Spool:
    """A folder of copies, and the storage that they are of.

    Args:
        taken: The version of each object that was asked for, by its address.
    """

    folder: Path
    objects: Objects
    taken: dict[str, str] = field(default_factory=dict)

    def local(self, address: str) -> dict[Path, str]:
        """The objects that an address means, as files; each with its own address.

        Raises:
            InputError: E692 to E697; E200, where a copy cannot be kept here.
            Stopped: E698.
        """
        found = self.objects.find(located(address))
        self.taken.update((str(one.place), one.tag) for one in found)
        return {self.keep(one): str(one.place) for one in found}

    def is_as_taken(self, address: str, taken: Mapping[str, str]) -> bool:
        """Whether an address means the same objects, in the same versions, as before.

        Raises:
            InputError: E692 to E696.
            Stopped: E698.
        """
        place = located(address)
        meant = {one: tag for one, tag in taken.items() if place.fits(located(one).key)}
        now = {str(one.place): one.tag for one in self.objects.find(place)}
        return now == meant

    def keep(self, found: Found) -> Path:
        """A copy of an object; the one that is there, where it is of this version."""
        path = self._path(found)
        try:
            if path.exists():
                os.utime(path)
                return path
            self._make_room(path)
            self.objects.fetch(found, path)
        except OSError as error:
            raise self._full(found, error) from error
        return path

    def adopt(self, found: Found, path: Path) -> None:
        """Keep *path*, which was just put, as the copy of *found*."""
        copy = self._path(found)
        try:
            self._make_room(copy)
            path.replace(copy)
        except OSError as error:
            raise self._full(found, error) from error

    def _path(self, found: Found) -> Path:
        version = _name(f"{found.tag} {found.size}")
        return self.folder / _name(str(found.place)) / version / found.place.name

    def _make_room(self, copy: Path) -> None:
        copy.parent.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        _sweep(copy.parent)

    def _full(self, found: Found, error: OSError) -> InputError:
        what = f"no copy of it can be kept here ({error.strerror or error})"
        fix = f"Make room in {self.folder}."
        return InputError(Problem("E200", what, fix=fix, file=str(found.place)))


def _name(text: str) -> str:
    return blake2b(text.encode(), digest_size=10).hexdigest()


def _sweep(newest: Path) -> None:
    """Other versions; what of one is open in another process lives on there."""
    for version in newest.parent.iterdir():
        if version != newest:
            shutil.rmtree(version, ignore_errors=True)
