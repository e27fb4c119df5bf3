"""The HTTP client: posts one message and returns a verdict.

What every message shares is made once: the address and the headers (`wire`), and one alarm
in place of a timer for each: all may take equally long, so the first in is the first due.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Self

import aiohttp

from bulksend.errors import GateRefused
from bulksend.send.clocks import SystemClocks
from bulksend.send.signin import SignIn
from bulksend.send.theirs import TheirClock
from bulksend.send.verdict import Reached, Verdict, judge
from bulksend.send.wire import FAILURES, Wire, cause_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType
    from typing import Any

    from bulksend.send.signin import Credentials
    from bulksend.send.wire import Exchange

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0

HEADERS = {
    "User-Agent": "bulksend",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}

KEEP_ALIVE_SECONDS = 4.0
"""Idle connections are not used after so long: servers close theirs after five seconds or
more, and a POST that meets a closing connection is an unknown."""

READY_SECONDS = 0.25
"""So long before its turn a message that must wait for it takes a connection."""


async def _at_once() -> float:
    """No pace."""
    return 0.0


class _Alarm:
    """Cancels tasks that have waited for too long; one timer for all of them."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._due: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, task: asyncio.Task[Any]) -> None:
        self._due[task] = self._loop.time() + self._seconds
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._ring)

    def forget(self, task: asyncio.Task[Any]) -> None:
        """It may take as long as it likes."""
        self._due.pop(task, None)

    def rang(self, task: asyncio.Task[Any]) -> bool:
        """Watch *task* no more; whether it was cancelled for being late."""
        is_late = task in self._late
        self._late.discard(task)
        self._due.pop(task, None)
        if is_late:
            task.uncancel()
        return is_late

    def _ring(self) -> None:
        self._timer = None
        now = self._loop.time()
        for task, due in list(self._due.items()):
            if due > now:
                self._timer = self._loop.call_at(due, self._ring)
                return
            del self._due[task]
            self._late.add(task)
            task.cancel()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


class Client:
    """A pool of kept-alive connections to one account.  Use with ``async with``.

    Args:
        clock: Monotonic seconds, for the token's age.

        patience: Seconds that a post may take, a new connection included.

        theirs: What Bandwidth's clock shows: heard at the sign-in and, where that tells
            nothing, from the first answer.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        clock: Callable[[], float],
        patience: float | None = None,
        theirs: TheirClock | None = None,
    ) -> None:
        self._patience = ANSWER_SECONDS if patience is None else patience
        self._credentials = credentials
        self._clock = clock
        self._is_apart = False
        self._was_answered = False
        ours = SystemClocks()
        self.theirs = theirs or TheirClock(ours.wall_ms, ours.boot_ms)
        self._url = credentials.messages_url

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
        connector = aiohttp.TCPConnector(
            limit=0,  # the engine bounds what is under way
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            ttl_dns_cache=300,
        )
        self._session = aiohttp.ClientSession(  # for the sign-in
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=timeout,
            headers=HEADERS,
        )
        headers = {**HEADERS, "Content-Type": "application/json"}
        self._wire = Wire(self._url, headers, connector=connector, timeout=timeout)
        self._alarm = _Alarm(self._patience)
        self._sign_in = SignIn(
            self._credentials, self._session, clock=self._clock, theirs=self.theirs
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._alarm.close()
        await self._session.close()

    @property
    def account(self) -> str:
        """The account's id: what the pace is kept for."""
        return self._credentials.account_id

    async def sign_in(self) -> None:
        """Fail early.

        Raises:
            GateRefused: E501, the credentials are refused; E548, the clocks are too far
                apart.
            Stopped: E502, no token is to be had now.
        """
        await self._sign_in.header()
        self._check_clocks()

    async def renew(self, generation: int) -> bool:
        """A fresh token after a 401; False where there is none to be had."""
        return await self._sign_in.renew(generation)

    def _check_clocks(self) -> None:
        problem = self.theirs.problem()
        if problem is not None:
            raise GateRefused(problem)

    @property
    def generation(self) -> int:
        return self._sign_in.generation

    @property
    def knows_no_time(self) -> bool:
        """Whether the first answer is still to tell it; one without a Date never does."""
        return not (self._was_answered or self.theirs.is_known)

    async def post(
        self, body: bytes, turn: Callable[[], Awaitable[float]] = _at_once
    ) -> Verdict:
        """Post one message.  Being cancelled means: stop waiting, and say what is known.

        Args:
            turn: Awaited when all is ready to leave: 0 lets it.  Seconds that it must wait
                yet are waited for without a connection, which would grow old meanwhile.
                Nothing has left if it is cancelled, or says that its turn never comes.

        Raises:
            GateRefused: The sign-in failed, or the clocks are too far apart (E548);
                nothing left.
        """
        task = asyncio.current_task()
        assert task is not None
        if self._is_apart:
            self._check_clocks()
        exchange: Exchange | None = None
        cause = ""
        try:
            signed = self._sign_in.fresh() or await self._sign_in.header()
            self._alarm.watch(task)
            exchange = await self._wire.open(signed, len(body))
            while seconds := await turn():
                exchange.close()
                if seconds == math.inf:
                    return judge(Reached.HELD, cause="its turn never came")
                self._alarm.forget(task)
                await asyncio.sleep(seconds - READY_SECONDS)
                self._alarm.watch(task)
                exchange = await self._wire.open(signed, len(body))
            asked = None if self.theirs.is_known else self.theirs.boot()
            status = await exchange.ask(body)
            self._was_answered = True
            if asked is not None:
                self.theirs.heard(exchange.date, asked=asked)
                self._is_apart = self.theirs.problem() is not None
            return judge(Reached.ANSWERED, status=status, body=await exchange.read())
        except asyncio.CancelledError:
            cause = "stopped while waiting"
        except FAILURES as error:
            cause = cause_of(error)
        finally:
            if exchange is not None:
                exchange.close()
            if self._alarm.rang(task):
                cause = "timed out"
        was_handed = exchange is not None and exchange.handed
        return judge(Reached.SENT if was_handed else Reached.NOWHERE, cause=cause)
