"""A campaign sent by the workers of a Dask cluster: real processes, and what kills them."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from typing import TYPE_CHECKING

import psycopg
import pytest

from bulksend import Home, InputError, cluster, load_campaign, run_on_workers
from bulksend.cluster import Likeness
from bulksend.home import Address
from tests.flow.desk import Desk, ended, served, until
from tests.suites.postgres_server import Server, free_port, postgres

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["postgres"]

ROWS = 300
STARTING_SECONDS = 180
"""Each worker, and each shard in it, starts as a program of its own."""


def _people(desk: Desk, count: int = ROWS) -> None:
    lines = (f"{n},P{n},+1919{2_000_000 + n},9:15" for n in range(count))
    desk.people("\n".join(["id,name,mobile,at", *lines]) + "\n")


def _senders(url: str) -> set[int]:
    """The processes that have a lease now."""
    with psycopg.connect(url) as sql:
        found = sql.execute("select owner from leases where expires > 0").fetchall()
    return {json.loads(owner)["pid"] for (owner,) in found}


@pytest.mark.slow
@pytest.mark.crash
def test_a_killed_worker_texts_nobody_twice(
    desk: Desk, tmp_path: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dask runs its shards again elsewhere; 0 doubled, and every row has a fate."""
    monkeypatch.setattr("tests.flow.desk.PATIENCE_SECONDS", STARTING_SECONDS)
    url = postgres.schema()
    with served(tmp_path) as server:
        desk.environment = server.environment | {"BULKSEND_JOURNAL": url}
        _people(desk)
        desk.campaign(send={"rate": "100/s"})
        running = desk.start(
            "run", "hello.yaml", "--workers", "local:2", "--yes", "--json"
        )
        until(server.has(60), running)
        # The other worker may have no lease yet: whoever has one is killed.
        os.kill(min(_senders(url)), signal.SIGKILL)
        done = ended(running)
        sent = Counter(line["to"][0] for line in server.lines())

    assert done.code in (0, 5), done
    fates = Counter(desk.results()["status"].to_list())
    assert max(sent.values()) == 1
    assert sum(fates.values()) == ROWS
    assert set(fates) <= {"accepted", "unknown"}
    assert len(sent) - fates["accepted"] <= fates["unknown"]
    assert fates["unknown"] < 30


@pytest.mark.parametrize(
    ("workers", "journal", "code"),
    [
        ("everywhere", "", "E594"),
        ("local:0", "", "E594"),
        ("dask://scheduler", "", "E594"),
        ("dask://127.0.0.1:{port}", "", "E593"),
        ("dask://127.0.0.1:{port}", "postgresql://u@127.0.0.1:1/j", "E591"),
    ],
)
def test_workers_that_are_none_are_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, workers: str, journal: str, code: str
) -> None:
    """Before anything is planned or sent; a scheduler that is away is said."""
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.2)
    _people(desk, 3)
    loaded = load_campaign(desk.campaign(provider="simulator"))

    with pytest.raises(InputError, match=code):
        run_on_workers(
            loaded,
            workers.format(port=free_port()),
            environment=desk.environment | {"BULKSEND_JOURNAL": journal},
        )


def test_without_dask_it_says_what_to_install(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E590 with the extra's name."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    _people(desk, 3)
    loaded = load_campaign(desk.campaign(provider="simulator"))

    with pytest.raises(InputError, match=r"E590[\s\S]*bulksend\[dask\]"):
        run_on_workers(loaded, "local:2", environment=desk.environment)


def test_workers_that_differ_are_all_named(tmp_path: Path) -> None:
    """E592 for another version, a folder that is missing, another journal, and for none."""
    home = Home(tmp_path, Address("postgresql://u@db/j"))
    here = cluster._looks_like(tmp_path, "").versions
    found = {
        "tcp://a": Likeness(here, has_room=True, has_journal=True),
        "tcp://b": Likeness("bulksend 0.0.1", has_room=False, has_journal=True),
        "tcp://c": Likeness(here, has_room=True, has_journal=False),
    }
    with pytest.raises(InputError) as refused:
        cluster._compare(found, tmp_path, home)
    with pytest.raises(InputError, match=r"E592 .*no worker"):
        cluster._compare({}, tmp_path, home)

    said = [problem.found for problem in refused.value.problems]
    assert said == [
        "bulksend 0.0.1 at tcp://b",
        "tcp://b does not see this folder",
        "another BULKSEND_JOURNAL at tcp://c",
    ]
    cluster._compare({"tcp://a": found["tcp://a"]}, tmp_path, home)
