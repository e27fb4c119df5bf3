"""A part of a campaign file as it was written, to be read later and elsewhere.

An address or a command can hold a secret, and a plan is handed around: so the plan holds
the ``${VAR}`` that stands in the file, and whoever sends it has the value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bulksend.define.document import Document
from bulksend.define.reading import expanded
from bulksend.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulksend.define.document import Place


def written(document: Document, path: Place) -> Any:
    """What stands at *path*, with each ``${VAR}`` as it is in the file; None: nothing."""
    value: Any = document.tree
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return _written(document, path, value)


def _written(document: Document, path: Place, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _written(document, (*path, key), v) for key, v in value.items()}
    if isinstance(value, list):
        return [_written(document, (*path, at), v) for at, v in enumerate(value)]
    if isinstance(value, str):
        return document.sources.get(path, value.replace("${", "$${"))
    return value


def resolved(said: Any, environment: Mapping[str, str]) -> Any:
    """What `written` gave, with the values of *environment*.

    Raises:
        InputError: E105, where it lacks one.
    """
    if isinstance(said, dict):
        return {key: resolved(value, environment) for key, value in said.items()}
    if isinstance(said, list):
        return [resolved(value, environment) for value in said]
    if not isinstance(said, str):
        return said
    document = Document("")
    text = expanded(said, (), document, environment)
    if document.problems:
        raise InputError(document.problems)
    return text
