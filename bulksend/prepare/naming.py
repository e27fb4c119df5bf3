"""The columns that a campaign's keys name, found in its list."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bulksend.errors import InputError, Problem
from bulksend.prepare.columns import (
    find_column,
    folded,
    is_made_up,
    loses_digits,
    row_with,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend.define.load import Loaded
    from bulksend.prepare.source import Source

_IDENTIFY = ("recipients.phone", "recipients.household")
_OF_PLACES = {
    "postcode": frozenset(("zip", "zipcode", "postcode", "postalcode", "plz")),
    "zone": frozenset(("timezone", "timezoneid", "tz")),
}
"""As `folded` has the names of columns that tell where people are."""

LOOKED_AT = 20
"""Rows in which a header may stand that is not the first row."""


def named_columns(
    loaded: Loaded, source: Source
) -> tuple[dict[str, list[str]], list[Problem]]:
    """The columns that the campaign's keys name, and what to say of how they were found.

    Raises:
        InputError: With every name that no column has, or one that is of no fit type.
    """
    recipients, message = loaded.campaign.recipients, loaded.campaign.message
    wanted = {
        "recipients.phone": recipients.phone,
        "recipients.household": [recipients.household],
        "recipients.duplicates.by": [getattr(recipients.duplicates, "by", None)],
        "recipients.postcode": [recipients.postcode],
        "recipients.zone": [recipients.zone],
        "recipients.carrier": [recipients.carrier],
        "message.language": [message.language],
    }
    found: dict[str, list[str]] = {key: [] for key in wanted}
    notices: list[Problem] = []
    problems: list[Problem] = []
    lists = ", ".join(recipients.path)
    for key, name in ((key, name) for key, names in wanted.items() for name in names):
        if name is None:
            continue
        file, line = str(loaded.path), loaded.line_of(key)
        try:
            column, notice = find_column(
                source.headers, name, of=lists, key=key, file=file, line=line
            )
        except InputError as error:
            problems.extend(_by_its_header(error.problems, source, name))
            continue
        kind = source.columns[column]
        if kind.is_nested() and key != "recipients.phone":
            what = f"the column {shown(name)} is of type {kind}"
            problems.append(Problem("E309", what, file=file, line=line, column=key))
        if key in _IDENTIFY and loses_digits(kind):
            what = (
                f"the column {shown(name)} is of type {kind}, which rounds long numbers"
            )
            problems.append(Problem("E224", what, file=file, line=line, column=key))
        found[key].append(column)
        notices.extend([notice] if notice else [])
    if problems:
        raise InputError(problems)
    return found, notices


def unread_places(loaded: Loaded, source: Source) -> list[Problem]:
    """W228: a column that tells where people are, where the campaign reads none such."""
    recipients = loaded.campaign.recipients
    if recipients.postcode is not None or recipients.zone is not None:
        return []
    file, line = str(loaded.path), loaded.line_of("recipients")
    found = []
    for key, names in _OF_PLACES.items():
        for header in source.headers:
            if folded(header) in names:
                what = f"the list has a column {shown(header)}, and nothing reads it"
                fix = f"Add `{key}: {header}` to `recipients`."
                place = f"recipients.{key}"
                found.append(Problem("W228", what, "", fix, file, line, column=place))
    return found


def _by_its_header(
    problems: Sequence[Problem], source: Source, name: str
) -> list[Problem]:
    """Where the column's name stands further down, that is what there is to mend."""
    is_titled = len(source.headers) == 1 or any(map(is_made_up, source.headers))
    row = row_with(source.frame.head(LOOKED_AT).collect(), name) if is_titled else None
    if row is None:
        return list(problems)
    above = "row" if row == 2 else "rows"  # the first is taken for the header
    fix = f"{shown(name)} stands in row {row}: delete the {above} above it."
    return [replace(problem, fix=fix) for problem in problems]
