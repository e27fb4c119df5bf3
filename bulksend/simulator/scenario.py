"""How a simulated Bandwidth behaves, and what can go wrong with a POST."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING

from bulksend.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator


class Fault(StrEnum):
    """What can go wrong with a valid POST; the scenario gives each a share."""

    LOST_BEFORE = "lost_before"
    LOST_AFTER = "lost_after"
    ERROR_500 = "error_500"
    GATEWAY_502 = "gateway_502"
    SLOW = "slow"
    SILENT = "silent"
    GARBLED_202 = "garbled_202"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """How this Bandwidth behaves; the default is a healthy account.

    Args:
        rate: Segments per second that the account sends; None is no limit.

        queue_seconds: How many seconds of that rate may wait before POSTs get 429.

        latency: Seconds until an answer leaves, or the bounds of a uniform draw.

        lost_before: Share of valid POSTs reset without being accepted.

        lost_after: Share accepted and then reset.

        error_500: Share refused with Bandwidth's own JSON body.

        gateway_502: Share answered by a gateway's HTML page; half of them accepted.

        slow: Share accepted and answered ``slow_seconds`` late.

        silent: Share accepted and never answered, until the client hangs up.

        garbled_202: Share accepted with a 202 whose body breaks off.

        search_lag: Seconds until an accepted message can be found.

        search_after_callback: Whether a message is only found once a callback of it got
            its 2xx.

        callback_url: Where callbacks are posted; without, there are none.

        callback_user, callback_password: What they sign in with.

        callback_delay: Seconds from acceptance to the last callback, or the bounds of a
            uniform draw for each: those with bounds arrive in any order.

        callback_retry: Seconds until a callback that got no 2xx is posted again; twice
            as many each time.

        undelivered: Share that ends in ``message-failed``, with a code drawn by chance.

        overdue: Share whose receipt times out (9902) and is followed by the real one.

        dropped: Share accepted and never heard of again, as from an application that
            no location is linked to.

        stops: Share whose person answers STOP.

        callback_doubled: Share of callbacks that are posted twice.

        callback_strange: Share of messages that also bring a type nobody knows yet.

        token_lifetime: Seconds that an access token is good for.

        accounts: Account ids that exist; None is any.

        credentials: Pairs of name and secret that are good; None is any non-empty.

        forbidden: Account ids whose credentials lack the messaging role.

        remembers: How many messages it remembers at least: the latest, and those whose
            callbacks are not begun; None is all.  One takes about a kilobyte.
    """

    rate: float | None = 1000.0
    queue_seconds: float = 900.0
    latency: float | tuple[float, float] = 0.0
    lost_before: float = 0.0
    lost_after: float = 0.0
    error_500: float = 0.0
    gateway_502: float = 0.0
    slow: float = 0.0
    slow_seconds: float = 5.0
    silent: float = 0.0
    garbled_202: float = 0.0
    search_lag: float = 0.0
    search_after_callback: bool = False
    callback_url: str = ""
    callback_user: str = ""
    callback_password: str = field(default="", repr=False)
    callback_delay: float | tuple[float, float] = 0.0
    callback_retry: float = 1.0
    undelivered: float = 0.0
    overdue: float = 0.0
    dropped: float = 0.0
    stops: float = 0.0
    callback_doubled: float = 0.0
    callback_strange: float = 0.0
    token_lifetime: float = 3600.0
    accounts: frozenset[str] | None = None
    credentials: frozenset[tuple[str, str]] | None = None
    forbidden: frozenset[str] = frozenset()
    remembers: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be played; raises InputError with all of it."""
        problems = [
            Problem("E580", found, expected, column=column)
            for column, found, expected in _impossible(self)
        ]
        if problems:
            raise InputError(problems)

    @property
    def shares(self) -> dict[Fault, float]:
        """The faults that can happen, in the order in which they are drawn."""
        return {fault: share for fault in Fault if (share := getattr(self, fault))}


SHARES = {
    *Fault,
    "undelivered",
    "overdue",
    "dropped",
    "stops",
    "callback_doubled",
    "callback_strange",
}
SECONDS = {"queue_seconds", "slow_seconds", "search_lag", "callback_retry"}


def bounds(seconds: float | tuple[float, float]) -> tuple[float, float]:
    return seconds if isinstance(seconds, tuple) else (seconds, seconds)


def _impossible(scenario: Scenario) -> Iterator[tuple[str, str, str]]:
    """Option, what it is, and what is expected."""
    rate = scenario.rate
    if rate is not None and rate <= 0:
        yield "rate", f"the rate is {rate:g}", "segments per second above 0, or none"
    for one in fields(scenario):
        value = getattr(scenario, one.name)
        if one.name in SHARES and not 0 <= value <= 1:
            yield one.name, f"the share is {value:g}", "a number from 0 to 1"
        elif one.name in SECONDS and value < 0:
            yield one.name, f"it is {value:g} seconds", "0 or more"
    if (total := sum(scenario.shares.values())) > 1 + 1e-9:
        yield "", f"the fault shares add up to {total:g}", "at most 1"
    if (total := scenario.undelivered + scenario.overdue + scenario.dropped) > 1 + 1e-9:
        yield "", f"the shares of endings add up to {total:g}", "at most 1"
    for name in ("latency", "callback_delay"):
        low, high = bounds(getattr(scenario, name))
        if not 0 <= low <= high:
            yield name, f"it is {low:g} to {high:g} seconds", "0 or more, rising"
    if scenario.token_lifetime <= 0:
        found = f"it is {scenario.token_lifetime:g} seconds"
        yield "token_lifetime", found, "seconds above 0"
