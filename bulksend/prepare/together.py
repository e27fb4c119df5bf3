"""Several files of one list: their columns, matched by what a person calls them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from bulksend.errors import Problem
from bulksend.prepare.columns import folded, listed, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend.prepare.delimited import Part


def matched(parts: Sequence[Part], names: Sequence[str]) -> list[Part]:
    """The parts, each column under the name that the first file has for it."""
    first, *others = parts
    return [
        first,
        *(
            _under_names_of(first, part, name, names[0])
            for part, name in zip(others, names[1:], strict=True)
        ),
    ]


def _under_names_of(first: Part, part: Part, name: str, first_name: str) -> Part:
    """Case, spaces, dashes and underscores do not count, where no two are alike."""
    wanted = {folded(column): column for column in first.columns}
    alike = Counter(map(folded, [*first.columns, *part.columns]))
    new = {
        column: wanted[folded(column)]
        for column in part.columns
        if column not in first.columns and folded(column) in wanted
        if alike[folded(column)] == 2
    }
    if not new:
        return part
    read = listed([f"{shown(old)} as {shown(column)}" for old, column in new.items()])
    what = f"read with the columns of {first_name}: {read}"
    notice = Problem("W215", what, fix="Nothing needs to be done.", file=name)
    return replace(
        part,
        frame=part.frame.rename(new),
        columns={new.get(one, one): kind for one, kind in part.columns.items()},
        notices=(*part.notices, notice),
    )


def differences(parts: Sequence[Part], names: Sequence[str]) -> list[Problem]:
    """Files whose columns are not those of the first."""
    problems = []
    first = parts[0].columns
    for part, name in zip(parts[1:], names[1:], strict=True):
        lacks = [shown(column) for column in first if column not in part.columns]
        extra = [shown(column) for column in part.columns if column not in first]
        other = [
            f"{shown(column)} is {kind} here and {first[column]} there"
            for column, kind in part.columns.items()
            if column in first and kind != first[column]
        ]
        words = [f"it lacks {listed(lacks)}"] if lacks else []
        words += [f"it has {listed(extra)} besides"] if extra else []
        words += other
        if words:
            what = f"its columns are not those of {names[0]}: {'; '.join(words)}"
            problems.append(Problem("E215", what, file=name))
    return problems
