"""The files that a campaign's paths mean: globs, addresses, and what is wrong with them."""

from __future__ import annotations

import difflib
import glob
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from bulksend.errors import InputError, Problem
from bulksend.storage.location import is_address, is_gone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend.storage.spool import Spool


def find_files(
    paths: Sequence[str], folder: Path, spool: Spool | None = None
) -> dict[Path, str]:
    """The files that *paths* mean, sorted, each with its name for messages.

    Raises:
        InputError: One is missing, is no file, or may not be read.
        Stopped: E698, where object storage does not answer.
    """
    found: dict[Path, str] = {}
    problems: list[Problem] = []
    for written in paths:
        try:
            found |= _matches(written, folder, spool)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return {
        path: found[path] for path in sorted(found, key=lambda one: _order(one, found))
    }


def is_there(written: str, folder: Path) -> bool:
    """Whether a path or pattern means anything, readable or not; of an address, True.

    Raises:
        InputError: E200, a folder of the pattern cannot be looked into.
    """
    if is_address(written) or not is_gone(folder / written):
        return True
    return glob.has_magic(written) and bool(_hits(written, folder))


def _order(path: Path, found: dict[Path, str]) -> Path:
    """A copy's own name tells nothing: objects are in the order of their addresses."""
    return Path(found[path]) if is_address(found[path]) else path


def _matches(written: str, folder: Path, spool: Spool | None) -> dict[Path, str]:
    if is_address(written):
        if spool is not None:
            return spool.local(written)
        what = "files behind an address are not read here"
        fix = "Copy the file to this machine, and write its path."
        raise InputError(Problem("E202", what, fix=fix, file=written))
    path = folder / written
    if not glob.has_magic(written) or not is_gone(path):
        _check_file(path, written)
        return {path: written}
    hits = _hits(written, folder)
    if not hits:
        raise InputError(Problem("E201", "no file matches", file=written))
    for hit in hits:
        _check_file(folder / hit, hit)
    return {folder / hit: hit for hit in hits}


def _hits(written: str, folder: Path) -> list[str]:
    """What a pattern means in *folder*; links that lead nowhere too, folders not."""
    _check_folders(Path(written).parts, folder)
    hits = _glob(written, folder)
    return [hit for hit in hits if not os.path.isdir(folder / hit)]  # noqa: PTH112 -- Path's raises


def _check_folders(parts: tuple[str, ...], folder: Path) -> None:
    """Refuse a folder whose files `glob` would pass over as if they were not there."""
    first = next(at for at, part in enumerate(parts) if glob.has_magic(part))
    for at, part in enumerate(parts[first:], first):
        before = str(Path(*parts[:at]))
        deep = f"{before}/**/" if part == "**" else before
        for one in [before] if deep == before and at == first else _glob(deep, folder):
            if Path(one).name != "lost+found":  # the file system's own, and root's
                _check_folder(folder / one, one, lists=glob.has_magic(part))


def _check_folder(path: Path, written: str, *, lists: bool) -> None:
    try:
        os.stat(f"{path}/.")  # noqa: PTH116 -- a Path drops the dot, which asks for entry
        if lists:
            os.scandir(path).close()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        what = f"the folder cannot be looked into ({error.strerror or error})"
        fix = "Check its permissions."
        raise InputError(Problem("E200", what, fix=fix, file=written)) from None


def _glob(written: str, folder: Path) -> list[str]:
    # Path.glob takes no absolute pattern and none with `..`.
    return glob.glob(written, root_dir=folder, recursive=True)  # noqa: PTH207 -- see above


def _check_file(path: Path, written: str) -> None:
    what = fix = ""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            what, fix = "this is a folder", f"Write `{written.rstrip('/')}/*.csv`."
        elif not stat.S_ISREG(mode):
            what = "this is no regular file"
        else:
            path.open("rb").close()
    except PermissionError:
        what, fix = "the file may not be read by this user", "Check its permissions."
    except (OSError, ValueError) as error:
        what = "there is no such file"
        if not isinstance(error, FileNotFoundError):
            what = f"the file cannot be opened ({getattr(error, 'strerror', error)})"
        elif path.is_symlink():
            what = "it is a link to a file that is not there"
        if near := _near_files(path):
            fix = f"Did you mean {near}?"
    if what:
        raise InputError(Problem("E200", what, fix=fix, file=written))


def _near_files(path: Path) -> str:
    try:
        there = [one.name for one in path.parent.iterdir() if one.name != path.name]
    except (OSError, ValueError):
        return ""
    lists = [name for name in there if Path(name).suffix == path.suffix]
    near = difflib.get_close_matches(path.stem, [Path(n).stem for n in lists], n=3)
    return " or ".join(f"`{stem}{path.suffix}`" for stem in near)
