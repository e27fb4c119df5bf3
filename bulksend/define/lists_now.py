"""Which suppression lists a campaign file names by now; nothing else of it is looked at.

A plan names those that it was made with, and somebody may have been put on another since.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from bulksend.define.distant import beside
from bulksend.define.kinds import Texts
from bulksend.define.load import text_of
from bulksend.define.reading import read_document
from bulksend.define.syntax import compose
from bulksend.errors import InputError
from bulksend.storage.location import is_gone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulksend.define.document import Document
    from bulksend.storage.location import Where
    from bulksend.storage.spool import Spool

KEY = ("recipients", "suppress")


def lists_now(
    place: Where, campaign: str, environment: Mapping[str, str], spool: Spool
) -> tuple[str, ...]:
    """The paths and addresses; none where the file is gone, or is another campaign's.

    Args:
        campaign: Its name.

    Raises:
        InputError: E100 or E101, where the file cannot be read; E104 or E105, where what
            it names cannot; E692 to E695, what stands against fetching it.
        Stopped: E698.
    """
    file = _file(place, spool)
    if file is None:
        return ()
    called = str(place)
    document = read_document(
        compose(text_of(file, called), called), called, environment
    )
    if document.tree.get("name") != campaign:
        return ()
    named = _named(document)
    if isinstance(place, Path):
        return named
    return tuple(beside(place, path) for path in named)


def _file(place: Where, spool: Spool) -> Path | None:
    if isinstance(place, Path):
        return None if is_gone(place) else place
    found = spool.objects.look(place)
    return None if found is None else spool.keep(found)


def _named(document: Document) -> tuple[str, ...]:
    section = document.tree.get(KEY[0])
    said = section.get(KEY[1]) if isinstance(section, dict) else None
    if said is None:
        return ()
    spoiled = [
        one
        for one in document.problems
        if one.column and one.column.startswith(".".join(KEY))
    ]
    if spoiled:
        raise InputError(spoiled)
    try:
        return TypeAdapter(Texts).validate_python(said)
    except ValidationError:
        found, expected = "it is neither", "a path, or a list of them"
        document.report(KEY, "E104", found=found, expected=expected)
        raise InputError(document.problems[-1]) from None
