"""NDJSON without Polars: what stands in its lines, and where."""

from __future__ import annotations

from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from bulksend.errors import InputError, Problem
from bulksend.prepare.columns import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_KINDS: dict[type, str] = {dict: "an object", list: "a list"}
_PLAIN = "a plain value"


class Objects(NamedTuple):
    """How many there are, and the fields that are an object or a list in some line."""

    rows: int
    nested: set[tuple[str, ...]]


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
    nested: set[tuple[str, ...]] = set()
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
                nested.update(path for path, kind in _fields(record) if kind in _KINDS)
        elif problem:
            more += 1
        else:
            problem = Problem("E212", f"this line {what}", file=file, line=number)
    if problem:
        raise InputError(replace(problem, more=more))
    if not count:
        raise InputError(Problem("E204", "the file is empty", file=file))
    return Objects(count, nested)


def mixed_kinds(blocks: Iterator[bytes], file: str) -> Iterator[Problem]:
    """The fields that are of one kind in one line and of another in the next (E225)."""
    import orjson

    first: dict[tuple[str, ...], dict[str, int]] = {}
    for number, line in enumerate(_lines(blocks), start=1):
        for path, kind in _fields(orjson.loads(line)) if line.strip() else ():
            kinds = first.setdefault(path, {})
            kinds.setdefault(_KINDS.get(kind, _PLAIN), number)
    for path, kinds in first.items():
        if len(kinds) > 1:
            (other, before), (now, here) = sorted(kinds.items(), key=itemgetter(1))[:2]
            what = f"this is {now}, and in line {before} it is {other}"
            name = shown(".".join(path), "")
            yield Problem("E225", what, file=file, line=here, column=name)


def _fields(
    record: Mapping[str, Any], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], type]]:
    """The fields that hold anything, also those of objects, with the types of Python."""
    for name, value in record.items():
        if value is not None:
            yield (*above, name), type(value)
        if type(value) is dict:
            yield from _fields(value, (*above, name))
