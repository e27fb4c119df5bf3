"""Where bulksend keeps what it must remember: journal, plans."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from hashlib import blake2b
from pathlib import Path
from socket import gethostname
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING

import platformdirs

from bulksend.errors import InputError, Problem
from bulksend.storage.location import is_address, located
from bulksend.storage.objects import Objects
from bulksend.storage.spool import Spool
from bulksend.whole import is_gone, left_behind, room_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from bulksend.storage.location import Location, Where


OWN = ".bulksend"
OWN_ROOM = "*@*"
"""The folder that we make where nobody names another."""

_KEYWORDS = re.compile(r"(?i)\b(host|hostaddr|dbname|user|password)\s*=")

OPEN_KEYS = frozenset({
    "application_name", "channel_binding", "connect_timeout", "dbname", "gssencmode",
    "host", "hostaddr", "keepalives", "keepalives_count", "keepalives_idle",
    "keepalives_interval", "krbsrvname", "load_balance_hosts", "options", "port",
    "require_auth", "ssl_max_protocol_version", "ssl_min_protocol_version", "sslcert",
    "sslcrl", "sslcrldir", "sslkey", "sslmode", "sslnegotiation", "sslrootcert",
    "sslsni", "target_session_attrs", "tcp_user_timeout", "user",
})  # fmt: skip
"""What libpq understands and anybody may read: of any other key no value is shown."""


@dataclass(frozen=True, slots=True)
class Address:
    """A journal in a PostgreSQL server; as text it has no secret."""

    url: str = field(repr=False)

    def __str__(self) -> str:
        plain = re.sub(r"(//[^/?#@:]*):.*@", r"\1@", self.url)
        place, mark, query = plain.partition("?")
        return place + mark + "&".join(map(_shown, query.split("&")))

    def exists(self) -> bool:
        """Always: its tables are made when it is opened."""
        return True


def _shown(pair: str) -> str:
    key, mark, _ = pair.partition("=")
    return pair if key in OPEN_KEYS or not pair else f"{key}=***" if mark else "***"


@dataclass(frozen=True, slots=True)
class Home:
    """A folder, and the journal that is usually in it.

    Args:
        shared: Where plans and rejected rows are instead, in object storage: then the
            folder is only this machine's own room for work.

        objects: Object storage, with the credentials of the environment.
    """

    folder: Path
    journal: Path | Address
    objects: Objects = field(
        default_factory=lambda: Objects(os.environ), repr=False, compare=False
    )
    shared: Location | None = None

    @classmethod
    def find(
        cls, beside: Path, environment: Mapping[str, str], journal: str = ""
    ) -> Home:
        """``BULKSEND_HOME``, else ``.bulksend`` in *beside*.

        The journal is in it, or where *journal* or ``BULKSEND_JOURNAL`` says.  Of a folder
        that was named nothing is made but `OWN`: in one that nobody meant, an opt-out is
        lost, and nothing is known of what was sent.

        Raises:
            InputError: E601, where the journal would be a folder, or in object storage; E609, where
                a folder that was named is not there; E692.
        """
        folder, shared = _room(beside, environment)
        if folder == beside / OWN:
            _refuse_missing(beside)
        elsewhere = _journal(journal or environment.get("BULKSEND_JOURNAL", ""))
        if shared is not None and elsewhere is None:
            expected = "BULKSEND_JOURNAL, such as postgresql://USER@HOST/DATABASE"
            found = "BULKSEND_HOME is in object storage, where no journal can be"
            fix = "Set it, or add --journal; in Airflow name the journal's connection."
            raise InputError(Problem("E601", found, expected, fix=fix))
        journal_at = elsewhere or folder / "journal.sqlite"
        if isinstance(journal_at, Path):
            at = journal_at.parent
            _refuse_missing(at.parent if at.name == OWN else at)
            if journal_at.is_dir():
                fix = f"Name the file, such as {journal_at / 'journal.sqlite'}."
                found, file = "it is a folder", str(journal_at)
                raise InputError(Problem("E601", found, "a file", fix, file))
        return cls(folder, journal_at, Objects(environment), shared)

    def spool(self) -> Spool:
        """Where objects are copied to, before anything reads them."""
        return _spool(self.folder, self.objects)

    @contextmanager
    def outgoing(self, name: str) -> Iterator[Path]:
        """Room for a file until it was put.

        Raises:
            OSError: What the disk says.
        """
        with _room_in(self.folder / "outgoing") as room:
            yield room / name

    def workroom(self) -> AbstractContextManager[Path]:
        """Room for a plan that is worked out in parts, for all who share the folder.

        Raises:
            OSError: What the disk says.
        """
        return _room_in(self.folder / "workrooms")

    def sweep(self) -> None:
        """Remove what killed processes of this machine left: people's numbers are in it."""
        for folder, named in self._for_work:
            with suppress(OSError):  # there is none, or it is somebody else's
                _sweep(folder, named)

    def leftovers(self, *, before: int) -> list[Path]:
        """Files of those who are gone: of this machine, and of others since *before*.

        Args:
            before: Milliseconds since 1970.
        """
        found: list[Path] = []
        for room in (room for at, named in self._for_work for room in at.glob(named)):
            with suppress(FileNotFoundError):  # its owner has ended just now
                is_old = room.stat().st_mtime * 1000 < before
                if _is_left(room) or (is_old and not _is_of_here(room)):
                    found += [
                        path for path in sorted(room.rglob("*")) if path.is_file()
                    ]
        kept = (self.folder / name for name in ("plans", "tests", "rejects"))
        for folder in (*kept, *self.spool().folder.glob("*/*")):
            found += left_behind(folder, before=before)
        return found

    @property
    def _for_work(self) -> tuple[tuple[Path, str], ...]:
        """Folders with rooms of processes, and how these are named."""
        passing = Path(gettempdir()), "*@*-bulksend-*"
        return (
            (self.folder / "workrooms", OWN_ROOM),
            (self.folder / "outgoing", OWN_ROOM),
            passing,
        )

    def marks(self, campaign: str) -> Path:
        """The folder of what `journal.mark` notes of its runs, each by its name."""
        return self._claims / campaign.replace("/", "+")

    def refuse_lost_journal(self) -> None:
        """For who would make one: where runs were sent from here, there was one.

        Raises:
            InputError: E603, where it is elsewhere, or on its way back from a backup.
        """
        if self._claims.is_dir() and not self.journal.exists():
            found = "none is there, and runs were sent from here by one"
            fix = (
                "Say where it is with --journal or BULKSEND_JOURNAL, or put it back; who "
                f"does without it removes {self._claims}."
            )
            raise InputError(Problem("E603", found, fix=fix, file=str(self.journal)))

    @property
    def _claims(self) -> Path:
        return self.folder / "claims"

    def plan_path(self, name: str) -> Path:
        return self.folder / "plans" / f"{name}.parquet"

    def plan_place(self, name: str) -> Where:
        """Where every machine finds it."""
        if self.shared is None:
            return self.plan_path(name)
        return self.shared / "plans" / f"{name}.parquet"

    def rejects_place(self, run: str) -> Where:
        root = self.shared or self.folder
        return root / "rejects" / f"{run}.csv"


@contextmanager
def _room_in(folder: Path) -> Iterator[Path]:
    """A folder of one's own; what a killed one left here, the next one sweeps.

    Other machines may share *folder*: whose process is alive only its own machine knows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    _sweep(folder, OWN_ROOM)
    with TemporaryDirectory(
        prefix=room_name(), dir=folder, ignore_cleanup_errors=True
    ) as room:
        yield Path(room).absolute()


def _is_left(room: Path) -> bool:
    return _is_of_here(room) and is_gone(room.name.partition("@")[0])


def _is_of_here(room: Path) -> bool:
    """Whose process is alive only its own machine knows."""
    return room.name.partition("@")[2].startswith(f"{gethostname()}-")


def _sweep(folder: Path, named: str) -> None:
    for room in folder.glob(named):
        if _is_left(room):
            shutil.rmtree(room, ignore_errors=True)


def find_spool(environment: Mapping[str, str]) -> Spool:
    """A home's, for who needs no journal yet: to read a campaign file.

    Raises:
        InputError: E692, where the home's address is not understood.
    """
    folder, _ = _room(Path(), environment)
    return _spool(folder, Objects(environment))


def _spool(folder: Path, objects: Objects) -> Spool:
    return Spool(folder / "objects", objects)


def _room(beside: Path, environment: Mapping[str, str]) -> tuple[Path, Location | None]:
    """The home's folder; where it is elsewhere, this machine's room for work on it."""
    said = environment.get("BULKSEND_HOME") or str(beside / OWN)
    if not is_address(said):
        return Path(said), None
    shared = located(said.rstrip("/") + "/")
    name = blake2b(str(shared).encode(), digest_size=8).hexdigest()
    caches = platformdirs.user_cache_path("bulksend", appauthor=False)
    return caches / "homes" / name, shared


def _refuse_missing(folder: Path) -> None:
    """Raises InputError: E609, with the nearest name that is there."""
    try:
        folder.stat()
    except FileNotFoundError:
        found = "there is no such folder"
    except NotADirectoryError:
        found = "a part of it is a file"
    except OSError:
        return  # whoever uses it says what the disk says
    else:
        if folder.is_dir():
            return
        found = "it is a file"
    near = ""
    with suppress(OSError):
        beside = [one.name for one in folder.parent.iterdir() if one.is_dir()]
        near = "".join(get_close_matches(folder.name, beside, n=1))
    fix = f"Did you mean `{folder.parent / near}`?" if near else ""
    raise InputError(Problem("E609", found, "a folder", fix, str(folder)))


def _journal(named: str) -> Path | Address | None:
    if not named:
        return None
    expected = "a path, or postgresql://USER@HOST/DATABASE"
    scheme, mark, rest = named.partition("://")
    if not mark and _KEYWORDS.search(named):
        raise InputError(Problem("E601", "a journal as KEY=VALUE pairs", expected))
    if not mark:
        return Path(named)
    if scheme not in ("postgresql", "postgres"):
        raise InputError(Problem("E601", f"a journal at {scheme}://", expected))
    _, _, secret = rest.rpartition("@")[0].partition(":")
    if re.search(r"[/?#@]", secret):  # PostgreSQL's library would tell parts of it
        what = "the password holds one of / ? # @ as it is"
        fix = "Write it as %2F, %3F, %23 or %40; or leave it to PGPASSWORD."
        raise InputError(Problem("E561", what, fix=fix, file=str(Address(named))))
    return Address(named)
