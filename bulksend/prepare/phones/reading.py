"""A column of cells to E.164 numbers: the quick ways first, the careful ones for the rest."""

from __future__ import annotations

import polars as pl

from bulksend.prepare.phones.asking import asked
from bulksend.prepare.phones.cells import decimal, plain, punctuated, repaired
from bulksend.prepare.phones.findings import ABROAD, ASK, CODES, ENUMS, NO_COUNTRY
from bulksend.prepare.phones.prefixes import INTERNATIONAL
from bulksend.prepare.phones.tables import look_up

READ = pl.Struct({"e164": pl.Int64, **ENUMS})


def read(cells: pl.Series, table: pl.DataFrame, region: str | None) -> pl.Series:
    """The struct `READ` for each cell; *table* is that of *region*."""
    keyed = _keyed(cells)
    found = _found(keyed, table, region)

    fine = pl.col("reason").is_null()
    return (
        found.with_columns(
            reason=pl.coalesce(keyed["reason"], "reason"),
            repair=pl.coalesce(keyed["repair"], "repair"),
        )
        .with_columns(
            e164=pl.when(fine).then("number"), repair=pl.when(fine).then("repair")
        )
        .select("e164", *(pl.col(name).cat.to(enum) for name, enum in ENUMS.items()))
        .to_struct(cells.name)
    )


def _keyed(cells: pl.Series) -> pl.DataFrame:
    """*key*, or *reason*, or neither where `phonenumbers` must read the *text*."""
    none = pl.lit(None, pl.UInt8)
    frame = pl.DataFrame({"text": cells, "key": plain(cells)})
    frame = frame.with_columns(reason=none, repair=none)
    for way in (punctuated, decimal, repaired):
        left = frame["key"].is_null().arg_true()
        if left.len():
            frame = _replaced(frame, left, way(frame["text"].gather(left)))
    return frame


def _found(
    keyed: pl.DataFrame, table: pl.DataFrame, region: str | None
) -> pl.DataFrame:
    """The *number* of each key and what is known of it, or the *reason* against it."""
    found = look_up(table, keyed["key"])
    reason, key = found["reason"], keyed["key"]

    # After an unknown calling code, `parse` drops the plus and looks for an international
    # prefix; that needs a region, and is rare.
    lost = (reason == _code(NO_COUNTRY)) & (key >= INTERNATIONAL) & (region is not None)

    abroad = (reason == _code(ABROAD)).arg_true()
    if abroad.len():
        second = look_up(table, found["number"].gather(abroad))
        found = _replaced(found, abroad, second.drop("repair"))

    unsettled = key.is_null() | (found["reason"] == _code(ASK)) | lost
    rows = (keyed["reason"].is_null() & unsettled).arg_true()
    if rows.len():
        found = _replaced(found, rows, asked(keyed["text"].gather(rows), region))
    return found


def _replaced(
    frame: pl.DataFrame, rows: pl.Series, columns: pl.DataFrame
) -> pl.DataFrame:
    """*frame* with *columns* in those *rows*."""
    return frame.with_columns(
        frame[column.name].clone().scatter(rows, column) for column in columns
    )


def _code(what: tuple[str | None, ...]) -> int:
    return CODES["reason"][what[0] or ""]
