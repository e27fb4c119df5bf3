"""The results where they shall be: a file of this machine, or an object."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bulksend.errors import InputError, Problem
from bulksend.settle.files import FORMS, check_output, refuse, write_results
from bulksend.settle.parts import Parts
from bulksend.storage.ours import is_anothers, put_ours
from bulksend.whole import unwritable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from bulksend.home import Home
    from bulksend.settle.hurry import Hurry
    from bulksend.storage.location import Location, Where


def check_place(place: Where, home: Home, *, run: str, is_ours: bool) -> None:
    """Find out before anything is sent that the results can be written.

    Args:
        is_ours: Whether the journal says that *run*'s results are there; an object says
            itself whose it is.

    Raises:
        InputError: E624, where another's results stand there; E625, where the folder
            cannot be written; E691 to E695, what stands against an object.
        Stopped: E698, where object storage does not answer.
    """
    if isinstance(place, Path):
        check_output(place, is_ours=is_ours)
        return
    if place.is_folder:
        place = Parts(place, run, home.objects).manifest
    elif place.suffix not in FORMS:
        refuse(str(place), f"it ends in `{place.suffix}`")
    home.objects.may_write(place)
    if is_anothers(home.objects, place, run):
        raise _anothers(place)


def place_results(  # noqa: PLR0913  (what is written, where, and in which way)
    frame: pl.LazyFrame,
    place: Where,
    home: Home,
    *,
    run: str,
    for_spreadsheet: bool = False,
    hurry: Hurry | None = None,
) -> None:
    """Write the results of *run*; an object appears whole, as a file does.

    Args:
        frame: Asks the journal anew each time it is collected.

        for_spreadsheet, hurry: See `write_results`.

    Raises:
        InputError: E625, where they cannot be written; E624, where another's object
            stands there; E693 to E695, E699.
        Stopped: E697 or E698.
    """
    if isinstance(place, Path):
        write_results(frame, place, for_spreadsheet=for_spreadsheet, hurry=hurry)
        return
    with _outgoing(home, f"{run}{place.suffix or '.parquet'}") as path:

        def make() -> Path:
            write_results(frame, path, for_spreadsheet=for_spreadsheet, hurry=hurry)
            return path

        if place.is_folder:
            is_put = Parts(place, run, home.objects).put_all(make)
        else:
            is_put = put_ours(home.objects, place, make, owner=run)
        if not is_put:
            raise _anothers(place)


def place_part(
    frame: pl.LazyFrame, parts: Parts, home: Home, *, shard: int, of: int
) -> bool:
    """Put a shard's own part, and the manifest where it ended last.

    Returns:
        False where the results are to be written again as a whole.

    Raises:
        InputError: E625, where the part cannot be written here; E693 to E695.
        Stopped: E698.
    """
    with _outgoing(home, f"{parts.run}-{shard}.parquet") as path:
        write_results(frame, path)
        return parts.put_shard(shard, of, path)


@contextmanager
def _outgoing(home: Home, name: str) -> Iterator[Path]:
    """A file of this machine on its way to a store; E625 where it cannot be written."""
    try:
        with home.outgoing(name) as path:
            yield path
    except OSError as error:
        elsewhere = "set BULKSEND_HOME to a disk that has some"
        raise unwritable("E625", error, home.folder, elsewhere) from error


def _anothers(place: Location) -> InputError:
    return InputError(Problem("E624", "an object stands there", file=str(place)))
