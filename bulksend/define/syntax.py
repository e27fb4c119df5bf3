"""YAML's complaints, told by their usual cause.

A parser reports where it gave up; a person wants to know what they did.  The parser's
place and words, with the line that stands there, tell the two dozen usual mistakes
apart.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml

from bulksend.errors import InputError, Problem


class _Cause(NamedTuple):
    line: int
    found: str
    fix: str = ""


def compose(text: str, file: str) -> yaml.MappingNode:
    """Give the node of the file's top-level mapping.

    Raises:
        InputError: The text is not YAML, is empty, or is something else than keys.
    """
    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        raise InputError(_problem(_cause(error, text.splitlines()), file)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        found = f"the character U+{error.character:04X} is not allowed"
        raise InputError(_problem(_Cause(line, found, "Remove it."), file)) from None
    except RecursionError:
        raise InputError(_problem(_Cause(1, "it is nested too deeply"), file)) from None
    except (ValueError, OverflowError):  # an escape such as "\U00FFFFFF"
        found = "an escape after a backslash names no character"
        raise InputError(_problem(_Cause(1, found), file)) from None

    if isinstance(root, yaml.MappingNode):
        return root
    raise InputError(_no_keys(root, text, file))


def _problem(cause: _Cause, file: str) -> Problem:
    return Problem("E101", cause.found, fix=cause.fix, file=file, line=cause.line)


def _no_keys(root: yaml.Node | None, text: str, file: str) -> Problem:
    if root is None or root.value == "":  # nothing, or nothing after a "---"
        fix = "`bulksend init NAME` writes one to start from."
        return Problem("E100", "the file is empty", fix=fix, file=file)

    fix = "Begin with `name: …`; `bulksend init NAME` writes a file to start from."
    if re.match(r"\s*\w+:\S", text):
        fix = "Put a space after each colon: `name: …`."
    kind = "a list" if isinstance(root, yaml.SequenceNode) else "a text without keys"
    line = root.start_mark.line + 1
    return Problem(
        "E101", f"the file holds {kind}", "keys, such as `name: …`", fix, file, line
    )


def _cause(error: yaml.MarkedYAMLError, lines: list[str]) -> _Cause:
    """Name what a person did, from where the parser gave up and why."""
    mark = error.problem_mark or error.context_mark
    here = mark.line if mark else 0
    began = error.context_mark.line if error.context_mark else here
    said = f"{error.context}: {error.problem}"
    for pattern, at_start, found, fix in _SAID:
        if re.search(pattern, said):
            return _Cause((began if at_start else here) + 1, found, fix)

    value = _VALUE.sub("", lines[here]) if here < len(lines) else ""
    for pattern, begins, found, fix in _STANDS:
        if re.search(pattern, said) and re.match(begins, value):
            return _Cause(here + 1, found.format(value[:1], began + 1), fix)
    return _Cause(here + 1, "the line does not fit what stands above it")


_VALUE = re.compile(r"^\s*(?:- +)*(?:[\w.-]+:(?: +|$))?")
"""What comes before the value in a line: indentation, dashes, the key."""

_QUOTE = "Put quotes around the text."
_INDENT = "Line it up with the keys it belongs to."

# What the parser said · blame the line where it began, not where it gave up · cause · fix
_SAID = (
    (
        "another document",
        False,
        "a second document begins here",
        "Keep one; remove the line `---`.",
    ),
    (r"'\\t'", False, "a tab stands where spaces are needed", "Indent with spaces."),
    (
        "quoted scalar: found unexpected (end of stream|document separator)",
        True,
        "a quote opens here and is never closed",
        "Close it.",
    ),
    (
        "double-quoted scalar: ",
        False,
        "a backslash in double quotes begins no known escape",
        r"Write \\ for a backslash, or use single quotes.",
    ),
    ("undefined alias", False, "it begins with *, which refers to an anchor", _QUOTE),
    (
        "could not find expected ':'",
        True,
        "there is no colon after the key",
        "Write `key: value`.",
    ),
    (
        "block (mapping|sequence) start",
        False,
        "its indentation matches no line above it",
        _INDENT,
    ),
)

# What the parser said · how the line's value begins · cause · fix
_STANDS = (
    ("", r"\{[{%#]", "a text that begins with {0} needs quotes", _QUOTE),
    (
        "while parsing a flow",
        "",
        "the bracket of line {1} is not closed, or a text in it needs quotes",
        "Close the bracket, or put quotes around each text in it.",
    ),
    ("", r"[@%`*&!\[{{|>]", "a text that begins with {0} needs quotes", _QUOTE),
    (
        "",
        "[\"']",
        "a quote here, or in a text above, ends too early or never",
        'Inside double quotes write \\" for a quote; inside single quotes write it twice.',
    ),
    ("mapping values", ".*:( |$)", "a text with a colon in it needs quotes", _QUOTE),
    ("mapping values", "", "it is indented deeper than the key above it", _INDENT),
)
