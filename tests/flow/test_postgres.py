"""The whole program with its journal in PostgreSQL, which goes away while it sends."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.flow.desk import counts, ended, served, until
from tests.suites.postgres_server import Server, postgres, running

if TYPE_CHECKING:
    from tests.flow.desk import Desk

__all__ = ["postgres"]

MANY = 4_000


def _people(count: int) -> str:
    lines = (f"{n},P{n},+1919{2_000_000 + n},9:15" for n in range(count))
    return "\n".join(["id,name,mobile,at", *lines]) + "\n"


def test_a_campaign_runs_with_its_journal_in_a_server(
    desk: Desk, postgres: Server
) -> None:
    """By --journal or BULKSEND_JOURNAL: run, run again, status; no file beside it."""
    url = postgres.schema()
    with served(desk.folder) as server:
        desk.environment = server.environment | {"BULKSEND_JOURNAL": url}
        desk.people(_people(50))
        desk.campaign()

        first = desk.call("run", "hello.yaml", "--yes", "--json")
        again = desk.call("run", "hello.yaml", "--yes", "--json")
        del desk.environment["BULKSEND_JOURNAL"]
        status = desk.call("status", "--journal", url, "--json")

        assert (first.code, counts(first)) == (0, {"accepted": 50})
        assert counts(again) == {"accepted": 50}
        assert server.stats()["accepted"] == 50
    assert [run["accepted"] for run in status.json] == [50]
    assert not (desk.folder / ".bulksend" / "journal.sqlite").exists()


@pytest.mark.slow
@pytest.mark.crash
def test_the_server_restarts_in_mid_run_and_nobody_gets_it_twice(desk: Desk) -> None:
    """Sending stops, finds its journal again and goes on to the end by itself."""
    with running() as journal, served(desk.folder) as server:
        desk.environment = server.environment | {"BULKSEND_JOURNAL": journal.url()}
        desk.people(_people(MANY))
        desk.campaign(send={"rate": "1500/s"})
        sender = desk.start("run", "hello.yaml", "--yes", "--json")
        for accepted, how in ((300, "fast"), (1_500, "immediate"), (2_500, "fast")):
            has = server.has(accepted)
            until(lambda has=has: has() or sender.poll() is not None, sender)  # type: ignore[misc]
            journal.stop(how)
            journal.start()
        ran = ended(sender)
        assert "journal found" in ran.err
        if was_stopped := ran.code == 4:  # the server took longer than the lease
            ran = desk.process("run", "hello.yaml", "--yes", "--json")

        fates = counts(ran)
        assert sum(fates.values()) == fates["accepted"] + fates.get("unknown", 0)
        assert was_stopped or (ran.code, fates) == (0, {"accepted": MANY}), ran
        sent = Counter(line["to"][0] for line in server.lines())
        assert max(sent.values()) == 1
        assert fates["accepted"] <= len(sent) <= MANY


def test_no_password_is_ever_printed(
    desk: Desk, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong with the journal's address, its password stays with the user."""
    monkeypatch.setenv("PGPASSWORD", "t0p-s3cret")
    desk.people()
    desk.campaign(provider="simulator")
    for url in (
        f"postgresql://bulksend:t0p-s3cret@127.0.0.1:{postgres.port}/nowhere",
        f"postgresql://u:t0p-s3cret@127.0.0.1:{postgres.port}/postgres",
        "postgresql://u:t0p-s3cret@127.0.0.1:1/x",
        "postgresql://u:t0p-s3cret@127.0.0.1:port/x",
        "mysql://u:t0p-s3cret@127.0.0.1/x",
        f"postgresql://guarded@127.0.0.1:{postgres.port}/postgres",
        f"postgresql://guarded:t0p-s%33cret@127.0.0.1:{postgres.port}/postgres",
        f"postgresql://127.0.0.1:{postgres.port}/x?user=guarded&password=t0p-s3cret",
        "postgresql://u:t0p-s3cret/x@127.0.0.1/x",
        f"host=127.0.0.1 port={postgres.port} password=t0p-s3cret",
    ):
        ran = desk.call("run", "hello.yaml", "--journal", url)

        assert ran.code in {2, 4}
        assert "t0p-s" not in ran.all
        assert "Traceback" not in ran.all
