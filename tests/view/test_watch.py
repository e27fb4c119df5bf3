"""A run while it goes: quick looks, the live page, and what Prometheus is told."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from bulksend.cli import cli
from bulksend.cli.watching import in_a_line, picture
from bulksend.errors import InputError, Problem
from bulksend.home import Home
from bulksend.journal.orders import Word
from bulksend.journal.owner import Owner
from bulksend.settle.standing import standing
from bulksend.view.exposition import KEPT_MS, metrics, write_metrics
from bulksend.view.live import HEADERS, Watched, live_page
from bulksend.view.now import look, watch_run
from tests.settle.test_results import NOW
from tests.view.test_figures import everything

if TYPE_CHECKING:
    from pathlib import Path

    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.prepare.plan import Plan

__all__ = ["everything"]  # a fixture of the neighbour's


@pytest.fixture
def home(everything: tuple[Plan, Journal, Run], tmp_path: Path) -> Home:
    return Home(tmp_path / ".bulksend", tmp_path / "journal.sqlite")


def test_a_look_has_the_counts_and_the_pace_of_the_last_seconds(
    everything: tuple[Plan, Journal, Run],
) -> None:
    """Five were posted a millisecond after NOW; ten seconds later that is history."""
    _, journal, run = everything
    soon = look(journal, run, now=NOW + 1_000)
    assert soon.counts == standing(journal, run).counts
    assert (soon.to_send, soon.done, soon.left) == (9, 7, 2)
    assert soon.per_second == 0.5
    assert soon.seconds_left is None, "nobody sends it"
    assert replace(soon, is_held=True).seconds_left == 4
    later = look(journal, run, now=NOW + 60_000)
    assert (later.per_second, later.seconds_left) == (0.0, None)


def test_what_is_drawn_says_every_count(
    everything: tuple[Plan, Journal, Run], home: Home
) -> None:
    """In one line, and as a picture, as narrow as it may be."""
    from rich.console import Console

    now = look(everything[1], everything[2], now=NOW + 1_000)
    assert "messages/s" not in in_a_line(now), "its sender is gone"
    assert in_a_line(replace(now, state="sending", is_held=True)) == (
        "sending · 7 of 9 · 0.5 messages/s · 4 s left · "
        "1 failed · 1 refused · 2 unknown · 1 expired"
    )
    console = Console(width=80, record=True, file=None, quiet=False)
    with console.capture() as drawn:
        console.print(picture(now))
    lines = drawn.get().splitlines()
    assert [line.split()[0] for line in lines[4:]] == [
        "delivered", "accepted", "failed", "refused", "unknown", "expired", "not", "excluded",
    ]  # fmt: skip
    assert max(map(len, lines)) <= 80


def test_a_narrow_terminal_cuts_no_word(
    everything: tuple[Plan, Journal, Run], home: Home
) -> None:
    """The bars give way; what is in flight has a line of its own."""
    from rich.console import Console

    now = watch_run("", home=home)
    seen = replace(now, counts=now.counts | {"in_flight": 2})
    console = Console(width=40)
    with console.capture() as caught:
        console.print(picture(seen, 40))
    lines = caught.get().splitlines()
    assert "…" not in caught.get().partition("\n")[2]
    for name, count in seen.counts.items():
        drawn = [one for one in lines if one.startswith(name.replace("_", " "))]
        assert len(drawn) == bool(count), name
    assert max(map(len, lines)) <= 40


def test_the_command_ends_when_nobody_sends(
    everything: tuple[Plan, Journal, Run], home: Home
) -> None:
    """A line for people in a pipe, a line of JSON for machines."""
    where = ["--journal", str(home.journal)]
    ran = CliRunner().invoke(cli, ["watch", *where])
    assert ran.exit_code == 0, ran.output
    assert "7 of 9" in ran.output
    said = json.loads(CliRunner().invoke(cli, ["watch", "--json", *where]).output)
    assert said["run"] == everything[2].run
    assert sum(said[name] for name in standing(*everything[1:]).counts) == said["rows"]
    with pytest.raises(InputError, match="E630"):
        watch_run("nope", home=home)


# -- the live page ------------------------------------------------------------------


async def test_the_live_page_is_for_its_own_machine(home: Home) -> None:
    """Called by another name, as a page elsewhere would do it, it says nothing."""
    async with (
        live_page("", home) as address,
        aiohttp.ClientSession(address) as session,
    ):
        for path, kind in {
            "/": "text/html",
            "/main": "text/html",
            "/now.json": "application/json",
            "/live.js": "text/javascript",
            "/metrics": "text/plain",
        }.items():
            async with session.get(path) as answer:
                assert (answer.status, answer.content_type) == (200, kind)
                assert HEADERS.items() <= dict(answer.headers).items()
                assert "+1919" not in await answer.text()
            async with session.get(path, headers={"Host": "evil.example"}) as answer:
                assert answer.status == 421
            async with session.post(path) as answer:
                assert answer.status == 405
        async with session.get("/../journal.sqlite") as answer:
            assert answer.status == 404


CALLED = (
    # a Host header, and the status
    ("localhost", 200),
    ("LOCALHOST", 200),
    ("Localhost:8000", 200),
    ("localhost.", 200),
    ("127.0.0.1:8000", 200),
    ("[::1]", 200),
    ("[::1]:8000", 200),
    ("evil.example", 421),
    ("localhost.evil.example", 421),
    ("127.0.0.1.evil.example:8000", 421),
    ("[::2]", 421),
    ("[::1", 421),
    ("::1:x", 421),
    ("", 421),
)


async def test_a_name_of_the_loopback_is_one_however_it_is_written(home: Home) -> None:
    """Names have no case (RFC 9110 4.2.3), and an IPv6 address stands in brackets."""
    async with live_page("", home) as address:
        port = urlsplit(address).port
        for host, status in CALLED:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            ask = f"GET /live.js HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            writer.write(ask.encode())
            said = await asyncio.wait_for(reader.read(), 30)
            writer.close()
            assert said.split()[1] == str(status).encode(), host


async def test_a_port_that_is_taken_is_a_problem(home: Home) -> None:
    """Told before anything is served."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match="E673"):
            async with live_page("", home, port=port):
                pass
    with pytest.raises(InputError, match="E630"):
        async with live_page("nope", home):
            pass


@pytest.mark.parametrize("host", ["a..b", "no-such-host.invalid"])
async def test_a_host_that_is_none_is_a_problem(home: Home, host: str) -> None:
    """Neither a traceback nor a number that only the resolver knows."""
    with pytest.raises(InputError) as caught:
        async with live_page("", home, host=host):
            pass
    (problem,) = caught.value.problems
    assert problem.code == "E673"
    assert host in problem.found
    assert "unknown error" not in problem.found


def test_a_look_that_finds_nothing_new_leaves_the_page_alone(
    everything: tuple[Plan, Journal, Run], home: Home
) -> None:
    """Focus, place and selection live as long as what they are in."""
    _, journal, run = everything
    watched = Watched(home, run.run)
    watched.count()
    watched.count()
    assert watched.looks == 1
    journal.runs.finish(run.id, now=NOW)
    watched.count()
    assert watched.looks == 2


def test_a_look_that_fails_is_told_once(
    everything: tuple[Plan, Journal, Run], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And again after one that did not; the page knows that its figures are old."""
    told: list[str] = []

    def warning(_: str, *, problem: str) -> None:
        told.append(problem)

    def purged(*_: object, **__: object) -> None:
        raise InputError(Problem("E675", "they were removed"))

    watched = Watched(home, everything[2].run)
    monkeypatch.setattr("bulksend.view.live.log", SimpleNamespace(warning=warning))
    for _ in range(2):
        with monkeypatch.context() as patched:
            patched.setattr("bulksend.view.live.count", purged)
            watched.try_to_count()
            watched.try_to_count()
        assert "E675" in watched.failed
        watched.try_to_count()
        assert not watched.failed
    assert len(told) == 2


# -- metrics ------------------------------------------------------------------------


def test_prometheus_reads_every_count_of_a_run(
    everything: tuple[Plan, Journal, Run], home: Home
) -> None:
    """By the official parser: outcomes add up to the rows; the pace is there."""
    _, journal, run = everything
    families = {
        family.name: family.samples
        for family in text_string_to_metric_families(metrics(home, now=NOW + 1_000))
    }
    outcomes = {
        sample.labels["outcome"]: sample.value
        for sample in families["bulksend_run_messages"]
    }
    assert outcomes == standing(journal, run).counts
    (rows,) = families["bulksend_run_rows"]
    assert rows.value == run.rows == sum(outcomes.values())
    assert rows.labels == {"run": run.run, "campaign": "test", "provider": "simulator"}
    (pace,) = families["bulksend_run_posted_messages_per_second"]
    assert pace.value == 0.5


def test_a_run_is_held_whatever_its_process_waits_for(
    everything: tuple[Plan, Journal, Run], home: Home
) -> None:
    """Paused, or waiting for the first few: a process has it, and of its campaign no other run."""
    _, journal, run = everything

    def sending() -> float:
        found = text_string_to_metric_families(metrics(home, now=NOW + 1_000))
        (family,) = (one for one in found if one.name == "bulksend_run_sending")
        return family.samples[0].value

    assert sending() == 0
    journal.leases.end(run.campaign, 1)
    mine = Owner.me(run=run.run)
    epoch = journal.leases.take(run.campaign, mine, now=NOW)
    assert sending() == 1
    journal.canaries.begin(run.id, 2)
    journal.canaries.sent(run.id, now=NOW)
    assert look(journal, run, now=NOW + 1_000).state.startswith("waiting for receipts")
    assert sending() == 1
    journal.orders.give(run.id, Word.PAUSE, "me", now=NOW)
    assert look(journal, run, now=NOW + 1_000).state.startswith("paused (process")
    assert sending() == 1
    journal.leases.end(run.campaign, epoch)
    assert sending() == 0


def test_a_run_that_ended_long_ago_is_left_out(
    everything: tuple[Plan, Journal, Run], home: Home
) -> None:
    """A day after its end; until then it can be seen to have ended."""
    _, journal, run = everything
    journal.runs.finish(run.id, now=NOW)
    assert f'run="{run.run}"' in metrics(home, now=NOW + KEPT_MS)
    assert run.run not in metrics(home, now=NOW + KEPT_MS + 1)


def test_metrics_go_to_a_file_that_is_whole_at_any_time(
    home: Home, tmp_path: Path
) -> None:
    """node_exporter may read it; a journal that is not there yet has no runs."""
    path = tmp_path / "collector" / "bulksend.prom"
    write_metrics(home, path)
    assert "bulksend_run_rows{" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(InputError, match="E672"):
        write_metrics(home, path / "a.prom")
    assert "bulksend_run_rows{" not in metrics(Home(tmp_path, tmp_path / "none.sqlite"))
