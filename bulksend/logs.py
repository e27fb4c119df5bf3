"""Events for structlog, without numbers, texts or secrets.

bulksend logs what happened to a run, never to a person: no event carries a number, a
text or a credential.  `masked` is the second lock: whatever looks like a number in an
event is masked all the same.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import sys
from typing import TYPE_CHECKING, cast

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any

OURS = ("timestamp", "run", "until")
"""Keys whose values are made by us and hold digits of their own."""

FEWEST_DIGITS = 7
"""Fewer are no person's number."""

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IP = rf"(?<![\d.+]){_OCTET}(?:\.{_OCTET}){{3}}(?![\d.]*\d)"
_MACHINE = (
    rf"(?:(?<=//)|(?<=@)|(?<=host )|(?<=address )|(?<=server at \")|(?<=\('))(?:{_IP})"
    rf"|{_IP}(?=:\d|\), port )"
)
"""An address of a machine, where programs write one.  A number may look the same
(12.34.56.78 is one in Denmark), so elsewhere it is taken for one."""

_DAY = r"(?<![\d.+-])20\d\d-(?:0[1-9]|1[0-2])-(?:[0-2]\d|3[01])(?![\d-])"
_WRITTEN = r"\+?\d[\d ().-]{5,}\d"
_NUMBER = re.compile(rf"(?P<plain>{_MACHINE}|{_DAY})|{_WRITTEN}")
_GROUP = r"\d(?:[\W_]{0,4}\d){2,}"
_DICTATED = (
    rf"\+?{_GROUP}(?:[\W_]{{0,4}}[^\W\d_]{{1,5}}[\W_]{{0,4}}(?!{_DAY}){_GROUP})+"
)
_IN_WORDS = re.compile(
    rf"(?P<plain>{_MACHINE}|{_DAY})|\+?\d(?:[\W_]{{0,4}}\d){{6,}}|{_WRITTEN}|(?P<dictated>{_DICTATED})"
)
"""As people write and dictate numbers, with any signs between the digits, or a short word
between groups of them; in a log those may be parts of one list of figures."""
_SECRET = re.compile(r"secret|password|token|authorization", re.IGNORECASE)


def masked(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: numbers keep four and two digits, secrets nothing."""
    for key, value in event.items():
        if _SECRET.search(key):
            event[key] = "…"
        elif key == "host" and _is_machine(value):
            continue
        elif isinstance(value, str) and key not in OURS:
            event[key] = mask_numbers(value)
    return event


def mask_numbers(text: str) -> str:
    """*text* with four and two digits left of whatever looks like a number.

    Days and addresses of machines stay: where a database does not answer, it is said which.
    """
    return _NUMBER.sub(_mask, text)


def mask_words(text: str) -> str:
    """*text* of a person's own, whatever signs they write between a number's digits."""
    return _IN_WORDS.sub(_mask, text)


def _is_machine(value: object) -> bool:
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        return False
    return True


def _mask(match: re.Match[str]) -> str:
    if match["plain"]:
        return match[0]
    number = match[0]
    dictated = match.groupdict().get("dictated")
    if dictated and sum(map(str.isdigit, dictated)) < FEWEST_DIGITS:
        return number
    return f"{number[:4]}…{number[-2:]}"


class _Log:
    """structlog as the program around us has set it up.

    Where it has not, structlog would write every event to standard output, among what
    the program prints: then only trouble is said, and on standard error.
    """

    def __getattr__(self, name: str) -> Any:
        if structlog.is_configured():
            return getattr(structlog.get_logger("bulksend"), name)
        quiet = structlog.wrap_logger(
            structlog.PrintLogger(sys.stderr),
            processors=[
                structlog.processors.add_log_level,
                masked,
                structlog.processors.KeyValueRenderer(key_order=["level", "event"]),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        )
        return getattr(quiet, name)


log = cast("structlog.typing.FilteringBoundLogger", _Log())
