"""A campaign and its lists as a plan: frozen and counted; nothing is sent."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from bulksend.define.campaign import Campaign
from bulksend.define.distant import load_distant
from bulksend.define.document import clipped
from bulksend.define.load import load
from bulksend.errors import InputError, Problem, counted
from bulksend.home import Home, find_spool
from bulksend.prepare.draft import SHARDS, draft
from bulksend.prepare.freezing import write
from bulksend.prepare.gates import closed_gates
from bulksend.prepare.in_time import out_of_time
from bulksend.prepare.kept import keep_plan, open_plan
from bulksend.prepare.plan import Plan, run_name
from bulksend.prepare.spread import draft_by
from bulksend.prepare.summary import Summary, summarise
from bulksend.runs import NOBODY, Held, already, has_begun, held_back
from bulksend.send.clocks import wall_ms
from bulksend.storage.location import Location, where
from bulksend.turns import refuse_missed, turn_to_look_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bulksend.define.load import Loaded
    from bulksend.define.slots import ScheduledFor
    from bulksend.prepare.spread import Crew
    from bulksend.storage.location import Where


SLOT = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:+-]{0,63}")


@dataclass(frozen=True)
class Checked:
    """A plan, what it amounts to, what to know, and what stands against sending it.

    What nobody asks for is not counted: a run that is resumed need not wait for it.

    Args:
        counted: The summary, where it is there.

        chosen: How many messages are meant, where not all that are left are.

        turn: The slot of its schedule that it is for, where no person named it.
    """

    plan: Plan
    campaign: Campaign
    home: Home
    notices: tuple[Problem, ...] = ()
    gates: tuple[Problem, ...] = ()
    counted: Summary | None = None
    chosen: int | None = None
    turn: ScheduledFor | None = None

    @cached_property
    def summary(self) -> Summary:
        return self.counted or summarise(self.plan, self.campaign)

    @cached_property
    def already(self) -> int:
        """Messages of it that are over, or that an earlier run has posted, or may have.

        Of those that were chosen none is.
        """
        if self.chosen is not None:
            return 0
        return already(self.plan, self.campaign, self.home, self.summary)

    @cached_property
    def held_back(self) -> Held:
        """Messages that would not go out now, as their people may get none."""
        if self.chosen is not None:
            return NOBODY
        args = self.plan, self.campaign, self.home, self.summary
        return held_back(*args, now=self.begins)

    @property
    def capped(self) -> dict[str, int]:
        """Messages whose people have had enough as of now: ``all``, and by cap."""
        return self.held_back.capped

    @property
    def suppressed(self) -> int:
        """Of the others, those whose people the journal knows as not to be texted."""
        return self.held_back.suppressed

    @property
    def begins(self) -> int:
        """When it would begin, in milliseconds since 1970: now, or when its turn is."""
        due = 0 if self.turn is None else round(self.turn.at.timestamp() * 1000)
        return max(due, wall_ms())

    @property
    def left(self) -> int:
        """Messages that would go out now."""
        if self.chosen is not None:
            return self.chosen
        held = self.capped.get("all", 0) + self.suppressed
        return self.summary.sendable - self.already - held


def load_campaign(
    path: str | Where, *, environment: Mapping[str, str] = os.environ
) -> Loaded:
    """The campaign file as values.

    Raises:
        InputError: With every problem of the file.
    """
    place = where(path)
    if isinstance(place, Path):
        return load(place, environment)
    return load_distant(place, environment, find_spool(environment))


def plan_campaign(  # noqa: PLR0913 -- which plan, and who makes it
    campaign: str | Where | Loaded,
    *,
    environment: Mapping[str, str] = os.environ,
    journal: str = "",
    slot: str = "",
    due: ScheduledFor | None = None,
    shards: int = SHARDS,
    crew: Crew | None = None,
) -> Checked:
    """Freeze a campaign and its lists into a plan; nothing is sent.

    An equal plan that is already there is used again.

    Args:
        slot: Which of a recurring campaign's sends this is, such as its date.  Without
            it, a campaign with a `schedule` is planned for the slot that is due; or for
            the next, once that one is over, and nothing of it is left.

        due: The slot of its schedule that is to be sent now: it is not planned late.

        shards: Into how many parts it is cut, for as many senders; one may send them all.

        crew: Who works it out; None: this process.

    Raises:
        InputError: With every problem of the file, the lists or the templates; E411,
            where the slot cannot be part of a name.
        GateRefused: E422, where *due* is over, and nobody began it.
    """
    if slot and not SLOT.fullmatch(slot):
        raise InputError(Problem("E411", f"`{clipped(slot)}`"))
    loaded = loaded_campaign(campaign, environment)
    home = Home.find(loaded.folder, environment, journal)
    home.sweep()
    missed, turn = None, None if slot else due
    if turn is not None:
        refuse_missed(loaded.campaign, turn.name, home, datetime.now(UTC))
    elif not slot:
        turn, missed = turn_to_look_at(loaded.campaign, home, datetime.now(UTC))
    slot = slot or (turn.name if turn else "")
    spool = home.spool()
    begin = draft if crew is None else partial(draft_by, crew)
    with begin(
        loaded, version=version("bulksend"), slot=slot, shards=shards, spool=spool
    ) as drafted:
        name = run_name(loaded.campaign.name, drafted.about["hash"], slot)
        about = drafted.about | {
            "folder": str(loaded.folder.absolute()),
            "file": _place_of(loaded),
            "objects": spool.taken,
            "notify": loaded.notify,
        }

        def make(path: Path) -> Plan:
            return write(drafted.frame, path, about, hold=drafted.source.hold)

        plan = keep_plan(name, home, make)
        notices = (*drafted.notices, *([missed] if missed else ()))
        return checked_plan(plan, loaded.campaign, home, notices, turn=turn)


def _place_of(loaded: Loaded) -> str:
    """Where any process finds the campaign file."""
    path = loaded.path
    return str(path.absolute() if isinstance(path, Path) else path)


def load_plan(
    plan: str | Where,
    *,
    environment: Mapping[str, str] = os.environ,
    journal: str = "",
) -> Plan:
    """A plan, by its path or its address.

    Raises:
        InputError: E620, where it is not a plan of this version.
    """
    place = where(plan)
    if isinstance(place, Path):
        return Plan.open(place)
    return open_plan(place, Home.find(Path(), environment, journal))


def folder_of(plan: Plan) -> Path:
    """The campaign's folder; on a machine that has none, the one we are in.

    A plan at an address is sent from anywhere: what it was made beside is elsewhere.
    """
    folder = Path(plan.about["folder"])
    return Path() if plan.address and not folder.is_dir() else folder


def campaign_of(plan: Plan) -> Campaign:
    """The campaign as it was when the plan was made.

    Raises:
        InputError: E620, where another version made the plan, and says what we do not know.
    """
    try:
        return Campaign.model_validate(plan.about.get("campaign"), by_alias=True)
    except ValidationError as error:  # what it found may be somebody's number
        where_in = ".".join(str(part) for part in error.errors()[0]["loc"][:2])
    maker, ours = plan.about.get("bulksend", "nobody knows"), version("bulksend")
    found = f"{where_in or 'its campaign'} is not understood; bulksend {maker} made it"
    expected = f"a plan of bulksend {ours}"
    raise InputError(Problem("E620", found, expected, file=plan.place))


def checked_plan(
    plan: Plan,
    campaign: Campaign,
    home: Home,
    notices: Sequence[Problem],
    *,
    turn: ScheduledFor | None = None,
) -> Checked:
    """What a plan amounts to, and what stands against sending it.

    Of a run that has begun only the budget may have changed since it was asked.
    """
    begun = has_begun(plan, home)
    checked = Checked(plan, campaign, home, tuple(notices), turn=turn)
    if begun and campaign.send.budget is None:
        return checked
    with plan.undamaged():
        summary = summarise(plan, campaign)
        said = closed_gates(plan, summary, campaign, has_begun=begun)
        if summary.sendable and not begun:
            said += out_of_time(plan, campaign, now=checked.begins)
    gates = [one for one in said if not one.is_warning]
    notices = (*notices, *(one for one in said if one.is_warning))
    if not summary.sendable:
        rows = counted(summary.rows, "row has", "rows have")
        what = f"{rows} each a reason against it"
        notices = (*notices, Problem("W403", what))
    return replace(checked, notices=tuple(notices), gates=tuple(gates), counted=summary)


def loaded_campaign(
    campaign: str | Where | Loaded, environment: Mapping[str, str]
) -> Loaded:
    """The campaign as values, read where only its path is given."""
    if isinstance(campaign, str | Path | Location):
        return load_campaign(campaign, environment=environment)
    return campaign
