"""Where the lines of a folded text stand in the file.

YAML joins the lines of a text in quotes, without quotes or behind ``>``, and a quoted text
can hold line ends that no line of the file has.  So the third line of such a text is not
the third in the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import yaml

    from bulksend.define.document import Folds


def folded(node: yaml.ScalarNode, *, expanded: bool) -> Folds:
    """For each line of the file that holds some of the text: where in the text it begins.

    Where that cannot be told (an escape, a variable that was put in) it is one line, the
    first; and nothing for a text of one line, whose places are the file's own.
    """
    start = node.start_mark.line + 1
    is_block = node.style == ">"
    if not is_block and start == node.end_mark.line + 1:
        return ((0, start),) if "\n" in node.value else ()
    first = ((0, start + is_block),)
    raw = _raw(node)
    if expanded or (node.style == '"' and "\\" in raw):
        return first
    folds: list[tuple[int, int]] = []
    behind = 0
    for line, content in enumerate(raw.split("\n"), start=start):
        part = content.strip()
        if not part or (is_block and line == start):
            continue
        at = node.value.find(part, behind)
        if at < 0:
            return first
        folds.append((at if folds else 0, line))
        behind = at + len(part)
    return tuple(folds) or first


def _raw(node: yaml.ScalarNode) -> str:
    begin, end = node.start_mark, node.end_mark
    buffer = begin.buffer or ""
    raw = buffer[begin.pointer : end.pointer]
    if node.style == "'":
        raw = raw.replace("''", "'")
    return raw[1:-1] if node.style in ("'", '"') else raw
