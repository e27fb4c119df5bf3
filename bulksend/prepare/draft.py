"""A campaign and its lists to the plan's rows: the whole preparation on one page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from bulksend.prepare.basis import basis, number_lists
from bulksend.prepare.duplicates import with_repeats, without_duplicates
from bulksend.prepare.judging import judged
from bulksend.prepare.layout import plan_columns
from bulksend.prepare.plan import plan_hash
from bulksend.prepare.ranking import ranked_as_text
from bulksend.prepare.source import Source, scan

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from bulksend.define.load import Loaded
    from bulksend.errors import Problem
    from bulksend.prepare.basis import Basis
    from bulksend.storage.spool import Spool

SHARDS = 8
"""Every plan is cut, so that it may be begun by one sender and gone on with by several;
for more senders than an account keeps busy somebody has to ask."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan before it is written; keep it open while its frame is in use.

    Args:
        make: Works its rows out, as far as that is not done while they stream.
    """

    make: Callable[[], pl.LazyFrame]
    about: dict[str, Any]
    notices: tuple[Problem, ...]
    source: Source

    @property
    def frame(self) -> pl.LazyFrame:
        return self.make()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()


def draft(
    loaded: Loaded,
    *,
    version: str,
    slot: str = "",
    shards: int = SHARDS,
    spool: Spool | None = None,
) -> Draft:
    """Read the lists, compile the templates, and describe every row.

    Args:
        version: bulksend's own; it is part of the plan's hash.

        slot: Which of a recurring campaign's sends this is, such as its date.

        shards: Into how many parts the plan is cut.

        spool: Where lists in object storage are copied to.

    Raises:
        InputError: Every problem of the lists, or every problem of the templates.
    """
    recipients = loaded.campaign.recipients
    source = scan(
        recipients.path,
        folder=loaded.folder,
        spool=spool,
        delimiter=recipients.delimiter,
        encoding=recipients.encoding,
        sheet=recipients.sheet,
    )
    try:
        found = basis(loaded, source, lambda: number_lists(loaded, spool))
        about = cut(found.about(version=version, slot=slot), shards)
        return drafted(found, about, lambda: decided(judged(found), found))
    except BaseException:
        source.close()
        raise


def drafted(
    found: Basis, about: dict[str, Any], rows: Callable[[], pl.LazyFrame]
) -> Draft:
    """A draft whose *rows* are those of `decided`."""
    final, _ = plan_columns(found.loaded, found.source)
    ranked = ranked_as_text(found.loaded, found.source, found.named)
    return Draft(
        make=lambda: rows().select(final),
        about=about,
        notices=(*found.notices, *ranked),
        source=found.source,
    )


def decided(frame: pl.LazyFrame, found: Basis) -> pl.LazyFrame:
    """With the rows left out that lose to another: what no row can tell by itself."""
    frame = without_duplicates(frame, found.loaded, found.source, found.named)
    return with_repeats(frame, found.loaded)


def cut(about: dict[str, Any], shards: int) -> dict[str, Any]:
    """Another cut is another plan: its senders must not take it for this one."""
    about = about | {"shards": shards}
    if shards == SHARDS:
        return about
    parts = {"plan": about["hash"], "shards": shards}
    return about | {"hash": plan_hash(parts)}
