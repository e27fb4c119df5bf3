"""What the shape says is wrong, in our words.

pydantic finds what is wrong with a value; what is *expected* does not depend on how it
is wrong, so it comes from the `Key` of the field, and pydantic's own sentences are never
shown.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from bulksend.define.campaign import SECTIONS
from bulksend.define.document import (
    Document,
    Place,
    clipped,
    masked,
    spelled,
    suggestion,
)
from bulksend.define.section import keys_of
from bulksend.rules.jurisdictions import REGIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic_core import ErrorDetails

    from bulksend.define.kinds import Key

OTHER_WORDS = {
    "sender": "from",
    "senders": "from",
    "body": "text",
    "content": "text",
    "dedupe": "duplicates",
    "country": "default_region",
}
"""Words for a key that are not near it in spelling."""

KEYS: dict[str, Key] = {
    f"{section}.{name}".removeprefix("."): key
    for section, shape in SECTIONS.items()
    for name, key in keys_of(shape).items()
}
"""Every key of the file by its path."""

_REPORTED_ELSEWHERE = {"conflict", "default_factory_not_called", "extra_forbidden"}
_PRIVATE = (
    "message",
    "message.text",
    "message.variants",
    "message.media",
    "message.tag",
    "notify.webhook",
    "notify.command",
)


LEAST_DIGITS = 9
"""More than a short code has: a number."""


def report_shape(document: Document, errors: Sequence[ErrorDetails]) -> None:
    """Add what pydantic found to the document's problems."""
    meant = {
        _report_unknown(document, _path(error, document.tree))
        for error in errors
        if error["type"] == "extra_forbidden"
    }
    for error in errors:
        path = _path(error, document.tree)
        if error["type"] == "missing":
            if path not in meant:
                expected = _key(path).expected
                document.report(path, "E103", found="missing", expected=expected)
        elif not _is_consequence(document, path, error, errors):
            document.report(
                path,
                "E104",
                found=_described(document, path, error["input"]),
                expected=_key(path).expected,
                fix="" if path in document.secrets else _hint(path, error),
            )


def _path(error: ErrorDetails, tree: Any) -> Place:
    """Pydantic's place as the file's: no tags, no index where one text is the list."""
    path: Place = ()
    for step in error["loc"]:
        is_place = isinstance(tree, list) and isinstance(step, int)
        inside = step in tree if isinstance(tree, dict) else is_place
        if inside:
            tree = tree[step]
        if inside or (error["type"] == "missing" and step == error["loc"][-1]):
            path += (step,)
    return path


def _is_consequence(
    document: Document,
    path: Place,
    error: ErrorDetails,
    errors: Sequence[ErrorDetails],
) -> bool:
    """Whether the error only follows from a problem that is reported already."""
    loc, size = error["loc"], len(error["loc"])
    return (
        error["type"] in _REPORTED_ELSEWHERE
        or error["input"] is None
        or any(path[:depth] in document.spoiled for depth in range(len(path) + 1))
        # A list whose items are wrong is "too short" as well.
        or any(
            len(other["loc"]) > size and other["loc"][:size] == loc for other in errors
        )
    )


def _key(path: Place) -> Key:
    return next(
        KEYS[spelled(path[:depth])]
        for depth in range(len(path), 0, -1)
        if spelled(path[:depth]) in KEYS
    )


def _report_unknown(document: Document, path: Place) -> Place:
    """Report a key that is none; give the path that was probably meant."""
    *above, name = path
    section, name = spelled(tuple(above)), str(name)
    owner = f"of `{section}`" if section else "at the top of a campaign"
    found = f"`{clipped(masked(name))}` is no key {owner}"
    meant = _meant(section, name)
    if meant.rpartition(".")[2] == name:
        home = f"under `{meant.rpartition('.')[0]}`" if "." in meant else "at the top"
        fix = f"`{name}` belongs {home}: move it there."
    else:
        near = meant.removeprefix(f"{section}.")
        fix = f"Did you mean `{near}`?" if near else ""
    document.report(path, "E102", found=found, fix=fix)
    return tuple(meant.split("."))


def _meant(section: str, name: str) -> str:
    """The key that *name* was probably to be: one near it here, or elsewhere."""
    here = {
        key.rpartition(".")[2]: key for key in KEYS if key.rpartition(".")[0] == section
    }
    deepest_first = sorted(KEYS, key=lambda key: -key.count("."))
    everywhere = {key.rpartition(".")[2]: key for key in deepest_first}
    word = OTHER_WORDS.get(name, name)
    for names, cutoff in ((here, 0.6), (everywhere, 0.75)):
        if near := get_close_matches(word, names, n=1, cutoff=cutoff):
            return names[near[0]]
    return ""


def _described(document: Document, path: Place, value: object) -> str:
    """Say what is there without giving away a text, a number or a secret."""
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list):
        return f"a list of {len(value):,}" if value else "an empty list"

    text = str(value)
    source = document.sources.get(path)
    if path in document.secrets:
        return f'the value of "{_shown(source or "")}", which is not shown'
    if not text.strip():
        return f'"{_shown(source)}", which is empty' if source else "an empty text"
    if spelled(path[:2]) in _PRIVATE:
        return f"a text of {len(text):,} characters"
    return (
        f'"{_shown(source)}", which is "{_shown(text)}"'
        if source
        else f'"{_shown(text)}"'
    )


def _shown(text: str) -> str:
    return clipped(masked(text))


# -- hints ------------------------------------------------------------------------------


def _hint(path: Place, error: ErrorDetails) -> str:
    """The value that was probably meant; empty when there is no telling."""
    value: Any = error["input"]
    if not isinstance(value, str):
        return ""
    if error["type"] == "literal_error":
        choices = re.findall(r"'([^']*)'", str(error.get("ctx", {}).get("expected")))
        return suggestion(value, choices)
    if path[:1] == ("from",) and len(re.sub(r"\D", "", value)) >= LEAST_DIGITS:
        return "Write it with a + and its country code, in quotes."
    guess = _HINTS.get(spelled(path[:2]))
    meant = guess(value) if guess else ""
    return f'Write "{meant}".' if meant else ""


def slug(name: str) -> str:
    """The nearest name that a campaign may have; empty where it could be a number."""
    near = re.sub(r"[^a-z0-9._]+", "-", name.lower()).strip("-._")[:64]
    return near if masked(near) == near else ""


def _region(name: str) -> str:
    code = {"UK": "GB", "USA": "US"}.get(name.upper(), name.upper())
    return code if code in REGIONS else ""


def _rate(text: str) -> str:
    return f"{text}/s" if re.fullmatch("[1-9][0-9]{0,5}", text) else ""


def _clock(text: str) -> str:
    said = _TIME.fullmatch(text.strip().lower())
    if said is None:
        return ""
    hour, minute = int(said[1]), int(said[2] or 0)
    if said[3] and not 1 <= hour <= 12:
        return ""
    hour = hour % 12 + 12 * (said[3] == "p") if said[3] else hour
    return f"{hour:02}:{minute:02}" if hour < 24 else ""


_TIME = re.compile(r"([0-9]{1,2})(?:[:.]([0-5][0-9]))?(?: ?([ap])\.?m\.?)?")
"""``9``, ``9.30`` and ``9:30 pm``."""


_HINTS: Mapping[str, Callable[[str], str]] = {
    "name": slug,
    "recipients.default_region": _region,
    "send.rate": _rate,
    "send.window": _clock,
}
