"""Whose caps a message counts against: beyond doubt, or against all."""

from __future__ import annotations

import polars as pl
import pytest

from bulksend.prepare.carriers import counted, family

NAMES = [
    ("T-Mobile USA, Inc.", "t_mobile"),
    ("TMOBILE", "t_mobile"),
    ("Sprint Spectrum L.P.", "t_mobile"),
    ("MetroPCS", "t_mobile"),
    ("AT&T Wireless", "att"),
    ("att", "att"),
    ("AT and T Mobility", "att"),
    ("Cricket Wireless", "att"),
    ("Verizon Wireless", "other"),
    ("US Cellular Corp.", "t_mobile"),  # since August 2025
    ("U.S. Cellular", "t_mobile"),
    ("United States Cellular Corp.", "t_mobile"),
    ("T\u2011Mobile", "t_mobile"),  # as a text editor or a web page writes them
    ("T\u00a0Mobile", "t_mobile"),
    ("T \u2013 Mobile", "t_mobile"),
    ("AT&amp;T Mobility", "att"),
    ("Verizon / T\u2011Mobile", None),
    ("Verizon, AT&amp;T", None),
    ("C Spire", "other"),
    ("Attica Telephone", None),
    ("Google Voice", None),
    ("Mint", None),
    ("Verizon or T-Mobile", None),
    ("", None),
    ("n/a", None),
    (None, None),
]


@pytest.mark.parametrize(("name", "found"), NAMES)
def test_a_carriers_name_as_look_ups_spell_it(
    name: str | None, found: str | None
) -> None:
    """Of what is not known, and of two at once, nothing is said."""
    frame = pl.DataFrame({"name": [name]}, schema={"name": pl.String})
    assert frame.select(family(pl.col("name"))).item() == found


MEANT = [
    ("t_mobile", "US", "+19195550100", "t_mobile"),
    ("att", "PR", "+19195550100", "att"),
    (None, "US", "+19195550100", "unknown"),
    ("other", "US", "+19195550100", ""),
    (None, "CA", "+19195550100", ""),
    (None, "DE", "+19195550100", ""),
    (None, "US", "+18885550100", ""),  # toll-free
    ("t_mobile", "US", "+18335550100", ""),
    (None, "US", "12345", ""),  # a short code
    (None, "US", "BlueFern", ""),
    (None, "US", "+442079460958", ""),
    (None, None, "+19195550100", ""),
]


@pytest.mark.parametrize(("carrier", "region", "sender", "found"), MEANT)
def test_whose_caps_a_message_counts_against(
    carrier: str | None, region: str | None, sender: str, found: str
) -> None:
    """From ten-digit numbers to the United States only; unknown is a word of its own."""
    schema = dict.fromkeys(("carrier", "region", "sender"), pl.String)
    frame = pl.DataFrame([(carrier, region, sender)], schema=schema, orient="row")
    assert frame.select(counted(*map(pl.col, schema))).item() == found
