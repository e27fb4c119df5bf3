"""Bandwidth's message search: asked gently, read in pages, believed as it is.

At most 3,500 calls in five minutes are allowed from one address; we stay below that, and
wait as long as a 429 says.  Dates need their milliseconds, or the answer is 400; a list
of ten numbers costs one call.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple, Self

import aiohttp
from aiolimiter import AsyncLimiter

from bulksend.errors import GateRefused, Problem, Stopped
from bulksend.logs import log, mask_numbers
from bulksend.send.signin import SignIn
from bulksend.send.theirs import TheirClock
from bulksend.send.wire import cause_of
from bulksend.settle.sights import json_object, page_of
from bulksend.settle.spellings import forms

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from random import Random
    from types import TracebackType

    from bulksend.send.signin import Credentials
    from bulksend.settle.evidence import Found
    from bulksend.settle.sights import Page, Sight

NUMBERS_A_CALL = 10
CALLS_A_SECOND = 11.0
"""3,500 in 300 s are 11.67; a little is left for others behind the same address."""

PAGE = 1_000
FURTHEST = 10_000
"""Limit and offset together go no further; then the dates have to move."""

ANSWER_SECONDS = 30.0
TRIES = 6
LONGEST_WAIT_SECONDS = 600.0


class Records(NamedTuple):
    """What was found, and how many records beside it cannot be read."""

    found: list[Found]
    unread: int


NO_REFUSALS = (200, 408, 425, 429)
"""Besides 5xx: something else than a page, too slow, too early, too often."""


class MessageSearch:
    """The search of one account.  Use with ``async with``.

    Args:
        clock: Monotonic seconds; *now* milliseconds since 1970.

        calls_a_second: How fast to ask.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        clock: Callable[[], float],
        now: Callable[[], int],
        rng: Random,
        calls_a_second: float = CALLS_A_SECOND,
    ) -> None:
        self._credentials = credentials
        self._clock = clock
        self._now = now
        self._rng = rng
        self._limiter = AsyncLimiter(1, 1 / calls_a_second)
        self._url = credentials.messages_url
        self.theirs = TheirClock(now, lambda: round(clock() * 1000))
        self.calls = 0

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
            headers={"User-Agent": "bulksend", "Accept": "application/json"},
        )
        self._sign_in = SignIn(self._credentials, self._session, clock=self._clock)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    @property
    def skew(self) -> int:
        """How far Bandwidth's clock is ahead of ours, in milliseconds."""
        return self.theirs.ahead

    def problem(self) -> Problem | None:
        """Why nothing is absent: E548 or E549; None where the clocks are in order."""
        if not self.theirs.is_known:
            return Problem("E549", "no answer says when it was given")
        return self.theirs.problem()

    def earliest(self) -> int:
        """Now, not later."""
        moment = self.theirs.moment()
        return self._now() if moment is None else moment.earliest

    # -- questions ------------------------------------------------------------------

    async def newest(self, since: int) -> int | None:
        """Receive time of the newest record that is shown, from *since* on."""
        params = {"fromDateTime": iso(since), "sort": "receiveTime:desc", "limit": "1"}
        return (await self._ask(params)).newest

    async def to(self, numbers: Sequence[str], since: int) -> Records:
        """Every record to at most ten *numbers*, in all their forms, from *since* on."""
        assert len(numbers) <= NUMBERS_A_CALL
        asked = [*dict.fromkeys(form for one in numbers for form in forms(one))]
        found: list[Found] = []
        unread = 0
        for first in range(0, len(asked), NUMBERS_A_CALL):
            some = asked[first : first + NUMBERS_A_CALL]
            wanted = {"destinationTn": ",".join(some)}
            pages = [page async for page in self._pages(wanted, since)]
            shown = [one.found for page in pages for one in page.sights]
            strange = sum(one.to not in some for one in shown)
            unread += sum(page.unread for page in pages) + strange
            unread += _passed_over(pages, shown)
            found += shown
        return Records(found, unread)

    async def since(self, since: int) -> AsyncIterator[list[Sight]]:
        """Every record from *since* on, a page at a time; some may come twice."""
        async for page in self._pages({}, since):
            yield page.sights

    # -- inside ---------------------------------------------------------------------

    async def _pages(self, wanted: dict[str, str], since: int) -> AsyncIterator[Page]:
        """All pages, oldest first; where offsets end, the dates go on.

        Raises:
            Stopped: E546, where pages follow that hold nothing more from *since* on: what
                comes from a search that goes in a circle proves no absence.
        """
        while True:
            params = wanted | {
                "fromDateTime": iso(since),
                "sort": "receiveTime:asc",
                "limit": str(PAGE),
            }
            newest, seen = since - 1, 0
            while True:
                page = await self._ask(params)
                yield page
                seen += PAGE
                newest = max(newest, page.newest or newest)
                if page.token is None:
                    return
                if seen + PAGE > FURTHEST:
                    break
                params = params | {"pageToken": page.token}
            if newest < since:
                raise Stopped(Problem("E546", "its pages have no end"))
            since = newest if newest > since else since + 1

    async def _ask(self, params: dict[str, str]) -> Page:
        """One answer.

        Raises:
            GateRefused: E545, where Bandwidth refuses the question or the user.
            Stopped: E546, where no answer is to be had.
        """
        wanted = {"messageDirection": "OUTBOUND"} | params
        why, is_renewed = "", False
        for attempt in range(TRIES):
            await self._limiter.acquire()
            header = await self._sign_in.header()
            generation = self._sign_in.generation
            asked = self.theirs.boot()
            try:
                async with self._session.get(
                    self._url,
                    params=wanted,
                    headers={"Authorization": header},
                    allow_redirects=False,
                ) as answer:
                    self.calls += 1
                    body = await answer.read()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                why = cause_of(error)
                await asyncio.sleep(self._pause(attempt))
                continue
            if answer.status == 200 and (page := page_of(body)) is not None:
                self.theirs.heard(answer.headers.get("Date"), asked=asked)
                return page
            why = f"it answered {answer.status}"
            if answer.status == 401 and not is_renewed:
                is_renewed = await self._sign_in.renew(generation)
                if is_renewed:
                    continue
            if answer.status < 500 and answer.status not in NO_REFUSALS:
                raise GateRefused(Problem("E545", _words(answer.status, body)))
            wait = _retry_after(answer.headers.get("Retry-After"), self._now())
            pause = self._pause(attempt) if wait is None else wait
            log.warning("search waits", seconds=round(pause, 1), status=answer.status)
            await asyncio.sleep(pause)
        raise Stopped(Problem("E546", why))

    def _pause(self, attempt: int) -> float:
        ceiling = min(60.0, 2.0 ** (attempt + 1))
        return self._rng.uniform(ceiling / 2, ceiling)


def _passed_over(pages: Sequence[Page], found: Sequence[Found]) -> int:
    """How many records may have fallen between two pages, and be anybody's.

    Records come in, and go, while pages are read, and all after them move: what one page
    says to be there is shown by none, or one is shown twice in the place of another.
    """
    shown = len({(one.message_id, one.to) for one in found})
    unread = sum(page.unread for page in pages)
    hidden = max(page.total for page in pages) - shown - unread
    return max(hidden, len(found) - shown, 0)


def iso(millis: int) -> str:
    """``2024-01-01T00:00:00.000Z``: without the milliseconds it would be refused."""
    at = datetime.fromtimestamp(millis / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _retry_after(value: str | None, now: int) -> float | None:
    """Seconds to wait: it says either how many, or until when (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    if value.isascii() and value.isdecimal():
        seconds = float(value)
    else:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now / 1000
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)


def _words(status: int, body: bytes) -> str:
    said = json_object(body) or {}
    words = said.get("description")
    plain = mask_numbers(words[:200]) if isinstance(words, str) else "without a reason"
    return f"{status}: {plain}"
