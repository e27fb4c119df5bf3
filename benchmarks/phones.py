"""How fast `read_numbers` is beside `phonenumbers` row by row.

    python benchmarks/phones.py [rows]

CPU time of one process, all of its threads together, in one run: compare the ratios.
`phonenumbers` runs with its pattern cache on, which makes it two to six times as fast as
it is by default.
The lists are made here with a fixed seed, so that nobody's numbers are in them.
"""

from __future__ import annotations

import random
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import phonenumbers
import polars as pl

from bulksend.prepare.phones import metadata_version, read_numbers

if TYPE_CHECKING:
    from collections.abc import Callable

REFERENCE_ROWS = 20_000

CLEAN = ("{n}", "+1{n}", "1{n}")
WRITTEN = (
    "({a}) {b}-{c}",
    "{a}-{b}-{c}",
    "{a}.{b}.{c}",
    "+1 {a}-{b}-{c}",
    "1 {a} {b} {c}",
)
DIRTY = (
    "'+1{n}",
    "{n}.0",
    "1.{n}E+10",
    "1.{a}E+10",
    "+1\u00a0{a}\u00a0{b}\u00a0{c}",
    "{a}-{b}-{c} ext. 12",
    "tel:+1{n}",
    "011 44 20 7946 0{a}",
    "{b}{c}",
    "{n}, {n}",
    "1-800-FLOWERS",
    "n/a",
    "",
)


def american(rows: int, *, dirt: float, rng: random.Random) -> list[str]:
    """Half as digits, half with punctuation, and *dirt* of them as files have them."""
    found = []
    for _ in range(rows):
        number = (
            f"{rng.randint(201, 989)}{rng.randint(200, 999)}{rng.randint(0, 9999):04}"
        )
        kinds = DIRTY if rng.random() < dirt else rng.choice((CLEAN, WRITTEN))
        parts = {"n": number, "a": number[:3], "b": number[3:6], "c": number[6:]}
        found.append(rng.choice(kinds).format(**parts))
    return found


def worldwide(rows: int, rng: random.Random) -> list[str]:
    """Examples of every region and type, last digits changed, in three formats."""
    examples = [
        number
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        for kind in sorted(phonenumbers.supported_types_for_region(region))
        if (number := phonenumbers.example_number_for_type(region, kind))
    ]
    formats = [
        [phonenumbers.format_number(number, form) for number in examples]
        for form in (
            phonenumbers.PhoneNumberFormat.E164,
            phonenumbers.PhoneNumberFormat.E164,
            phonenumbers.PhoneNumberFormat.INTERNATIONAL,
        )
    ]
    return [
        rng.choice(rng.choice(formats))[:-1] + str(rng.randint(0, 9))
        for _ in range(rows)
    ]


def reference(cell: str) -> tuple[str, str | None, int] | None:
    """What `phonenumbers` says of one American cell."""
    try:
        number = phonenumbers.parse(cell, "US")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return (
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
        phonenumbers.region_code_for_number(number),
        phonenumbers.number_type(number),
    )


def row_by_row(cells: list[str]) -> None:
    for cell in cells:
        reference(cell)


def nanoseconds(work: Callable[[], object], rows: int) -> float:
    """CPU time a row; the best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best / rows * 1e9


def main(rows: int) -> None:
    phonenumbers.enable_pattern_cache()
    rng = random.Random(20261123)
    lists = {
        "US, clean": american(rows, dirt=0, rng=rng),
        "US, 5 % dirty": american(rows, dirt=0.05, rng=rng),
        "US, 20 % dirty": american(rows, dirt=0.2, rng=rng),
        "US, all floats": [
            f"{rng.randint(2012000000, 9899999999)}.0" for _ in range(rows)
        ],
        "world": worldwide(rows, rng),
    }
    numbers = read_numbers(pl.col("cell"), "US")
    print(f"phonenumbers {metadata_version()}, Polars {pl.__version__}, {rows:,} rows")
    print(f"{'ns of CPU per row':18}{'phonenumbers':>14}{'bulksend':>10}{'ratio':>7}")
    for name, cells in lists.items():
        sample = cells[:REFERENCE_ROWS]
        slow = nanoseconds(partial(row_by_row, sample), len(sample))
        frame = pl.DataFrame({"cell": cells})
        fast = nanoseconds(partial(frame.select, numbers), rows)
        print(f"{name:18}{slow:14,.0f}{fast:10,.0f}{slow / fast:7.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500_000)
