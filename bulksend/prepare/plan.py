"""The frozen plan: one Parquet file with a row for every row of the input.

A plan is what was decided, and it does not change: `send` takes it as it stands, and only
with its `seal` whole.  Its name carries a hash over everything that decides who gets which
text: the campaign, the bytes of every list, and the versions of the rules.  The same input
gives the same plan; another input never hides behind the same name.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Self

import polars as pl

from bulksend.errors import InputError, Problem
from bulksend.prepare import audience, seal
from bulksend.prepare.carriers import counted
from bulksend.prepare.phones import e164_text
from bulksend.prepare.sheets import Sheets
from bulksend.prepare.winners import winners

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

METADATA = "bulksend"
FORMAT = 1
CHUNK_ROWS = 20_000
MARK_LENGTH = 8

TO_SEND = ("row", "to", "from", "text", "media", "tag", "pace_weight", "once_key")

CARRIER = counted(
    pl.col("carrier_family"), pl.col("number_region"), pl.col("from")
).alias("carrier")
"""Whose caps a row counts against."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan on disk.

    Args:
        about: What was written into it beside the rows.

        address: Where it is in object storage; empty where it is a file of its own.

        put: When it was put there.
    """

    path: Path
    about: dict[str, Any]
    address: str = ""
    put: datetime | None = None

    @classmethod
    def open(
        cls, path: Path, address: str = "", *, put: datetime | None = None
    ) -> Self:
        """Raises InputError (E620), where it is not a plan of this version."""
        try:
            said = pl.read_parquet_metadata(path).get(METADATA)
            about = json.loads(said) if said else {}
        except (OSError, pl.exceptions.PolarsError, ValueError) as error:
            found = "there is no such file"
            if not isinstance(error, FileNotFoundError):
                found = "it is not a Parquet file, or damaged"
            file = address or str(path)
            raise InputError(Problem("E620", found, file=file)) from None
        known = about.get("format") if isinstance(about, dict) else None
        if known != FORMAT:
            found = f"it has format {known or 'none'}"
            wanted, file = f"a plan of format {FORMAT}", address or str(path)
            raise InputError(Problem("E620", found, wanted, file=file))
        return cls(path, about, address, put)

    @property
    def made_at(self) -> int:
        """When it was made, in milliseconds since 1970."""
        seconds = self.put.timestamp() if self.put else self.path.stat().st_mtime
        return int(seconds * 1000)

    @property
    def place(self) -> str:
        """Where any machine finds it: its address, or its path from here."""
        return self.address or str(self.path)

    @property
    def hash(self) -> str:
        return str(self.about["hash"])

    @property
    def run(self) -> str:
        """The run's name: the campaign, its slot and the beginning of the hash."""
        name = self.about["campaign"]["name"]
        if self.kind != "send":
            name = f"{name}-{self.kind}"
        return run_name(name, self.hash, self.slot)

    @property
    def kind(self) -> str:
        """``send``, or ``test``: a row's message for people of one's own."""
        return str(self.about.get("kind", "send"))

    @property
    def slot(self) -> str:
        """Which of a recurring campaign's sends it is; empty where that is not said."""
        return str(self.about.get("slot", ""))

    @property
    def mark(self) -> str:
        """What stands before the row in the key that ends every tag."""
        return f"#{self.hash[:MARK_LENGTH]}-"

    def tags(self) -> pl.Expr:
        """The tags as they are sent: the campaign's own, then the row's key."""
        return pl.concat_str("tag", pl.lit(self.mark), "row", ignore_nulls=True)

    @property
    def rows(self) -> int:
        return int(self.about["rows"])

    @property
    def sheets(self) -> Sheets:
        """Where its rows stand, of several files."""
        return Sheets(tuple(map(tuple, self.about.get("sheets", ()))))

    @property
    def shards(self) -> int:
        """Into how many parts it is cut, for as many senders."""
        return int(self.about.get("shards", 1))

    def shard(self, index: int) -> tuple[int, int]:
        """The first and the last row of a shard; together they are all rows, once.

        Raises:
            InputError: E565, where there is no such shard.
        """
        if not 0 <= index < self.shards:
            of = "that is in one piece" if self.shards == 1 else f"of {self.shards}"
            found = f"shard {index} of a plan {of}"
            raise InputError(Problem("E565", found, file=str(self.path)))
        rows = self.frame().select("row")
        first, after = (self.rows * k // self.shards for k in (index, index + 1))
        if first == after:  # more shards than rows
            return 0, -1
        ends = pl.concat([rows.slice(first, 1), rows.slice(after - 1, 1)]).collect()
        return ends["row"][0], ends["row"][1]

    def size(self, between: tuple[int, int]) -> tuple[int, int]:
        """How many rows there are, and how many of them get a message."""
        rows = self.frame().filter(pl.col("row").is_between(*between))
        counted = rows.select(pl.len(), sent=pl.col("reason").is_null().sum())
        return counted.collect().row(0)

    @property
    def inputs(self) -> list[str]:
        """The input's columns, in order, as the plan calls them."""
        return list(self.about["columns"])

    def frame(self) -> pl.LazyFrame:
        return pl.scan_parquet(self.path)

    def places(self) -> list[str]:
        """The words of all places where somebody who gets a message may be."""
        rows = self.frame().filter(pl.col("reason").is_null())
        found = rows.select(pl.col("place").cast(pl.String).unique()).collect()
        return found["place"].drop_nulls().to_list()

    def seal(self) -> seal.Seal:
        """Read from all of its bytes: a plan that was touched is another plan."""
        return seal.read(self.path)

    @contextmanager
    def undamaged(self) -> Iterator[None]:
        """For who reads its rows: what fails by damage is no fault of ours.

        Raises:
            InputError: E627, where it cannot be read, and is not as it was written.
        """
        try:
            yield
        except pl.exceptions.PolarsError as error:
            if self.seal().is_whole:
                raise
            found = "its bytes are not those that were written"
            raise InputError(Problem("E627", found, file=self.place)) from error

    def sendable(
        self,
        closed: pl.Series | None = None,
        only: pl.Series | None = None,
        *,
        between: tuple[int, int] | None = None,
    ) -> Iterator[pl.DataFrame]:
        """The rows to send, in order and in chunks, without those in *closed*.

        Args:
            only: The rows to choose from; None is all.

            between: The first and the last row to choose from.
        """
        frame = self._to_send().filter(_left(closed, only, between))
        for chunk in frame.collect_batches(
            chunk_size=CHUNK_ROWS, maintain_order=True, engine="streaming"
        ):
            for start in range(0, len(chunk), CHUNK_ROWS):
                yield chunk.slice(start, CHUNK_ROWS)

    def left(
        self,
        *columns: str,
        closed: pl.Series | None = None,
        only: pl.Series | None = None,
        between: tuple[int, int] | None = None,
    ) -> pl.DataFrame:
        """These columns of what `sendable` gives: ``row``, ``place``, ``carrier`` (whose caps)."""
        wanted = [CARRIER if name == "carrier" else pl.col(name) for name in columns]
        return (
            self.frame()
            .filter(pl.col("reason").is_null() & _left(closed, only, between))
            .select(*wanted)
            .collect(engine="streaming")
        )

    def open_rows(self, closed: pl.Series | None = None) -> pl.LazyFrame:
        """The rows to send, with all that the plan says of them."""
        return self.frame().filter(
            pl.col("reason").is_null() & _left(closed, None, None)
        )

    def drawn(
        self, closed: pl.Series, *, between: tuple[int, int] | None = None
    ) -> pl.DataFrame:
        """``row``, ``place`` and ``score`` of what `sendable` gives.

        The score is by chance, and a number's is the same in every plan of the campaign.
        """
        name = f"first of {self.about['campaign']['name']}"
        return (
            self.frame()
            .filter(pl.col("reason").is_null() & _left(closed, None, between))
            .select("row", "place", score=audience.score(name, pl.col("number_key")))
            .collect(engine="streaming")
        )

    def messages_of(self, rows: pl.Series, *, with_place: bool = False) -> pl.DataFrame:
        """These of the rows to send, in order."""
        near = pl.col("row").is_between(rows.min(), rows.max())  # skips row groups
        more = (pl.col("place"), CARRIER) if with_place else ()
        frame = self._to_send(*more)
        frame = frame.filter(near & pl.col("row").is_in(rows.implode()))
        return frame.collect(engine="streaming")

    def rows_of(
        self, numbers: pl.Series, *, between: tuple[int, int] | None = None
    ) -> list[int]:
        """The rows to send that go to any of these E.164 numbers; of a group, to anybody."""
        said = pl.LazyFrame({"to": numbers}).select(e164_text(pl.col("to")).alias("to"))
        found = (
            self.frame()
            .filter(pl.col("reason").is_null() & _left(None, None, between))
            .select("row", pl.col("to").str.split(","))
            .explode("to")
            .join(said, on="to", how="semi")
            .select(pl.col("row").unique().sort())
        )
        return found.collect(engine="streaming")["row"].to_list()

    def _to_send(self, *more: pl.Expr) -> pl.LazyFrame:
        frame = self.frame().filter(pl.col("reason").is_null())
        return frame.with_columns(tag=self.tags()).select(*TO_SEND, *more)

    def winners(self) -> pl.DataFrame:
        """For each row that lost to another: the row that is sent, or held out, instead.

        Returns:
            ``row`` and ``winner``, both Int64.
        """
        kept = self.about["campaign"]["recipients"].get("duplicates") == "keep"
        household = self.about.get("household")
        return winners(self.frame(), household, keeps_numbers=kept)

    def named_winners(self) -> dict[int, str]:
        """`winners`, as they are said: ``7``, or ``7 of east.csv``."""
        return {row: self.sheets.named(won) for row, won in self.winners().iter_rows()}


def _left(
    closed: pl.Series | None, only: pl.Series | None, between: tuple[int, int] | None
) -> pl.Expr:
    """Whether a row is not closed, and among those to choose from."""
    row = pl.col("row")
    wanted = [pl.lit(value=True)]
    if between is not None:
        wanted.append(row.is_between(*between))
    if closed is not None and len(closed):
        wanted.append(~row.is_in(closed.implode()))
    if only is not None:
        wanted.append(row.is_in(only.implode()))
    return pl.all_horizontal(wanted)


def run_name(campaign: str, plan_hash: str, slot: str = "") -> str:
    parts = [campaign, *([slot.replace(":", "")] if slot else []), plan_hash[:12]]
    return "-".join(parts)


def plan_hash(parts: dict[str, Any]) -> str:
    """One hash over what decides who gets which text."""
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return blake2b(canonical.encode(), digest_size=16).hexdigest()
