"""What differs between two plans of one campaign: who is new, who is gone, what is said.

"The list changed" is where wrong exports are caught, so it is worth a look before every
send.  Compared by number; texts by their hash.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from bulksend.errors import InputError
from bulksend.prepare.plan import Plan

if TYPE_CHECKING:
    from pathlib import Path

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Changes:
    """Between an earlier plan and this one, among the people who get a message.

    Args:
        since: The earlier plan's run.

        rows: A few rows of this plan for each kind of change; *gone* are rows of the
            earlier one.
    """

    since: str
    added: int
    gone: int
    changed: int
    rows: dict[str, tuple[int, ...]]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def earlier_plan(plan: Plan) -> Plan | None:
    """The newest other plan of the same campaign in the same folder."""
    name = plan.about["campaign"]["name"]
    found: list[tuple[float, Path]] = [
        (path.stat().st_mtime, path)
        for path in plan.path.parent.glob(f"{name}-*.parquet")
        if path != plan.path
    ]
    for _, path in sorted(found, reverse=True):
        try:
            other = Plan.open(path)
        except InputError:
            continue
        if other.about["campaign"]["name"] == name:
            return other
    return None


def changes(before: Plan, after: Plan) -> Changes:
    """Compare two plans."""
    old, new = _people(before), _people(after)
    added = new.join(old, on="key", how="anti")["row"]
    gone = old.join(new, on="key", how="anti")["row"]
    both = new.join(old, on="key")
    changed = both.filter(pl.col("said") != pl.col("said_right"))["row"]
    kinds = {"added": added, "gone": gone, "changed": changed}
    return Changes(
        since=before.run,
        added=len(added),
        gone=len(gone),
        changed=len(changed),
        rows={kind: tuple(rows.sort().head(SHOWN)) for kind, rows in kinds.items()},
    )


def _people(plan: Plan) -> pl.DataFrame:
    said = pl.concat_str("text", "media", separator="\n", ignore_nulls=True).hash(
        seed=0
    )
    return (
        plan.frame()
        .filter(pl.col("reason").is_null())
        .select("row", key=pl.col("number_key"), said=said)
        .collect(engine="streaming")
        .unique("key", keep="first", maintain_order=True)
    )
