"""Where a plan is kept: in the home, which may be in object storage for every machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bulksend.errors import InputError, Problem
from bulksend.prepare.plan import Plan
from bulksend.storage.objects import check_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from bulksend.home import Home
    from bulksend.storage.location import Where

_SMALLER = (
    "Cut the list into several campaigns, or let BULKSEND_HOME be a disk that the "
    "workers share."
)


def open_plan(place: Where, home: Home) -> Plan:
    """A plan; one in object storage is fetched once.

    Raises:
        InputError: E620, where it is not a plan of this version; E693 to E695, what
            stands against fetching it.
        Stopped: E698.
    """
    if isinstance(place, Path):
        return Plan.open(place)
    found = home.objects.look(place)
    if found is None:
        raise InputError(Problem("E620", "there is no such object", file=str(place)))
    return Plan.open(home.spool().keep(found), str(place), put=found.modified)


def keep_plan(name: str, home: Home, make: Callable[[Path], Plan]) -> Plan:
    """The plan of that name: the one that is there, else what *make* writes.

    Of two machines that make it at the same time one is first, and both go on with its
    bytes: a run knows its plan by them.

    Args:
        make: Writes it to a path of this machine.

    Raises:
        InputError: As `open_plan`; E699, where it is too large for one object.
        Stopped: E698.
    """
    place, path = home.plan_place(name), home.plan_path(name)
    if isinstance(place, Path):
        return Plan.open(path) if path.exists() else make(path)
    if home.objects.look(place) is None:
        make(path)
        check_size(place, path.stat().st_size, fix=_SMALLER)
        is_first = home.objects.create(path, place, owner=name)
        found = home.objects.look(place) if is_first else None
        if found is not None:
            home.spool().adopt(found, path)
        else:
            path.unlink()
    return open_plan(place, home)
