"""Who may call: HTTP Basic, and tokens from the client-credentials grant."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import orjson

from bulksend.simulator.answers import Answer, Moment, Request, json_answer

if TYPE_CHECKING:
    import random
    from collections.abc import Set as AbstractSet

Credentials = tuple[str, str]

_NO_STORE = (("Cache-Control", "no-store"),)  # RFC 6749 §5.1


class SignIn:
    """Tokens issued so far, and who may have one.

    Args:
        credentials: Pairs of name and secret that are good, for Basic and for tokens
            alike; None takes any pair with neither part empty.

        lifetime: Seconds that a token is good for.

        rng: Where tokens come from.
    """

    def __init__(
        self,
        credentials: AbstractSet[Credentials] | None,
        lifetime: float,
        *,
        rng: random.Random,
    ) -> None:
        self._credentials = credentials
        self._lifetime = lifetime
        self._rng = rng
        self._ends: dict[str, float] = {}
        self._good_basic: set[str] = set()

    def admits(self, authorization: str, at: Moment) -> bool:
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return at.mono < self._ends.get(value.strip(), at.mono)
        return self._knows(authorization)

    def grant(self, request: Request, at: Moment) -> Answer:
        """Answer the token endpoint as RFC 6749 §4.4 and §5 have it."""
        if request.method != "POST":
            return json_answer(405, {"error": "invalid_request"})
        if not self._knows(request.authorization):
            return json_answer(401, {"error": "invalid_client"})
        if parse_qs(request.body.decode("latin-1")).get("grant_type") != [
            "client_credentials"
        ]:
            return json_answer(400, {"error": "unsupported_grant_type"})

        token = self._new_token(at)
        self._ends[token] = at.mono + self._lifetime
        body = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(self._lifetime),
        }
        return json_answer(200, body)._replace(headers=_NO_STORE)

    def _knows(self, authorization: str) -> bool:
        """Whether the Basic header is good; each is decoded once only."""
        if authorization in self._good_basic:
            return True
        pair = _basic(authorization)
        if pair is None or not all(pair):
            return False
        if self._credentials is not None and pair not in self._credentials:
            return False
        self._good_basic.add(authorization)
        return True

    def _new_token(self, at: Moment) -> str:
        """Looks like a JWT, since Bandwidth's are; nothing in it may be relied on."""
        head = orjson.dumps({"alg": "RS256", "typ": "JWT"})
        claims = orjson.dumps({"iat": int(at.wall), "jti": self._rng.getrandbits(64)})
        return ".".join(map(_base64url, (head, claims, self._rng.randbytes(32))))


def _basic(authorization: str) -> Credentials | None:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, secret = (
            base64.b64decode(value, validate=True).decode().partition(":")
        )
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, secret) if colon else None


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
