"""What a store says, as our own problems.

A store's own words are never shown: they may hold a key's id, a token, or a signed
address.  What is taken from them is the error's code and the HTTP status.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from bulksend.errors import BulksendError, InputError, Problem, Stopped

_CODE = re.compile(r"<Code>([A-Za-z0-9_.]{1,60})</Code>")
_JSON_CODE = re.compile(r'"(?:error|code|reason)"\s*:\s*"([A-Za-z0-9_.]{1,60})"')
_STATUS = re.compile(r"status code: (\d{3})")
_METADATA = re.compile(
    r"://(?:[^/\s]*169\.254\.|metadata\.google)|/latest/api/token|/security-credentials"
)
"""Where a machine asks for its own role; who is asked there has no other credentials."""

_STRANGE = re.compile(
    r"Got invalid|Unable to extract metadata|error decoding|unknown variant"
)
"""It answered, and not as an object store does: a portal's page, an `<Error>` that says 200."""


class Said(NamedTuple):
    """What is known of a failure."""

    kind: str
    code: str
    status: int
    text: str


class _Rule(NamedTuple):
    code: str
    found: str
    names: frozenset[str] = frozenset()
    statuses: frozenset[int] = frozenset()
    kinds: frozenset[str] = frozenset()


_RULES = (
    _Rule(
        "E693",
        "the store knows no such bucket",
        names=frozenset({"NoSuchBucket", "ContainerNotFound"}),
    ),
    _Rule(
        "E695",
        "the store takes the credentials for expired",
        names=frozenset(
            {
                "ExpiredToken",
                "ExpiredTokenException",
                "TokenRefreshRequired",
                "RequestTimeTooSkewed",
                "RequestExpired",
                "invalid_grant",
            }
        ),
    ),
    _Rule("E697", "it is another one now", kinds=frozenset({"PreconditionError"})),
    _Rule(
        "E693",
        "the bucket is in another region",
        names=frozenset({"PermanentRedirect", "AuthorizationHeaderMalformed"}),
    ),
    _Rule(
        "E694",
        "the store refuses",
        statuses=frozenset({401, 403}),
        kinds=frozenset({"PermissionDeniedError", "UnauthenticatedError"}),
    ),
    _Rule("E696", "there is none", kinds=frozenset({"FileNotFoundError"})),
)


def is_panic(error: BaseException) -> bool:
    """Whether obstore itself gave up, which it does on settings that no request can have.

    Each Rust library has a class of this name, and none of them is an `Exception`.
    """
    return type(error).__name__ == "PanicException"


def unusable(place: str) -> InputError:
    """E694; the words of whoever found out may hold a key."""
    found = "what the environment says about it cannot be used"
    return InputError(Problem("E694", found, file=place))


def strange(place: str) -> Stopped:
    """E698: it may be a proxy's page, and pass."""
    found = "what answers there is no object store, or a broken one"
    return Stopped(Problem("E698", found, file=place))


def trouble(error: Exception, place: str) -> BulksendError:
    """What *error*, which obstore raised about *place*, means for us.

    Returns:
        `Stopped` (E698) where it may pass by itself; else `InputError`.
    """
    said = _said(error)
    if _METADATA.search(said.text):
        found = "there are none, neither in the environment nor from the machine's role"
        return InputError(Problem("E694", f"credentials: {found}", file=place))
    for rule in _RULES:
        if (
            said.code in rule.names
            or said.status in rule.statuses
            or said.kind in rule.kinds
        ):
            return InputError(Problem(rule.code, _found(rule.found, said), file=place))
    if "Received redirect without LOCATION" in said.text:
        found = "the bucket is in another region"
        return InputError(Problem("E693", found, file=place))
    if 400 <= said.status < 500 and said.status not in {408, 409, 429}:
        return InputError(
            Problem("E694", _found("the store refuses", said), file=place)
        )
    if not said.status and _STRANGE.search(said.text):
        return strange(place)
    return Stopped(Problem("E698", _found("no answer", said), file=place))


def is_wordless(error: Exception) -> bool:
    """Whether a store refused without saying why, as it must to a HEAD."""
    said = _said(error)
    return bool(said.status and not said.code) and not _METADATA.search(said.text)


def _said(error: Exception) -> Said:
    text = str(error).partition("Debug source")[0]
    code = _CODE.search(text) or _JSON_CODE.search(text)
    status = _STATUS.search(text)
    if code is None and "Signature not valid in the specified time frame" in text:
        return Said("", "ExpiredToken", 403, "")
    return Said(
        type(error).__name__,
        code[1] if code else "",
        int(status[1]) if status else 0,
        text,
    )


def _found(found: str, said: Said) -> str:
    word = said.code or (f"HTTP {said.status}" if said.status else "")
    return f"{found} ({word})" if word else found
