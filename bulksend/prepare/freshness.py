"""Whether the files that a plan was made from are still what they were."""

from __future__ import annotations

from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING

from bulksend.errors import InputError, Problem
from bulksend.prepare.source import find_files, joint_digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bulksend.define.campaign import Campaign
    from bulksend.prepare.plan import Plan


def changed_inputs(plan: Plan, campaign: Campaign) -> list[Problem]:
    """A gate for each input that changed since the plan was made.

    A file that is not there any more says nothing: a plan may be sent on another machine
    than the one it was made on.
    """
    folder = Path(plan.about["folder"])
    return [
        Problem("E626", f"{name} changed since this plan was made", file=str(plan.path))
        for name in _changed(plan.about["inputs"], campaign, folder)
    ]


def _changed(said: dict[str, str], campaign: Campaign, folder: Path) -> Iterator[str]:
    recipients = campaign.recipients
    if _digest(recipients.path, folder) not in (None, said["recipients"]):
        yield ", ".join(recipients.path)
    for key in ("suppress", "only"):
        paths: Sequence[str] = getattr(recipients, key)
        for path, known in zip(paths, said[key].split("+"), strict=False):
            if _digest([path], folder) not in (None, known):
                yield path
    if (name := campaign.message.file) is not None:
        try:
            text = (folder / name).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return
        if text.removesuffix("\n") != said["template"]:
            yield name


def _digest(paths: Sequence[str], folder: Path) -> str | None:
    """As `Source.digest` has it; None where a file is missing."""
    digests = []
    try:
        for path in find_files(paths, folder):
            with path.open("rb") as stream:
                digests.append(file_digest(stream, "sha256").digest())
    except (InputError, OSError):
        return None
    return joint_digest(digests)
