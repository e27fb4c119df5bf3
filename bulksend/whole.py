"""A file that appears whole, or not at all.

It is written beside its place, under a name that carries this process's id and machine,
so that two writers never meet; what a killed one left behind, the next one on its machine
sweeps.
"""

from __future__ import annotations

import errno
import os
import re
from contextlib import contextmanager, suppress
from glob import escape
from socket import gethostname
from typing import TYPE_CHECKING

from bulksend.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

END = ".unfinished"

FULL = (errno.ENOSPC, errno.EDQUOT)

_WRITTEN = re.compile(rf"\.(\d+)@(.+){re.escape(END)}$")

_OS_ERROR = re.compile(r"\(os error (\d+)\)")


@contextmanager
def whole(path: Path, *, mode: int | None = None) -> Iterator[Path]:
    """Where to write; when the block ends, all of it is on the disk and at *path*.

    Args:
        mode: The file's permissions, where they are not the usual ones.

    Raises:
        OSError: What the disk says; nothing is left then, and *path* is as it was.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}{_end()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        with _full_disk_said():
            yield unfinished
        with unfinished.open("rb") as stream:
            os.fsync(stream.fileno())
        if mode is not None:
            unfinished.chmod(mode)
        unfinished.replace(path)
        _keep_name(path.parent)
    finally:
        with suppress(OSError):  # what is wrong with the folder is said by the block
            unfinished.unlink()


def _keep_name(folder: Path) -> None:
    """A name is the folder's: until that is on the disk, a power cut brings the old back."""
    with suppress(OSError):  # of a folder some systems take no flush; the file is there
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def not_kept(error: OSError, place: Path) -> InputError:
    """E621: what the disk said of a file of our own at *place*."""
    return unwritable("E621", error, place, "set BULKSEND_HOME to a disk that has some")


def unwritable(code: str, error: OSError, place: Path, elsewhere: str) -> InputError:
    """What the disk said of a file at *place*; the kind's way out, unless it is full.

    Args:
        elsewhere: What else to do where it is, as a clause.
    """
    found, fix = str(error.strerror or error).lower(), ""
    if error.errno in FULL or "no space left" in found:  # Polars' has no number
        fix = f"Free some space, or {elsewhere}."
    elif error.errno == errno.EFBIG:
        fix = f"Raise the limit of a file's size (ulimit -f), or {elsewhere}."
    return InputError(Problem(code, found, fix=fix, file=str(place)))


@contextmanager
def _full_disk_said() -> Iterator[None]:
    """As Python says it: Polars' writer of Parquet has other words and types for it."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        found = _OS_ERROR.search(str(error))
        if found is None or int(found[1]) not in (*FULL, errno.EFBIG):
            raise
        raise OSError(int(found[1]), os.strerror(int(found[1]))) from error


def _sweep(path: Path) -> None:
    """Remove what writers of this file that are gone left behind: it may be large."""
    prefix, end = f".{path.name}.", _end()
    for left in path.parent.iterdir():
        if not (left.name.startswith(prefix) and left.name.endswith(end)):
            continue
        if is_gone(left.name[len(prefix) : -len(end)]):
            left.unlink(missing_ok=True)


def left_behind(folder: Path, name: str = "", *, before: int) -> list[Path]:
    """What writers of files in *folder* left that are gone: here, or elsewhere *before*.

    Args:
        name: Of which file; "" is any.

        before: Milliseconds since 1970.
    """
    found = []
    for path in sorted(folder.glob(f".{escape(name)}*{END}")):
        written = _WRITTEN.search(path.name)
        if written is None:
            continue
        pid, host = written.groups()
        with suppress(FileNotFoundError):  # its writer has ended just now
            is_old = path.stat().st_mtime * 1000 < before
            if is_gone(pid) if host == gethostname() else is_old:
                found.append(path)
    return found


def _end() -> str:
    return f"@{gethostname()}{END}"


def room_name() -> str:
    """With what the name of a folder begins that is this process's, and goes with it.

    In the system's folder for passing files ``bulksend-`` follows (`Home.sweep`).
    """
    return f"{os.getpid()}@{gethostname()}-"


def is_gone(pid: str) -> bool:
    """Whether this is the number of a process, and none of that number is there."""
    return pid.isdecimal() and not is_alive(int(pid))


def is_alive(pid: int) -> bool:
    """Whether a process of that number is there, whoever's it is."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
