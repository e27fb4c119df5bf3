"""The simulator is a witness only as long as it shares nothing with the accused."""

from __future__ import annotations

import ast
from pathlib import Path

import bulksend.simulator

FOLDER = Path(bulksend.simulator.__file__).parent
WITH_A_CLOCK = {"callbacks.py", "server.py", "lifetime.py"}
NOT_PURE = {"aiohttp", "asyncio", "time", "socket", "os", "threading", "signal"}


def imports(path: Path) -> set[str]:
    tree = ast.walk(ast.parse(path.read_text()))
    names = set()
    for node in tree:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_it_imports_nothing_of_bulksend_but_errors() -> None:
    """Or both would be wrong in the same way, and the tests would agree with them."""
    ours = {
        name
        for path in FOLDER.glob("*.py")
        for name in imports(path)
        if name.startswith("bulksend")
    }

    assert all(
        name == "bulksend.errors" or name.startswith("bulksend.simulator")
        for name in ours
    )


def test_only_the_server_has_a_clock_and_sockets() -> None:
    """Everything that decides is pure: now and chance come in as arguments."""
    for path in FOLDER.glob("*.py"):
        if path.name not in WITH_A_CLOCK:
            assert not imports(path) & NOT_PURE, path.name
