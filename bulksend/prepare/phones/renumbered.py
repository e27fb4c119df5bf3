"""Mobiles as they were written before a country's numbers grew or lost a digit.

libphonenumber has the new form only, and carriers and old lists go on with the old one.
In a list of opt-outs, and in a reply, it is the same person.
"""

from __future__ import annotations

import re

import polars as pl

_RENEWED = (
    (r"^\+521(\d{10})$", "+52${1}"),  # Mexico, 2019
    (r"^\+55(\d\d)([6-9]\d{7})$", "+55${1}9${2}"),  # Brazil, by 2016
    (r"^\+229(\d{8})$", "+22901${1}"),  # Benin, 2024
)
_MAY_BE_OLD = r"^\s*\+\s*(?:52|55|229)"
_BETWEEN = r"[\s().-]"


def renewed(text: pl.Expr) -> pl.Expr:
    """Cells, where one is such a number with the one that it is by now."""
    new = text.str.replace_all(_BETWEEN, "")
    for old, form in _RENEWED:
        new = new.str.replace(old, form)
    return pl.when(text.str.contains(_MAY_BE_OLD)).then(new).otherwise(text)


def renewed_number(text: str) -> str:
    """The same for one."""
    compact = re.sub(_BETWEEN, "", text)
    for old, form in _RENEWED:
        if found := re.match(old, compact):
            return found.expand(form.replace("${", r"\g<").replace("}", ">"))
    return text
