"""Who was told to stop has a few seconds: for what takes longer there is no time."""

from __future__ import annotations

from typing import Protocol


class Hurry(Protocol):
    """Who may have no time for all of it; `dispatch.Sending` is one."""

    @property
    def seconds_left(self) -> float: ...


class OutOfTime(Exception):  # noqa: N818  (it says when, not what went wrong)
    """What was begun was broken off, and left nothing behind."""


def go_on(hurry: Hurry | None) -> None:
    """Raises `OutOfTime`, where there is no time for more."""
    if hurry is not None and hurry.seconds_left < 0:
        raise OutOfTime
