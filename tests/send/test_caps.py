"""Who has had enough gets nothing more, from whatever campaign."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from bulksend.define.amounts import Often
from bulksend.errors import Stopped
from bulksend.journal.owner import Owner
from bulksend.journal.records import Candidate
from bulksend.journal.states import Event
from bulksend.journal.store import Journal
from bulksend.rules.carriers import pacific_day
from bulksend.rules.hours import Hours
from bulksend.rules.pack import shipped_rules
from bulksend.rules.place import Place
from bulksend.send.caps import DAY_MS, Caps, CarrierCap, PersonCap, per_day
from bulksend.send.clocks import Now
from tests.flow.conftest import bandwidth, desk  # noqa: F401  (fixtures)
from tests.send.test_carriers import Capped, path  # noqa: F401  (a fixture)
from tests.send.test_hours import utc
from tests.suites.scene import RUN, outcome

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk
    from tests.send.stage import Stage


@pytest.mark.parametrize(
    ("where", "said"), [("US-FL", [3]), ("US-WY", []), ("US-OK", [3])]
)
def test_some_states_have_a_cap_of_their_own(where: str, said: list[int]) -> None:
    """Florida and Oklahoma: three in 24 hours."""
    hours = Hours(shipped_rules(), "us-marketing")
    place = Place((where,), ("America/Chicago",))
    assert per_day(hours, place, date(2026, 11, 26)) == said


CHANGES = [
    (("2020-01-01", "2027-01-01", 1), ("2027-01-01", None, None), [1]),
    (("2020-01-01", "2026-01-01", 1), ("2026-01-01", None, None), []),
    (("2020-01-01", "2027-01-01", None), ("2027-01-01", None, 2), [2]),
]


@pytest.mark.parametrize(("first", "then", "said"), CHANGES)
def test_a_law_that_changes_caps_as_it_does_now_and_will(
    first: Any, then: Any, said: list[int]
) -> None:
    """What is in force, and what comes while a run may go on; not what has ended."""
    (old,) = shipped_rules().rule("default").versions  # type: ignore[union-attr]
    versions = tuple(
        replace_version(old, begins, ends, cap) for begins, ends, cap in (first, then)
    )
    rule = replace(shipped_rules().rules[0], jurisdictions=("US",), versions=versions)
    pack = replace(shipped_rules(), rules=(rule,))
    place = Place(("US-TX",), ("America/Chicago",))
    assert per_day(Hours(pack, "us-marketing"), place, date(2026, 11, 26)) == said


def replace_version(old: Any, begins: str, ends: str | None, cap: int | None) -> Any:
    until = None if ends is None else date.fromisoformat(ends)
    return old._replace(first=date.fromisoformat(begins), until=until, per_day=cap)


OFTEN = [
    ("3 in 24h", 3, 86_400, ""),
    ("1 in 7 days", 1, 604_800, ""),
    ("5 in 90 min", 5, 5_400, ""),
    ("1 in 7d for marketing", 1, 604_800, "marketing"),
    ("2 in 1 h for transactional", 2, 3_600, "transactional"),
    ("1 per 7 days for marketing", 1, 604_800, "marketing"),
    ("3 per person in 24 h", 3, 86_400, ""),
    ("at most 3 per person in 24 h", 3, 86_400, ""),
]


@pytest.mark.parametrize(("text", "count", "seconds", "purpose"), OFTEN)
def test_a_cap_as_people_write_it(
    text: str, count: int, seconds: int, purpose: str
) -> None:
    """A number, a time, and what for."""
    found = Often.parse(text)
    assert (found.count, found.span.total_seconds()) == (count, seconds)
    assert found.purpose == purpose


@pytest.mark.parametrize(
    "text",
    [
        *(
            "3",
            "0 in 24h",
            "3 in",
            "3 per person 24h",
            "3 per person",
            "-1 in 1h",
            "3 in 0h",
        ),
        *("1 in 7d for", "1 in 7d for sales", "1 in 7d marketing"),
    ],
)
def test_what_is_no_cap(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError):
        Often.parse(text)


def run(desk: Desk, name: str, purpose: str = "", **send: Any) -> Any:  # noqa: F811
    """A campaign of its own name to the same people."""
    more: dict[str, Any] = {"purpose": purpose} if purpose else {}
    more["message"] = {"text": "Hi, this is " + name}
    desk.campaign(name=name, send=send, results=f"results/{name}.csv", **more)
    return desk.call("run", "hello.yaml", "--yes", "--json")


def test_at_most_so_many_from_all_campaigns(desk: Desk, bandwidth: Bandwidth) -> None:  # noqa: F811
    """The third campaign of a day reaches nobody who had two; the row says why."""
    bandwidth()
    desk.people("name,mobile\nAna,9192345671\n")
    assert run(desk, "one").json["accepted"] == 1
    desk.people("name,mobile\nAna,9192345671\nBen,9192345672\n")
    assert run(desk, "two", per_person="2 in 24h").json["accepted"] == 2
    third = run(desk, "three", per_person=["2 in 24h", "9 in 7d"])
    assert (third.code, third.json["accepted"], third.json["excluded"]) == (0, 1, 1)
    rows = desk.results("results/three.csv")
    assert (
        dict(zip(rows["name"], rows["reason"], strict=True))["Ana"] == "person_capped"
    )
    assert run(desk, "four").json["accepted"] == 2


EDGES = ["2026-09-14T13:00", "2026-03-08T06:30", "2026-11-01T05:30", "2028-02-29T12:00"]


@pytest.mark.parametrize("first", EDGES)
def test_a_day_is_24_hours_also_where_clocks_change(tmp_path: Path, first: str) -> None:
    """What went out just 24 hours ago still counts; a millisecond later it does not."""
    began, caps = utc(first), Caps(RUN.provider, (PersonCap(1, DAY_MS),))
    one = Candidate(2, None, False, 7)
    with Journal.open(tmp_path / "journal.sqlite") as journal:
        run = journal.runs.add(RUN)
        epoch = journal.leases.take(run.campaign, Owner.me(), now=began)
        claim = partial(journal.claim_within, run, epoch, now=began)
        assert claim([one], caps.at(Now.known(began))).rows == [2]
        posted = outcome(2, Event.ACCEPT, began + 40, posted_at=began + 30)
        journal.record(run.id, epoch, [posted])
        for later, is_over in ((DAY_MS + 30, True), (DAY_MS + 31, False)):
            found = journal.limits.over([one], caps.at(Now.known(began + later)))
            assert bool(found) == is_over


def test_who_has_had_enough_meanwhile_costs_no_time(path: Path) -> None:  # noqa: F811
    """Another campaign was quicker: its people are passed by at the pace, not slower."""
    caps = Caps("p", (PersonCap(1, DAY_MS),))
    stage = Capped(rows=400, rate=50.0, caps=caps)
    stage.at = {0.5: _text_everybody}
    stage.play(path)
    assert stage.fates()["excluded"] > 300
    assert stage.loop.time() - stage.began < 12


def _text_everybody(stage: Stage) -> None:
    """By a campaign that nobody's pace holds up."""
    with Journal.open(stage.path) as journal:
        run = journal.runs.add(replace(stage.run, id=0, run="other", campaign="other"))
        now = stage.clocks.wall_ms()
        epoch = journal.leases.take("other", Owner.me(), now=now)
        rows = range(2, stage.rows + 2)
        wanted = [
            Candidate(row, None, False, *stage.message(row).people()) for row in rows
        ]
        assert len(journal.claim(run, epoch, wanted, now=now)) == stage.rows


def test_a_clock_that_is_set_opens_no_cap(path: Path) -> None:  # noqa: F811
    """Set back before the next run, it counts what is later; set ahead, the run stops."""
    caps = Caps("p", (PersonCap(1, DAY_MS),))
    Capped(rows=3, run_name="a", caps=caps).play(path)
    back = Capped(rows=6, run_name="b", start="2026-09-13T13:00", caps=caps)
    back.play(path)
    assert back.fates() == {"excluded": 3, "accepted": 3}
    ahead = Capped(rows=90, run_name="c", caps=caps, rate=1.0)
    ahead.at = {9.5: lambda stage: _set_ahead(stage, 2 * DAY_MS)}
    with pytest.raises(Stopped, match="E611"):
        ahead.play(path)
    assert {one.row for one in ahead.poster.posted} <= set(range(8, 22))


def _set_ahead(stage: Stage, by: int) -> None:
    stage.clocks.wall_offset += by


JUMPS = [-3 * 3_600_000, -1, 0, 1, 20_000]


@pytest.mark.parametrize("jump", JUMPS)
def test_a_cap_counts_on_the_safe_side_of_a_jump(jump: int) -> None:
    """From the earlier of two clocks, whichever was set; a minute has sixty seconds."""
    began = utc("2026-09-14T06:59:50")  # ten seconds to midnight in Seattle
    day, minute = CarrierCap("day", 5), CarrierCap("minute", 5)
    caps = Caps("p", (PersonCap(1, DAY_MS),), by_law=True, t_mobile=day, att=minute)
    found = caps.at(Now(wall=began + jump, boot=began))
    earliest = min(began, began + jump)
    assert [one.since for one in found.people] == [earliest - DAY_MS] * 2
    by_day, by_minute = found.purses
    assert by_day.since <= earliest
    assert by_day.at == pacific_day(max(began, began + jump))[0] >= by_day.since
    assert (by_minute.since, by_minute.at) == (began - 60_000, began)


@pytest.mark.parametrize("hours", [-3.0, 20 / 3600])
def test_a_clock_set_in_mid_run_opens_no_cap(path: Path, hours: float) -> None:  # noqa: F811
    """Back, or ahead by less than a lease: a day after the text, by both clocks."""
    caps = Caps("p", (PersonCap(1, DAY_MS),))
    Capped(rows=3, run_name="a", start="2026-09-14T12:00:10", caps=caps).play(path)
    # It is set while the run waits for eight o'clock in New York.
    again = Capped(rows=5, run_name="b", start="2026-09-15T11:59:50", caps=caps)
    again.at = {5.0: lambda stage: _set_ahead(stage, round(hours * 3_600_000))}
    again.play(path)
    assert again.fates() == {"excluded": 3, "accepted": 2}


def test_a_cap_for_a_purpose_counts_what_is_for_it(
    desk: Desk,  # noqa: F811
    bandwidth: Bandwidth,  # noqa: F811
) -> None:
    """A reminder does not use up the week's offer; an offer does, and says why."""
    bandwidth()
    desk.people("name,mobile\nAna,9192345671\n")
    assert run(desk, "reminder").json["accepted"] == 1
    offer: dict[str, Any] = {"per_person": ["3 in 24h", "1 in 7d for marketing"]}
    first = run(desk, "offer-1", purpose="marketing", **offer)
    assert first.json["accepted"] == 1
    desk.people("name,mobile\nAna,9192345671\nBen,9192345672\n")
    second = run(desk, "offer-2", purpose="marketing", **offer)
    assert (second.json["accepted"], second.json["excluded"]) == (1, 1)
    rows = desk.results("results/offer-2.csv")
    assert rows["reason"].to_list() == ["person_capped", None]
    code: dict[str, Any] = {"per_person": ["3 in 24h", "9 in 7d for transactional"]}
    assert run(desk, "code", **code).json["accepted"] == 2
    over = run(desk, "code-2", **code)
    assert (over.json["accepted"], over.json["excluded"]) == (1, 1)


def test_check_counts_who_has_had_enough(desk: Desk, bandwidth: Bandwidth) -> None:  # noqa: F811
    """By each cap, laws too, as of now; not those who have this text already."""
    bandwidth()
    desk.people("name,mobile\nAna,9192345671\nFlo,3052345672\n")
    for name in ("one", "two", "three"):
        assert run(desk, name).json["accepted"] == 2
    desk.people("name,mobile\nAna,9192345671\nFlo,3052345672\nBen,9192345673\n")

    def check(name: str, **send: Any) -> Any:
        said = {"text": "Hi, this is " + name}
        desk.campaign(name=name, message=said, send=send)
        return desk.call("check", "hello.yaml", "--json").json

    found = check("four", per_person=["3 in 24h", "9 in 7d", "1 in 1 h"])
    assert found["capped"] == {"all": 2, "3 in 24h": 2, "1 in 1 h": 2}
    by_law = check("four", rules={"profile": "us-marketing"})
    assert by_law["capped"] == {"all": 1, "3 in 24h by law": 1}
    volumes = {one["place"]: one["rows"] for one in by_law["forecast"]["places"]}
    assert sum(volumes.values()) == by_law["sendable"] - 1
    again = check("three", per_person="3 in 24h")
    assert (again["already"], again["capped"]) == (2, {})
    assert check("four")["capped"] == {}
    shown = desk.call("check", "hello.yaml").out
    assert "had enough" not in shown
    few = check("four", per_person="3 in 24h")
    assert (few["left"], few["sendable"]) == (1, 3)
    shown = desk.call("check", "hello.yaml").out
    assert "1 of 3 will receive a message" in shown
    assert "2 as of now, which would get nothing" in shown


CAPS = [
    ({"per_person": "1 in 7d for transactional", "rules": None}, "marketing"),
    ({"per_person": ["3 in 24h", "1 in 7d for marketing"]}, "transactional"),
]


@pytest.mark.parametrize(("send", "says"), CAPS)
def test_a_cap_for_other_campaigns_is_a_mistake(
    desk: Desk,  # noqa: F811
    send: dict[str, Any],
    says: str,
) -> None:
    """Whether it should hold this campaign up is not guessed."""
    desk.people()
    desk.campaign(send=send)
    ran = desk.call("check", "hello.yaml")
    assert ran.code == 2
    assert "E127" in ran.err
    assert f"purpose` is {says}" in " ".join(ran.err.split())


def test_several_at_once_and_a_cap_do_not_go_together(desk: Desk) -> None:  # noqa: F811
    """A list that keeps duplicates cannot promise it."""
    desk.people()
    desk.campaign(send={"per_person": "1 in 7d"}, recipients={"duplicates": "keep"})
    ran = desk.call("check", "hello.yaml")
    assert (ran.code, "E107" in ran.err) == (2, True)
