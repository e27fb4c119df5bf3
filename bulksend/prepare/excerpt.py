"""A small plan made of a large one: some of its rows, or one of them for other people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from bulksend.errors import InputError, Problem
from bulksend.prepare.audience import sender
from bulksend.prepare.freezing import write
from bulksend.prepare.phones import e164_text, read_numbers
from bulksend.prepare.plan import Plan, plan_hash
from bulksend.prepare.preview import check_rows
from bulksend.prepare.reasons import REASONS, clause

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MOST_TESTERS = 10
"""Numbers that one test may go to; Bandwidth takes as many in a group message."""


def sample(plan: Plan, folder: Path, rows: int, campaign: Mapping[str, Any]) -> Plan:
    """At most *rows* of the rows that get a message, spread evenly over the plan.

    Args:
        folder: Where the new plan goes.

        campaign: What it says instead of the plan's own campaign.
    """
    frame = plan.frame().filter(pl.col("reason").is_null())
    total = frame.select(pl.len()).collect().item()
    rows = min(rows, total)
    wanted = [place * total // rows for place in range(rows)]
    index = pl.int_range(pl.len())
    chosen = frame.filter(index.is_in(pl.lit(pl.Series(wanted)).implode()))
    about = {"campaign": dict(campaign), "rows": rows, "shards": 1}
    return _written(plan, folder, chosen, about)


def for_testers(
    plan: Plan, folder: Path, row: int | None, numbers: Sequence[int], *, now: int
) -> Plan:
    """The message of one row, as it stands, to other numbers; at any hour.

    Args:
        row: A spreadsheet row; None is the first that gets a message.

        numbers: E.164, as `read_testers` gives them.

        now: Milliseconds since 1970: what is tested again is another test.

    Raises:
        InputError: E640, where there is no such row; E413, where it gets no message.
    """
    frame = plan.frame()
    if row is None:
        found = frame.filter(pl.col("reason").is_null()).head(1).collect()
    else:
        check_rows(plan, [row])
        found = frame.filter(pl.col("row") == row).collect()
    if not len(found) or found["reason"][0] is not None:
        why = "no row gets one"
        if row is not None:
            why = f"row {plan.sheets.named(row)} gets none"
        raise InputError(Problem("E413", why))
    campaign = plan.about["campaign"]
    senders = campaign["from"]
    keys = pl.DataFrame({"number_key": numbers}, schema={"number_key": pl.Int64})
    chosen = (
        found.drop("number_key", "to", "from", "row")
        .join(keys, how="cross")
        .with_columns(
            to=e164_text(pl.col("number_key")),
            row=pl.int_range(2, pl.len() + 2, dtype=pl.Int64),
        )
        .with_columns(
            sender(
                [senders] if isinstance(senders, str) else senders,
                pl.col("number_key"),
            ).alias("from")
        )
    )
    if campaign["message"].get("group"):
        together = ",".join(chosen["to"])
        chosen = chosen.head(1).with_columns(to=pl.lit(together))
        chosen = chosen.with_columns(pace_weight=pl.lit(len(numbers), pl.UInt16))
    said = {key: value for key, value in campaign.items() if key != "schedule"}
    rate = campaign.get("send", {}).get("rate", "1/s")
    said["send"] = {"rate": rate, "repeat": "allow"}
    about = {
        "kind": "test",
        "tested_at": now,
        "campaign": said,
        "rows": len(chosen),
        "sheets": (),
        "shards": 1,
    }
    columns = frame.collect_schema().names()
    return _written(plan, folder, chosen.select(columns).lazy(), about)


def read_testers(
    numbers: Sequence[str], region: str | None, suppressed: pl.Series
) -> list[int]:
    """Test numbers as E.164.

    Args:
        region: Where numbers without a country code belong.

        suppressed: Sorted numbers that get nothing, whoever asks for it.

    Raises:
        InputError: E414, with every number that cannot be read, is on a suppression
            list, or is one too many.
    """
    cells = pl.DataFrame({"cell": list(numbers)}, schema={"cell": pl.String})
    read = cells.select(read_numbers(pl.col("cell"), region).alias("read")).unnest(
        "read"
    )
    barred = set(suppressed.to_list())
    problems = []
    for cell, number, reason in zip(
        numbers, read["e164"], read["reason"].cast(pl.String), strict=True
    ):
        last = cell.strip()[-2:]
        if number is None:
            found = f"the number that ends in {last}: {clause(reason)}"
            problems.append(Problem("E414", found, fix=REASONS[reason].fix))
        elif number in barred:
            found = f"the number that ends in {last} is on a suppression list"
            problems.append(Problem("E414", found, fix="Test with another number."))
    if len(set(numbers)) > MOST_TESTERS:
        found = f"{len(set(numbers))} numbers"
        problems.append(Problem("E414", found, f"at most {MOST_TESTERS}"))
    if problems:
        raise InputError(problems)
    return list(dict.fromkeys(read["e164"].to_list()))


def _written(
    plan: Plan, folder: Path, frame: pl.LazyFrame, about: dict[str, Any]
) -> Plan:
    rows = frame.select("row", "to").collect()
    chosen = {
        "of": plan.hash,
        "rows": rows["row"].to_list(),
        "to": rows["to"].to_list(),
    }
    new = plan_hash(chosen | {"about": about})
    name = f"{plan.about['campaign']['name']}-{new[:12]}.parquet"
    path = folder / name
    if path.exists():
        return Plan.open(path)
    # At any hour: a rehearsal wakes nobody, and testers have asked for it.
    return write(frame, path, plan.about | {"hash": new, "hours": None} | about)
