"""What can be wrong with a journal whatever it stands on, as problems with a way out."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from bulksend.errors import BulksendError, Problem, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

BUSY_SECONDS = 30.0
"""How long a process waits for another one's transaction."""

DAMAGED = (
    "Keep the file. Restore a backup, or ask for help before you send again: "
    "without it nobody knows who has been texted."
)


class ConnectionLost(Stopped):
    """The database went away; whether it did what was last asked is not known."""


class InTheWay(Stopped):
    """Two transactions waited for each other, and this one was undone as a whole."""


def until_done(work: Callable[[], T]) -> T:
    """What *work* gives; after each `InTheWay` it is done again, a few times."""
    for _ in range(_TRIES - 1):
        try:
            return work()
        except InTheWay:
            continue
    return work()


_TRIES = 5


@contextmanager
def undamaged(name: str) -> Iterator[None]:
    """Turn what cannot be read (bytes that are no text, no status) into a problem."""
    try:
        yield
    except ValueError as error:
        problem = Problem("E601", "it is damaged", fix=DAMAGED, file=name)
        raise BulksendError(problem) from error
