"""Columns: fit names from a header, the one that a campaign means, any type as text."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from bulksend.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# A phone number, or the ten to fifteen digits of one (E.164 allows fifteen).
_NUMBER = re.compile(r"\s*'?\+?(?:[\s().\-/]*\d){10,15}[\s)]*(?:\.0)?\s*")
_PHONE_WORDS = ("phone", "mobile", "cell", "tel", "msisdn", "number", "handy", "sms")


def clean_header(
    cells: Sequence[str], *, file: str, row: int = 1
) -> tuple[tuple[str, ...], list[Problem]]:
    """Column names fit for use, and what had to be done to them.

    Raises:
        InputError: A name is there twice or has a NUL byte, or the first row holds data.
    """
    names = list(map(_bare, cells))
    if nuls := [place for place, name in enumerate(names, start=1) if "\0" in name]:
        what = f"a NUL byte is in the name of column {nuls[0]}"
        raise InputError(Problem("E206", what, file=file, row=row, more=len(nuls) - 1))
    data = [name for name in names if _NUMBER.fullmatch(name)]
    if data:
        what = f"the first row holds {shown(data[0])}, which is no column name"
        raise InputError(Problem("E211", what, file=file, row=row))

    taken = set(names)
    notices = []
    trimmed = [shown(n) for n, c in zip(names, cells, strict=True) if n and n != c]
    if trimmed:
        what = f"spaces around {listed(trimmed)} were left out"
        fix = "Nothing needs to be done."
        notices.append(Problem("W210", what, fix=fix, file=file, row=row))
    unnamed = []
    for place, name in enumerate(names):
        if not name:
            names[place] = _free(f"column_{place + 1}", taken)
            unnamed.append(names[place])
    if unnamed:
        what = f"columns without a name are called {listed(unnamed)}"
        notices.append(Problem("W210", what, file=file, row=row))
    _refuse_twins(names, file, row)
    return tuple(names), notices


def without_header(cells: Sequence[str]) -> tuple[str, ...]:
    """Names for the columns of a file whose first row is data; none where it is not."""
    if not any(_NUMBER.fullmatch(_bare(cell)) for cell in cells):
        return ()
    return tuple(f"column_{place}" for place in range(1, len(cells) + 1))


def is_made_up(name: str) -> bool:
    """Whether it is a name that a column got for lack of one."""
    return re.fullmatch(r"column_\d+_*", name) is not None


def _bare(cell: str) -> str:
    return cell.strip("\ufeff\u200b \t\r\n\xa0")


def _refuse_twins(names: Sequence[str], file: str, row: int) -> None:
    problems = []
    for name, times in Counter(names).items():
        if times > 1:
            places = [f"{i}" for i, other in enumerate(names, start=1) if other == name]
            what = f"{times} columns have this name (columns {' and '.join(places)})"
            problems.append(
                Problem("E210", what, file=file, row=row, column=shown(name, ""))
            )
    if problems:
        raise InputError(problems)


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def shown(name: str, quote: str = "`") -> str:
    """A column's name for a message: short, and masked where it is a number."""
    if _NUMBER.fullmatch(name):
        digits = re.sub(r"\D", "", name)
        name = f"{'+' * ('+' in name)}{digits[:4]}…{digits[-2:]}"
    name = name if len(name) <= 60 else name[:59] + "…"
    return f"{quote}{name}{quote}"


def listed(names: Sequence[str], most: int = 20) -> str:
    """``a, b and 3 more``."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most:,} more"


class Found(NamedTuple):
    """A column of the frame, and what has to be said about how it was found."""

    column: str
    notice: Problem | None = None


def find_column(  # noqa: PLR0913  (an error needs its address)
    headers: Mapping[str, str],
    wanted: str,
    *,
    of: str,
    key: str,
    file: str,
    line: int | None,
) -> Found:
    """The column that a campaign file means.

    Args:
        headers: `Source.headers`.

        wanted: As the campaign file writes it.

        of: The list, as the campaign file writes it.

        key: Where it writes it: ``recipients.phone``.

        file: The campaign file.

        line: Its line.

    Raises:
        InputError: No column has this name, or several are like it and none is it.
    """
    if wanted in headers:
        return Found(headers[wanted])
    if wanted in headers.values():
        return Found(wanted)
    alike = [header for header in headers if folded(header) == folded(wanted)]
    words = listed([shown(header) for header in alike or headers])
    if not alike and len(headers) == 1 and _may_hold(next(iter(headers)), wanted):
        what = f"all columns of {of} were read as one: {words}"
        raise InputError(Problem("E207", what, file=file, line=line, column=key))
    if not alike:
        near = _near_column(headers, wanted)
        fix = f"Did you mean {shown(near)}?" if near else ""
        what = f"there is no column {shown(wanted)}; there are: {words}"
        raise InputError(Problem("E216", what, "", fix, file, line, column=key))
    if len(alike) > 1:
        what = f"{shown(wanted)} may mean each of {words}"
        raise InputError(Problem("E217", what, file=file, line=line, column=key))
    what = f"{shown(wanted)} was taken to mean the column {words}"
    return Found(
        headers[alike[0]], Problem("W216", what, file=file, line=line, column=key)
    )


def row_with(head: pl.DataFrame, wanted: str) -> int | None:
    """The row of the list's beginning in which *wanted* stands: its header, most likely.

    Above it a spreadsheet often has a title, the date, a header of merged cells.
    """
    for row, *cells in head.iter_rows():
        for cell in cells:
            parts = re.split("[,;\t|]", cell) if isinstance(cell, str) else []
            if folded(wanted) in map(folded, parts):
                return int(row)
    return None


def _may_hold(header: str, wanted: str) -> bool:
    """Whether one header is several, parted by something that is no usual delimiter."""
    parts = re.split(r"[~:^#!/*\s]+", header)
    named = len(parts) > 1 and folded(wanted) in map(folded, parts)
    return named or bool(re.search("[,;\t|]", header))


def folded(name: str) -> str:
    """A header as it is compared: case, spaces, dashes and underscores do not count."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\s_\-]+", "", plain)


def _near_column(headers: Iterable[str], wanted: str) -> str:
    plain = {folded(header): header for header in headers}
    near = difflib.get_close_matches(folded(wanted), plain, n=1)
    if not near and any(word in folded(wanted) for word in _PHONE_WORDS):
        near = [name for name in plain if any(word in name for word in _PHONE_WORDS)]
    return plain[near[0]] if near else ""


def loses_digits(kind: pl.DataType) -> bool:
    """Whether a phone number comes out of this type as another person's number.

    IEEE 754's binary32 is exact up to 2^24, binary16 up to 2^11; binary64, up to 2^53,
    holds the fifteen digits of E.164.
    """
    if isinstance(kind, (pl.List, pl.Array)):
        return loses_digits(kind.inner)  # type: ignore[arg-type]
    return kind in (pl.Float32, pl.Float16)


def as_text(column: str, kind: pl.DataType) -> pl.Expr:
    """A column of any type as text: numbers without exponent, nested values as JSON."""
    value = pl.col(column)
    if kind.is_float():
        value = value.fill_nan(None)  # how pandas writes an empty cell
        whole = value.cast(pl.Int128, strict=False)
        text = whole.cast(pl.String)
        value = pl.when(whole == value).then(text).otherwise(value.cast(pl.String))
    elif isinstance(kind, pl.Datetime):
        value = value.dt.to_string("iso:strict")
    elif kind == pl.Binary:
        # Some writers of Parquet do not mark text as text.
        value = value.map_elements(_decoded, return_dtype=pl.String)
    elif kind.is_nested():
        wrapped = pl.struct(value.alias("")).struct.json_encode()
        value = pl.when(value.is_not_null()).then(
            wrapped.str.slice(4).str.strip_suffix("}")
        )
    elif kind != pl.Boolean:
        value = value.cast(pl.String, strict=False)
    else:
        value = value.replace_strict({True: "true", False: "false"}, default=None)
    return value.alias(column)


def _decoded(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None
