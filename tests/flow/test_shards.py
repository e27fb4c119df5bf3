"""A plan in parts: each sent anywhere, at any time, twice, or killed."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
import pytest

from bulksend import Options
from bulksend.assignment import Assignment
from bulksend.pipeline import _assignment
from bulksend.planning import plan_campaign
from tests.flow.desk import codes, counts, ended, served, until
from tests.flow.elsewhen import Clock
from tests.suites.arrivals import fullest, watched
from tests.suites.postgres_server import Server, postgres

if TYPE_CHECKING:
    from tests.flow.desk import Desk, Served

__all__ = ["postgres"]


def _people(count: int) -> str:
    """Every tenth has no usable number, every twelfth has another one's."""
    numbers = (
        "n/a"
        if n % 10 == 9
        else f"+1919{2_000_000 + (n - n % 12 if n % 12 == 11 else n)}"
        for n in range(count)
    )
    lines = (f"{n},P{n},{number},9:15" for n, number in enumerate(numbers))
    return "\n".join(["id,name,mobile,at", *lines]) + "\n"


def _sent(server: Served) -> Counter[str]:
    return Counter(line["to"][0] for line in server.lines())


def _plan(desk: Desk, shards: int) -> str:
    ran = desk.call("plan", "hello.yaml", "--shards", str(shards), "--json")
    assert ran.code == 0, ran
    return str(ran.json["plan"])


@pytest.mark.parametrize("where", ["sqlite", "postgres"])
def test_the_shards_together_are_the_plan(
    desk: Desk, postgres: Server, where: str
) -> None:
    """In any order, one of them twice: everybody once, and results for every row."""
    with served(desk.folder) as server:
        desk.environment = dict(server.environment)
        if where == "postgres":
            desk.environment["BULKSEND_JOURNAL"] = postgres.schema()
        desk.people(_people(100))
        desk.campaign()
        plan = _plan(desk, 3)

        ran = [
            desk.call("send", plan, "--shard", str(shard), "--yes", "--json")
            for shard in (2, 0, 2, 1)
        ]
        listed = desk.call("status", "--json").json
        again = desk.call("send", plan, "--shard", "1", "--yes", "--json")
        written = desk.call("results", listed[0]["run"], "--json")

    assert [one.code for one in [*ran, again, written]] == [0] * 6
    assert [one.json["rows"] for one in ran] == [34, 33, 34, 33]
    assert ran[0].json["accepted"] == ran[2].json["accepted"]
    sent = _sent(server)
    assert max(sent.values()) == 1
    assert sum(ran[shard].json["accepted"] for shard in (0, 1, 3)) == len(sent)
    assert counts(written)["accepted"] == len(sent)
    assert listed[0]["state"] == "done"
    assert desk.results().height == 100


def test_a_shard_that_is_none_is_refused(desk: Desk) -> None:
    """E565 with the shards there are; nothing is sent."""
    desk.people()
    desk.campaign(provider="simulator")
    whole, cut = _plan(desk, 1), _plan(desk, 4)

    for plan, shard in ((whole, "1"), (cut, "4"), (cut, "-1")):
        ran = desk.call("send", plan, "--shard", shard, "--json")

        assert (ran.code, codes(ran)) == (2, ["E565"])
    assert desk.call("send", whole, "--shard", "0", "--json").code == 0


@pytest.mark.parametrize("where", ["sqlite", "postgres"])
def test_a_shard_that_is_late_has_the_day_of_its_run(
    desk: Desk, postgres: Server, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """A try after midnight is too late (E515); somebody who sends the rest himself is not."""
    clock = Clock()
    clock.seconds = (86_400 - 60 * 60) - clock.time() % 86_400  # 23:00 UTC
    clock.set(monkeypatch)
    monkeypatch.setattr("bulksend.journal.postgres.MOST_SKEW_MS", 10**12)
    if where == "postgres":
        desk.environment["BULKSEND_JOURNAL"] = postgres.schema()
    desk.people(_people(20))
    desk.campaign(provider="simulator", send={"not_after": "23:30 UTC"})
    plan = _plan(desk, 2)
    first = desk.call("send", plan, "--shard", "0", "--json")
    clock.seconds += 2 * 60 * 60  # one o'clock
    late = desk.call("send", plan, "--shard", "1", "--json")
    rest = desk.call("send", plan, "--json")

    assert (first.code, counts(first)) == (0, {"accepted": 9, "excluded": 1})
    assert (late.code, codes(late)) == (3, ["E515"])
    assert (rest.code, counts(rest)["accepted"]) == (0, 17)


def test_the_day_that_a_deadline_means(desk: Desk) -> None:
    """A shard's is its run's, unless somebody went on with all of it: then it is that one."""
    desk.people()
    said = {"not_after": "23:30 UTC"}
    checked = plan_campaign(desk.campaign(provider="simulator", send=said))
    whole = Assignment(checked.plan, checked.campaign, checked.home, {}, desk.folder)
    day = 86_400_000
    first, now = 20_000 * day, 20_003 * day
    run = whole.begin_run(now=first)
    shard = replace(whole, shard=1)

    def days(asked: Assignment) -> float:
        deadline = asked.deadline(run, now)
        assert deadline is not None
        return deadline.timestamp() * 1000 // day - 20_000

    gone_on = replace(shard, begun=now - day)
    assert [days(one) for one in (whole, shard, gone_on)] == [3, 0, 2]


def test_a_deadline_stays_on_the_day_on_which_it_was_asked_to_send(desk: Desk) -> None:
    """Receipts of the first few that are waited for until the next day make it no later."""
    desk.people()
    said = {"not_after": "23:30 UTC", "canary": {"first": 1, "wait": "2h"}}
    checked = plan_campaign(desk.campaign(provider="simulator", send=said))
    before = round(datetime.now(UTC).timestamp() * 1000)
    whole = _assignment(checked, desk.folder, {}, Options())
    run = whole.begin_run(now=before)
    assert whole.begun is not None
    assert whole.deadline(run, before + 86_400_000) == whole.deadline(run, whole.begun)
    part = _assignment(checked, desk.folder, {}, Options(shard=1))
    assert part.begun is None


@pytest.mark.parametrize(
    "arguments",
    [
        ("send", "{plan}", "--shard", "abc"),
        ("send", "{plan}", "--shard", "99999999999999999999"),
        ("plan", "hello.yaml", "--shards", "0"),
        ("plan", "hello.yaml", "--shards", "-1"),
        ("plan", "hello.yaml", "--shards", "2000000"),
        ("plan", "hello.yaml", "--shards", "two"),
    ],
)
def test_parts_that_are_no_number_are_refused(
    desk: Desk, arguments: tuple[str, ...]
) -> None:
    """E565 quotes what was written."""
    desk.people()
    desk.campaign(provider="simulator")
    plan = _plan(desk, 1)

    ran = desk.call(*(one.format(plan=plan) for one in arguments), "--json")

    assert (ran.code, codes(ran)) == (2, ["E565"])
    assert f"`{arguments[-1]}`" in ran.json["problems"][0]["found"]


def test_workers_take_no_selection(desk: Desk) -> None:
    """E140: `--only` is never silently left out, or others would be texted."""
    desk.people()
    desk.campaign(provider="simulator")

    ran = desk.call(
        "run", "hello.yaml", "--workers", "local:2", "--only", "failed", "--json"
    )

    assert (ran.code, codes(ran)) == (2, ["E140"])


def test_more_shards_than_rows_are_empty_ones(desk: Desk) -> None:
    """A shard without rows is done at once."""
    desk.people("id,name,mobile,at\n1,Ana,9192345671,9\n2,Ben,9192345672,9\n")
    desk.campaign(provider="simulator")
    plan = _plan(desk, 5)

    ran = [desk.call("send", plan, "--shard", str(n), "--json") for n in range(5)]

    assert [one.code for one in ran] == [0] * 5
    assert sum(one.json["accepted"] for one in ran) == 2
    assert sum(one.json["rows"] for one in ran) == 2


@pytest.mark.slow
def test_a_shard_that_is_started_twice_at_once_is_sent_once(
    desk: Desk, postgres: Server
) -> None:
    """The second is refused, or waits and finds it done; the other shard goes on."""
    with served(desk.folder) as server:
        desk.environment = server.environment | {"BULKSEND_JOURNAL": postgres.schema()}
        desk.people(_people(200))
        desk.campaign(send={"rate": "40/s"})
        plan = _plan(desk, 2)
        command = ("send", plan, "--yes", "--json", "--shard")
        first = desk.start(*command, "0")
        until(server.has(5), first)
        waits = desk.start(*command, "0", "--wait")
        refused = desk.call(*command, "0")
        other = desk.call(*command, "1")
        done = [ended(first), ended(waits), other]

    assert (refused.code, codes(refused)) == (3, ["E610"])
    assert [one.code for one in done] == [0, 0, 0]
    assert counts(done[0]) == counts(done[1])
    sent = _sent(server)
    assert max(sent.values()) == 1
    assert len(sent) == done[0].json["accepted"] + other.json["accepted"]


@pytest.mark.slow
@pytest.mark.crash
def test_killed_shards_are_sent_again_and_nobody_gets_it_twice(
    desk: Desk, postgres: Server
) -> None:
    """Four at once, two of them killed: the retry waits for nobody, and ends the job."""
    with served(desk.folder) as server:
        desk.environment = server.environment | {"BULKSEND_JOURNAL": postgres.schema()}
        desk.people(_people(3_000))
        desk.campaign(send={"rate": "1000/s"})
        plan = _plan(desk, 4)
        command = ("send", plan, "--yes", "--json", "--wait", "--shard")
        crowd = [desk.start(*command, str(shard)) for shard in range(4)]
        until(server.has(400), crowd[0])
        for one in crowd[:2]:
            one.send_signal(signal.SIGKILL)
            ended(one)
        crowd[:2] = [desk.start(*command, str(shard)) for shard in range(2)]
        ran = [ended(one) for one in crowd]

    assert {one.code for one in ran} <= {0, 5}, ran
    sent = _sent(server)
    assert max(sent.values()) == 1
    found = Counter[str]()
    for done in ran:
        found.update(counts(done))
    assert found["not_sent"] == 0
    assert found["accepted"] <= len(sent) <= found["accepted"] + found["unknown"]


@pytest.mark.slow
def test_workers_rise_together(desk: Desk) -> None:
    """Two shards at once have one ramp: half of it takes as long as for one sender."""
    with served(desk.folder) as server:
        desk.environment = dict(server.environment)
        desk.people(_people(120))
        desk.campaign(send={"rate": "60/s", "ramp": "6 s"})
        plan = _plan(desk, 2)
        command = ("send", plan, "--yes", "--json", "--shard")

        ran = [ended(one) for one in [desk.start(*command, n) for n in "01"]]

        assert [one.code for one in ran] == [0, 0], ran
        moments = sorted(line["mono"] for line in server.lines())
    # In t seconds 60 (t / 20 + 19/240 t²) may go: of 90, ten in a second, not sixty.
    for seconds, most in ((1.0, 8), (2.0, 25), (3.0, 52)):
        assert sum(at < moments[0] + seconds for at in moments) <= most * 1.2 + 3


@pytest.mark.slow
@pytest.mark.parametrize("where", ["sqlite", "postgres"])
def test_what_cannot_wait_goes_out_beside_a_large_campaign(
    desk: Desk, postgres: Server, where: str
) -> None:
    """Two processes, one account: the notice has its part, and both have the rate."""
    url = postgres.schema()
    with served(desk.folder) as server:
        desk.environment = dict(server.environment)
        if where == "postgres":
            desk.environment["BULKSEND_JOURNAL"] = url
        desk.people(_people(2_000))
        desk.campaign(name="offers", send={"rate": "100/s"}, results="offers.csv")
        offers = desk.start("run", "hello.yaml", "--yes", "--json")
        until(server.has(50), offers)

        desk.people(_people(40))
        desk.campaign(
            name="outage",
            message={"priority": "high"},
            send={"rate": "100/s"},
            results="outage.csv",
        )
        notice = desk.process("run", "hello.yaml", "--yes", "--json")
        assert offers.poll() is None, ended(offers)
        offers.send_signal(signal.SIGTERM)
        assert ended(offers).code == 4
        sent = server.lines()
    question = "select max(kept_to) from paces"
    if where == "postgres":
        with psycopg.connect(url) as sql:
            ((kept,),) = sql.execute(question).fetchall()
    else:
        with closing(sqlite3.connect(desk.folder / ".bulksend/journal.sqlite")) as file:
            ((kept,),) = file.execute(question).fetchall()

    assert notice.code == 0, notice
    assert kept > 0
    urgent = [n for n, line in enumerate(sent) if line["priority"] == "high"]
    beside = urgent[-1] - urgent[0] + 1 - len(urgent)
    assert 0 < beside <= 9 * len(urgent)  # a tenth at least
    seconds = sent[-1]["mono"] - sent[0]["mono"]
    assert len(sent) <= 100 * (seconds + 0.5)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["postgres", "sqlite"])
def test_long_texts_of_several_senders_keep_the_rate(
    desk: Desk, postgres: Server, where: str
) -> None:
    """Three processes, texts of two to five segments: 30 in any second, as they arrive.

    Three workers of a plan on a server; three campaigns of one folder on a file.
    """
    weights = (2, 5, 3, 4)
    texts = [
        f"{n},P{n},+1919{2_000_000 + n},{'.' * (153 * weights[n % 4] - 60)}"
        for n in range(45)
    ]
    header = "id,name,mobile,at"
    with served(desk.folder) as server, watched(server.origin) as arrivals:
        desk.environment = server.environment | {
            "BW_MESSAGING_URL": f"{arrivals.origin}/api/v2"
        }
        if where == "postgres":
            desk.environment["BULKSEND_JOURNAL"] = postgres.schema()
            desk.people("\n".join([header, *texts]) + "\n")
            desk.campaign(send={"rate": "30/s"})
            plan = _plan(desk, 3)
            commands = [["send", plan, "--shard", str(shard)] for shard in range(3)]
        else:
            commands = [["run", f"c{part}.yaml"] for part in range(3)]
            for part in range(3):
                some = "\n".join([header, *texts[part::3]])
                desk.write(f"list{part}.csv", f"{some}\n")
                desk.campaign(
                    f"c{part}.yaml",
                    name=f"c{part}",
                    recipients={"path": f"list{part}.csv"},
                    send={"rate": "30/s"},
                    results=f"results/{part}.csv",
                )
        crowd = [desk.start(*command, "--yes", "--json") for command in commands]
        assert [ended(one).code for one in crowd] == [0, 0, 0]
        segments = {line["to"][0]: line["segments"] for line in server.lines()}

    posts = [(at, _weight(request, segments)) for at, request in arrivals.posts]
    assert sorted({weight for _, weight in posts}) == [2, 3, 4, 5]
    assert len(posts) == len(texts)
    # A process may be held up between its permit and the wire: then one is late.
    assert fullest(posts) <= 30 + max(weights)


def _weight(request: bytes, segments: dict[str, int]) -> int:
    """Of the message in a request, as the server counted it."""
    to: str = json.loads(request.partition(b"\r\n\r\n")[2])["to"][0]
    return segments[to]
