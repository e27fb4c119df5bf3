"""Whether the files that a plan was made from are still what they were."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING

from bulksend.errors import InputError, Problem
from bulksend.prepare.files import find_files, is_there
from bulksend.prepare.list_columns import Reading
from bulksend.prepare.lists import read_list
from bulksend.prepare.source import joint_digest
from bulksend.storage.location import is_address, is_gone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bulksend.define.campaign import Campaign
    from bulksend.prepare.plan import Plan
    from bulksend.storage.spool import Spool

NOT_THERE = frozenset({"E201", "E696"})
"""Of objects; what is there and cannot be read has other codes."""


def changed_inputs(plan: Plan, campaign: Campaign, spool: Spool) -> list[Problem]:
    """A gate for each input that changed since the plan was made.

    Not for suppression lists: who is on one by now is kept out (`late_opt_outs`).  A file
    that is not there any more says nothing: a plan may be sent on another machine than
    the one it was made on.  Where one does not let us look, nobody knows what has changed.

    Raises:
        InputError: E200 or E330, one is there and cannot be read; E691 to E695, what
            stands against looking at an object.
        Stopped: E698, where object storage does not answer.
    """
    now = _now(plan, spool)
    return [
        Problem("E626", f"{name} changed since this plan was made", file=plan.place)
        for name in _changed(plan.about["inputs"], campaign, now)
    ]


def late_opt_outs(
    plan: Plan,
    campaign: Campaign,
    spool: Spool,
    *,
    named: Sequence[str] = (),
    between: tuple[int, int] | None = None,
) -> list[int]:
    """The rows whose people are on a suppression list by now, and get a message by the plan.

    Of the lists that the plan was made with, as far as they are here; and of others that
    the campaign names since.  Whoever was taken off a list stays as planned.

    Args:
        named: The lists that the campaign names now.

        between: The first and the last row that are asked for.

    Raises:
        InputError: A list is there and cannot be read (E2xx), or is named since and not
            there; what stands against looking at an object.
        Stopped: E698.
    """
    recipients, now = campaign.recipients, _now(plan, spool)
    find_files(
        [one for one in named if one not in recipients.suppress], now.folder, spool
    )
    known = plan.about["inputs"]["suppress"].split("+")
    paths = dict.fromkeys((*recipients.suppress, *named))
    changed = [path for path in paths if now.differs([path], *known)]
    if not changed:
        return []
    phone, region = recipients.phone, recipients.default_region
    reading = Reading(now.folder, phone, region, keeps_out=True, spool=spool)
    return plan.rows_of(read_list(changed, reading).numbers, between=between)


@dataclass(frozen=True, slots=True)
class _Now:
    """The inputs as they are now.

    Args:
        taken: The versions of the objects that the plan was made from.
    """

    folder: Path
    spool: Spool
    taken: dict[str, str]

    def differs(self, paths: Sequence[str], *known: str) -> bool:
        """Whether they are there, with none of the digests that `Source.digest` had.

        Raises:
            InputError: One is there, and cannot be read.
        """
        if not all(is_there(path, self.folder) for path in paths):
            return False
        try:
            if paths and all(map(self._is_as_taken, paths)):
                return False
            files = find_files(paths, self.folder, self.spool)
        except InputError as error:
            if {one.code for one in error.problems} <= NOT_THERE:
                return False
            raise
        return joint_digest([_digest(*file) for file in files.items()]) not in known

    def _is_as_taken(self, path: str) -> bool:
        """By the objects' versions alone: nothing is fetched."""
        return is_address(path) and self.spool.is_as_taken(path, self.taken)


def _now(plan: Plan, spool: Spool) -> _Now:
    return _Now(Path(plan.about["folder"]), spool, plan.about.get("objects", {}))


def _changed(said: dict[str, str], campaign: Campaign, now: _Now) -> Iterator[str]:
    recipients = campaign.recipients
    if now.differs(recipients.path, said["recipients"]):
        yield ", ".join(recipients.path)
    for path, known in zip(recipients.only, said["only"].split("+"), strict=False):
        if now.differs([path], known):
            yield path
    name = campaign.message.file
    if name is None or is_gone(now.folder / name):
        return
    try:
        text = (now.folder / name).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        yield name  # that of the plan was UTF-8
        return
    except OSError as error:
        what = (error.strerror or str(error)).lower()
        raise InputError(Problem("E330", what, file=name)) from None
    if text.removesuffix("\n") != said["template"]:
        yield name


def _digest(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as stream:
            return file_digest(stream, "sha256").digest()
    except OSError as error:
        what = f"the file cannot be read ({error.strerror or error})"
        raise InputError(Problem("E200", what, file=name)) from None
