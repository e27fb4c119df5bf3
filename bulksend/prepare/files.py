"""The files that a campaign's paths mean: globs, addresses, and what is wrong with them."""

from __future__ import annotations

import difflib
import glob
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from bulksend.errors import InputError, Problem
from bulksend.storage.location import is_address

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
    if path.exists() or not glob.has_magic(written):
        _check_file(path, written)
        return {path: written}

    # Path.glob takes no absolute pattern and none with `..`.
    hits = glob.glob(written, root_dir=folder, recursive=True)  # noqa: PTH207 -- see above
    hits = [hit for hit in hits if not (folder / hit).is_dir()]
    if not hits:
        raise InputError(Problem("E201", "no file matches", file=written))
    for hit in hits:
        _check_file(folder / hit, hit)
    return {folder / hit: hit for hit in hits}


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
