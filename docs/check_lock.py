"""Fails where tests/requirements.txt does not satisfy pyproject.toml; asks no network.

Every dependency of the package and of its dev group must be pinned in the lock, to a
version that its specifier allows.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]


def problems(pyproject: str, lock: str) -> Iterator[str]:
    """One line for each dependency that the lock does not satisfy."""
    project = tomllib.loads(pyproject)
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    pinned = {
        canonicalize_name(one.name): one
        for line in lock.splitlines()
        if (bare := line.split("#")[0].strip())
        for one in [Requirement(bare)]
    }
    for need in map(Requirement, wanted):
        pin = pinned.get(canonicalize_name(need.name))
        if pin is None:
            yield f"{need.name} is not in the lock"
            continue
        operator, version = _only(pin)
        if operator != "==":
            yield f"{need.name} is not pinned: {pin}"
        elif not need.specifier.contains(version, prereleases=True):
            yield f"{need.name} is pinned to {version}; expected {need.specifier}"


def _only(pin: Requirement) -> tuple[str, str]:
    found = [(one.operator, one.version) for one in pin.specifier]
    return found[0] if len(found) == 1 else ("", "")


def main() -> int:
    found = list(
        problems(
            (ROOT / "pyproject.toml").read_text("utf-8"),
            (ROOT / "tests/requirements.txt").read_text("utf-8"),
        )
    )
    for line in found:
        print(line)
    if found:
        print("Lock anew: see CONTRIBUTING.md.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
