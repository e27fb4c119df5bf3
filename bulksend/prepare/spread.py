"""The preparation by several machines: one plan, worked out in parts.

Theory of operation
-------------------
Three steps on workers, one here.  Between them everything lies in a *room*, a folder that
all of them share:

    read      a file each       checked as ever, and kept as Arrow
    judge     a stretch each    every row by itself (`judging`); what may still be sent is
                                parted by a hash of its number
    decide    a partition each  who loses to another: all rows of a number are in one
    join      here              the stretches in order, with what was decided of their rows

The steps are the functions by which one machine does it, so the plan is the same, to the
row and the hash; and each is a function of what lies in the room, so that one whose worker
died is done again by another.  Of a household the numbers lie anywhere: where one text
for each is asked for, all is one partition.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

import polars as pl

from bulksend.errors import InputError, Problem
from bulksend.prepare import audience
from bulksend.prepare.basis import Basis, basis, number_lists
from bulksend.prepare.blocks import Scratch
from bulksend.prepare.draft import SHARDS, Draft, cut, decided, draft, drafted
from bulksend.prepare.duplicates import claims
from bulksend.prepare.files import find_files
from bulksend.prepare.judging import judged
from bulksend.prepare.layout import plan_columns
from bulksend.prepare.lists import NumberList
from bulksend.prepare.names import own
from bulksend.prepare.room import get, keep, put, scan
from bulksend.prepare.sniff import Wish
from bulksend.prepare.source import gathered, read_part, state
from bulksend.storage.location import Location

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bulksend.define.load import Loaded
    from bulksend.prepare.delimited import Part
    from bulksend.storage.location import Where
    from bulksend.storage.spool import Spool

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

STRETCH_ROWS = 1_000_000
PARTITION_ROWS = 4_000_000
"""What one worker holds of numbers at a time: some 24 bytes a row."""

_FILES, _WORK = "files", "work"


class Step(Protocol[T_co]):
    """One piece of work, by what lies in the room and the piece's number."""

    def __call__(self, room: Path, number: int) -> T_co: ...


class Crew(Protocol):
    """Who does the work."""

    @property
    def room(self) -> Path:
        """Empty at first; every worker has it at this path."""

    @property
    def worth_bytes(self) -> int:
        """A list of less is not handed out: that would take longer than the work."""

    def each(self, step: Step[T], count: int) -> list[T]:
        """What *step* gives for each number below *count*, in order.

        Raises:
            InputError: What the steps raise.
            Stopped: A worker did not end its piece.
        """


class Files(NamedTuple):
    """The list's files, and how they are read."""

    names: dict[Path, str]
    wish: Wish


class Stretch(NamedTuple):
    """So many rows of a file, from the first of them (0 is the first row)."""

    part: int
    begin: int
    rows: int


class Judged(NamedTuple):
    """The first and the last row of a stretch, and its claims in each partition."""

    first: int
    last: int
    claims: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """What every worker must know to work any part of the plan out.

    Args:
        digests: Of the lists of numbers.

        hash: The plan's; a worker that comes to another one has other files.
    """

    loaded: Loaded
    version: str
    slot: str
    hash: str
    names: dict[Path, str]
    parts: tuple[Part, ...]
    digests: dict[str, str]
    stretches: tuple[Stretch, ...]
    partitions: int
    judged: tuple[Judged, ...] = ()


def draft_by(  # noqa: PLR0913 -- as `draft`, and who does it
    crew: Crew,
    loaded: Loaded,
    *,
    version: str,
    slot: str = "",
    shards: int = SHARDS,
    spool: Spool | None = None,
) -> Draft:
    """`draft`, worked out by a crew.

    Raises:
        InputError: As `draft`; E592, where a worker sees other files than are here.
        Stopped: A worker did not end its part.
    """
    recipients = loaded.campaign.recipients
    names = find_files(recipients.path, loaded.folder, spool)
    if sum(path.stat().st_size for path in names) < crew.worth_bytes:
        return draft(loaded, version=version, slot=slot, shards=shards, spool=spool)
    states = {path: state(path) for path in names}
    wish = Wish(recipients.delimiter, recipients.encoding, recipients.sheet)
    put(crew.room, _FILES, Files(_absolute(names), wish))
    parts = crew.each(read, len(names))
    source = gathered(names, parts, states, scratch=Scratch())
    found = basis(loaded, source, lambda: number_lists(loaded, spool))
    about = found.about(version=version, slot=slot)
    work = Work(
        replace(loaded, path=_absolute_path(loaded.path), notify=None),
        version,
        slot,
        about["hash"],
        _absolute(names),
        tuple(part for part in parts if not isinstance(part, tuple)),
        {key: one.digest for key, one in found.beside.lists.items()},
        tuple(_stretches(parts)),
        _partitions(found),
    )
    return drafted(found, cut(about, shards), lambda: _worked_out(crew, found, work))


def read(room: Path, number: int) -> Part | tuple[Problem, ...]:
    """A worker's step: one file, checked and kept; or what is wrong with it."""
    files: Files = get(room, _FILES)
    path, name = list(files.names.items())[number]
    before = state(path)
    scratch = Scratch()
    try:
        part = read_part(path, name, files.wish, scratch)
        if isinstance(part, tuple):
            return part
        kept = keep(part.frame, room / f"list-{number}.arrow")
        rows = kept.select(pl.len()).collect().item()
        if state(path) != before or rows != part.rows:
            what = "the file was changed while it was read"
            return (Problem("E222", what, file=name),)
        return replace(part, frame=kept)
    finally:
        scratch.close()


def judge(room: Path, number: int) -> Judged:
    """A worker's step: every row of a stretch by itself."""
    work: Work = get(room, _WORK)
    found = _basis(work, room, work.stretches[number])
    names = claims(found.loaded, found.named)
    frame = judged(found).select(_asked_for(found, names))
    rows = keep(frame, room / f"rows-{number}.arrow")
    claim = rows.filter(pl.col(own("reason")).is_null()).select(names).collect()
    place = audience.score("partition", pl.col(own("e164"))) % work.partitions
    parted = claim.with_columns(place.alias("partition")).sort(
        "partition", "row", maintain_order=True
    )
    counts = dict(parted.group_by("partition").len().iter_rows())
    keep(parted.drop("partition").lazy(), room / f"claims-{number}.arrow")
    ends = rows.select(first=pl.col("row").first(), last=pl.col("row").last())
    first, last = ends.collect().row(0)
    return Judged(
        first, last, tuple(counts.get(one, 0) for one in range(work.partitions))
    )


def decide(room: Path, number: int) -> int:
    """A worker's step: who of a partition loses to another; how many rows that touches."""
    work: Work = get(room, _WORK)
    found = _basis(work, room, None)
    parts = [
        scan(room / f"claims-{place}.arrow").slice(
            sum(one.claims[:number]), one.claims[number]
        )
        for place, one in enumerate(work.judged)
    ]
    claim = pl.concat(parts).collect()
    wanted = sum(one.claims[number] for one in work.judged)
    if len(claim) != wanted:
        what = f"{len(claim):,} of {wanted:,} rows of a part are there"
        raise InputError(Problem("E222", what, file=str(room)))
    frame = decided(claim.lazy(), found)
    fates = [
        one for one in (own("reason"), own("nth")) if one in frame.collect_schema()
    ]
    touched = pl.any_horizontal(pl.col(one).is_not_null() for one in fates)
    told = frame.filter(touched).select("row", *fates)
    fate = told.rename({own("reason"): own("fate")})
    kept = keep(fate, room / f"fates-{number}.arrow")
    return int(kept.select(pl.len()).collect().item())


def _worked_out(crew: Crew, found: Basis, work: Work) -> pl.LazyFrame:
    for key, numbers in found.beside.lists.items():
        keep(numbers.numbers.to_frame().lazy(), crew.room / f"{key}.arrow")
    put(crew.room, _WORK, work)
    done = tuple(crew.each(judge, len(work.stretches)))
    put(crew.room, _WORK, replace(work, judged=done))
    crew.each(decide, work.partitions)
    kept = [crew.room / f"fates-{number}.arrow" for number in range(work.partitions)]
    fates = pl.concat(map(scan, kept)).sort("row").collect()
    rows = fates["row"]
    frames = []
    for number, one in enumerate(done):
        begin = rows.search_sorted(one.first)
        own_fates = fates.slice(begin, rows.search_sorted(one.last, "right") - begin)
        frames.append(_with_fates(scan(crew.room / f"rows-{number}.arrow"), own_fates))
    return pl.concat(frames)


def _with_fates(rows: pl.LazyFrame, fates: pl.DataFrame) -> pl.LazyFrame:
    reason = pl.coalesce(own("fate"), own("reason")).alias(own("reason"))
    joined = rows.join(fates.lazy(), on="row", how="left", maintain_order="left")
    return joined.with_columns(reason)


def _asked_for(found: Basis, names: Sequence[str]) -> list[str]:
    """The columns that are needed later: by the plan's, and for these *names*."""
    final, _ = plan_columns(found.loaded, found.source)
    columns = {one for each in final for one in _roots(each)} - {own("nth")}
    return sorted(columns.union(names))


def _roots(column: str | pl.Expr) -> list[str]:
    return [column] if isinstance(column, str) else column.meta.root_names()


def _basis(work: Work, room: Path, stretch: Stretch | None) -> Basis:
    """The same basis as where the plan is asked for, for a stretch of the rows.

    Raises:
        InputError: E592, where this machine sees another campaign.
    """
    source = gathered(work.names, work.parts, {}, scratch=Scratch())

    def lists() -> dict[str, NumberList]:
        return {
            key: NumberList(
                scan(room / f"{key}.arrow").collect()["numbers"], digest, ()
            )
            for key, digest in work.digests.items()
        }

    if stretch is not None:
        frame = source.frames[stretch.part].slice(stretch.begin, stretch.rows)
        source = replace(source, frames=(frame,))
    found = basis(work.loaded, source, lists)
    if found.about(version=work.version, slot=work.slot)["hash"] != work.hash:
        what = "it sees another campaign, template or rules there"
        raise InputError(Problem("E592", what, file=str(work.loaded.folder)))
    return found


def _stretches(parts: Sequence[Part | tuple[Problem, ...]]) -> list[Stretch]:
    return [
        Stretch(number, begin, min(STRETCH_ROWS, part.rows - begin))
        for number, part in enumerate(parts)
        if not isinstance(part, tuple)
        for begin in range(0, part.rows, STRETCH_ROWS)
    ]


def _partitions(found: Basis) -> int:
    if found.named["recipients.household"]:
        return 1
    return -(-found.source.rows // PARTITION_ROWS)


def _absolute(names: dict[Path, str]) -> dict[Path, str]:
    return {path.absolute(): name for path, name in names.items()}


def _absolute_path(place: Where) -> Where:
    return place if isinstance(place, Location) else place.absolute()
