"""Tags and addresses of pictures that tell who a person is.

Both are kept and logged by everybody on the way: Bandwidth asks for tags without personal
data.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import polars as pl

from bulksend.errors import Problem

if TYPE_CHECKING:
    from bulksend.define.campaign import Campaign
    from bulksend.prepare.plan import Plan

_DIGITS = 8
"""So many last digits of a number tell whose it is."""

_DIGITS_IN_IT = r"\d" + r"\D{0,3}\d" * (_DIGITS - 1)
_PARTED_DIGITS = r"\d\D+\d"

_ENCODED = "%[0-9A-Fa-f]{2}"
"""In an address, such as %20 between the parts of a number."""

_MAIL = re.compile(r"(?<![\w/.+-])[\w.+-]+@[\w-]+\.[\w.-]+")
_NUMBER = re.compile(
    r"(?<![\w+])\+[1-9][0-9]{7,14}(?!\w)"  # as E.164 writes it
    r"|(?<![^\W_])(?!20[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9])"  # no date with an hour
    r"(?:1[ .-]?)?\(?[2-9][0-9]{2}\)?[ .-]?[2-9][0-9]{2}[ .-]?[0-9]{4}(?![^\W_])"
)
"""Of North America's also as people write them: ten digits, or eleven."""


def told(constant: str) -> str:
    """What of a person stands in a tag or an address as it is; %2B is read as +."""
    text = unquote(constant)
    if _MAIL.search(text):
        return "an e-mail address"
    return "a phone number" if _NUMBER.search(text) else ""


def telling(plan: Plan, campaign: Campaign) -> list[Problem]:
    """Addresses of pictures that rows make, and that have their person's number (W355)."""
    message = campaign.message
    if not any("{" in one for one in message.media):
        return []
    said = pl.col("media").str.replace_all(_ENCODED, " ")
    has_number = tells_number(said, pl.col("to"), group=message.group)
    those = plan.frame().filter(pl.col("reason").is_null() & has_number)
    asked = those.select(pl.col("row").min(), rows=pl.len()).collect(engine="streaming")
    row, rows = asked.row(0)
    if not rows:
        return []
    file, row = plan.sheets.place(row)
    file = file or plan.about["campaign"]["recipients"]["path"][0]
    what = "the person's number stands in the picture's address"
    return [Problem("W355", what, file=file, row=row, more=rows - 1)]


def tells_number(said: pl.Expr, to: pl.Expr, *, group: bool) -> pl.Expr:
    """Whether it has the last digits of the person's number, however they are written.

    Where they stand side by side a plain search finds them; only what parts its digits,
    and what is a group's, is read with care.

    Args:
        to: The number, or those of the group, with commas between them.
    """
    is_parted = said.str.contains(_PARTED_DIGITS)
    pair = pl.struct(said=said if group else pl.when(is_parted).then(said), to=to)
    parted = pair.map_batches(_tells, return_dtype=pl.Boolean, is_elementwise=True)
    return said.str.contains(to.str.tail(_DIGITS), literal=True) | parted


def _tells(pair: pl.Series) -> pl.Series:
    """The same of any digits, and of the numbers of any group."""
    said, to = pair.struct.field("said"), pair.struct.field("to")
    tells = pl.repeat(value=False, n=len(pair), eager=True)
    rows = said.str.contains(_DIGITS_IN_IT).fill_null(value=False).arg_true()
    if not len(rows):
        return tells
    digits = said.gather(rows).str.replace_all(r"\D+", "")
    members = to.gather(rows).str.split(",")
    has_one = pl.repeat(value=False, n=len(rows), eager=True)
    for place in range(int(str(members.list.len().max() or 0))):
        last = members.list.get(place, null_on_oob=True).str.tail(_DIGITS)
        has = pl.select(pl.lit(digits).str.contains(pl.lit(last), literal=True))
        has_one |= has.to_series().fill_null(value=False)
    found = rows.filter(has_one)
    return tells.scatter(found, values=True) if len(found) else tells
