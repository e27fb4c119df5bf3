"""A plan as a run of the journal: what it is called there, what is done, what stands against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulksend.errors import GateRefused, Problem
from bulksend.journal.records import Run
from bulksend.journal.store import Journal
from bulksend.send.ledger import repeats
from bulksend.send.message import Envelope
from bulksend.send.source import messages
from bulksend.settle.standing import standing

if TYPE_CHECKING:
    from bulksend.define.campaign import Campaign
    from bulksend.home import Home
    from bulksend.prepare.plan import Plan
    from bulksend.prepare.summary import Summary


def scope(plan: Plan) -> str:
    """What the journal calls a campaign: neither the simulator nor a test is the real one."""
    campaign = plan.about["campaign"]
    name = f"{campaign['provider']}/{campaign['name']}"
    return name if plan.kind == "send" else f"{name}/{plan.kind}"


def has_begun(plan: Plan, home: Home) -> bool:
    """Whether a run of this plan stands in the journal."""
    if not home.journal.exists():
        return False
    with Journal.open(home.journal) as journal:
        return journal.run(plan.run) is not None


def already(plan: Plan, campaign: Campaign, home: Home, summary: Summary) -> int:
    """Messages of a plan that are done, or that people have from an earlier run.

    The latter are looked for, at 3 µs of CPU a message, where the plan's own run has not
    begun: a resumed one shall not wait for a figure.
    """
    if not home.journal.exists():
        return 0
    with Journal.open(home.journal) as journal:
        if (run := journal.run(plan.run)) is not None:
            return journal.closed_count(run.id)
        if campaign.send.repeat == "allow":
            return 0
        ledger = journal.ledger(new_run(plan, campaign, summary))
    if not ledger:
        return 0
    shared = envelope(plan, campaign)
    return sum(repeats(messages(chunk), shared, ledger) for chunk in plan.sendable())


def new_run(plan: Plan, campaign: Campaign, summary: Summary) -> Run:
    """A run for this plan, not begun yet."""
    return Run(
        run=plan.run,
        campaign=scope(plan),
        plan=plan.address or str(plan.path.absolute()),
        plan_hash=plan.hash,
        plan_digest="",
        input_digest=plan.about["input_digest"],
        content_digest=plan.about["content_digest"],
        provider=campaign.provider,
        rows=summary.rows,
        sendable=summary.sendable,
        results="",
        created_at=0,
        slot=plan.slot,
        kind=plan.kind,
        purpose=campaign.purpose,
    )


def envelope(plan: Plan, campaign: Campaign) -> Envelope:
    """What the messages of a plan share."""
    message = campaign.message
    return Envelope(
        campaign=scope(plan),
        application_id=campaign.application_id or "simulator",
        priority=message.priority,
        expiration=message.expiration,
        slot=plan.slot,
    )


def refuse_other_input(journal: Journal, scope: str, plan: Plan) -> None:
    for run in journal.runs():
        is_same = run.campaign == scope and run.slot == plan.slot
        if not is_same or run.finished_at is not None or run.run == plan.run:
            continue
        left = standing(journal, run).left
        if 0 < left < run.sendable:
            same_lists = run.input_digest == plan.about["input_digest"]
            what = "the campaign" if same_lists else "a list"
            done = run.sendable - left
            raise GateRefused(
                Problem(
                    "E622",
                    f"{what} changed since run {run.run} was planned, "
                    f"and {done:,} of its {run.sendable:,} messages are done",
                )
            )
