"""Bandwidth's sign-in: OAuth 2 client credentials first, HTTP Basic while it lives.

Bandwidth ends HTTP Basic on 2026-12-02; where both are configured the
token wins, as in Bandwidth's own SDK.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from bulksend.errors import GateRefused, InputError, Problem, Stopped
from bulksend.logs import log
from bulksend.send.wire import cause_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bulksend.send.theirs import TheirClock

API_URL = "https://messaging.bandwidth.com/api/v2"
TOKEN_URL = "https://api.bandwidth.com/api/v1/oauth2/token"  # noqa: S105  (an address)
BASIC_ENDS = "2026-12-02"
"""Bandwidth's own word; said wherever HTTP Basic signs in."""

REFRESH_BEFORE_SECONDS = 60.0
FIRST_PATIENCE_SECONDS = 1.0
"""The wait before the next try where a token lives on and no new one was to be had."""

ANSWER_SECONDS = 30.0
REFUSALS = (400, 401, 403)
"""What OAuth answers to wrong credentials (RFC 6749 §5.2); all else is no refusal."""

NEEDED = "BW_CLIENT_ID and BW_CLIENT_SECRET (or BW_USERNAME and BW_PASSWORD)"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What signs a request in.  Its repr tells no secret."""

    account_id: str
    url: str = API_URL
    token_url: str = TOKEN_URL
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def uses_token(self) -> bool:
        return bool(self.client_id)

    @property
    def messages_url(self) -> str:
        """Where messages are posted, and searched for."""
        return f"{self.url}/users/{self.account_id}/messages"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Credentials:
        """Raises InputError (E500) naming every variable that is missing or no address."""

        def value(name: str, default: str = "") -> str:
            return environment.get(name, "").strip() or default

        found = cls(
            account_id=value("BW_ACCOUNT_ID"),
            url=value("BW_MESSAGING_URL", API_URL).rstrip("/"),
            token_url=value("BW_TOKEN_URL", TOKEN_URL),
            client_id=value("BW_CLIENT_ID"),
            client_secret=value("BW_CLIENT_SECRET"),
            username=value("BW_USERNAME"),
            password=value("BW_PASSWORD"),
        )
        problems = []
        if missing := found._missing():
            what = f"not set: {', '.join(missing)}"
            problems.append(Problem("E500", what, "them to be set"))
        addresses = {"BW_MESSAGING_URL": found.url, "BW_TOKEN_URL": found.token_url}
        for name, address in addresses.items():
            if not _is_address(address):
                what, wanted = f"{name} is no address", "https:// and a host"
                problems.append(Problem("E500", what, wanted, fix=f"Correct {name}."))
        if problems:
            raise InputError(problems)
        return found

    def _missing(self) -> list[str]:
        missing = [] if self.account_id else ["BW_ACCOUNT_ID"]
        if self.client_id and not self.client_secret:
            missing.append("BW_CLIENT_SECRET")
        elif not self.client_id and not (self.username and self.password):
            missing.append(NEEDED)
        return missing


class SignIn:
    """Gives the Authorization header, and keeps the token fresh.

    Args:
        clock: Monotonic seconds.

        theirs: Hears what time it is where a token comes from.
    """

    def __init__(
        self,
        credentials: Credentials,
        session: aiohttp.ClientSession,
        *,
        clock: Callable[[], float],
        theirs: TheirClock | None = None,
    ) -> None:
        self._credentials = credentials
        self._session = session
        self._clock = clock
        self._theirs = theirs
        self._lock = asyncio.Lock()
        self._header = ""
        self._fresh_until = self._ends = float("-inf")
        self._patience = FIRST_PATIENCE_SECONDS
        self._generation = 0

    @property
    def generation(self) -> int:
        """Grows with each token; says whether a 401 met the newest one."""
        return self._generation

    def fresh(self) -> str:
        """The Authorization header, where it is there and not too old; else nothing."""
        return self._header if self._clock() < self._fresh_until else ""

    async def header(self) -> str:
        """The Authorization header; the old one while it lives, if no new one is to be had.

        Raises:
            GateRefused: E501, the credentials are refused.
            Stopped: E502, no token is to be had now: a later try may get one.
        """
        is_alive = self._clock() < self._ends
        if self._clock() >= self._fresh_until and not (
            is_alive and self._lock.locked()  # another message is fetching it
        ):
            try:
                await self.renew(self._generation)
            except Stopped as error:
                if self._clock() >= self._ends:
                    raise
                self._fresh_until = self._clock() + self._patience
                self._patience *= 2
                log.warning("sign-in not renewed yet", why=error.problems[0].found)
        return self._header

    async def renew(self, seen: int) -> bool:
        """A fresh header for one who met a 401 under generation *seen*.

        Returns:
            False where there is nothing fresher to be had: Basic does not change.
        """
        async with self._lock:
            if self._generation != seen:
                return True  # another message has already fetched it
            credentials = self._credentials
            if not credentials.uses_token:
                is_new = not self._header
                if is_new:
                    log.warning("signed in by HTTP Basic", bandwidth_ends_it=BASIC_ENDS)
                self._header = aiohttp.encode_basic_auth(
                    credentials.username, credentials.password
                )
                self._fresh_until = self._ends = float("inf")
                return is_new
            token, lifetime = await self._fetch()
            self._header = f"Bearer {token}"
            self._ends = self._clock() + lifetime
            self._fresh_until = self._ends - min(REFRESH_BEFORE_SECONDS, lifetime / 10)
            self._generation += 1
            self._patience = FIRST_PATIENCE_SECONDS
            return True

    async def _fetch(self) -> tuple[str, float]:
        credentials = self._credentials
        basic = aiohttp.encode_basic_auth(
            credentials.client_id, credentials.client_secret
        )
        theirs = self._theirs
        asked = 0 if theirs is None else theirs.boot()
        try:
            async with self._session.post(
                credentials.token_url,
                data={"grant_type": "client_credentials"},
                headers={"Authorization": basic},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
            ) as answer:
                if answer.status != 200:
                    what = f"the token address answered {answer.status}"
                    if answer.status in REFUSALS:
                        raise GateRefused(Problem("E501", what))
                    raise Stopped(Problem("E502", what))
                said = await answer.json(content_type=None)
                if theirs is not None:
                    theirs.heard(answer.headers.get("Date"), asked=asked)
                lifetime = float(said.get("expires_in", 3600))
                return _printable(said["access_token"]), lifetime
        except (
            aiohttp.ClientError,
            OSError,
        ) as error:  # InvalidURL is a ValueError too
            raise Stopped(
                Problem("E502", f"no answer from the token address: {cause_of(error)}")
            ) from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Stopped(
                Problem(
                    "E502", "the token address answered something else than a token"
                )
            ) from error


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        URL(text)  # as it will be used: it also encodes the host
        return parts.scheme in {"http", "https"} and bool(
            parts.hostname and parts.port != 0
        )
    except ValueError:  # a port that is none, a bracket that is not closed, a letter
        return False


def _printable(token: object) -> str:
    """A token that a header can carry."""
    if isinstance(token, str) and token and token.isprintable():
        return token
    raise ValueError
