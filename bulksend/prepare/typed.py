"""Parquet and NDJSON into a lazy frame: files whose values have types, and keep them."""

from __future__ import annotations

import glob
from typing import TYPE_CHECKING

import polars as pl

from bulksend.errors import InputError, Problem
from bulksend.prepare.blocks import Digest, whole_digest
from bulksend.prepare.columns import clean_header
from bulksend.prepare.delimited import ROW, UNREADABLE, Part
from bulksend.prepare.objects import check_objects, mixed_kinds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from bulksend.prepare.objects import Objects

NULS = "\0nuls"
FIRST_ROW = 2
"""Spreadsheet row of the first record where the header is not a row of the file."""


def read_parquet(path: Path, file: str) -> Part:
    """Every page is read once, as a damaged one would else be found while sending.

    Raises:
        InputError: It cannot be read to its end.
    """
    digest = whole_digest(path)
    frame = pl.scan_parquet(
        path,
        glob=False,
        hive_partitioning=False,
    )
    return _typed_part(frame, file, digest, None)


def read_ndjson(path: Path, file: str) -> Part:
    """One object a line; blank lines are no records.

    Raises:
        InputError: A line is not an object, named; or Polars cannot read the file.
    """
    digest = Digest(path)
    objects = check_objects(digest.blocks(), file)
    frame = pl.scan_ndjson(
        glob.escape(str(path)),
        infer_schema_length=None,
    )
    try:
        return _typed_part(frame, file, digest.whole(), objects)
    except InputError as error:
        # Polars has no type for such a field, and no words that help.
        is_of_types = error.problems[0].code in ("E213", "E225")
        found = is_of_types and tuple(mixed_kinds(Digest(path).blocks(), file))
        if found:
            raise InputError(found) from None
        raise


def _typed_part(
    frame: pl.LazyFrame, file: str, digest: bytes, objects: Objects | None
) -> Part:
    try:
        columns = dict(frame.collect_schema())
        cleaned, notices = clean_header(tuple(columns), file=file)
        frame = frame.with_row_index(ROW, offset=FIRST_ROW)
        values = pl.exclude(ROW)
        nul = pl.any_horizontal(pl.lit(value=False), *_nuls(columns))
        read = frame.select(
            pl.len().alias(ROW), nul.sum().alias(NULS), values.is_not_null().sum()
        )
        rows, nuls = read.collect(engine="streaming").row(0)[:2]
        row = frame.filter(nul).select(ROW).first().collect().item() if nuls else 0
    except UNREADABLE as error:
        reason = str(error).partition("\n")[0][:200]
        what = f"the file is damaged, or of a kind that is not read here ({reason})"
        raise InputError(Problem("E213", what, file=file)) from error
    if objects and objects.rows != rows:
        what = f"{rows:,} of {objects.rows:,} records can be read"
        raise InputError(Problem("E213", what, file=file))
    if objects and _reads_nested_as_text(columns, objects.nested):
        raise InputError(Problem("E225", "a column holds both", file=file))

    if nuls:
        what = "a NUL byte is in this record"
        raise InputError(Problem("E206", what, file=file, row=row, more=nuls - 1))

    frame = frame.rename(dict(zip(columns, cleaned, strict=True)))
    columns = dict(zip(cleaned, columns.values(), strict=True))
    if not rows:
        notices.append(Problem("W204", "the file has no records", file=file))
    return Part(frame, columns, rows + FIRST_ROW - 1, rows, digest, tuple(notices))


def _nuls(schema: Mapping[str, pl.DataType]) -> Iterator[pl.Expr]:
    """Whether each text has a NUL byte: no program writes one into a text on purpose."""
    for name, kind in schema.items():
        for text in _texts((name,), kind).values():
            yield text.str.contains("\0", literal=True)


def _texts(
    path: tuple[str, ...], kind: pl.DataType, value: pl.Expr | None = None
) -> dict[tuple[str, ...], pl.Expr]:
    """What of a column a message can say as text: itself, or the fields of its groups."""
    value = pl.col(path[0]) if value is None else value
    if isinstance(kind, (pl.String, pl.Categorical, pl.Enum)):
        return {path: value.cast(pl.String)}
    found: dict[tuple[str, ...], pl.Expr] = {}
    for part in kind.fields if isinstance(kind, pl.Struct) else ():
        field = value.struct.field(part.name)
        found |= _texts((*path, part.name), part.dtype, field)  # type: ignore[arg-type]
    return found


def _reads_nested_as_text(
    schema: Mapping[str, pl.DataType], nested: Collection[tuple[str, ...]]
) -> bool:
    """Such a field would show people JSON."""
    texts = (path for name, kind in schema.items() for path in _texts((name,), kind))
    return any(path in nested for path in texts)
