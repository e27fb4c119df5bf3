"""What a plan's rows are worked out from: columns, lists, texts, hours; all looked at first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from bulksend.errors import InputError, Problem
from bulksend.prepare.arms import unused_arms
from bulksend.prepare.identity import Beside, described
from bulksend.prepare.layout import original_headers, plan_columns
from bulksend.prepare.lint import lint
from bulksend.prepare.list_columns import Reading
from bulksend.prepare.lists import read_list
from bulksend.prepare.naming import named_columns, unread_places
from bulksend.prepare.render import Rendered, render, written_texts
from bulksend.prepare.timing import campaign_hours

if TYPE_CHECKING:
    from collections.abc import Callable

    from bulksend.define.load import Loaded
    from bulksend.prepare.lists import NumberList
    from bulksend.prepare.source import Source
    from bulksend.storage.spool import Spool

ARM = "arm"
"""What a template calls the arm of an experiment."""


@dataclass(frozen=True, slots=True)
class Basis:
    """A campaign beside its list, with everything in it found and compiled.

    Args:
        named: The columns that the campaign's keys name.

        beside: The lists of numbers, and the hours.

        notices: What there is to say of it.
    """

    loaded: Loaded
    source: Source
    named: dict[str, list[str]]
    beside: Beside
    rendered: Rendered
    notices: tuple[Problem, ...]

    def about(self, *, version: str, slot: str) -> dict[str, Any]:
        """What the plan says of itself beside its rows."""
        _, names = plan_columns(self.loaded, self.source)
        household = (names[one] for one in self.named["recipients.household"])
        return described(self.loaded, self.source, self.beside, version, slot) | {
            "columns": list(names.values()),
            "headers": original_headers(self.source, names),
            "phone": [names[one] for one in self.named["recipients.phone"]],
            "filled": sorted(names[one] for one in self.rendered.filled - {ARM}),
            "household": next(household, None),
        }


def basis(
    loaded: Loaded, source: Source, lists: Callable[[], dict[str, NumberList]]
) -> Basis:
    """Everything that is the same for all rows.

    Args:
        lists: Reads the lists of numbers; asked once the columns are found.

    Raises:
        InputError: Every problem of the columns, or of the lists, or of the templates.
    """
    if not source.rows:
        what = "there is a header, and no row under it"
        raise InputError(Problem("E204", what, file=loaded.campaign.recipients.path[0]))
    named, notices = named_columns(loaded, source)
    beside = Beside(lists(), campaign_hours(loaded))
    arms = {} if loaded.campaign.experiment is None else {ARM: pl.String()}
    if arms and ARM in source.columns:
        what = "the list has a column `arm`, and an experiment's arm is called so"
        raise InputError(Problem("E126", what, file=str(loaded.path)))
    texts = written_texts(loaded)
    said = [*lint(loaded, texts, source.columns), *unused_arms(loaded, texts)]
    wrong = [problem for problem in said if not problem.is_warning]
    try:
        rendered = render(
            loaded,
            dict(source.columns) | arms,
            language=next(map(source.text, named["message.language"]), None),
        )
    except InputError as error:
        raise InputError([*error.problems, *wrong]) from None
    if wrong:
        raise InputError(wrong)
    of_lists = (note for one in beside.lists.values() for note in one.notices)
    unread = unread_places(loaded, source) if beside.hours is not None else ()
    told = (*source.notices, *notices, *unread, *of_lists, *said)
    return Basis(loaded, source, named, beside, rendered, told)


def number_lists(loaded: Loaded, spool: Spool | None) -> dict[str, NumberList]:
    """The suppression lists, and those of the only numbers that may get anything.

    Raises:
        InputError: What `read_list` raises.
    """
    recipients = loaded.campaign.recipients
    reading = Reading(
        loaded.folder,
        recipients.phone,
        recipients.default_region,
        keeps_out=True,
        spool=spool,
    )
    return {
        "suppress": read_list(recipients.suppress, reading),
        "only": read_list(recipients.only, replace(reading, keeps_out=False)),
    }
