"""A plan put on the disk: streamed, its rows counted, sealed; whole, or not at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl

from bulksend.errors import InputError, Problem
from bulksend.prepare import seal
from bulksend.prepare.plan import FORMAT, METADATA, Plan
from bulksend.whole import not_kept, whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def write(
    frame: pl.LazyFrame,
    path: Path,
    about: dict[str, Any],
    *,
    hold: Callable[[], None] = lambda: None,
) -> Plan:
    """Stream *frame* into a plan file that appears whole, or not at all.

    Args:
        hold: Asked before the plan appears; raises where it must not.

    Raises:
        InputError: E621, where it cannot be written; E222, where the lists gave other
            rows than were counted before.
    """
    words = {"format": FORMAT, seal.KEY: seal.BLANK}
    try:
        with whole(path, mode=0o444) as unfinished:
            frame.sink_parquet(
                unfinished,
                compression="lz4",
                metadata={METADATA: json.dumps(about | words)},
                maintain_order=True,
                engine="streaming",
            )
            hold()
            _check_rows(unfinished, about["rows"])
            seal.put(unfinished)
    except OSError as error:
        raise not_kept(error, path.parent) from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        hold()
        what = "they can be counted, and not be read"
        raise InputError(Problem("E222", what)) from error
    return Plan.open(path)


def _check_rows(path: Path, wanted: int) -> None:
    """Rows in = rows out, by the file itself."""
    rows = pl.scan_parquet(path).select(pl.len()).collect().item()
    if rows != wanted:
        what = f"the plan has {rows:,} rows"
        raise InputError(Problem("E222", what, f"{wanted:,} as counted in the lists"))
