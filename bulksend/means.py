"""How a run may be steered from outside, and who plans and sends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from bulksend.dispatch import Sending
from bulksend.loop import run_sending
from bulksend.settle.hurry import Hurry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bulksend.assignment import Assignment
    from bulksend.define.slots import ScheduledFor
    from bulksend.errors import BulksendError
    from bulksend.journal.records import Run
    from bulksend.planning import Checked
    from bulksend.prepare.spread import Crew
    from bulksend.storage.location import Where
    from bulksend.underway import Underway


@dataclass(frozen=True, slots=True)
class Options:
    """How a run may be steered from outside; the defaults are what is usually meant.

    Args:
        confirm: Asked with the counts before anything is sent; False refuses.

        beside: A coroutine that runs while sending, such as a progress display.

        results: Where the results go instead of where the campaign says.

        replan: Start a new run although an unfinished one has other input.

        slot: Which of a recurring campaign's sends this is, such as its date; it may be
            begun at any time.  Of a plan it is the plan's own.

        due: The slot of its schedule that is meant, where that is not the one of now; it
            is not begun late either.

        only: Which rows of a run that is there: ``not_sent``, ``failed`` or ``retryable``.

        wait: Wait for another sender of the campaign, instead of refusing.

        until_closed: Stop when nobody may be texted at this hour, instead of waiting.

        with_parent: Stop when the process that started this one ends.

        shard: Which part of the plan, from 0; None is all of it.

        as_planned: Send a plan although a list changed since it was made.

        begun: When all of it was begun, in milliseconds since 1970, where others see to
            its parts.

        on_stop: Called when a signal says stop; the run drains whatever it does.
    """

    confirm: Callable[[Checked], bool] = lambda _: True
    beside: Callable[[Underway], Awaitable[None]] | None = None
    results: Where | None = None
    replan: bool = False
    journal: str = ""
    slot: str = ""
    due: ScheduledFor | None = None
    only: str = ""
    wait: bool = False
    until_closed: bool = False
    with_parent: bool = False
    shard: int | None = None
    as_planned: bool = False
    begun: int | None = None
    on_stop: Callable[[], None] = lambda: None


class Sender(Hurry, Protocol):
    """Who sends a run: this process, or others that it looks after.

    Args:
        has_begun: Whether messages may have gone out.

        tells_of_the_end: Whether whoever sent the last message has told of it.
    """

    @property
    def has_begun(self) -> bool: ...

    @property
    def tells_of_the_end(self) -> bool: ...

    def send(self, run: Run) -> BulksendError | None:
        """What stopped it, or None."""


@dataclass(slots=True)
class Here:
    """This process, which sends."""

    asked: Assignment
    options: Options
    tells_of_the_end: bool = field(default=False, init=False)
    _sending: Sending = field(init=False)

    def __post_init__(self) -> None:
        self._sending = Sending(self.asked)

    @property
    def has_begun(self) -> bool:
        return self._sending.has_begun

    @property
    def seconds_left(self) -> float:
        return self._sending.seconds_left

    def send(self, run: Run) -> BulksendError | None:
        said = self.options
        return run_sending(self._sending, run, beside=said.beside, on_stop=said.on_stop)


@dataclass(frozen=True, slots=True)
class Means:
    """Who plans a campaign, and sends it; the defaults are this process.

    Args:
        crew: Works the plan out.
    """

    crew: Crew | None = None
    sender: Callable[[Assignment, Options], Sender] = Here
