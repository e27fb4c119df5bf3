"""Whom of a plan the journal bars, by one look at all of it."""

from __future__ import annotations

import polars as pl

from bulksend.send.barred import rows_barred

ROWS = [
    # row · to · from · barred
    (2, "+19192345671", "+19195550100", True),
    (3, "+19192345672", "+19195550100", False),
    (4, "+19192345672,+19192345671", "+19195550100", True),  # a group with one of them
    (5, "+19192345673", "Acme", True),
    (6, "+19192345673", "+19195550100", False),  # said to another sender of ours
]
NUMBERS = [(19192345671, ""), (19192345673, "ACME"), (4532123456, "")]


def test_everybody_who_is_barred_is_found() -> None:
    """Of groups any member, of a sender's own list only that sender's messages."""
    rows = pl.LazyFrame(ROWS, schema=["row", "to", "from", "barred"], orient="row")
    wanted = [row for row, *_, barred in ROWS if barred]
    assert rows_barred(rows, NUMBERS).sort().to_list() == wanted
    assert rows_barred(rows, []).to_list() == []
