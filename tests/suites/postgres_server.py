"""A real PostgreSQL of the tests' own: in a temporary folder, on the loopback.

Needs the server's programs (Debian: ``apt-get install postgresql-15``); it asks nothing
of a server that runs already.  Started as an unprivileged user where we are root, because
PostgreSQL refuses to run as root.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCHEMAS = count(1)


def _programs() -> Path | None:
    """The newest PostgreSQL's folder of programs."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: int(path.parts[-3]),
    )
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _somebody() -> dict[str, object]:
    """Keywords of `subprocess` that leave root behind."""
    if os.getuid() != 0:
        return {}
    return {"user": "nobody", "group": "nogroup", "extra_groups": []}


def free_port() -> int:
    """One that no connection takes by chance, while nobody listens there."""
    while True:
        port = random.randrange(10_000, 32_000)  # below Linux's ip_local_port_range
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


class Server:
    """A running PostgreSQL."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._programs = programs

    def run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            cwd="/",
            **_somebody(),  # type: ignore[call-overload]
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def make(self) -> None:
        self.run(
            *("initdb", "-D", str(self.folder / "data"), "-U", "bulksend"),
            *("-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"),
        )
        rules = self.folder / "data" / "pg_hba.conf"
        rules.write_text(
            "host all guarded 127.0.0.1/32 scram-sha-256\n" + rules.read_text()
        )

    def start(self) -> None:
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off "
            f"-c unix_socket_directories= -c max_connections=60 -c shared_buffers=128MB"
        )
        self.run(*self._ctl, "start", "-w", "-l", f"{self.folder}/log", "-o", options)

    def stop(self, mode: str = "fast") -> None:
        self.run(*self._ctl, "stop", "-w", "-m", mode)

    @property
    def _ctl(self) -> tuple[str, ...]:
        return ("pg_ctl", "-D", str(self.folder / "data"), "-s")

    def url(self, user: str = "bulksend", *, more: str = "") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/postgres{more}"

    def schema(self) -> str:
        """The URL of a schema that nobody else uses; it is made when it is used."""
        name = f"t{next(_SCHEMAS)}"
        with psycopg.connect(self.url(), autocommit=True) as sql:
            sql.execute(f"create schema {name}".encode())
        return self.url(more=f"?options=-csearch_path%3D{name}")


@contextmanager
def running() -> Iterator[Server]:
    """A server for as long as the block lasts; skips where none is installed."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed: apt-get install postgresql-15")
    folder = Path(mkdtemp(prefix="bulksend-pg-"))
    if os.getuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
    server = Server(folder, programs)
    try:
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One server for the whole session of tests."""
    with running() as server:
        yield server
