"""All that was ever decided about a number: every plan, every run, every word about it.

Plans hold the number, so they are looked through, one narrow column each; the journal
tells what became of the rows found.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from bulksend.define.campaign import Campaign
from bulksend.errors import InputError, Problem
from bulksend.journal.records import person_key
from bulksend.journal.states import Status
from bulksend.journal.store import Journal
from bulksend.logs import mask_numbers
from bulksend.prepare.kept import open_plan
from bulksend.prepare.outlook import place_hours
from bulksend.prepare.reasons import REASONS, sentence
from bulksend.prepare.timing import plan_hours
from bulksend.settle.history import Step, steps_of
from bulksend.settle.results import SHOWN, experiment_arm
from bulksend.settle.said import read
from bulksend.settle.suppressing import Listed, listed
from bulksend.storage.location import where

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bulksend.home import Home
    from bulksend.journal.records import Entry, Run
    from bulksend.prepare.outlook import PlaceHours
    from bulksend.prepare.plan import Plan
    from bulksend.rules.hours import Hours

_TAG = re.compile(r"#([0-9a-f]{8})-([0-9]{1,12})$")
_ID = re.compile(r"(?=.*[a-z])[0-9a-z]{20,40}")
ASKED = (
    "a number with a + and its country code, the end of a message's tag "
    "(#1f3a9c2b-17), or a message's id at Bandwidth"
)

_NEEDED = (
    *("row", "to", "from", "text", "segments", "reason", "reason_detail"),
    *("number_key", "place"),
)


@dataclass(frozen=True, slots=True)
class Appearance:
    """A row that is for the number.

    Args:
        status: As in the results; ``planned`` where the plan was never sent.

        is_run: Whether a run was begun of this plan.  Of one that was only checked nobody
            got anything, and nothing is decided by it.

        why: Why it gets nothing, or what went wrong, in a sentence.

        row: As a spreadsheet numbers it, through all files.

        place: What is said behind the word *row*: ``7``, or ``7 of east.csv``.

        text: "" where it is excluded: nobody was to read it.

        arm: Which arm of the campaign's experiment it is in.

        hours: Where the person may be, the rules there, and the window in which it was
            posted, or which was next when it was planned; None where no hours are kept.

        any_hour: Why no rules about hours held, in the campaign's words.
    """

    run: str
    campaign: str
    provider: str
    row: int
    place: str
    status: str
    why: str
    sender: str
    text: str = field(repr=False)
    segments: int | None
    steps: tuple[Step, ...] = ()
    arm: str | None = None
    hours: PlaceHours | None = None
    any_hour: str = ""
    is_run: bool = True

    def as_dict(self, *, mask: bool) -> dict[str, Any]:
        return {
            "run": self.run,
            "campaign": self.campaign,
            "provider": self.provider,
            "row": self.row,
            "place": self.place,
            "status": self.status,
            "is_run": self.is_run,
            "why": self.why,
            "from": mask_numbers(self.sender) if mask else self.sender,
            "text": None if mask else self.text,
            "segments": self.segments,
            "arm": self.arm,
            "hours": self.hours and asdict(self.hours),
            "any_hour": self.any_hour,
            "steps": [step.as_dict() for step in self.steps],
        }


@dataclass(frozen=True, slots=True)
class Explained:
    """Everything about one number, newest first.

    Args:
        was_given: Whoever asks knows the number; otherwise it is masked, and the texts
            are left out.

        plans: How many plans were looked through.

        gone: Runs whose plan is gone, purged, damaged or elsewhere: they may have been for
            it, and say only what was posted.
    """

    number: str = field(repr=False)
    was_given: bool
    rows: tuple[Appearance, ...]
    suppressions: tuple[Listed, ...]
    plans: int
    gone: tuple[str, ...]

    @property
    def shown(self) -> str:
        return self.number if self.was_given else mask_numbers(self.number)

    def as_dict(self) -> dict[str, Any]:
        mask = not self.was_given
        return {
            "number": self.shown,
            "suppressions": [one.as_dict(mask=mask) for one in self.suppressions],
            "rows": [one.as_dict(mask=mask) for one in self.rows],
            "plans": self.plans,
            "gone": list(self.gone),
        }


def explain(asked: str, *, home: Home, region: str | None = None) -> Explained:
    """All that was ever decided about a number.

    Args:
        asked: The number; or the end of a tag (``#1f3a9c2b-17``), or Bandwidth's message
            id, of a message to it.

        region: Where a number without a country code belongs.

    Raises:
        InputError: E651, where it is no number; E674, where no message has this key; E603,
            where the journal of what was sent from here is not there.
    """
    home.refuse_lost_journal()
    if not home.journal.exists():
        return _about(asked, None, home, region)
    with Journal.open(home.journal, read_only=True) as journal:
        return _about(asked, journal, home, region)


def _about(
    asked: str, journal: Journal | None, home: Home, region: str | None
) -> Explained:
    runs = {} if journal is None else {run.run: run for run in journal.runs.all()}
    plans, gone = _plans(home, runs)
    number = _number_behind(asked, journal, plans)
    was_given = number is None
    if number is None:
        number = _read(asked, region)
    rows: list[Appearance] = []
    for plan in plans:
        run = runs.get(plan.run)
        told = _told(plan, number, journal, run)
        rows += told or ()
        if told is None and run is not None:
            gone += (plan.run,)
    if journal is not None:
        rows += _without_plan(journal, [runs[name] for name in gone], number)
    rows.sort(key=lambda one: one.steps[0].at if one.steps else 0, reverse=True)
    about = [] if journal is None else journal.suppressions.of(number)
    return Explained(
        number, was_given, tuple(rows), tuple(map(listed, about)), len(plans), gone
    )


def _plans(home: Home, runs: dict[str, Run]) -> tuple[list[Plan], tuple[str, ...]]:
    """The home's plans and those of the runs, each once; and runs without one."""
    places = {where(run.plan).absolute() for run in runs.values()}
    if home.shared is None:
        places |= {path.absolute() for path in home.folder.glob("plans/*.parquet")}
    else:
        kept = home.objects.inside(home.shared / "plans/", deep=False)
        places |= {one.place for one in kept if one.place.suffix == ".parquet"}
    found: dict[str, Plan] = {}
    for place in sorted(places, key=str):
        try:
            plan = open_plan(place, home)
        except InputError:
            continue  # gone, or another version's: told below where a run needs it
        found.setdefault(plan.run, plan)
    return list(found.values()), tuple(name for name in runs if name not in found)


def _number_behind(
    asked: str, journal: Journal | None, plans: Sequence[Plan]
) -> str | None:
    """Whom the message with this tag or id was for; None where *asked* is neither."""
    if tag := _TAG.search(asked):
        mark, row = tag[1], int(tag[2])
        wanted = [plan for plan in plans if plan.hash.startswith(mark)]
    elif _ID.fullmatch(asked) and journal is not None:
        place = journal.receipts.place_of(asked)
        run_id, row = place or (0, 0)
        names = {run.run for run in journal.runs.all() if run.id == run_id}
        wanted = [plan for plan in plans if plan.run in names]
    else:
        return None
    for plan in wanted:
        try:
            found = plan.frame().filter(pl.col("row") == row).select("to").collect()
        except pl.exceptions.PolarsError:  # damaged: as if it were gone
            continue
        if len(found) and (to := found.item()):
            return str(to).split(",")[0]
    raise InputError(Problem("E674", "no plan here has its row"))


def _read(asked: str, region: str | None) -> str:
    try:
        (number,) = read([asked], region)
    except InputError as error:
        raise InputError(
            one
            if one.code == "E104"  # of the region, whatever was asked
            else replace(
                one,
                found=f"it was taken for a number; {one.found}",
                expected=ASKED,
                fix="Ask by one of these, or add --region where it lacks its country code.",
            )
            for one in error.problems
        ) from None
    return number


def _told(
    plan: Plan, number: str, journal: Journal | None, run: Run | None
) -> list[Appearance] | None:
    """None where it cannot be read, or is not what was sent: as if it were gone."""
    try:
        rows = list(_appearances(plan, number, journal, run))
    except pl.exceptions.PolarsError:
        return None
    if rows and run is not None and plan.seal().digest != run.plan_digest:
        return None
    return rows


def _appearances(
    plan: Plan, number: str, journal: Journal | None, run: Run | None
) -> Iterator[Appearance]:
    campaign = Campaign.model_validate(plan.about["campaign"], by_alias=True)
    is_ours = pl.col("number_key") == int(number.removeprefix("+"))
    if campaign.message.group:
        is_ours = pl.col("to").str.split(",").list.contains(number)
    frame = plan.frame().filter(is_ours).select(*_NEEDED, arm=experiment_arm())
    rows = frame.collect(engine="streaming")
    hours = plan_hours(plan) if len(rows) and campaign.keeps_hours else None
    winners: dict[int, str] = {}
    if rows["reason"].is_in(["duplicate", "household"]).any():
        winners = plan.named_winners()
    for row in rows.iter_rows(named=True):
        entry = None
        steps = [Step(plan.made_at, "planned")]
        if journal is not None and run is not None:
            entry = next(iter(journal.entries(run.id, row["row"], row["row"])), None)
            steps += steps_of(journal, run, row["row"], entry)
        status = _status(row["reason"], entry, run)
        yield Appearance(
            run=plan.run,
            campaign=campaign.name,
            provider=campaign.provider,
            row=row["row"],
            place=plan.sheets.named(row["row"]),
            status=status,
            why=_why(row, entry, winners.get(row["row"])),
            sender=row["from"] or "",
            text="" if status == "excluded" else row["text"] or "",
            segments=row["segments"],
            steps=tuple(steps),
            arm=row["arm"],
            hours=_hours(hours, row["place"], entry, plan.made_at),
            any_hour=campaign.any_hour,
            is_run=run is not None,
        )


def _without_plan(
    journal: Journal, runs: Sequence[Run], number: str
) -> Iterator[Appearance]:
    """What the journal alone tells: rows that were claimed for this person."""
    for run in runs:
        for row in journal.decisions.rows_of_person(run.id, person_key(number)):
            (entry,) = journal.entries(run.id, row, row)
            provider, _, campaign = run.campaign.partition("/")
            yield Appearance(
                run=run.run,
                campaign=campaign,
                provider=provider,
                row=row,
                place=str(row),
                status=_status(None, entry, run),
                why=entry.error or "",
                sender="",
                text="",
                segments=None,
                steps=tuple(steps_of(journal, run, row, entry)),
                any_hour=run.any_hour,
            )


def _hours(
    hours: Hours | None, place: str | None, entry: Entry | None, planned_at: int
) -> PlaceHours | None:
    if hours is None or place is None:
        return None
    posted_at = None if entry is None else entry.posted_at
    return place_hours(hours, place, 1, posted_at or planned_at)


def _status(reason: str | None, entry: Entry | None, run: Run | None) -> str:
    if reason is not None:
        return "excluded"
    if entry is not None:
        return SHOWN.get(Status(entry.status), entry.status)
    return "planned" if run is None else "not_sent"


def _why(row: dict[str, Any], entry: Entry | None, winner: str | None) -> str:
    if row["reason"] is not None:
        reason = row["reason"]
        detail = row["reason_detail"] or winner or "?"
        return f"{sentence(reason, str(detail))} {REASONS[reason].fix}"
    return (entry.error or "") if entry is not None else ""
