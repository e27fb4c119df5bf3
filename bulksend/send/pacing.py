"""How fast messages may go: the account's pace, a ramp, each sender's own, and 429.

Theory of operation
-------------------
An allowance (`allowance.Limit`) is kept for the account and, where it is asked for, one
for each sender.  A sender that has to wait keeps nobody else waiting (`backlog`).

A 429 says that Bandwidth's queue is full.  It halves the pace, at most once a second;
every second without one adds a twentieth of the full rate back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from bulksend.define.pace import RAMP_RESTS_SECONDS, risen
from bulksend.journal.paces import RECOVERY_PER_SECOND, SLOWEST_SHARE
from bulksend.send.allowance import Limit

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

Upcoming: TypeAlias = "Callable[[], Mapping[str, Iterator[int]]]"
"""The weights of what comes next, of each sender with a pace of its own, and of all others
(an empty name)."""


class Pace(Protocol):
    """What the engine asks about the pace; `Pacer` is one.  *now*: monotonic seconds.

    It asks for each message three times: before it is claimed (`allows`, `spend`), before
    it is posted (`seconds_too_early`, `posted`), and when its bytes are ready to leave
    (`seconds_too_close`, `left`): a commit and a connection lie in between, and take what
    they take.
    """

    @property
    def rate(self) -> float: ...

    async def tick(self, now: float, upcoming: Upcoming) -> None:
        """Wait until the account has permits again.  For one feeder only."""

    def allows(self, sender: str, weight: int) -> bool:
        """Whether there are permits for a message of this sender."""

    def spend(self, sender: str, weight: int) -> None:
        """A message is taken to be claimed."""

    def spare(self, sender: str, weight: int) -> None:
        """A message that was taken is none that may go: another has its permits."""

    def queue(self, sender: str, weight: int) -> Hashable:
        """Claimed messages of the same one go in order, those of others may pass them."""

    def seconds_too_early(self, sender: str, weight: int, now: float) -> float:
        """How long a claimed message must wait yet to be posted."""

    def seconds_of_its_own(self, sender: str, weight: int, now: float) -> float:
        """How long for its own queue: meanwhile those of others may go first."""

    def posted(self, sender: str, weight: int, now: float) -> None:
        """A message is posted now."""

    def seconds_too_close(self, sender: str, weight: int, now: float) -> float:
        """How long bytes that are ready to leave must wait, and then ask again."""

    def left(self, sender: str, weight: int, now: float) -> None:
        """A message's bytes leave now."""

    def throttled(self, now: float) -> bool:
        """Bandwidth's queue is full; whether that changed the pace."""


class Pacer:
    """The pace of one account, for one run.

    Args:
        rate: The account's segments per second.

        now: Monotonic seconds, of the clock that every other *now* is read from.

        ramp: Seconds in which it rises from a small share to the full rate.
    """

    def __init__(self, rate: float, now: float, *, ramp: float = 0.0) -> None:
        self.full_rate = rate
        self._share = 1.0
        self._ramp = ramp
        self._began_at = self._recovered_at = now
        self._slowed_at = self._rested_until = float("-inf")
        self._limit = Limit(rate)
        self._adjust(now)

    def __repr__(self) -> str:
        return f"<Pacer {self.rate:g}/s of {self.full_rate:g}/s>"

    @property
    def rate(self) -> float:
        """Segments per second as it is now."""
        return self._limit.rate

    async def tick(self, now: float, upcoming: Upcoming) -> None:  # noqa: ARG002
        self._recover(now)
        await self._limit.fill()

    def allows(self, sender: str, weight: int) -> bool:  # noqa: ARG002  (all share it)
        return self._limit.is_open

    def spend(self, sender: str, weight: int) -> None:  # noqa: ARG002
        self._limit.spend(weight)

    def spare(self, sender: str, weight: int) -> None:  # noqa: ARG002
        self._limit.spend(-weight)

    def queue(self, sender: str, weight: int) -> str:  # noqa: ARG002
        return ""

    def seconds_too_early(self, sender: str, weight: int, now: float) -> float:  # noqa: ARG002
        return self._limit.seconds_too_early(weight, now)

    def seconds_of_its_own(self, sender: str, weight: int, now: float) -> float:  # noqa: ARG002
        return 0.0

    def posted(self, sender: str, weight: int, now: float) -> None:  # noqa: ARG002
        self._limit.posted(weight, now)

    def seconds_too_close(self, sender: str, weight: int, now: float) -> float:  # noqa: ARG002
        return self._limit.seconds_too_close(weight, now)

    def left(self, sender: str, weight: int, now: float) -> None:  # noqa: ARG002
        self._limit.left(weight, now)

    def throttled(self, now: float) -> bool:
        """Halve the pace, once for all that were in flight."""
        if now - self._slowed_at < 1.0:
            return False
        self._share = max(SLOWEST_SHARE, self._share / 2)
        self._slowed_at = self._recovered_at = now
        self._adjust(now)
        return True

    def _recover(self, now: float) -> None:
        elapsed = now - self._recovered_at
        if elapsed >= 1.0:
            self._share = min(1.0, self._share + RECOVERY_PER_SECOND * elapsed)
            self._recovered_at = now
        self._adjust(now)

    def _rest(self, now: float) -> None:
        """While nobody's window was open, the ramp did not rise."""
        since = max(self._began_at, self._limit.due, self._rested_until)
        if now - since > RAMP_RESTS_SECONDS:
            self._began_at += now - since
            self._rested_until = now

    def _adjust(self, now: float) -> None:
        rate = self.full_rate * self._share
        if self._ramp:
            self._rest(now)
            rate *= risen(now - self._began_at, self._ramp)
        self._limit.rate = rate


class BySender:
    """A `Pace` in which some senders have a limit of their own, within the account's.

    Args:
        rates: Segments per second of each such sender.
    """

    def __init__(self, account: Pace, rates: Mapping[str, float]) -> None:
        self._account = account
        self._limits = {sender: Limit(rate) for sender, rate in rates.items()}

    def __repr__(self) -> str:
        return f"<BySender {len(self._limits)} in {self._account!r}>"

    @property
    def rate(self) -> float:
        return self._account.rate

    async def tick(self, now: float, upcoming: Upcoming) -> None:
        await self._account.tick(now, upcoming)
        for limit in self._limits.values():
            await limit.top_up()

    def allows(self, sender: str, weight: int) -> bool:
        limit = self._limits.get(sender)
        is_open = limit is None or limit.is_open
        return is_open and self._account.allows(sender, weight)

    def spend(self, sender: str, weight: int) -> None:
        self._account.spend(sender, weight)
        if limit := self._limits.get(sender):
            limit.spend(weight)

    def spare(self, sender: str, weight: int) -> None:
        self.spend(sender, -weight)

    def queue(self, sender: str, weight: int) -> str:  # noqa: ARG002
        return sender

    def seconds_too_early(self, sender: str, weight: int, now: float) -> float:
        seconds = self._account.seconds_too_early(sender, weight, now)
        return max(seconds, self.seconds_of_its_own(sender, weight, now))

    def seconds_of_its_own(self, sender: str, weight: int, now: float) -> float:
        limit = self._limits.get(sender)
        return limit.seconds_too_early(weight, now) if limit else 0.0

    def posted(self, sender: str, weight: int, now: float) -> None:
        self._account.posted(sender, weight, now)
        if limit := self._limits.get(sender):
            limit.posted(weight, now)

    def seconds_too_close(self, sender: str, weight: int, now: float) -> float:
        seconds = self._account.seconds_too_close(sender, weight, now)
        limit = self._limits.get(sender)
        return max(seconds, limit.seconds_too_close(weight, now)) if limit else seconds

    def left(self, sender: str, weight: int, now: float) -> None:
        self._account.left(sender, weight, now)
        if limit := self._limits.get(sender):
            limit.left(weight, now)

    def throttled(self, now: float) -> bool:
        return self._account.throttled(now)
