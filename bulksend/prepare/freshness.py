"""Whether the files that a plan was made from are still what they were."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING

from bulksend.errors import InputError, Problem
from bulksend.prepare.files import find_files
from bulksend.prepare.source import joint_digest
from bulksend.storage.location import is_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bulksend.define.campaign import Campaign
    from bulksend.prepare.plan import Plan
    from bulksend.storage.spool import Spool

NOT_TOLD = frozenset({"E200", "E201", "E696"})
"""A file that is not there any more says nothing; what may not be looked at, does."""


def changed_inputs(plan: Plan, campaign: Campaign, spool: Spool) -> list[Problem]:
    """A gate for each input that changed since the plan was made.

    A file that is not there any more says nothing: a plan may be sent on another machine
    than the one it was made on.  Object storage is the same from everywhere: where it
    does not let us look, nobody knows who was added to the opt-outs.

    Raises:
        InputError: E691 to E695, what stands against looking at an object.
        Stopped: E698, where object storage does not answer.
    """
    now = _now(plan, spool)
    return [
        Problem("E626", f"{name} changed since this plan was made", file=plan.place)
        for name in _changed(plan.about["inputs"], campaign, now)
    ]


def changed_suppression(plan: Plan, campaign: Campaign, spool: Spool) -> list[Problem]:
    """A gate for each suppression list that changed while a run of the plan was under way.

    What was begun is finished as it was planned; but for whoever asked for no more texts.

    Raises:
        InputError, Stopped: As `changed_inputs`.
    """
    fix = (
        "`bulksend suppress import` this list, which every message is held to, and then "
        "add --as-planned; or `bulksend run` the campaign with --replan."
    )
    return [
        Problem(
            "E626", f"{name} changed since this run began", fix=fix, file=plan.place
        )
        for name in _of_kind(
            "suppress", plan.about["inputs"], campaign, _now(plan, spool)
        )
    ]


@dataclass(frozen=True, slots=True)
class _Now:
    """The inputs as they are now.

    Args:
        taken: The versions of the objects that the plan was made from.
    """

    folder: Path
    spool: Spool
    taken: dict[str, str]

    def differs(self, paths: Sequence[str], known: str) -> bool:
        """Whether they are there, and have another digest than `Source.digest` had."""
        digests = []
        try:
            if paths and all(map(self._is_as_taken, paths)):
                return False
            for path in find_files(paths, self.folder, self.spool):
                with path.open("rb") as stream:
                    digests.append(file_digest(stream, "sha256").digest())
        except OSError:
            return False
        except InputError as error:
            if {one.code for one in error.problems} <= NOT_TOLD:
                return False
            raise
        return joint_digest(digests) != known

    def _is_as_taken(self, path: str) -> bool:
        """By the objects' versions alone: nothing is fetched."""
        return is_address(path) and self.spool.is_as_taken(path, self.taken)


def _now(plan: Plan, spool: Spool) -> _Now:
    return _Now(Path(plan.about["folder"]), spool, plan.about.get("objects", {}))


def _of_kind(
    key: str, said: dict[str, str], campaign: Campaign, now: _Now
) -> Iterator[str]:
    paths: Sequence[str] = getattr(campaign.recipients, key)
    for path, known in zip(paths, said[key].split("+"), strict=False):
        if now.differs([path], known):
            yield path


def _changed(said: dict[str, str], campaign: Campaign, now: _Now) -> Iterator[str]:
    recipients = campaign.recipients
    if now.differs(recipients.path, said["recipients"]):
        yield ", ".join(recipients.path)
    for key in ("suppress", "only"):
        yield from _of_kind(key, said, campaign, now)
    if (name := campaign.message.file) is not None:
        try:
            text = (now.folder / name).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return
        if text.removesuffix("\n") != said["template"]:
            yield name
