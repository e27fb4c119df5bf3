"""The rehearsal itself: a scratch home, a stand-in with faults, a sender that is killed.

Nothing of the real campaign is touched: plan, journal and results live in a folder that
is gone afterwards, and the messages go to a server on this machine.  What is rehearsed is
the campaign's own list, texts and senders; the pace is made quick, and the hours are left
out, since a rehearsal proves neither.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from bulksend.errors import BulksendError, GateRefused, InputError, Problem, counted
from bulksend.home import Home
from bulksend.journal.store import Journal
from bulksend.planning import load_campaign, plan_campaign
from bulksend.prepare.excerpt import sample
from bulksend.rehearse.proof import Fate, Proof, Taken, prove
from bulksend.simulator.lifetime import in_thread
from bulksend.simulator.scenario import Scenario
from bulksend.whole import room_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bulksend.planning import Checked
    from bulksend.prepare.plan import Plan
    from bulksend.simulator.server import Simulator
    from bulksend.simulator.witness import Witness

FAULTS = {
    "lost_before": 0.02,
    "lost_after": 0.02,
    "error_500": 0.03,
    "gateway_502": 0.02,
    "slow": 0.01,
    "slow_seconds": 0.5,
    "silent": 0.01,
    "garbled_202": 0.02,
}
"""Shares of the messages; 429s come by themselves, for the account is too slow."""

SENDING_SECONDS = 4.0
"""How long the sending alone would take."""

SLOWEST, QUICKEST = 25.0, 2_000.0
PATIENCE_SECONDS = 300.0
"""How much longer than its sending a rehearsal may take; then it has proven nothing."""

MOST_STARTS = 30
RESUMED = {3, 4}
"""Exit codes after which a run is begun again: a breaker spoke, or it was stopped."""

OF_THE_CLOCK = {"E421", "E429", "E515"}
"""Gates that keep no rehearsal from being held: it goes by no hours, and may be at night."""

LOOK_SECONDS = 0.005
APPLICATION = "BW_MESSAGING_APPLICATION_ID"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What is played.

    Args:
        rows: At most so many messages, spread evenly over the list.

        kills: How often the sender is killed.

        seed: Makes the faults and the moments repeatable; None draws another each time.

        note: Told in a few words how far it is.
    """

    rows: int = 500
    kills: int = 3
    seed: int | None = None
    note: Callable[[str], None] = lambda _: None


def rehearse_campaign(
    campaign: str | Path,
    rehearsal: Rehearsal,
    *,
    environment: Mapping[str, str] = os.environ,
) -> Proof:
    """Send a campaign to the stand-in, with everything that can go wrong.

    Raises:
        InputError: With every problem of the campaign, or E632, where nobody would get
            a message.
        GateRefused: A gate would refuse the campaign itself, at whatever hour.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"{room_name()}bulksend-") as scratch:
        known = {APPLICATION: "rehearsal"} | dict(environment)
        known |= {"BULKSEND_HOME": scratch, "BULKSEND_JOURNAL": ""}
        loaded = load_campaign(campaign, environment=known)
        checked = plan_campaign(loaded, environment=known)
        gates = [one for one in checked.gates if one.code not in OF_THE_CLOCK]
        if gates:
            raise GateRefused(gates)
        if not checked.summary.sendable:
            raise InputError(Problem("E632", "no row gets a message"))
        rehearsal.note(f"{counted(checked.summary.sendable, 'message')} planned")
        proof = _play(checked, rehearsal, Path(scratch))
    return replace(proof, seconds=round(time.monotonic() - began, 1))


def _play(checked: Checked, rehearsal: Rehearsal, scratch: Path) -> Proof:
    rng = random.Random(rehearsal.seed)  # noqa: S311  (faults, not secrets)
    rows = min(rehearsal.rows, checked.summary.sendable)
    weight = rows * checked.summary.weight / checked.summary.sendable
    rate = min(max(weight / SENDING_SECONDS, SLOWEST), QUICKEST)
    plan = sample(checked.plan, scratch / "sample", rows, _as_sent(checked, rate))
    scenario: dict[str, Any] = FAULTS | {"rate": 0.8 * rate, "queue_seconds": 0.2}
    with in_thread(Scenario(**scenario), rng) as server:
        kills, starts = _send(plan, server, rehearsal, scratch, rng)
        witness = server.bandwidth.witness
        proof = prove(_fates(plan, scratch), _taken(witness))
    faults = Counter(one.fault for one in witness.attempts if one.fault)
    faults["throttled"] = sum(one.status == 429 for one in witness.attempts)
    return replace(proof, kills=kills, starts=starts, faults=dict(+faults))


def _as_sent(checked: Checked, rate: float) -> dict[str, Any]:
    """The campaign as the rehearsed sender reads it."""
    said: dict[str, Any] = dict(checked.plan.about["campaign"])
    message = {
        key: text for key, text in said["message"].items() if key != "expiration"
    }
    return said | {
        "provider": "bandwidth",
        "application_id": said.get("application_id") or "rehearsal",
        "message": message,
        "send": {"rate": f"{rate:.0f}/s"},
    }


def _send(
    plan: Plan,
    server: Simulator,
    rehearsal: Rehearsal,
    scratch: Path,
    rng: random.Random,
) -> tuple[int, int]:
    """Until nothing is left; how often the sender was killed, and begun."""
    environment = os.environ | {
        "BULKSEND_JOURNAL": "",
        "BULKSEND_HOME": str(scratch),
        "BW_MESSAGING_URL": server.url,
        "BW_TOKEN_URL": server.token_url,
        "BW_ACCOUNT_ID": "1",
        "BW_CLIENT_ID": "rehearsal",
        "BW_CLIENT_SECRET": "rehearsal",
    }
    attempts = server.bandwidth.witness.attempts
    parts = rehearsal.kills + 1
    moments = [(k + rng.random()) * plan.rows / parts for k in range(rehearsal.kills)]
    deadline = time.monotonic() + _longest(plan)
    kills = starts = 0
    while time.monotonic() < deadline and starts < MOST_STARTS + rehearsal.kills:
        starts += 1
        with _sender(plan, environment, scratch) as process:
            while process.poll() is None and time.monotonic() < deadline:
                if moments and len(attempts) >= moments[0]:
                    process.kill()
                time.sleep(LOOK_SECONDS)
            process.kill()  # only where the time is over
            code = process.wait()
        if code < 0 and moments:
            moments.pop(0)
            kills += 1
            rehearsal.note(f"killed after {len(attempts):,} posts, and begun again")
        elif code == 0:
            break
        elif code not in RESUMED:
            said = (scratch / "sender.err").read_text(errors="replace").strip()
            raise BulksendError(
                Problem("E633", said.partition("\n")[0] or f"exit {code}")
            )
    else:
        late = f"it did not end in {_longest(plan):,.0f} s, begun {starts} times"
        fix = "Rehearse fewer --rows, or on a machine that is less busy."
        raise BulksendError(Problem("E633", late, fix=fix))
    return kills, starts


def _longest(plan: Plan) -> float:
    """Seconds: a multiple of what its segments take at most, and time to begin again."""
    weight = plan.frame().select(pl.col("pace_weight").sum()).collect().item()
    return float(PATIENCE_SECONDS + 4 * weight / QUICKEST)


@contextmanager
def _sender(
    plan: Plan, environment: dict[str, str], scratch: Path
) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "bulksend.rehearse.sender", str(plan.path)]
    with (
        (scratch / "sender.err").open("wb") as said,
        subprocess.Popen(  # noqa: S603  (ourselves)
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def _fates(plan: Plan, scratch: Path) -> list[Fate]:
    """Each row's tag and where it stands; a row that the journal lacks is planned."""
    with Journal.open(Home.find(scratch, {"BULKSEND_HOME": str(scratch)}).journal) as j:
        run = j.runs.named(plan.run)
        found = j.entries(run.id, 0, 2**62) if run else []
    known = {entry.row: entry for entry in found}
    rows = plan.frame().select("row", tag=plan.tags()).collect()
    return [
        Fate(tag, known[row].status, known[row].message_id)
        if row in known
        else Fate(tag, "planned", None)
        for row, tag in rows.iter_rows()
    ]


def _taken(witness: Witness) -> Iterator[Taken]:
    return (Taken(one.tag or "", one.id) for one in witness.accepted)
