"""Recipient lists as dirty as real ones: any length, always the same for a seed.

    python -m benchmarks.listing ROWS FOLDER

writes ``FOLDER/recipients.csv`` (six columns) and ``FOLDER/opt-outs.csv`` (a million
numbers, or as many as there are rows).

Every value of a row is a function of the row's own number, so that a list comes out in
pieces, and the same whatever their size.  People are numbered too, and a phone number is
a one-to-one function of its person: the only duplicates are those that are meant.  The
numbers are valid by libphonenumber's rules, and nothing is ever sent to them.

Of the rows 8 % have a number that needs a repair or is past repair, 3 % are of a person
who came before, and 4 % have no first name.  One row in a hundred opted out.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SEED = 20261123
SUPPRESSED = 1_000_000
PIECE = 250_000
DUPLICATES_PER_MILLE = 30
OPTED_OUT_EVERY = 100

AREAS = [
    str(area)
    for block in (range(201, 220), range(301, 320), range(401, 420))
    for area in block
    if area not in {204, 211, 306, 311, 403, 411, 416, 418}
]
EXCHANGES = [str(number) for number in range(212, 1000)]
LINES = 10_000
SPACE = len(AREAS) * len(EXCHANGES) * LINES
STRIDE = 179_424_691
"""A prime that does not divide SPACE: multiplying by it modulo SPACE is one-to-one."""

# The names with letters that GSM lacks are as rare as in an American list.
COMMON = ("James", "Robert", "Linda", "Michael", "Patricia", "Jennifer", "Christopher")
LESS_COMMON = ("Maria", "Barbara", "Elizabeth", "Anna", "Bob", "Guadalupe", "Wei")
RARE = ("Zoë", "Siobhán", "José", "Jean-Luc", "O'Neil", "Aaliyah")
FIRST_NAMES = [*COMMON * 8, *LESS_COMMON * 4, *RARE]
LAST_NAMES = [
    *("Smith", "Johnson", "Williams", "Brown", "Jones", "García", "Miller", "Davis"),
    *("Rodríguez", "Martinez", "Nguyen", "Lee", "Thompson", "White", "Harris", "King"),
]
CITIES = [
    *("Raleigh", "Durham", "Cary", "Charlotte", "Wilmington", "Asheville", "Apex") * 2,
    *("Winston-Salem", "Chapel Hill", "New Bern", "Washington, DC"),
]

# How people write a number: {n} all ten digits, {a} {b} {c} its three parts.
USUAL = (
    *("+1{n}",) * 6,
    *("{n}",) * 5,
    *("({a}) {b}-{c}",) * 4,
    *("{a}-{b}-{c}",) * 3,
    *("{a}.{b}.{c}",) * 2,
)
REPAIRABLE = (
    "1{n}",
    "'+1{n}",
    "{n}.0",
    "1.{n}E+10",
    "+1\u00a0{a}\u00a0{b}\u00a0{c}",
    "{a}-{b}-{c} ext. 12",
    "tel:+1{n}",
    "\u202a+1{n}\u202c",
)
BAD = ("1.{a}E+10", "{b}-{c}", "{n}, 4155550100", "1-800-FLOWERS", "n/a", "-", "")
WAYS = [*USUAL * 46, *REPAIRABLE * 6, *BAD * 4, "{a}", "{n}{c}", "?", "0"]
"""A thousand: what is drawn from them has the shares that the first lines promise."""


def recipients(rows: int, *, seed: int = SEED) -> Iterator[pl.DataFrame]:
    """The list in pieces, in order."""
    for start in range(0, rows, PIECE):
        yield _piece(start, min(start + PIECE, rows), seed)


def opt_outs(entries: int, rows: int, *, seed: int = SEED) -> pl.DataFrame:
    """Every hundredth person of a list of *rows*, then people who are not in it; mixed."""
    known = min(rows // OPTED_OUT_EVERY, entries)
    place = pl.int_range(entries, dtype=pl.Int64)
    people = (
        pl.when(place < known).then(place * OPTED_OUT_EVERY).otherwise(place + rows)
    )
    frame = pl.select(person=people).select(
        number=_written(pl.repeat("+1{n}", pl.len()), pl.col("person"))
    )
    return frame.sample(fraction=1.0, shuffle=True, seed=seed)


def write(
    rows: int, folder: Path, *, suppressed: int = SUPPRESSED, seed: int = SEED
) -> None:
    """Both files, into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "recipients.csv").open("wb") as file:
        for place, piece in enumerate(recipients(rows, seed=seed)):
            piece.write_csv(file, include_header=place == 0)
    opt_outs(suppressed, rows, seed=seed).write_csv(folder / "opt-outs.csv")


def _piece(start: int, end: int, seed: int) -> pl.DataFrame:
    row = pl.col("row")

    def one_of(words: Sequence[str], salt: int) -> pl.Expr:
        return pl.lit(pl.Series(words)).gather(_drawn(row, len(words), seed + salt))

    is_again = _drawn(row, 1_000, seed + 1) < DUPLICATES_PER_MILLE
    earlier = _drawn(row, 1 << 32, seed + 2) % pl.max_horizontal(row, 1)
    dollars, cents = _drawn(row, 400, seed + 3) + 5, _drawn(row, 90, seed + 4) + 10
    return pl.select(row=pl.int_range(start, end, dtype=pl.Int64)).select(
        customer_id=pl.format("C{}", row + 1_000_000),
        first_name=pl.when(_drawn(row, 100, seed + 5) >= 4).then(
            one_of(FIRST_NAMES, 6)
        ),
        last_name=one_of(LAST_NAMES, 7),
        mobile=_written(
            one_of(WAYS, 8), pl.when(is_again).then(earlier).otherwise(row)
        ),
        city=one_of(CITIES, 9),
        due=pl.format("{}.{}", dollars, cents),
    )


def _drawn(row: pl.Expr, below: int, salt: int) -> pl.Expr:
    """A number below *below* that looks drawn: the row's own, well mixed.

    The multiplications are to overflow; the odd factors are those of splitmix64.
    """
    mixed = (row.cast(pl.UInt64) + salt * 1_000_003) * _word(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed // (1 << 30))) * _word(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed // (1 << 27))) * _word(0x94D049BB133111EB)
    return ((mixed // (1 << 31)) % below).cast(pl.Int64)


def _word(value: int) -> pl.Expr:
    return pl.lit(value, pl.UInt64)


def _written(way: pl.Expr, person: pl.Expr) -> pl.Expr:
    """The person's phone number, written that way."""
    number = (person * STRIDE) % SPACE
    line = (number % LINES).cast(pl.String).str.zfill(4)
    number = number // LINES
    exchange = pl.lit(pl.Series(EXCHANGES)).gather(number % len(EXCHANGES))
    area = pl.lit(pl.Series(AREAS)).gather(number // len(EXCHANGES))
    parts = {"{n}": pl.concat_str(area, exchange, line)} | {
        "{a}": area,
        "{b}": exchange,
        "{c}": line,
    }
    for sign, digits in parts.items():
        way = way.str.replace(sign, digits, literal=True)
    return way


if __name__ == "__main__":
    count = int(sys.argv[1])
    write(count, Path(sys.argv[2]), suppressed=min(count, SUPPRESSED))
