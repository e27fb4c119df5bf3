"""What a rehearsal proves: the journal's account of each row against the server's log."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Fate(NamedTuple):
    """A row, as the sender's journal has it; the tag names the row at both ends."""

    tag: str
    status: str
    message_id: str | None


class Taken(NamedTuple):
    """A message that the server has accepted, as its own log has it."""

    tag: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Proof:
    """The figures; the last four must be nothing.

    Args:
        arrived: Of the unknown, those that the server had accepted.

        kills: Times that the sender was killed.

        starts: Times that it was begun.

        faults: What the server did wrong, and how often.

        doubled: Rows that the server accepted more than once.

        lost: Rows without a fate at the end.

        wrong: Rows that are called accepted and were not, or called anything that means
            "not sent" and were.
    """

    rows: int
    accepted: int
    refused: int
    unknown: int
    arrived: int
    doubled: int
    lost: int
    wrong: int
    kills: int = 0
    starts: int = 0
    seconds: float = 0.0
    faults: dict[str, int] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        return not (self.doubled or self.lost or self.wrong)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"holds": self.holds}


MEANS_SENT = frozenset({"accepted", "delivered", "failed"})
NO_FATE = frozenset({"planned", "claimed"})


def prove(fates: Sequence[Fate], taken: Iterable[Taken]) -> Proof:
    """Compare row by row; neither side is asked what it thinks of the other."""
    log: dict[str, list[str]] = {}
    for message in taken:
        log.setdefault(message.tag, []).append(message.message_id)
    statuses = Counter(fate.status for fate in fates)
    unknown = [fate for fate in fates if fate.status == "unknown"]
    strangers = log.keys() - {fate.tag for fate in fates}
    return Proof(
        rows=len(fates),
        accepted=sum(statuses[status] for status in MEANS_SENT),
        refused=statuses["refused"],
        unknown=len(unknown),
        arrived=sum(fate.tag in log for fate in unknown),
        doubled=sum(len(ids) > 1 for ids in log.values()),
        lost=sum(fate.status in NO_FATE for fate in fates),
        wrong=len(strangers) + sum(_is_wrong(fate, log) for fate in fates),
    )


def _is_wrong(fate: Fate, log: dict[str, list[str]]) -> bool:
    ids = log.get(fate.tag, [])
    if fate.status in MEANS_SENT:
        return not ids or fate.message_id not in (None, *ids)
    return bool(ids) and fate.status != "unknown"
