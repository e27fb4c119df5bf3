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

    from bulksend.prepare.sheets import Sheets

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Changes:
    """Between an earlier plan and this one, among the people who get a message.

    Args:
        since: The earlier plan's run.

        rows: A few rows of this plan for each kind of change; *gone* are rows of the
            earlier one, whose files are those of *before*.

        texts: For a few of the changed rows: the row, its text before, and now.
    """

    since: str
    added: int
    gone: int
    changed: int
    rows: dict[str, tuple[int, ...]]
    before: Sheets
    texts: tuple[tuple[int, str, str], ...] = ()

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
    other = both.filter(pl.col("said") != pl.col("said_right")).sort("row")
    changed = other["row"]
    kinds = {"added": added, "gone": gone, "changed": changed}
    some = other.head(SHOWN)
    texts = zip(
        some["row"],
        _texts(before, some["row_right"]),
        _texts(after, some["row"]),
        strict=True,
    )
    return Changes(
        since=before.run,
        added=len(added),
        gone=len(gone),
        changed=len(changed),
        rows={kind: tuple(rows.sort().head(SHOWN)) for kind, rows in kinds.items()},
        before=before.sheets,
        texts=tuple(one for one in texts if one[1] != one[2]),
    )


def _texts(plan: Plan, rows: pl.Series) -> list[str]:
    """The texts of these rows, in their order."""
    if rows.is_empty():
        return []
    wanted = plan.frame().filter(pl.col("row").is_in(rows.implode()))
    found = dict(wanted.select("row", "text").collect(engine="streaming").iter_rows())
    return [found[row] for row in rows]


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
