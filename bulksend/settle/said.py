"""Numbers and senders as an operator writes them.

Both end as the runs have them: a word about a number that is spelled otherwise, of a person
or of ours, would hold nobody back.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from bulksend.define.kinds import SENDER_PATTERN
from bulksend.errors import InputError, Problem
from bulksend.journal.suppressions import EVERY_SENDER
from bulksend.logs import mask_numbers
from bulksend.prepare.phones import read_numbers, renewed_number
from bulksend.prepare.reasons import clause

if TYPE_CHECKING:
    from collections.abc import Sequence


def read(texts: Sequence[str], region: str | None) -> list[str]:
    """Numbers in E.164, as they are read in a campaign's list.

    Raises:
        InputError: E651, with every text that is no number.
    """
    numbers: list[str] = []
    problems: list[Problem] = []
    for place, (text, (number, why)) in enumerate(_read(texts, region), 1):
        if number:
            numbers.append(number)
            continue
        which = f"`{mask_numbers(text)}`"
        if len(texts) > 1:
            which = f"{which}, number {place} of {len(texts)}"
        problems.append(Problem("E651", f"{which}: {why}"))
    if problems:
        raise InputError(problems)
    return numbers


def read_sender(text: str, region: str | None) -> str:
    """The sender as the campaign's `from` has it; "" for every one.

    Digits alone are a short code, unless *region* has a number of that length.

    Raises:
        InputError: E657, where no campaign can have such a sender.
    """
    if not text:
        return EVERY_SENDER
    said = text.strip()
    is_sender = re.fullmatch(SENDER_PATTERN, said) is not None
    if is_sender and said.startswith("+"):
        return said
    is_name = any(map(str.isalpha, said))
    ((_, (number, why)),) = _read([said], region)
    if number and not is_name:
        return number
    if is_sender:
        return said
    if is_name:
        why = "a name has at most 11 of A-Z a-z 0-9 space - + _ &"
    raise InputError(Problem("E657", f"{mask_numbers(said)!r}: {why}"))


def _read(
    texts: Sequence[str], region: str | None
) -> list[tuple[str, tuple[str, str]]]:
    """Each text with its number, or with why it is none."""
    cells = pl.Series("said", list(map(renewed_number, texts)), dtype=pl.String)
    found = cells.to_frame().select(read_numbers(pl.col("said"), region).alias("it"))
    read = []
    for one in found["it"]:
        number = "" if one["e164"] is None else f"+{one['e164']}"
        why = clause(one["reason"]) if one["reason"] else ""
        read.append((number, why))
    return list(zip(texts, read, strict=True))
