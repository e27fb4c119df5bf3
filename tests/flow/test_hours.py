"""People's hours, from the command line: waiting, coming back, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from tests.flow.desk import BASIC, TOKEN, codes, counts
from tests.flow.elsewhen import ByProcess, Clock

if TYPE_CHECKING:
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk

FREE = {"profile": "transactional", "because": "a test"}


def window(hours_from_now: int) -> dict[str, str]:
    """An hour of the day, so many hours from now, on the list's clocks (New York)."""
    hour = (datetime.now(ZoneInfo("America/New_York")).hour + hours_from_now) % 24
    return {"from": f"{hour:02}:00", "to": f"{hour + 1:02}:00"}


def ready(desk: Desk, **send: Any) -> None:
    desk.people()
    desk.campaign(send={"rate": "1000/s", "rules": FREE} | send)


def test_no_wait_stops_and_says_when_to_come_back(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Exit 4, the moment in UTC, nothing sent, every row accounted for; then it resumes."""
    simulator = bandwidth()
    ready(desk, window=window(3))
    ran = desk.call("run", "hello.yaml", "--yes", "--no-wait", "--json")
    assert ran.code == 4
    assert '"event": "stopped"' in ran.err
    assert '"event": "ended"' not in ran.err
    said = ran.json
    (problem,) = said["problems"]
    assert problem["code"] == "E430"
    assert said["resumes_at"][:16].replace("T", " ") in problem["found"]
    opens = datetime.fromisoformat(problem["found"].rpartition("opens at ")[2][:16])
    ahead = opens.replace(tzinfo=UTC) - datetime.now(UTC)
    assert (
        1 < ahead.total_seconds() / 3600 <= 4
    )  # 2 to 3, and an hour where clocks change
    assert (said["not_sent"], said["accepted"]) == (4, 0)
    assert simulator.bandwidth.witness.accepted == []


def test_an_open_window_sends_with_its_end_as_expiration(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """All day long, on each person's clock: sent at once."""
    bandwidth()
    ready(desk, window={"from": "00:00", "to": "24:00"})
    ran = desk.call("run", "hello.yaml", "--yes", "--no-wait", "--json")
    if ran.code == 4:  # within a minute of midnight in New York
        return
    assert ran.code == 0
    assert ran.json["accepted"] == 4


# seconds from noon, when the window opens for an hour; and how wrong the machine's clock is
BESIDE = [(-180.0, 290.0), (3_550.0, -280.0)]


# with HTTP Basic the first answer tells the time
BEFORE_IT_IS_TOLD = [(TOKEN, 0), (BASIC, 1)]


@pytest.mark.parametrize(
    ("credentials", "leave"), BEFORE_IT_IS_TOLD, ids=["token", "basic"]
)
@pytest.mark.parametrize(("from_noon", "wrong"), BESIDE, ids=["fast", "slow"])
def test_a_clock_that_is_minutes_wrong_opens_no_window(
    desk: Desk,
    bandwidth: Bandwidth,
    monkeypatch: pytest.MonkeyPatch,
    *,
    from_noon: float,
    wrong: float,
    credentials: dict[str, str],
    leave: int,
) -> None:
    """Not before noon and not in the last minute, by Bandwidth's clock once it is heard."""
    now = datetime.now(ZoneInfo("America/New_York"))
    tomorrow = now + timedelta(days=1)
    noon = tomorrow.replace(hour=12, minute=0, second=0, microsecond=0)
    right = Clock(noon.timestamp() - now.timestamp() + from_noon)
    right.set(monkeypatch)
    simulator = bandwidth()
    ready(desk, window={"from": "12:00", "to": "13:00"})
    for name in ("BW_USERNAME", "BW_PASSWORD"):
        del desk.environment[name]
    ours = Clock(right.seconds + wrong)
    machine = ByProcess(desk.folder, desk.environment | credentials, desk.started, ours)
    ran = machine.call("run", "hello.yaml", "--yes", "--no-wait", "--json")
    told = {"accepted": leave} if leave else {}
    left = {"not_sent": 4 - leave, "excluded": 3} | told
    assert (ran.code, counts(ran)) == (4, left)
    assert len(simulator.bandwidth.witness.attempts) == leave


# hours after the window opened in New York at which the campaign ends · what the run says
NOT_AFTER = [(None, "E430"), (1, "E516"), (9, "E430")]


@pytest.mark.parametrize(("hours", "said"), NOT_AFTER)
def test_what_is_left_is_forecast_by_who_is_left(
    desk: Desk,
    bandwidth: Bandwidth,
    monkeypatch: pytest.MonkeyPatch,
    *,
    hours: int | None,
    said: str,
) -> None:
    """The East has its texts, and Hawaii waits for its noon: no half of each is foreseen.

    Nobody is told to come back after the campaign's end.
    """
    now = datetime.now(ZoneInfo("America/New_York"))
    noon = (now + timedelta(days=1)).replace(hour=12, minute=5, second=0, microsecond=0)
    clock = Clock(noon.timestamp() - now.timestamp())
    clock.set(monkeypatch)
    bandwidth()
    people = [f"{n},P{n},+1919234{5_671 + n},9\n" for n in range(30)]
    people += [f"{n},P{n},+1808234{5_671 + n},9\n" for n in range(30)]
    desk.people("id,name,mobile,at\n" + "".join(people))
    ends = None if hours is None else (noon + timedelta(hours=hours)).isoformat()
    window = {"from": "12:00", "to": "13:00"}
    desk.campaign(
        send={"rate": "1000/s", "rules": FREE, "window": window, "not_after": ends}
    )
    ran = desk.call("run", "hello.yaml", "--yes", "--no-wait", "--json")
    assert counts(ran) == {"accepted": 30, "not_sent": 30}
    assert (ran.code, codes(ran)) == (4, [said])
    assert ("resumes_at" in ran.json) is (said == "E430")

    forecast = desk.call("check", "hello.yaml", "--json").json["forecast"]
    assert [one["rows"] for one in forecast["places"]] == [30]
    assert forecast["places"][0]["place"].startswith("number US-HI")
    course = forecast["course"]
    too_late = sum(course["too_late"].values())
    assert too_late == (30 if said == "E516" else 0)
    if said == "E430":
        opens = datetime.fromisoformat(ran.json["resumes_at"]).timestamp()
        assert abs(course["begins"] / 1000 - opens) < 60


def test_the_simulator_sends_at_any_hour(desk: Desk) -> None:
    """A trial does not wait, whatever the window; `check` shows what Bandwidth would."""
    desk.people()
    here = datetime.now(ZoneInfo("America/New_York")).hour
    closed = {"from": "12:00", "to": "13:00"} if here != 12 else window(3)
    desk.campaign(provider="simulator", send={"rules": None, "window": closed})
    checked = desk.call("check", "hello.yaml", "--json").json
    (place,) = checked["forecast"]["places"]
    assert place["place"] == "number US-NC America/New_York"
    assert place["rules"] == ["us-federal"]
    assert desk.call("run", "hello.yaml", "--json").json["accepted"] == 4
    assert desk.call("check", "hello.yaml", "--json").json["forecast"]["places"] == []


def test_what_can_never_be_sent_is_refused_before_anything(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """A window in which no rule is open is a gate; a wrong one is an error."""
    simulator = bandwidth()
    ready(desk, rules="us-marketing", window={"from": "21:30", "to": "22:30"})
    never = desk.call("run", "hello.yaml", "--yes")
    assert (never.code, "E420" in never.err) == (3, True)
    ready(desk, window={"from": "20:00", "to": "09:00"})
    wrong = desk.call("run", "hello.yaml", "--yes")
    assert (wrong.code, "E120" in wrong.err) == (2, True)
    assert simulator.bandwidth.witness.accepted == []
