"""A plan as a run of the journal: what it is called there, what is done, what stands against it."""

from __future__ import annotations

import shlex
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from bulksend.codes import is_certain, table
from bulksend.errors import GateRefused, Problem, counted
from bulksend.journal.records import Run
from bulksend.journal.store import Journal
from bulksend.logs import mask_words
from bulksend.prepare.timing import plan_hours
from bulksend.send.barred import rows_barred
from bulksend.send.caps import person_caps
from bulksend.send.enough import of_campaign, of_laws, rows_over
from bulksend.send.ledger import is_repeat, repeats
from bulksend.send.message import Envelope
from bulksend.send.remainder import numbers
from bulksend.send.source import messages
from bulksend.settle.standing import standing

if TYPE_CHECKING:
    from bulksend.define.campaign import Campaign
    from bulksend.home import Home
    from bulksend.prepare.plan import Plan
    from bulksend.prepare.summary import Summary

MOST_CODES = 4
"""So many are named."""


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
        return journal.runs.named(plan.run) is not None


def already(plan: Plan, campaign: Campaign, home: Home, summary: Summary) -> int:
    """Messages of a plan that are over, or that an earlier run has posted, or may have.

    The latter are looked for, at 3 µs of CPU a message, where the plan's own run has not
    begun: a resumed one shall not wait for a figure.
    """
    if not home.journal.exists():
        return 0
    with Journal.open(home.journal) as journal:
        if (run := journal.runs.named(plan.run)) is not None:
            return journal.closed_count(run.id)
        if campaign.send.repeat == "allow":
            return 0
        ledger = journal.ledger(new_run(plan, campaign, summary))
    if not ledger:
        return 0
    shared = envelope(plan, campaign)
    return sum(repeats(messages(chunk), shared, ledger) for chunk in plan.sendable())


def closed_rows(plan: Plan, home: Home) -> pl.Series | None:
    """The rows of a plan that are over; None where no run of it has begun."""
    if not home.journal.exists():
        return None
    with Journal.open(home.journal) as journal:
        if (run := journal.runs.named(plan.run)) is None:
            return None
        return numbers(journal.columns.closed(run.id))


class Held(NamedTuple):
    """Messages of a plan that would not go out now, beside those that people have already.

    Args:
        capped: Of people who have had enough, by cap; under ``all`` each counts once.

        suppressed: Of the others, whose people the journal knows as not to be texted.
    """

    capped: dict[str, int]
    suppressed: int


NOBODY = Held({}, 0)


def held_back(
    plan: Plan, campaign: Campaign, home: Home, summary: Summary, *, now: int
) -> Held:
    """Whom a run would leave out as of *now*, as it would.

    A run that has begun is not asked, as by `already`.
    """
    if not home.journal.exists():
        return NOBODY
    asked = list(of_campaign(person_caps(campaign.send.per_person or ()), now=now))
    hours = plan_hours(plan) if campaign.keeps_hours else None
    if hours is not None:
        asked += of_laws(hours, plan.places(), now=now)
    to_send = plan.frame().filter(pl.col("reason").is_null())
    with Journal.open(home.journal) as journal:
        if journal.runs.named(plan.run) is not None:
            return NOBODY
        enough = partial(journal.limits.had_enough, campaign.provider)
        over = rows_over(to_send.select("row", "place", "to"), asked, enough)
        barred = rows_barred(to_send, journal.suppressions.numbers())
        if not over and not len(barred):
            return NOBODY
        rows = pl.concat([*over.values(), barred]).unique()
        if campaign.send.repeat == "refuse":
            ledger = journal.ledger(new_run(plan, campaign, summary))
            shared = envelope(plan, campaign)
            had = [
                one.row
                for chunk in (plan.sendable(only=rows) if ledger else ())
                for one in messages(chunk)
                if is_repeat(one, shared, ledger)
            ]
            rows = rows.filter(~rows.is_in(had))
    capped = {
        word: some.filter(some.is_in(rows.implode())) for word, some in over.items()
    }
    every = pl.concat([rows.clear(), *capped.values()]).unique()
    counts = {"all": every} | capped
    return Held(
        {word: len(some) for word, some in counts.items() if len(some)},
        len(rows) - len(every),
    )


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
        any_hour=mask_words(campaign.any_hour),
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
    for run in journal.runs.all():
        is_same = run.campaign == scope and run.slot == plan.slot
        if not is_same or run.finished_at is not None or run.run == plan.run:
            continue
        left = standing(journal, run).left
        if 0 < left < run.sendable:
            what = f"{_difference(run, plan)}, "
            what += (
                f"and {run.sendable - left:,} of its {run.sendable:,} messages are done"
            )
            raise GateRefused(Problem("E622", what))


def never_begun(plan: Plan, home: Home, *, only: str, output: str) -> Problem:
    """That a plan has no run to choose from (E412), and which run of its campaign is there.

    The name of a plan changes with whatever goes into it: also with bulksend's rules.
    """
    runs: list[Run] = []
    if home.journal.exists():
        with Journal.open(home.journal) as journal:
            runs = journal.runs.all()
    for run in runs:
        if run.campaign != scope(plan) or run.slot != plan.slot or run.purged_at:
            continue
        words = ["bulksend", "send", run.plan, "--only", only]
        usual = home.folder / "journal.sqlite"
        if isinstance(home.journal, Path) and home.journal != usual:
            words += ["--journal", str(home.journal)]
        if run.results not in ("", output):
            words += ["--results", run.results]
        found = f"{plan.run} was never begun: {_difference(run, plan)}"
        return Problem(
            "E412", found, fix=f"That run goes on with `{shlex.join(words)}`."
        )
    return Problem("E412", f"{plan.run} was never begun, nor another of its campaign")


def left_out(failed: Counter[str], groups: int) -> list[Problem]:
    """That what failed so, by code, is not sent again, nor so many groups.

    W567: the same message would fare no better.  W568: the one before may arrive yet.
    W569: some of the group may have it.
    """
    certain = Counter({code: failed[code] for code in failed if is_certain(code)})
    words = (("W567", certain), ("W568", failed - certain))
    found = [Problem(code, _by_code(some)) for code, some in words if some]
    if groups:
        some = counted(groups, "failed group message is", "failed group messages are")
        found.append(Problem("W569", f"{some} left out"))
    return found


def _by_code(failed: Counter[str]) -> str:
    """``3 failed messages are left out: 4770 destination-spam-detected (2), …``."""
    names = {str(code): f"{code} {one.name}" for code, one in table().items()}
    said = [
        f"{names.get(code, code)} ({many:,})"
        for code, many in failed.most_common(MOST_CODES)
    ]
    if (others := len(failed) - len(said)) > 0:
        said.append(counted(others, "other code"))
    some = counted(failed.total(), "failed message is", "failed messages are")
    return f"{some} left out: {', '.join(said)}"


def _difference(run: Run, plan: Plan) -> str:
    """What differs between a plan and a run of the same campaign that is not its own."""
    what = "the number of shards, bulksend's version, its rules or a setting"
    if run.input_digest != plan.about["input_digest"]:
        what = "a list"
    elif run.content_digest != plan.about["content_digest"]:
        what = "the campaign"
    return f"{what} changed since run {run.run} was planned"
