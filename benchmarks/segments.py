"""What counting segments costs: CPU nanoseconds per text of about 120 characters.

Run it with ``python benchmarks/segments.py [ROWS]``.  Three ways, on six kinds of text:
`measure` in the streaming engine; the floor, a plain `str.len_chars`; and a loop in
Python that weighs one character at a time.
"""

from __future__ import annotations

import random
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from bulksend.prepare.gsm7 import ALPHABET, EXTENSION
from bulksend.prepare.segments import measure

if TYPE_CHECKING:
    from collections.abc import Callable

SENTENCE = (
    "Hi there your order code is ready and will arrive today between 9 and 5 Reply "
    "STOP to end https://ex.co/a1b2 Thanks, 50% off!"
)


def texts(rows: int) -> list[str]:
    """Plain ASCII texts of 110 to 130 characters."""
    rng, words = random.Random(1), SENTENCE.split()
    return [
        " ".join(rng.choices(words, k=40))[: rng.randint(110, 130)] for _ in range(rows)
    ]


def kinds(plain: list[str]) -> dict[str, list[str]]:
    """The same texts with what makes them harder put into the middle."""

    def with_middle(middle: str, every: int = 1) -> list[str]:
        return [
            text[:60] + middle + text[60:] if row % every == 0 else text
            for row, text in enumerate(plain)
        ]

    return {
        "ASCII": plain,
        "ASCII, 1 % with a curly quote": with_middle("\u2019", every=100),
        "line breaks": with_middle("\n\n"),
        "brackets": with_middle("[1]"),
        "accents (GSM)": with_middle("é à ñ"),
        "curly quotes": with_middle("\u2019"),
        "emoji": with_middle("\U0001f389"),
    }


def scalar(text: str) -> int:
    """Segments by one character at a time."""
    gsm = all(character in ALPHABET for character in text)
    alone, part = (160, 153) if gsm else (70, 67)
    parts, room, units = 1, part, 0
    for character in text:
        wide = character in EXTENSION if gsm else character > "\uffff"
        weight = 2 if wide else 1
        units += weight
        if weight > room:
            parts, room = parts + 1, part
        room -= weight
    return 1 if units <= alone else parts


def nanoseconds(work: Callable[[], object], rows: int, rounds: int) -> float:
    """The best CPU time per row of several rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best / rows * 1e9


def main(rows: int) -> None:
    """Print a table, one line for each kind of text."""
    print(f"{'':32}{'measure':>9}{'floor':>9}{'Python':>9}")
    for kind, column in kinds(texts(rows)).items():
        frame = pl.LazyFrame({"text": column})
        ours = frame.select(measure(pl.col("text")))
        floor = frame.select(pl.col("text").str.len_chars())
        sample = column[: rows // 20]
        figures = (
            nanoseconds(partial(ours.collect, engine="streaming"), rows, 7),
            nanoseconds(partial(floor.collect, engine="streaming"), rows, 7),
            nanoseconds(partial(list, map(scalar, sample)), len(sample), 1),
        )
        print(f"{kind:32}" + "".join(f"{each:9,.0f}" for each in figures))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400_000)
