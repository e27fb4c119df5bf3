"""Finds the numbers and texts of runs that ended long ago; `removing` takes them.

What goes: plan, results, rejected rows, copies of lists from object storage, what a killed
process left of its work, and in the journal whatever may tell who somebody is, old replies
included.  Files go first: a purge that breaks off is done again, and a run counts as purged
only when nothing of it is left.

Caps for each person count the messages of the past, so a run stays for as long as the
longest cap among the plans that are there looks back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bulksend.define.amounts import Often, lifetime
from bulksend.define.document import clipped
from bulksend.errors import BulksendError, InputError, Problem
from bulksend.journal.store import Journal
from bulksend.settle.copies import is_at, is_of, mark_of
from bulksend.settle.finding import plan_of
from bulksend.settle.parts import Parts
from bulksend.settle.standing import sender_of, standing
from bulksend.storage.location import where
from bulksend.whole import left_behind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulksend.home import Home
    from bulksend.journal.records import Run
    from bulksend.storage.location import Where


A_LAWS_CAP = timedelta(days=1)
"""Laws count 24 hours; campaigns may count longer."""


class Kept(NamedTuple):
    """A run that is old enough, and must not be purged yet."""

    run: str
    why: str


@dataclass(frozen=True, slots=True)
class Purge:
    """What is to be removed, or was.

    Args:
        runs: Runs whose numbers and texts go.

        files: Everything that is deleted.

        plans: Plans among them that nobody ever sent.

        kept: Runs and results that are old enough and stay, each with the reason.

        callbacks: Those that are old enough, and are about no row of ours, as replies
            are, or came after their run was purged.

        of_runs: The files of each run, by its name.
    """

    before: int
    runs: tuple[Run, ...]
    files: tuple[Where, ...]
    plans: int
    kept: tuple[Kept, ...]
    callbacks: int = 0
    of_runs: Mapping[str, tuple[Where, ...]] = field(default_factory=dict)

    @property
    def loose(self) -> list[Where]:
        """The files that are no run's."""
        of_runs = set(chain(*self.of_runs.values()))
        return [place for place in self.files if place not in of_runs]

    @property
    def is_empty(self) -> bool:
        return not (self.runs or self.files or self.callbacks)

    def as_dict(self) -> dict[str, object]:
        return {
            "runs": [run.run for run in self.runs],
            "files": [str(path) for path in self.files],
            "unsent_plans": self.plans,
            "kept": [one._asdict() for one in self.kept],
            "callbacks": self.callbacks,
        }


def read_age(text: str) -> timedelta:
    """``90d``, ``12h``.

    Raises:
        InputError: E677, where it is no age.
    """
    try:
        age = lifetime(text)
    except ValueError:
        age = None
    if not isinstance(age, timedelta):
        raise InputError(Problem("E677", f"`{clipped(text)}`"))
    return age


def plan_purge(home: Home, older_than: timedelta, *, now: int) -> Purge:
    """What a purge would remove; nothing is removed yet.

    Args:
        older_than: Since the end of a run; of a plan that was never sent, since it was
            made.

        now: Milliseconds since 1970.

    Raises:
        InputError: E603, where nobody knows which of the plans were sent.
    """
    home.refuse_lost_journal()
    before = now - int(older_than.total_seconds() * 1000)
    runs: list[Run] = []
    going: list[Run] = []
    kept: list[Kept] = []
    callbacks = 0
    if home.journal.exists():
        with Journal.open(home.journal, read_only=True) as journal:
            runs = journal.runs.all()
            callbacks = journal.purges.due_callbacks(before=before)
            due = [run for run in runs if is_due(run, before)]
            longest = _longest_cap(home, runs) if due else A_LAWS_CAP
            counts = now - longest // timedelta(milliseconds=1)
            for run in due:
                if why := reason_to_keep(journal, run, now=now):
                    kept.append(Kept(run.run, why))
                elif (run.finished_at or 0) >= counts:
                    kept.append(Kept(run.run, "it counts for caps (send.per_person)"))
                else:
                    going.append(run)
    unsent = _unsent(home, runs, before)
    of_runs: dict[str, tuple[Where, ...]] = {}
    for run in going:
        found = _files(home, run, runs, going, before=before)
        anothers = [place for place in found if _is_anothers(place, run)]
        of_runs[run.run] = tuple(one for one in found if one not in anothers)
        kept += [Kept(str(one), f"it holds nothing of {run.run}") for one in anothers]
    files: list[Where] = [path for some in of_runs.values() for path in some]
    files += [path for plan in unsent for path in (plan, *_rejects(home, plan.stem))]
    files += [*_copies(home, before), *home.leftovers(before=before)]
    files += _rejects_of_nobody(home, runs, before)
    return Purge(
        before,
        tuple(going),
        tuple(dict.fromkeys(files)),
        len(unsent),
        tuple(kept),
        callbacks,
        of_runs,
    )


def is_due(run: Run, before: int) -> bool:
    since = run.created_at if run.finished_at is None else run.finished_at
    return run.purged_at is None and since < before


def _longest_cap(home: Home, runs: list[Run]) -> timedelta:
    """How far the caps of all campaigns look back, as far as their plans are there."""
    longest = A_LAWS_CAP
    for run in runs:
        if run.purged_at is not None:
            continue
        try:
            send = plan_of(run, home).about["campaign"].get("send", {})
        except BulksendError:  # a plan that is gone says nothing
            continue
        caps = map(Often.parse, send.get("per_person") or ())
        longest = max([longest, *(cap.span for cap in caps)])
    return longest


def reason_to_keep(journal: Journal, run: Run, *, now: int) -> str:
    if run.finished_at is None:
        return "it is not finished: run it again, or end it with `bulksend abort`"
    unknown = standing(journal, run).counts["unknown"]
    if unknown:
        return f"{unknown:,} of its messages are unknown: `bulksend settle`"
    if sender_of(journal, run, now=now) is not None:
        return "it is being sent"
    return ""


def _files(
    home: Home, run: Run, runs: list[Run], going: list[Run], *, before: int
) -> list[Where]:
    """A run's own files; results that another run wrote over are that one's."""
    found: list[Where] = [where(run.plan), *_rejects(home, run.run)]
    others = {one.results for one in runs if one not in going and one.purged_at is None}
    newer = {
        one.results for one in runs if one.created_at > run.created_at and one in going
    }
    if run.results and run.results not in others | newer:
        results = where(run.results)
        if not isinstance(results, Path) and results.is_folder:
            parts = Parts(results, run.run, home.objects)
            found += [one.place for one in parts.all()]
        else:
            found.append(results)
        if isinstance(results, Path):
            found += left_behind(results.parent, results.name, before=before)
    return [place for place in found if _is_there(home, place, run)]


def _is_anothers(place: Where, run: Run) -> bool:
    """Whether at a run's results is a file that has none of its tags."""
    if not isinstance(place, Path) or not run.sendable or not is_at(place, run.results):
        return False
    return not is_of(place, mark_of(run.plan_hash))


def _is_there(home: Home, place: Where, run: Run) -> bool:
    """Whether it is a file, or an object that is this run's."""
    if isinstance(place, Path):
        return place.is_file()
    return home.objects.look(place) is not None and (
        home.objects.owner(place) == run.run
    )


def _copies(home: Home, before: int) -> list[Path]:
    """Copies of objects that no plan has asked for since."""
    return [
        path
        for path in sorted(home.spool().folder.glob("*/*/*"))
        if path.stat().st_mtime * 1000 < before
    ]


def _rejects(home: Home, run: str) -> list[Where]:
    place = home.rejects_place(run)
    if not isinstance(place, Path):
        objects = home.objects.inside(place.parent)
        return [one.place for one in objects if one.place.name.startswith(run)]
    if not place.parent.is_dir():
        return []
    paths = sorted(place.parent.iterdir())
    return [path for path in paths if path.name.startswith(run)]


def _rejects_of_nobody(home: Home, runs: list[Run], before: int) -> list[Path]:
    """Rejected rows whose plan is gone already, and was not of a run that stays."""
    names = [run.run for run in runs if run.purged_at is None]
    names += [path.stem for path in home.folder.glob("plans/*.parquet")]
    return [
        path
        for path in sorted(home.folder.glob("rejects/*.csv"))
        if path.stat().st_mtime * 1000 < before
        and not path.name.startswith(tuple(names))
    ]


def _unsent(home: Home, runs: list[Run], before: int) -> list[Where]:
    """Plans of no run, or of one that was purged, that were made before."""
    alive = {where(run.plan).stem for run in runs if run.purged_at is None}
    made: dict[Where, float] = {
        path: path.stat().st_mtime
        for kind in ("plans", "tests")
        for path in sorted(home.folder.glob(f"{kind}/*.parquet"))
    }
    if home.shared is not None:
        plans = home.objects.inside(home.shared / "plans")
        made |= {one.place: one.modified.timestamp() for one in plans}
    return [
        place
        for place, at in made.items()
        if place.stem not in alive and at * 1000 < before
    ]
