"""What is to be sent, and what stands in the journal against it before anything is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from bulksend.define.lists_now import lists_now
from bulksend.errors import GateRefused, InputError, Problem
from bulksend.journal.canaries import AGAIN
from bulksend.journal.mark import read_marks, refuse_lost
from bulksend.journal.records import WHOLE, Part, Run
from bulksend.journal.selections import SELECTIONS
from bulksend.journal.store import Journal
from bulksend.prepare import seal
from bulksend.prepare.freshness import late_opt_outs
from bulksend.prepare.in_time import begun_too_late
from bulksend.prepare.summary import summarise
from bulksend.runs import left_out, never_begun, new_run, refuse_other_input, scope
from bulksend.send.signin import Credentials
from bulksend.send.watch import refused
from bulksend.settle.copies import is_at
from bulksend.settle.finding import purged
from bulksend.settle.foreseeing import foreseen_size
from bulksend.settle.placing import check_place
from bulksend.settle.standing import standing
from bulksend.storage.location import holds_parts, where
from bulksend.storage.objects import check_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulksend.define.campaign import Campaign
    from bulksend.home import Home
    from bulksend.prepare.plan import Plan
    from bulksend.storage.location import Where


@dataclass(frozen=True, slots=True)
class Assignment:
    """One plan to be sent, and how that was asked for.

    Args:
        output: Where its results go.

        only: Which rows of a run that is there: a key of `SELECTIONS`; empty is all that
            are left.

        wait: Wait for another sender of this campaign instead of refusing.

        until_closed: Stop when nobody's window is open, instead of waiting for the next.

        parent: The process whose end ends this run.

        shard: Which part of the plan; None is all of it.

        patience: Seconds that an answer may take; None is the client's own.

        begun: When all of it was begun, or gone on with, in milliseconds since 1970: its
            day stays that one, however long it waits for somebody's answer, for another
            sender or for receipts.  None for a part of it: that has its run's day.
    """

    plan: Plan
    campaign: Campaign
    home: Home
    environment: Mapping[str, str]
    output: Where
    only: str = ""
    wait: bool = False
    until_closed: bool = False
    parent: int | None = None
    shard: int | None = None
    patience: float | None = None
    begun: int | None = None

    @property
    def part(self) -> Part:
        """The rows that are this sender's.

        Raises:
            InputError: E565, where the plan has no such shard.
        """
        if self.shard is None:
            return WHOLE
        return Part(self.shard, *self.plan.shard(self.shard))

    @property
    def between(self) -> tuple[int, int] | None:
        """The first and the last row of its part; None is all of the plan."""
        part = self.part
        return None if part is WHOLE else (part.first, part.last)

    def deadline(self, run: Run | None, now: int) -> datetime | None:
        """When the campaign's time is over for what begins at *now*, in ms.

        A time of day is that day's.  A shard has the day on which its *run* was begun:
        who starts it may be a scheduler that tries again, at any hour.
        """
        begun = run.created_at if run and self.shard is not None else now
        until, begun = self.campaign.send.not_after, self.begun or begun
        return until.on(datetime.fromtimestamp(begun / 1000, UTC)) if until else None

    def own(self, run: Run) -> Run:
        """*run* with the numbers of this sender's part."""
        if self.shard is None:
            return run
        rows, sendable = self.plan.size(self.plan.shard(self.shard))
        return replace(run, rows=rows, sendable=sendable)

    @property
    def shares_its_rate(self) -> bool:
        """Whether others may send beside it at the same rate: workers, or any machine."""
        return self.shard is not None or not isinstance(self.home.journal, Path)

    @property
    def per_sender(self) -> dict[str, float]:
        """The rates of senders that have one of their own."""
        return self.campaign.send.rates(self.campaign.senders)

    def known_run(self, *, replan: bool) -> Run | None:
        """The plan's run, where it was begun before.

        Raises:
            GateRefused: E604, where the journal has lost what was sent of this campaign;
                E622, where another plan of it is half sent, unless *replan* says that
                this is meant; E612 or E613, where somebody paused or aborted the run;
                E427, where its first few speak against the rest.
            InputError: E412, where `only` has no run to choose from; E627, the plan is
                not the one that was made; E624, E625 or E699, the results cannot go where
                they should.  Whether it is the one that was begun, `check_plan` says.
        """
        _ = self.part  # first of all: is there such a shard
        known, marks = None, self.home.marks(scope(self.plan))
        noted = read_marks(marks)
        if not self.home.journal.exists():
            refuse_lost(marks, noted, None, journal=self.home.journal)
        else:
            with Journal.open(self.home.journal) as journal:
                claims = journal.latest.claims(noted)
                refuse_lost(marks, noted, claims, journal=self.home.journal)
                known = journal.runs.named(self.plan.run)
                if known is None and not (replan or self.only):
                    refuse_other_input(journal, scope(self.plan), self.plan)
                if known is not None and (order := journal.orders.of(known.id)):
                    raise refused(order)
                if known is not None:
                    _refuse_halted(journal, known)
        if known is not None and known.purged_at is not None:
            raise purged(known)
        if known is None and self.only:
            there = str(self.output)
            raise InputError(
                never_begun(self.plan, self.home, only=self.only, output=there)
            )
        if known is None:
            self.check_plan(None)
        is_ours = known is not None and is_at(self.output, known.results)
        if self.shard is None or holds_parts(self.output):
            check_place(self.output, self.home, run=self.plan.run, is_ours=is_ours)
        if known is None:
            self._check_size()
        return known

    def _check_size(self) -> None:
        """Raises InputError (E699) where the results would be too large for one object."""
        if not isinstance(self.output, Path) and not self.output.is_folder:
            size = foreseen_size(self.plan, self.output.suffix)
            check_size(self.output, size, about="the results will be about ")

    def check_plan(self, known: Run | None) -> None:
        """Read all of its bytes, before any of its messages is sent.

        Raises:
            InputError: E623, it is not the plan that was begun; E627, where none was
                begun, it is not the one that was made.
        """
        found, where = self.plan.seal(), self.plan.place
        if known is not None and known.plan_digest != found.digest:
            raise InputError(Problem("E623", "its bytes changed", file=where))
        if not found.is_whole:
            what = "its bytes are not those that were written"
            raise InputError(Problem("E627", what, file=where))

    def chosen(self, run: Run) -> int:
        """How many messages `only` stands for."""
        with Journal.open(self.home.journal) as journal:
            if SELECTIONS[self.only] is None:
                return standing(journal, run).left
            return len(journal.selections.rows(run.id, self.only, self.groups()))

    def left_out(self, run: Run) -> tuple[Problem, ...]:
        """What has failed and `only` does not stand for.

        Of single messages that is said where it says *failed*.
        """
        if SELECTIONS.get(self.only) is None:
            return ()
        with Journal.open(self.home.journal) as journal:
            select, groups = journal.selections, self.groups()
            failed = select.left_out(run.id) if self.only == "failed" else Counter()
            return tuple(left_out(failed, len(select.reached(run.id, groups))))

    def groups(self) -> dict[int, int]:
        """How many people a row's message is for, where that is more than one."""
        if not self.campaign.message.group:
            return {}
        members = pl.col("to").str.count_matches(",", literal=True) + 1
        several = self.plan.frame().filter(pl.col("reason").is_null(), members > 1)
        return dict(several.select("row", members).collect().iter_rows())

    def late_opt_outs(self) -> list[int]:
        """The rows of its part whose people are on a suppression list by now.

        The plan has left out those who were on one when it was made.

        Raises:
            InputError: A list, or the campaign file that names them, cannot be read.
            Stopped: E698.
        """
        plan, spool = self.plan, self.home.spool()
        file, name = plan.about.get("file"), self.campaign.name
        named = lists_now(where(file), name, self.environment, spool) if file else ()
        return late_opt_outs(
            plan, self.campaign, spool, named=named, between=self.between
        )

    def begin_run(self, *, now: int) -> Run:
        """A run for this plan."""
        with Journal.open(self.home.journal) as journal:
            summary = summarise(self.plan, self.campaign)
            run = new_run(self.plan, self.campaign, summary)
            return journal.runs.add(
                replace(
                    run,
                    plan_digest=self.plan.about[seal.KEY],
                    results=str(self.output),
                    created_at=now,
                    account=self.account,
                )
            )

    def check_deadline(self, run: Run | None, *, now: int) -> None:
        """Raises GateRefused (E515) where the campaign's time is over."""
        deadline = self.deadline(run, now)
        if deadline is not None and deadline.timestamp() * 1000 <= now:
            raise GateRefused(begun_too_late(self.campaign))

    @property
    def account(self) -> str:
        """The account that sends it; none for the simulator.

        Raises:
            InputError: E500, where the environment lacks credentials.
        """
        if self.campaign.provider != "bandwidth":
            return ""
        return Credentials.from_environment(self.environment).account_id

    def check_credentials(self, run: Run | None) -> None:
        """Before anything is sent.

        Raises:
            InputError: E500, where the environment lacks them; E551, where messages of
                *run* may have left by another account.
        """
        if run is not None and run.account not in ("", self.account):
            with Journal.open(self.home.journal) as journal:
                if journal.runs.may_have_left(run.id):
                    raise InputError(other_account(run, self.account))
        _ = self.account


def other_account(run: Run, account: str) -> Problem:
    """That a run belongs to another account, whose search alone knows its messages."""
    return Problem(
        "E551", f"{run.run} was sent by {run.account}, and this is {account}"
    )


def _refuse_halted(journal: Journal, run: Run) -> None:
    """Raises GateRefused (E427), unless what is missing are receipts: they may come."""
    halt = journal.canaries.standing(run.id)
    if halt is not None and halt.is_canary and halt.code != AGAIN:
        raise GateRefused(Problem("E427", f"{halt.code}: {halt.found}"))
