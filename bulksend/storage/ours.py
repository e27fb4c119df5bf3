"""An object that is one run's: put whole, put again by the same run, never over another's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulksend.errors import Problem, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bulksend.storage.location import Location
    from bulksend.storage.objects import Objects

TRIES = 8


def is_anothers(objects: Objects, place: Location, owner: str) -> bool:
    """Whether something stands there that is not *owner*'s.

    Raises:
        InputError: E693 to E695, what stands against looking.
        Stopped: E698.
    """
    return objects.look(place) is not None and objects.owner(place) != owner


def put_ours(
    objects: Objects,
    place: Location,
    make: Callable[[], Path | bytes],
    *,
    owner: str,
) -> bool:
    """Put what *make* gives; False where another's object stands there.

    It is looked at before *make* is called, and replaced only where it is still what was
    seen: so what is there in the end was made after everything that was there before,
    however many write at the same time.

    Args:
        make: Called again where another writer was faster.

    Raises:
        InputError: E693 to E695, E699.
        Stopped: E697, where others were always faster; E698.
    """
    for _ in range(TRIES):
        before = objects.look(place)
        if before is not None and objects.owner(place) != owner:
            return False
        content = make()
        if before is None:
            if objects.create(content, place, owner=owner):
                return True
        elif objects.replace(content, before, owner=owner):
            return True
    found = f"others replaced it {TRIES} times while it was made"
    raise Stopped(Problem("E697", found, file=str(place)))
