"""The engine in virtual time: the way of each verdict, and what is never posted."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from bulksend.errors import GateRefused, Stopped
from bulksend.journal.records import Run
from bulksend.journal.states import Event
from bulksend.rules.hours import LEAST_LIFE_MS
from bulksend.send import retry
from bulksend.send.message import Envelope
from tests.send.stage import (
    ACCEPTED,
    BROKEN,
    FORBIDDEN,
    FULL,
    GATEWAY,
    NO_TOKEN,
    REFUSED,
    SILENT,
    START,
    UNAUTHORIZED,
    UNREACHED,
    Answer,
    Stage,
    always,
    scripted,
)

if TYPE_CHECKING:
    from pathlib import Path

    from bulksend.send.verdict import Verdict


def test_all_is_sent_once_in_the_plans_order(path: Path) -> None:
    """Every row posted once, accepted, with its id and times; the tally agrees."""
    stage = Stage(rows=1_203, rate=500, chunk=100)

    stage.play(path)

    assert [one.row for one in stage.poster.posted] == list(range(2, 1_205))
    assert stage.fates() == {"accepted": 1_203}
    assert all(one.message_id == "m" and one.attempt == 1 for one in stage.entries())
    assert all(
        one.posted_at is not None and one.accepted_at == one.posted_at + 50
        for one in stage.entries()
    )
    assert stage.engine.tally.events == {Event.ACCEPT: 1_203}
    assert stage.engine.tally.weight == 1_203


@pytest.mark.parametrize(
    ("verdict", "status", "code"),
    [
        (ACCEPTED, "accepted", None),
        (REFUSED, "refused", "400"),
        (SILENT, "unknown", "no_answer"),
        (GATEWAY, "unknown", "502"),
    ],
)
def test_a_verdict_that_ends_a_message_is_recorded_and_never_retried(
    path: Path, verdict: Verdict, status: str, code: str | None
) -> None:
    """One POST, one fate, in the verdict's own words; the others are not touched."""
    stage = Stage(script=scripted(r3=[verdict]))

    stage.play(path)

    entry = stage.entries()[1]
    assert (entry.status, entry.error_code, entry.error) == (
        status,
        code,
        verdict.error,
    )
    assert entry.posted_at is not None
    assert len(stage.posts_of(3)) == 1
    assert stage.fates() == Counter({"accepted": 4}) + Counter({status: 1})


@pytest.mark.parametrize("verdict", [UNREACHED, BROKEN, FULL, UNAUTHORIZED])
def test_what_is_proven_unsent_is_tried_again(path: Path, verdict: Verdict) -> None:
    """A released row is claimed and posted anew, and its attempts are counted."""
    stage = Stage(script=scripted(r3=[verdict, ACCEPTED]))

    stage.play(path)

    assert stage.fates() == {"accepted": 5}
    assert len(stage.posts_of(3)) == 2
    assert stage.entries()[1].attempt == 2


def test_retries_wait_longer_each_time(path: Path) -> None:
    """Each wait lies between half its ceiling and its ceiling, after the answer."""
    stage = Stage(rows=1, script=scripted(r2=[UNREACHED] * 5 + [ACCEPTED]))

    stage.play(path)

    times = [one.at for one in stage.posts_of(2)]
    waits = [b - a - 0.05 for a, b in pairwise(times)]
    for wait, ceiling in zip(waits, [0.5, 1, 2, 4, 8], strict=True):
        assert ceiling / 2 <= wait <= ceiling + 0.1


def test_a_message_that_gives_up_stays_planned(path: Path) -> None:
    """Its attempts are over; the run goes on, and the next run may try it again."""
    stage = Stage(rows=300, rate=10, script=scripted(r3=[BROKEN]))

    stage.play(path)

    assert stage.fates() == {"accepted": 299, "planned": 1}
    assert len(stage.posts_of(3)) == retry.ATTEMPTS
    again = Stage(rows=300)
    again.play(path)
    assert [one.row for one in again.poster.posted] == [3]
    assert again.fates() == {"accepted": 300}


def test_an_outage_that_ends_is_waited_out(path: Path) -> None:
    """Five seconds without a connection: everything is sent in the end."""
    stage = Stage(rows=200)
    stage.script = lambda *_: Answer(UNREACHED if stage.loop.time() < 5 else ACCEPTED)

    stage.play(path)

    assert stage.fates() == {"accepted": 200}


def test_one_401_renews_the_sign_in_once(path: Path) -> None:
    """All that met the old token are posted again under the new one."""
    stage = Stage(rows=200)
    good = 2
    stage.script = lambda *_: Answer(
        ACCEPTED if stage.poster.generation >= good else UNAUTHORIZED
    )

    stage.play(path)

    assert stage.fates() == {"accepted": 200}
    assert stage.poster.generation == good
    assert max(Counter(one.row for one in stage.poster.posted).values()) == 2


@pytest.mark.parametrize("is_renewed", [True, False])
def test_a_401_that_a_fresh_token_does_not_cure_stops_the_run(
    path: Path, is_renewed: bool
) -> None:
    """E503; no row is lost, none refused."""
    stage = Stage(rows=500, script=always(UNAUTHORIZED))
    stage.at = {0: lambda s: setattr(s.poster, "on_renew", lambda: is_renewed)}

    with pytest.raises(GateRefused, match="E503 401 some-type: Some words"):
        stage.play(path)

    assert stage.fates() == {"planned": 500}
    assert stage.poster.generation == (2 if is_renewed else 1)
    assert len(stage.poster.posted) < 50


def test_a_sign_in_that_fails_stops_the_run(path: Path) -> None:
    """Its own problem is raised, whether met before a POST or after a 401."""

    def fail() -> bool:
        raise NO_TOKEN

    for script in (always(NO_TOKEN), always(UNAUTHORIZED)):
        stage = Stage(rows=500, script=script, run_name=str(id(script)))
        stage.at = {0: lambda s: setattr(s.poster, "on_renew", fail)}

        with pytest.raises(Stopped, match="E502"):
            stage.play(path)

        assert stage.fates() == {"planned": 500}


def test_a_403_halts_the_run_and_keeps_what_it_said(path: Path) -> None:
    """E503 in Bandwidth's words; nobody is refused for what is the account's affair."""
    stage = Stage(rows=500, script=scripted(r10=[FORBIDDEN]))

    with pytest.raises(GateRefused, match="E503 403 some-type: Some words"):
        stage.play(path)

    fates = stage.fates()
    assert fates.keys() == {"accepted", "planned"}
    assert fates["planned"] > 400


def test_repeats_of_earlier_runs_are_excluded(path: Path) -> None:
    """Their keys stand in the ledger: closed with the reason, never posted."""
    stage = Stage(rows=100)
    stage.ledger = [stage.envelope.once(stage.message(row)) for row in (2, 50, 101)]

    stage.play(path)

    assert stage.fates() == {"accepted": 97, "excluded": 3}
    assert {one.row for one in stage.poster.posted}.isdisjoint({2, 50, 101})
    assert {e.error_code for e in stage.entries() if e.status == "excluded"} == {
        "already_sent"
    }
    assert stage.intake.closed == 3


def test_a_second_run_of_the_same_content_sends_nothing(path: Path) -> None:
    """Under another name, by the first run's own ledger."""
    first = Stage(rows=30)
    first.play(path)
    second = Stage(rows=40, run_name="renamed")
    second.path = path
    other = Run("x", *("c", "plan", "h", "h", "h", "h", "p"), 1, 1, "", 0, None, 999)
    second.ledger = second._journal(lambda journal: journal.ledger(other))

    second.play(path)

    assert second.fates() == {"accepted": 10, "excluded": 30}


def test_what_has_expired_is_closed_and_not_posted(path: Path) -> None:
    """At the moment of its expiration, in the middle of a run."""
    end = START + 2 + LEAST_LIFE_MS / 1000
    expiration = datetime.fromtimestamp(end, UTC)
    stage = Stage(
        rows=400, rate=100, envelope=Envelope("c", "a", expiration=expiration)
    )

    stage.play(path)

    fates = stage.fates()
    assert fates == {"accepted": len(stage.poster.posted), "expired": fates["expired"]}
    assert 190 <= fates["accepted"] <= 210
    assert fates["expired"] == stage.intake.closed


def test_a_retry_is_not_sent_with_an_expiration_that_has_passed(path: Path) -> None:
    """A lifetime counts from each POST, not from the first."""
    stage = Stage(
        rows=1,
        script=scripted(r2=[UNREACHED] * 5 + [ACCEPTED]),
        envelope=Envelope("c", "app", expiration=timedelta(seconds=5)),
    )

    stage.play(path)

    start = START
    for posted in stage.poster.posted:
        ends = datetime.fromisoformat(posted.body["expiration"]).timestamp()
        assert 3.9 <= ends - start - posted.at <= 5


def test_its_repr_says_how_far_it_is(path: Path) -> None:
    """Counts, what is in flight, and the pace."""
    stage = Stage(rows=3, script=scripted(r2=[REFUSED], r3=[SILENT]))
    stage.play(path)

    assert repr(stage.engine) == (
        "<Engine 1 accepted · 1 refused · 1 unknown · 0 in flight · "
        "<Pacer 100/s of 100/s>>"
    )
    assert stage.engine.rate == 100
