"""Nobody gets the same message twice from one campaign, by whatever file or run."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from bulksend import planning
from bulksend.prepare.reasons import REASONS
from tests.flow.desk import PEOPLE, Desk, codes, counts
from tests.flow.statuses import answer_first

if TYPE_CHECKING:
    from collections.abc import Callable

    from bulksend.simulator.server import Simulator

    Bandwidth = Callable[..., Simulator]

RUN = ("run", "hello.yaml", "--yes", "--json")
HEAD = "id,name,mobile,at\n"
A, B, C = (f"9192345{n}" for n in (671, 672, 673))


def texts(server: Simulator) -> Counter[tuple[str, str | None]]:
    return Counter((one.to[0], one.text) for one in server.bandwidth.witness.accepted)


def shuffled(desk: Desk) -> None:
    """The same people in a file of another name, order and spelling, and one new."""
    head, *rows = PEOPLE.splitlines()
    rows = [*reversed(rows), "8,Gus,919 234 5678,11:00"]
    desk.write("other.csv", "\n".join([head, *rows]).replace("(919) ", "1919"))
    desk.campaign(
        recipients={"path": "other.csv", "duplicates": "last"}, results="{run}.csv"
    )


def test_another_file_and_run_sends_only_what_is_new(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """`check` says how many have it; `run` sends the rest; `repeat: allow` all of them."""
    server = bandwidth()
    desk.people()
    desk.campaign()
    first = desk.call(*RUN)
    assert counts(first) == {"accepted": 4, "excluded": 3}

    shuffled(desk)
    checked = desk.call("check", "hello.yaml", "--json").json
    assert (checked["sendable"], checked["already"]) == (5, 4)
    assert (
        "4 have their outcome and get nothing more"
        in desk.call("check", "hello.yaml").out
    )
    second = desk.call(*RUN)

    assert counts(second) == {"accepted": 1, "excluded": 7}
    assert set(texts(server).values()) == {1}
    rows = desk.results(f"{second.json['run']}.csv").filter(reason="already_sent")
    assert len(rows) == 4
    reason = REASONS["already_sent"]
    assert set(rows["error"]) == {reason.sentence}
    assert "has posted" in reason.sentence, "what failed, nobody has"
    assert "`bulksend send PLAN --only failed`" in reason.fix

    desk.campaign(
        recipients={"path": "other.csv", "duplicates": "last"},
        send={"repeat": "allow"},
        message={"tag": "once-more"},
        results="{run}.csv",
    )
    assert desk.call("check", "hello.yaml", "--json").json["already"] == 0
    third = desk.call(*RUN)
    assert counts(third) == {"accepted": 5, "excluded": 3}
    assert Counter(texts(server).values()) == {2: 5}


def test_a_slot_gets_the_same_text_once(desk: Desk, bandwidth: Bandwidth) -> None:
    """Next week again, this week not; the runs and their results carry the slot."""
    server = bandwidth()
    desk.people()
    desk.campaign(results="results/{slot}.csv")
    for slot in ("2026-11-30", "2026-12-07", "2026-12-07"):
        ran = desk.call(*RUN, "--slot", slot)
        assert (ran.code, counts(ran)) == (0, {"accepted": 4, "excluded": 3}), ran
        assert ran.json["run"].startswith(f"hello-{slot}-")
        assert len(desk.results(f"results/{slot}.csv")) == 7
    assert Counter(texts(server).values()) == {2: 4}

    shuffled(desk)
    again = desk.call(*RUN, "--slot", "2026-12-07")
    assert counts(again) == {"accepted": 1, "excluded": 7}
    checked = desk.call("check", "hello.yaml", "--slot", "2026-12-14", "--json").json
    assert checked["already"] == 0


def test_a_receipt_names_the_slot_by_its_tag(desk: Desk, bandwidth: Bandwidth) -> None:
    """The row's key in the tag is another one in each slot."""
    server = bandwidth()
    desk.people()
    desk.campaign(results="{run}.csv")
    for slot in ("a", "b"):
        assert desk.call(*RUN, "--slot", slot).code == 0

    tags = Counter(one.tag for one in server.bandwidth.witness.accepted)
    assert (len(tags), max(tags.values())) == (8, 1)


@pytest.mark.parametrize("slot", ["-x", "a/b", "../up", "a b", "x" * 65, "ü"])
def test_a_slot_that_is_no_name_is_refused(desk: Desk, slot: str) -> None:
    """E411, before anything is written."""
    desk.people()
    desk.campaign()
    before = desk.tree()

    ran = desk.call("check", "hello.yaml", f"--slot={slot}", "--json")

    assert (ran.code, codes(ran)) == (2, ["E411"])
    assert desk.tree() == before


def test_airflows_dates_are_slots(desk: Desk, bandwidth: Bandwidth) -> None:
    """`{{ ts }}` and a run id as they are, two of them two slots."""
    bandwidth()
    desk.people()
    desk.campaign(results="{run}.csv")
    for slot in ("2026-11-30T00:00:00+00:00", "manual__2026-11-30T00:00:00.1+00:00"):
        ran = desk.call(*RUN, "--slot", slot)
        assert counts(ran) == {"accepted": 4, "excluded": 3}, ran
        assert ":" not in ran.json["run"]


def test_a_key_of_its_own_counts_instead_of_the_text(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """The same order is not texted again with other words; another order is."""
    server = bandwidth()
    said: dict[str, Any] = {"once_key": "{{ id }}"}
    desk.people(f"{HEAD}1,Ana,{A},9\n2,Ben,{B},9\n")
    desk.campaign(message=said, results="{run}.csv")
    assert counts(desk.call(*RUN)) == {"accepted": 2}

    desk.people(f"{HEAD}1,Ana,{A},10\n3,Ben,{B},10\n2,Cy,{C},10\n")
    desk.campaign(message=said | {"text": "Now at {{ at }}."}, results="{run}.csv")
    ran = desk.call(*RUN)

    assert counts(ran) == {"accepted": 2, "excluded": 1}
    assert [text for (_, text), _ in sorted(texts(server).items())][1:] == [
        "Hi Ben, see you at 9.",
        "Now at 10.",
        "Now at 10.",
    ]


def test_kept_duplicates_are_kept_once(desk: Desk, bandwidth: Bandwidth) -> None:
    """Two equal texts of one list both go out, and neither again with the next list."""
    server = bandwidth()
    kept = {"duplicates": "keep"}
    people = f"{HEAD}1,Ana,{A},9\n2,Ana,{A},9\n3,Ana,{A},10\n"
    desk.people(people)
    desk.campaign(recipients=kept, results="{run}.csv")
    assert counts(desk.call(*RUN)) == {"accepted": 3}

    desk.people(f"{people}4,Ana,{A},9\n5,Ben,{B},9\n")
    desk.campaign(recipients=kept, results="{run}.csv")
    ran = desk.call(*RUN)

    assert counts(ran) == {"accepted": 2, "excluded": 3}
    assert sorted(texts(server).values()) == [1, 1, 3]


def test_kept_duplicates_lose_by_their_key(desk: Desk, bandwidth: Bandwidth) -> None:
    """With a key of the campaign's own, a number comes once for each value of it."""
    bandwidth()
    desk.people(f"{HEAD}1,Ana,{A},9\n2,Ana,{A},9\n1,Ana,{A},10\n1,Ben,{B},9\n")
    desk.campaign(recipients={"duplicates": "keep"}, message={"once_key": "{{ id }}"})

    ran = desk.call(*RUN)

    assert counts(ran) == {"accepted": 3, "excluded": 1}
    results = desk.results()
    assert results["status"].to_list() == [
        "accepted",
        "accepted",
        "excluded",
        "accepted",
    ]
    assert "row 2" in results["error"][2]


def test_a_row_without_its_key_is_left_out(desk: Desk, bandwidth: Bandwidth) -> None:
    """As for every other template: the value is missing, and the row says which."""
    bandwidth()
    desk.people(f"{HEAD}1,Ana,{A},9\n,Ben,{B},9\n")
    desk.campaign(message={"once_key": "{{ id }}"})

    assert counts(desk.call(*RUN)) == {"accepted": 1, "excluded": 1}
    assert desk.results()["reason"][1] == "value_missing"


def test_only_what_failed_is_sent_again(
    desk: Desk, bandwidth: Bandwidth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused with a 400, mended, sent by `--only failed`; the others have to wait."""
    answer_first(monkeypatch, 400)  # then a 403, which refuses nobody
    server = bandwidth(forbidden=frozenset({"1"}))
    desk.people()
    desk.campaign(send={"rate": "1/s"})
    assert codes(desk.call(*RUN, "--only", "failed")) == ["E412"]
    stopped = desk.call(*RUN)
    assert counts(stopped) == {"refused": 1, "not_sent": 3, "excluded": 3}
    desk.environment["BW_ACCOUNT_ID"] = "2"

    asked = desk.call("run", "hello.yaml", "--only", "failed")
    assert asked.out.startswith("1 of 4 will receive a message")
    words = " ".join(asked.out.split())
    assert "not chosen 3, which get nothing by this command" in words
    assert "get nothing more" not in asked.out, "the three have nothing yet"

    failed = desk.call(*RUN, "--only", "failed")

    assert counts(failed) == {"accepted": 1, "not_sent": 3, "excluded": 3}
    assert desk.results()["attempts"][0] == "2"
    assert (failed.code, codes(failed)) == (4, ["E526"]), "nobody tried the others"
    none = desk.call(*RUN, "--only", "failed")
    assert (none.code, codes(none), counts(none)) == (4, ["E526"], counts(failed))
    left = desk.call(*RUN, "--only", "not_sent")
    assert (left.code, counts(left)) == (0, {"accepted": 4, "excluded": 3})
    assert set(texts(server).values()) == {1}


def refused_once(
    desk: Desk, bandwidth: Bandwidth, monkeypatch: pytest.MonkeyPatch, *said: str
) -> Simulator:
    """A run whose first message was refused, and a server that takes any now."""
    answer_first(monkeypatch, 400)
    server = bandwidth()
    desk.people()
    desk.campaign(send={"rate": "5/s"})
    first = desk.call(*RUN, *said)
    assert counts(first) == {"refused": 1, "accepted": 3, "excluded": 3}
    return server


@pytest.mark.parametrize("which", ["failed", "retryable", "not_sent"])
@pytest.mark.parametrize("said", [(), ("--results", "of mine.csv")])
def test_the_rows_of_a_run_can_be_chosen_after_an_upgrade(
    desk: Desk,
    bandwidth: Bandwidth,
    monkeypatch: pytest.MonkeyPatch,
    which: str,
    said: tuple[str, ...],
) -> None:
    """Same list, same text, another name: E412 has the command that goes on with it."""
    with pytest.MonkeyPatch.context() as before:
        before.setattr(planning, "version", lambda _: "0.0.1")
        server = refused_once(desk, bandwidth, monkeypatch, *said)
    texted = len(server.bandwidth.witness.attempts)

    ended = desk.call(*RUN, "--only", which)

    assert (ended.code, codes(ended)) == (2, ["E412"])
    (problem,) = ended.json["problems"]
    assert "bulksend's version" in problem["found"]
    command = shlex.split(problem["fix"].split("`")[1])
    assert command[:2] == ["bulksend", "send"]
    assert len(desk.call("status", "--json").json) == 1, "no run was begun"
    again = desk.call(*command[1:], "--yes", "--json")
    sent = 1 if which == "failed" else 0
    assert counts(again).get("refused", 0) == 1 - sent
    assert len(server.bandwidth.witness.attempts) == texted + sent
    assert len(desk.call("status", "--json").json) == 1


def test_the_rows_of_a_run_can_be_chosen_after_its_list_has_changed(
    desk: Desk, bandwidth: Bandwidth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`send PLAN --only` sends what was refused, as planned, and nothing of the new list."""
    server = refused_once(desk, bandwidth, monkeypatch)
    texted = len(server.bandwidth.witness.attempts)
    old = desk.call("status", "--json").json[0]["run"]
    plan = f".bulksend/plans/{old}.parquet"
    shuffled(desk)

    told = desk.call("send", plan, "--only", "failed", "--shard", "0", "--json")
    assert codes(told) == ["E140"]
    ended = desk.call("run", "hello.yaml", "--only", "failed")
    assert f"a list changed since run {old} was planned" in " ".join(ended.err.split())
    assert "eave out" not in ended.err
    again = desk.call("send", plan, "--only", "failed", "--yes", "--json")

    assert counts(again) == {"accepted": 4, "excluded": 3}
    assert len(server.bandwidth.witness.attempts) == texted + 1


def test_a_plan_that_was_never_begun_is_not_by_choosing_rows(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """E412 of a journal without a run: it does not say to send to all."""
    server = bandwidth()
    desk.people()
    desk.campaign()
    plan = desk.call("plan", "hello.yaml", "--json").json["plan"]

    told = desk.call("send", plan, "--only", "failed", "--yes", "--json")

    assert codes(told) == ["E412"]
    assert "status" in told.json["problems"][0]["fix"]
    assert not server.bandwidth.witness.attempts


@pytest.mark.parametrize("which", ["failed", "not_sent"])
def test_of_a_run_that_is_done_nothing_is_chosen(
    desk: Desk, bandwidth: Bandwidth, which: str
) -> None:
    """Everybody has it: running it again by whatever word sends nothing."""
    server = bandwidth()
    desk.people()
    desk.campaign()
    assert counts(desk.call(*RUN)) == {"accepted": 4, "excluded": 3}

    again = desk.call(*RUN, "--only", which)

    assert (again.code, counts(again)) == (0, {"accepted": 4, "excluded": 3})
    assert len(server.bandwidth.witness.attempts) == 4
