"""First answers that have another status than the server gave them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulksend.send import bandwidth as client
from bulksend.send.verdict import judge as real

if TYPE_CHECKING:
    import pytest

    from bulksend.send.verdict import Reached, Verdict


def answer_first(monkeypatch: pytest.MonkeyPatch, *statuses: int) -> None:
    """The first answers have these statuses; the others what the server says."""
    first = iter(statuses)

    def judge(reached: Reached, *, status: int | None, body: bytes) -> Verdict:
        return real(reached, status=next(first, status), body=body)

    monkeypatch.setattr(client, "judge", judge)
