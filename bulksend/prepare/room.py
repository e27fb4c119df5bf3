"""What several machines hand each other while they make a plan: files in a folder."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import polars as pl

from bulksend.errors import InputError, Problem
from bulksend.whole import not_kept, whole

if TYPE_CHECKING:
    from pathlib import Path

_BATCH = 1 << 14
"""Rows: of a file's middle no more is read than is asked for."""


def keep(frame: pl.LazyFrame, path: Path) -> pl.LazyFrame:
    """*frame* as a file of Arrow's, which holds every type as it is.

    Raises:
        InputError: E621, where it cannot be written; E222, where the list's file cannot
            be read again.
    """
    if not path.parent.is_dir():  # nobody waits any more: leave no numbers behind
        raise InputError(
            Problem("E621", "the plan was given up", file=str(path.parent))
        )
    try:
        with whole(path, mode=0o600) as unfinished:
            frame.sink_ipc(
                unfinished,
                compression="lz4",
                record_batch_size=_BATCH,
                maintain_order=True,
                engine="streaming",
            )
    except OSError as error:
        raise not_kept(error, path.parent) from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        what = "they can be counted, and not be read"
        raise InputError(Problem("E222", what)) from error
    return scan(path)


def scan(path: Path) -> pl.LazyFrame:
    return pl.scan_ipc(path, glob=False)


def put(room: Path, name: str, value: object) -> None:
    with whole(room / f"{name}.pickle", mode=0o600) as unfinished:
        unfinished.write_bytes(pickle.dumps(value))


def get(room: Path, name: str) -> Any:
    """What `put` put; the room is for its owner only."""
    return pickle.loads((room / f"{name}.pickle").read_bytes())  # noqa: S301
