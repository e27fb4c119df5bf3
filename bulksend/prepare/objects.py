"""NDJSON before Polars reads it: what stands in its lines, and where."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from bulksend.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Objects(NamedTuple):
    """How many there are, and the first line in which a field is an object or a list."""

    rows: int
    nested: dict[tuple[str, ...], int]


def _lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    rest: list[bytes] = []
    for block in blocks:
        first, *others = block.split(b"\n")
        rest.append(first)
        if others:
            yield b"".join(rest)
            *whole, last = others
            yield from whole
            rest = [last]
    yield b"".join(rest)


def check_objects(blocks: Iterator[bytes], file: str) -> Objects:
    """What objects there are.

    Raises:
        InputError: Nothing is there (E204), or a line that is anything else (E212).
    """
    import orjson

    count = 0
    nested: dict[tuple[str, ...], int] = {}
    problem, more = None, 0
    for number, line in enumerate(_lines(blocks), start=1):
        if not line.strip():
            continue
        try:
            record = orjson.loads(line)
            what = "" if isinstance(record, dict) else "is no JSON object"
        except orjson.JSONDecodeError as error:
            what = f"is not JSON ({error.msg}, column {error.colno})"
        if not what:
            count += 1
            if b"[" in line or line.rfind(b"{") > line.find(b"{"):
                _note_nested(nested, record, number)
        elif problem:
            more += 1
        else:
            problem = Problem("E212", f"this line {what}", file=file, line=number)
    if problem:
        raise InputError(replace(problem, more=more))
    if not count:
        raise InputError(Problem("E204", "the file is empty", file=file))
    return Objects(count, nested)


def _note_nested(
    nested: dict[tuple[str, ...], int],
    record: Mapping[str, Any],
    line: int,
    above: tuple[str, ...] = (),
) -> None:
    for name, value in record.items():
        kind = type(value)
        if kind is dict or kind is list:
            nested.setdefault((*above, name), line)
        if kind is dict:
            _note_nested(nested, value, line, (*above, name))
