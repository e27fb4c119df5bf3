"""A callback's body that is no JSON as a whole: its elements, each by itself.

Bandwidth may send many events in one array.  One of them that cannot be read (half of an
emoji, nested beyond all sense, bytes of another encoding) must not take the others with
it: what is refused is repeated for 24 hours, and then never.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},]', re.DOTALL)
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a character: stays
    r"|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)


def elements(body: bytes) -> list[bytes]:
    """The elements of the array that *body* is, as they stand; of anything else, itself.

    Nothing is nested too deeply for it.  An array that does not end is no array: its rest
    is missing, and whoever sends it again sends it whole.
    """
    body = body.strip()
    if not body.startswith(b"["):
        return [body]
    found, begin, depth = [], 1, 0
    for token in _TOKEN.finditer(body):
        sign = token[0]
        if sign in b"[{":
            depth += 1
        elif sign in b"]}":
            depth -= 1
        ends = depth == 0 and sign in b"]}"
        if ends or (depth == 1 and sign == b","):
            found.append(body[begin : token.start()].strip())
            begin = token.end()
        if ends:
            break
    if depth != 0 or begin != len(body):
        return [body]
    return found if found != [b""] else []


def mended(element: bytes) -> str:
    """*element* as text, with a sign in the place of what is no character (U+FFFD)."""
    text = element.decode("utf-8", "replace").replace("\0", "�")
    return _ESCAPE.sub(lambda one: r"\ufffd" if one["half"] else one[0], text)
