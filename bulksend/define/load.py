"""A campaign file to a `Campaign`: every problem at once, each with its line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from bulksend.define.campaign import Campaign
from bulksend.define.complaint import report_shape
from bulksend.define.document import Folds, nearest_line, suggestion
from bulksend.define.reading import read_document
from bulksend.define.reference import written
from bulksend.define.rules import conflicts
from bulksend.define.syntax import compose
from bulksend.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulksend.storage.location import Where

LARGEST = 256 * 1024
"""Bytes.  A campaign is a page of text; a file beyond this is the list of people."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A campaign, and where its keys stand in the file.

    Args:
        notify: The section as it was written, its ``${VAR}`` unread; None without one.
    """

    campaign: Campaign
    path: Where
    lines: Mapping[str, int] = field(repr=False)
    folds: Mapping[str, Folds] = field(repr=False, default_factory=dict)
    notify: Any = field(repr=False, default=None)

    @property
    def folder(self) -> Path:
        """Where the campaign's relative paths start.

        A campaign at an address has none left (see `distant`): it is where we are.
        """
        return self.path.parent if isinstance(self.path, Path) else Path()

    def line_of(self, key: str) -> int:
        """The 1-based line of ``message.text`` or ``recipients.suppress[1]``.

        For a text in a block (``|`` or ``>``) the line where the text itself begins;
        for a key that is not in the file the line of its section.
        """
        return nearest_line(self.lines, key)

    def folds_of(self, key: str) -> Folds:
        """Where the lines of a text stand that YAML folds; none where they are its own."""
        return self.folds.get(key, ())


def load(path: Path, environment: Mapping[str, str], *, name: str = "") -> Loaded:
    """Read a campaign file; ``${VAR}`` in a text is taken from *environment*.

    Args:
        name: What messages call it, where that is not its path.

    Raises:
        InputError: With every problem of the file, in the order of its lines.
    """
    file = name or str(path)
    root = compose(text_of(path, file), file)
    document = read_document(root, file, environment)

    campaign = None
    try:
        campaign = Campaign.model_validate(document.tree, by_alias=True, by_name=False)
    except ValidationError as error:
        report_shape(document, error.errors(include_url=False))
        for conflict in conflicts(document.tree):
            document.report(
                conflict.path,
                conflict.code,
                found=conflict.found,
                expected=conflict.expected,
                fix=conflict.fix,
            )

    if campaign is None or document.problems:
        raise InputError(sorted(document.problems, key=lambda p: p.line or 0))
    notify = written(document, ("notify",))
    return Loaded(campaign, path, document.lines, document.folds, notify)


def text_of(path: Path, file: str) -> str:
    """What a campaign file holds.

    Args:
        file: What messages call it.

    Raises:
        InputError: E100, where it cannot be read.
    """
    data = _bytes(path, file)
    try:
        text = data.decode()  # a byte order mark is YAML's to skip
    except UnicodeDecodeError as error:
        from charset_normalizer import from_bytes

        best = from_bytes(data).best()
        looks = f"; it looks like {best.encoding}" if best else ""
        line = data.count(b"\n", 0, error.start) + 1
        raise _unreadable(
            file, f"it is not UTF-8{looks}", "Save it as UTF-8.", line
        ) from None
    if "\0" in text:
        raise _unreadable(
            file, "it holds bytes of 0, as UTF-16 does", "Save it as UTF-8."
        )
    return text


def _bytes(path: Path, file: str) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except FileNotFoundError:
        raise _unreadable(file, "there is no such file", _neighbour(path)) from None
    except IsADirectoryError:
        fix = "Name the campaign file in it."
        raise _unreadable(file, "it is a folder, not a file", fix) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise _unreadable(file, reason.lower()) from None

    if len(data) > LARGEST:
        found = f"it is larger than {LARGEST // 1024} KiB"
        fix = "Name the campaign file, not the list of recipients."
        raise _unreadable(file, found, fix)
    return data


def _neighbour(path: Path) -> str:
    """Suggest a campaign file with a near name in the same folder."""
    try:
        names = [each.name for each in path.parent.glob("*.y*ml")]
    except (OSError, ValueError):
        return ""
    return suggestion(path.name, names)


def _unreadable(
    file: str, found: str, fix: str = "", line: int | None = None
) -> InputError:
    return InputError(Problem("E100", found, fix=fix, file=file, line=line))
