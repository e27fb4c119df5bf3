"""A plan's seal: the digest of its bytes, in the plan itself.

The digest cannot be part of what it is made of.  So the plan is written with a blank in
its place, at the end of what it says about itself; the blank file is hashed, and the
digest written over the blank.  Who checks it reads a blank there again.  Parquet keeps
such words as they are, in the footer; so nothing of the file moves.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = "seal"
BLANK = "0" * 64

_SEAL = re.compile(rb'"seal": "([0-9a-f]{64})"')
_TAIL_BYTES = 8
_READ_BYTES = 1 << 20


class Seal(NamedTuple):
    """What a file says of itself, and what is true of it.

    Args:
        said: The digest in its footer; empty where there is none.

        digest: SHA-256 of its bytes, with a blank for the seal.
    """

    said: str
    digest: str

    @property
    def is_whole(self) -> bool:
        return self.said == self.digest


def read(path: Path) -> Seal:
    """Raises OSError, where it cannot be read."""
    with path.open("rb") as file:
        place = _place(file)
        digest = sha256()
        file.seek(0)
        if place is None:
            _feed(digest.update, file, -1)
            return Seal("", digest.hexdigest())
        _feed(digest.update, file, place)
        said = file.read(len(BLANK)).decode()
        digest.update(BLANK.encode())
        _feed(digest.update, file, -1)
        return Seal(said, digest.hexdigest())


def put(path: Path) -> None:
    """Seal a file that says ``"seal": BLANK``."""
    digest = read(path).digest
    with path.open("r+b") as file:
        place = _place(file)
        assert place is not None
        file.seek(place)
        file.write(digest.encode())


def _place(file: BinaryIO) -> int | None:
    """Where the seal stands: in the footer, whose length the last bytes say."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _TAIL_BYTES))
    length = int.from_bytes(file.read(_TAIL_BYTES)[:4], "little")
    begin = max(0, size - _TAIL_BYTES - length)
    file.seek(begin)
    found = list(_SEAL.finditer(file.read(length)))
    return begin + found[-1].start(1) if found else None


def _feed(update: Callable[[bytes], None], file: BinaryIO, most: int) -> None:
    """So many bytes; all that are left, where *most* is negative."""
    while most and (
        some := file.read(_READ_BYTES if most < 0 else min(most, _READ_BYTES))
    ):
        update(some)
        most -= len(some) if most > 0 else 0
