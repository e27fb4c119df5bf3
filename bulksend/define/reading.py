"""YAML's nodes to a `Document`.

Theory.  YAML 1.1 guesses types from looks: ``NO`` is false, ``+19195550100`` loses its
plus, ``010`` is eight and ``12:30`` is 750.  Here nothing is guessed.  The file is only
composed to nodes, and each scalar stays the text that stands in the file; `campaign`
knows which keys hold numbers and reads them from the text.  Two exceptions: a plain
``null``, or nothing at all, is a key without a value, which is a problem; and under
`UNTYPED`, whose keys are checked elsewhere, plain scalars are read by YAML 1.2's core
rules, which guess far less.

Nothing here trusts the file: a tag constructs nothing, and aliases that hold themselves
or multiply without end are problems.  A value that is a problem becomes None, so None
anywhere in the tree means "reported already".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from bulksend.define.document import Document, Place, clipped, spelled, suggestion
from bulksend.define.folding import folded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

UNTYPED = ("send", "prices")
MOST_VALUES = 20_000
DEEPEST = 20

_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map")}
_NULL = re.compile("|~|null|Null|NULL")
_CORE: tuple[tuple[re.Pattern[str], Callable[[str], object]], ...] = (
    (re.compile("true|True|TRUE|false|False|FALSE"), lambda text: text[0] in "tT"),
    (re.compile(r"[-+]?[0-9]{1,18}"), int),
    (re.compile(r"[-+]?(\.[0-9]{1,18}|[0-9]{1,18}(\.[0-9]{0,18})?)"), float),
)
"""YAML 1.2.2 §10.3.2, for the numbers that a price can be."""

_VARIABLE = re.compile(r"\$?\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET = re.compile("SECRET|PASSWORD|TOKEN|KEY", re.IGNORECASE)


def read_document(
    root: yaml.MappingNode, file: str, environment: Mapping[str, str]
) -> Document:
    """Give the values under *root*, with ``${VAR}`` taken from *environment*."""
    reading = _Reading(Document(file), environment)
    tree = reading.value(root, ())
    if isinstance(tree, dict):
        reading.document.tree = tree
    return reading.document


class _Reading:
    """One pass over the nodes of one file."""

    def __init__(self, document: Document, environment: Mapping[str, str]) -> None:
        self.document = document
        self.environment = environment
        self.values = 0
        self.above: list[yaml.Node] = []

    def complain(
        self, path: Place, found: str, fix: str = "", *, code: str = "E101"
    ) -> None:
        self.document.spoiled.add(path)
        self.document.report(path, code, found=found, fix=fix)

    def value(self, node: yaml.Node, path: Place) -> object:
        self.values += 1
        if self.values > MOST_VALUES:
            if self.values == MOST_VALUES + 1:
                self.complain(path, f"the aliases make over {MOST_VALUES:,} values")
            return None
        if node in self.above or len(self.above) > DEEPEST:
            self.complain(path, "it holds itself, or is nested too deeply")
            return None
        if node.tag not in _TAGS:
            tag = clipped(node.tag.replace("tag:yaml.org,2002:", "!!"))
            fix = "Remove the tag; if it is part of a text, put quotes around the text."
            self.complain(path, f'it begins with the tag "{tag}"', fix)
            return None

        self.above.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self.mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                items = enumerate(node.value)
                return [self.placed(item, (*path, at), item) for at, item in items]
            assert isinstance(node, yaml.ScalarNode)  # there is no fourth kind
            return self.scalar(node, path)
        finally:
            self.above.pop()

    def placed(self, node: yaml.Node, path: Place, key: yaml.Node) -> object:
        """Note the line of *path*: where a text begins, or where a section's key is."""
        line = key.start_mark.line + 1
        if isinstance(node, yaml.ScalarNode):
            line = node.start_mark.line + 1 + (node.style in ("|", ">"))
        self.document.lines[spelled(path)] = line
        value = self.value(node, path)
        if isinstance(node, yaml.ScalarNode) and node.style != "|":
            expanded = path in self.document.sources
            if folds := folded(node, expanded=expanded):
                self.document.folds[spelled(path)] = folds
        return value

    def mapping(self, node: yaml.MappingNode, path: Place) -> object:
        if any(not isinstance(key, yaml.ScalarNode) for key, _ in node.value):
            # {{ name }} without quotes: a mapping whose key is a mapping.
            fix = 'Put quotes around a text that begins with {{: "{{ … }}".'
            self.complain(path, "its { begins a YAML mapping, and no text", fix)
            return None

        merged = self.merged(node, path)
        own: dict[str, object] = {}
        for key, value in node.value:
            if _is_merge(key):
                continue
            name = self.clean(key.value, path) or ""
            if name in own:
                found = f"the same key is in line {key.start_mark.line + 1:,} too"
                self.document.report((*path, name), "E106", found=found)
            else:
                own[name] = self.placed(value, (*path, name), key)
        return merged | own

    def merged(self, node: yaml.MappingNode, path: Place) -> dict[str, object]:
        """What ``<<: *anchor`` brings in; of several, the first one wins."""
        result: dict[str, object] = {}
        for key, value in node.value:
            if not _is_merge(key):
                continue
            parts = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for part in reversed(parts):
                brought = self.value(part, path)
                if isinstance(brought, dict):
                    result |= brought
                elif brought is not None:
                    found = "its << brings in something that has no keys"
                    self.complain(path, found, "Give it an *alias of a mapping.")
        return result

    def scalar(self, node: yaml.ScalarNode, path: Place) -> object:
        plain = node.style is None
        if plain and _NULL.fullmatch(node.value):
            fix = "Write one, or remove the key."
            if node.value:
                fix += f' For the text itself write "{node.value}", with quotes.'
            self.complain(path, "it has no value", fix, code="E104")
            return None

        whole = expanded(node.value, path, self.document, self.environment)
        text = self.clean(whole, path)
        if text is not None and plain and path[:2] == UNTYPED:
            read = (kind for pattern, kind in _CORE if pattern.fullmatch(text))
            return next(read, str)(text)
        return text

    def clean(self, text: str, path: Place) -> str | None:
        """Join UTF-16 halves, which JSON's escapes have; refuse what is no text."""
        try:
            text = text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self.complain(path, "it holds half a character (a lone surrogate)")
            return None
        if "\0" in text:
            self.complain(path, "it holds the character U+0000")
            return None
        return text


def expanded(
    text: str, path: Place, document: Document, environment: Mapping[str, str]
) -> str:
    """*text* with its variables' values; *document* is told where they were, or lack."""

    def put(match: re.Match[str]) -> str:
        name = match[1]
        if match[0].startswith("$$"):
            return match[0][1:]
        if name not in environment:
            fix = suggestion(name, environment)
            fix = fix and f"Set it. {fix}"
            if path[:1] == ("message",) and not name.isupper():
                fix = f"For a person's value write {{{{ {name} }}}}; or set it."
            document.spoiled.add(path)
            document.report(path, "E105", found=f"${{{name}}} is not set", fix=fix)
            return match[0]

        document.sources[path] = text
        if _SECRET.search(name):
            document.secrets.add(path)
        return environment[name]

    return _VARIABLE.sub(put, text)


def _is_merge(key: yaml.Node) -> bool:
    return isinstance(key, yaml.ScalarNode) and key.value == "<<" and key.style is None
