"""A column of cells to E.164 numbers: the quick ways first, the careful ones for the rest."""

from __future__ import annotations

import polars as pl

from bulksend.prepare.phones.asking import asked
from bulksend.prepare.phones.cells import plain, punctuated, repaired
from bulksend.prepare.phones.findings import (
    ABROAD,
    ASK,
    CODE,
    CODES,
    ENUMS,
    NO_COUNTRY,
    Finding,
)
from bulksend.prepare.phones.prefixes import INTERNATIONAL
from bulksend.prepare.phones.tables import look_up

READ = pl.Struct({"e164": pl.Int64, **ENUMS})

# Built once: in a small batch Polars takes longer to build a step than to compute it.
_KEY = pl.col("key")
_NO_CODE = pl.lit(None, CODE)
_NO_REASON = _NO_CODE.alias("reason")
_NOTHING = (_NO_REASON, _NO_CODE.alias("repair"))
_NO_TEXTS = pl.DataFrame(schema={"row": pl.UInt32, "text": pl.String})
_LEFT = pl.arg_where(_KEY.is_null())


def _is(what: Finding) -> pl.Expr:
    return pl.col("reason") == CODES["reason"][what.reason or ""]


# After an unknown calling code, `parse` drops the plus and looks for an international
# prefix; that needs a region, and is rare.
_LOST = _is(NO_COUNTRY) & (_KEY >= INTERNATIONAL)
_IS_ABROAD = pl.arg_where(_is(ABROAD))
_IS_UNSETTLED = pl.arg_where(
    pl.col("reason_of_cell").is_null() & (_KEY.is_null() | _is(ASK) | pl.col("lost"))
)

_REASON = pl.coalesce("reason_of_cell", "reason").alias("reason")
_FINE = pl.col("reason").is_null()
_REPAIR = pl.when(_FINE).then(pl.coalesce("repair_of_cell", "repair"))
_ANSWER = (
    pl.when(_FINE).then("number").alias("e164"),
    *(
        (_REPAIR if name == "repair" else pl.col(name)).cat.to(enum).alias(name)
        for name, enum in ENUMS.items()
    ),
)


def read(cells: pl.Series, table: pl.DataFrame, region: str | None) -> pl.Series:
    """The struct `READ` for each cell; *table* is that of *region*."""
    keyed, texts = _keyed(cells.alias("text"))
    found = _found(keyed, table, region)
    rows = found.select(_IS_UNSETTLED).to_series()
    if rows.len():
        changed = rows.to_frame("row").join(
            texts, on="row", how="left", maintain_order="left"
        )
        text = changed["text"].fill_null(cells.gather(rows))
        found = _replaced(found, rows, asked(text, region))
    return found.with_columns(_REASON).select(_ANSWER).to_struct(cells.name)


def _keyed(text: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """*key*, or *reason*, or neither where `phonenumbers` must read the text.

    And, by *row*, the *text* where a repair has changed it.
    """
    frame = plain(text).to_frame("key").with_columns(_NOTHING)
    left = frame.select(_LEFT).to_series()
    if left.is_empty():
        return frame, _NO_TEXTS
    texts = text.gather(left)
    read = punctuated(texts).with_columns(_NO_REASON)
    rest = read.select(_LEFT).to_series()
    if rest.is_empty():
        return _replaced(frame, left, read), _NO_TEXTS
    changed = repaired(texts.gather(rest))
    read = _replaced(read, rest, changed.drop("text"))
    rows = left.gather(rest).alias("row")
    return _replaced(frame, left, read), changed.select("text", rows)


def _found(
    keyed: pl.DataFrame, table: pl.DataFrame, region: str | None
) -> pl.DataFrame:
    """The *number* of each key and what is known of it, or the *reason* against it."""
    found = look_up(table, keyed["key"]).with_columns(
        keyed["key"], reason_of_cell=keyed["reason"], repair_of_cell=keyed["repair"]
    )
    found = found.with_columns(lost=_LOST if region else pl.lit(value=False))
    abroad = found.select(_IS_ABROAD).to_series()
    if abroad.len():
        second = look_up(table, found["number"].gather(abroad))
        found = _replaced(found, abroad, second.drop("repair"))
    return found


def _replaced(
    frame: pl.DataFrame, rows: pl.Series, columns: pl.DataFrame
) -> pl.DataFrame:
    """*frame* with *columns* in those *rows*."""
    return frame.with_columns(
        frame[column.name].clone().scatter(rows, column) for column in columns
    )
