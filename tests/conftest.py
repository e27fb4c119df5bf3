"""What every test stands on: no internet, and a home of its own."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(autouse=True, scope="session")
def _no_internet() -> Iterator[None]:
    """A test that reaches beyond this machine fails, and says where it wanted to go."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        inside = self.family == socket.AF_UNIX or str(address[0]).startswith(LOOPBACK)
        assert inside, f"a test wanted to reach {address}"
        real(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        yield


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the developer has in the environment decides no test."""
    for name in (
        "BULKSEND_HOME",
        "BULKSEND_JOURNAL",
        "BW_ACCOUNT_ID",
        "BW_CLIENT_ID",
        "BW_CLIENT_SECRET",
        "BW_USERNAME",
        "BW_PASSWORD",
        "BW_MESSAGING_URL",
        "BW_TOKEN_URL",
        "BW_MESSAGING_APPLICATION_ID",
    ):
        monkeypatch.delenv(name, raising=False)
