"""The rows that get no message, as files: those to mend, and those that a rule leaves out.

First what is wrong, then the row as it was, under its own headers: mended, the file is a
list of recipients itself.  That is why rows which lost to another row, or are on a list
of opt-outs, have a file of their own: in the one that is fed back, without the row that
won, they would be sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import polars as pl

from bulksend.prepare.columns import as_text
from bulksend.prepare.names import own
from bulksend.prepare.reasons import REASONS, explained
from bulksend.whole import not_kept

if TYPE_CHECKING:
    from bulksend.home import Home
    from bulksend.prepare.plan import Plan
    from bulksend.storage.location import Where

Place_co = TypeVar("Place_co", covariant=True)

OURS = ("rejected_file", "rejected_row", "rejected_reason", "rejected_because")
"""What stands in front of each row; the file only where there are several."""

BY_RULE = [reason.code for reason in REASONS.values() if reason.by_rule]


@dataclass(frozen=True, slots=True)
class Rejects(Generic[Place_co]):
    """The two files, and how many rows are in them; a file without rows is not there."""

    to_mend: Place_co
    mendable: int
    left_out: Place_co
    by_rule: int


def place_rejects(
    plan: Plan,
    place: Where,
    *,
    winners: pl.DataFrame | None = None,
    home: Home | None = None,
) -> Rejects[Where]:
    """As `write_rejects`; also as objects, with the credentials of *home*.

    Raises:
        InputError: E621, where they cannot be written; E693 to E695.
        Stopped: E698.
    """
    if isinstance(place, Path):
        return write_rejects(plan, place, winners=winners)
    assert home is not None, "an object needs credentials"
    beside = place.with_name(f"{place.stem}-left-out{place.suffix}")
    with home.outgoing(place.name) as path:
        written = write_rejects(plan, path, winners=winners)
        for file, there, rows in (
            (written.to_mend, place, written.mendable),
            (written.left_out, beside, written.by_rule),
        ):
            if rows:
                home.objects.overwrite(file, there, owner=plan.run)
    return Rejects(place, written.mendable, beside, written.by_rule)


def write_rejects(
    plan: Plan, path: Path, *, winners: pl.DataFrame | None = None
) -> Rejects[Path]:
    """Write the excluded rows as CSV: to *path* those to mend, beside it the others.

    With a byte order mark, or a spreadsheet would take the names for another encoding.

    Args:
        winners: `Plan.winners`, where they are known already.

    Raises:
        InputError: E621, where they cannot be written.
    """
    winners = plan.winners() if winners is None else winners
    left_out = path.with_name(f"{path.stem}-left-out{path.suffix}")
    is_by_rule = pl.col("reason").is_in(BY_RULE)
    excluded = (
        plan.frame()
        .filter(pl.col("reason").is_not_null())
        .with_columns(pl.col("reason").cast(pl.String))
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return Rejects(
            to_mend=path,
            mendable=_write(plan, excluded.filter(~is_by_rule), path, winners),
            left_out=left_out,
            by_rule=_write(plan, excluded.filter(is_by_rule), left_out, winners),
        )
    except OSError as error:
        raise not_kept(error, path) from error


def _write(plan: Plan, rows: pl.LazyFrame, path: Path, winners: pl.DataFrame) -> int:
    count = int(rows.select(pl.len()).collect(engine="streaming").item())
    if not count:
        path.unlink(missing_ok=True)  # of an earlier look at the same plan
        return 0
    schema, originals = plan.frame().collect_schema(), plan.about["headers"]
    cells = {originals[name]: as_text(name, schema[name]) for name in plan.inputs}
    several = bool(plan.sheets.files)
    said = {
        **({"rejected_file": pl.col("source_file")} if several else {}),
        "rejected_row": pl.col("source_row" if several else "row"),
        "rejected_reason": pl.col("reason"),
        "rejected_because": explained("reason", own("winner"), "reason_detail"),
    }
    named = plan.sheets.naming(pl.col("winner")).alias(own("winner"))
    won = winners.lazy().select("row", named)
    rows.join(won, on="row", how="left", maintain_order="left").select(
        **said,
        # A list that was mended may have ours of the last time; they are over.
        **{name: cell for name, cell in cells.items() if name not in OURS},
    ).sink_csv(path, include_bom=True, engine="streaming", maintain_order=True)
    return count
