"""A certificate and its key, from files that somebody renews now and then."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from bulksend.errors import InputError, Problem
from bulksend.logs import log

if TYPE_CHECKING:
    from pathlib import Path

    Files = tuple[tuple[int, int, int], ...]

UNLOCK = "Write it without: `openssl pkey -in KEY -out PLAIN`, readable by you alone."


class Certificate:
    """What a server shows, as ``context``; what is renewed, new connections see.

    Args:
        chain: The certificate and those above it, PEM.

        key: Its key, PEM.

    Raises:
        InputError: E543, where they cannot be used.
    """

    def __init__(self, chain: Path, key: Path) -> None:
        self._chain = chain
        self._key = key
        self._seen = self._files()
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._load(self.context)

    def renew(self) -> bool:
        """Whether the files have changed and are used from now on.

        Two that do not belong together, as when one of them is still being written, are
        not: what was shown before is shown until they do.
        """
        files = self._files()
        if files == self._seen:
            return False
        self._seen = files
        try:
            self._load(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH))
            self._load(self.context)
        except InputError as error:
            log.warning("certificate not renewed", problem=str(error))
            return False
        log.info("certificate renewed")
        return True

    def _load(self, context: ssl.SSLContext) -> None:
        try:
            context.load_cert_chain(self._chain, self._key, _no_passphrase)
        except (OSError, ssl.SSLError, _Locked) as error:
            found = getattr(error, "strerror", None) or type(error).__name__
            fix = ""
            if isinstance(error, _Locked):
                found, fix = "the key has a passphrase", UNLOCK
            where = f"{self._chain}, {self._key}"
            raise InputError(Problem("E543", found.lower(), "", fix, where)) from None

    def _files(self) -> Files:
        """What changes where one is written anew or may be read by now."""
        found = []
        for path in (self._chain, self._key):
            try:
                said = path.stat()
            except OSError:
                found.append((0, 0, 0))
            else:
                found.append((said.st_ino, said.st_ctime_ns, said.st_size))
        return tuple(found)


class _Locked(Exception):  # noqa: N818  (it says what the key is)
    """Nobody may be there to be asked for the passphrase."""


def _no_passphrase() -> str:
    raise _Locked
