"""Jinja's own parser, taught to remember places, and the problems found at them.

Jinja's nodes carry a line and no column.  But they take their line from the token, and
the token from the lexer: a lexer that counts characters where Jinja's counts lines gives
every node, and every syntax error, its exact place.  So throughout this package
`node.lineno` is an offset into the source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import Lexer
from jinja2.parser import Parser

from bulksend.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bulksend.define.document import Folds


class Refusal(Exception):  # noqa: N818 - it is caught where it is raised, one node above
    """One node cannot be compiled; `at` is filled in by whoever knows the node."""

    def __init__(
        self, code: str, found: str, *, expected: str = "", fix: str = ""
    ) -> None:
        super().__init__(found)
        self.code, self.found, self.expected, self.fix = code, found, expected, fix
        self.at: int | None = None

    def placed(self, at: int) -> Refusal:
        self.at = at if self.at is None else self.at
        return self


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a template stands in the user's files.

    Args:
        line: Where its first line stands in *file*, if that is known.

        key: Its key there, as in ``message.text``.

        folds: Where its lines stand, if not one below the other.
    """

    file: str = ""
    line: int | None = None
    key: str = ""
    folds: Folds = ()

    def place(self, source: str, at: int) -> tuple[int, int]:
        """The line, and the character in it, of an offset into *source*."""
        if self.folds:
            begins, line = max(fold for fold in self.folds if fold[0] <= at)
            return line, at - begins + 1
        before = source[:at]
        # rfind is -1 in the first line.
        return (self.line or 1) + before.count("\n"), at - before.rfind("\n")


@dataclass(slots=True)
class Findings:
    """The problems of one template."""

    source: str
    origin: Origin
    _found: list[tuple[int, Problem]] = field(default_factory=list)

    @property
    def problems(self) -> list[Problem]:
        """In the order of the template, each once."""
        ordered = sorted(self._found, key=lambda found: found[0])
        return list(dict.fromkeys(problem for _, problem in ordered))

    def add(self, refusal: Refusal) -> None:
        at = refusal.at or 0
        origin = self.origin
        line, character = origin.place(self.source, at)
        is_known = origin.line is not None
        places = [origin.key, "" if is_known else f"line {line}"]
        problem = Problem(
            refusal.code,
            refusal.found,
            expected=refusal.expected,
            fix=refusal.fix,
            file=origin.file,
            line=line if is_known else None,
            column=", ".join(filter(None, (*places, f"character {character}"))),
        )
        self._found.append((at, problem))


LONGEST_INTEGER = 1_000
"""Characters; Python itself reads no more than 4,300 digits."""


def too_long() -> Refusal:
    return Refusal("E315", "a whole number of more than 38 digits")


class _PlacedLexer(Lexer):
    def tokeniter(
        self,
        source: str,
        name: str | None,
        filename: str | None = None,
        state: str | None = None,
    ) -> Iterator[tuple[int, str, str]]:
        at = 0
        try:
            for _, kind, text in super().tokeniter(source, name, filename, state):
                at = source.index(text, at)
                if kind == "integer" and len(text) > LONGEST_INTEGER:
                    raise too_long().placed(at)
                yield at, kind, text
                at += len(text)
        except TemplateSyntaxError as error:
            while source[at : at + 1].isspace():
                at += 1
            raise TemplateSyntaxError(error.message or "", at) from None


class _PlacedEnvironment(Environment):
    @property
    def lexer(self) -> Lexer:
        return _PlacedLexer(self)


def parse(source: str) -> nodes.Template:
    """The tree of *source*, each `lineno` an offset into it.

    Raises:
        Refusal: *source* is not Jinja, or no text can hold what it says.
    """
    try:
        tree = Parser(_PlacedEnvironment(), source).parse()
    except TemplateSyntaxError as error:
        raise _explained(error, source).placed(error.lineno) from None
    except RecursionError:
        raise too_deep() from None
    _check(tree)
    return tree


MOST_DEEP = 60
"""So many values in each other: each takes a few levels of Python's stack, of a thousand."""


def _check(tree: nodes.Node) -> None:
    """Refuse what can be parsed and not be worked out; without recursion of its own."""
    level: list[nodes.Node] = [tree]
    for _ in range(MOST_DEEP):
        for node in level:
            _check_text(node)
            if isinstance(node, nodes.Compare) and len(node.ops) > MOST_DEEP:
                raise too_deep().placed(node.lineno)
        level = [child for node in level for child in node.iter_child_nodes()]
        if not level:
            return
    raise too_deep().placed(level[0].lineno)


def _check_text(node: nodes.Node) -> None:
    said = getattr(
        node, "data" if isinstance(node, nodes.TemplateData) else "value", ""
    )
    bad = re.search("[\ud800-\udfff\\x00]", said) if isinstance(said, str) else None
    if bad:
        found = f"U+{ord(bad[0]):04X}, which no text can hold"
        fix = "Write the character itself."
        raise Refusal("E300", found, fix=fix).placed(node.lineno)


def too_deep() -> Refusal:
    fix = "Use fewer filters, brackets or conditions in each other."
    return Refusal("E316", f"more than {MOST_DEEP} levels in each other", fix=fix)


TAGS = ("if", "elif", "else", "endif", "set", "endset", "raw", "endraw")
_CURLY = "\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb"

_PLAINLY: list[tuple[str, str, str]] = [
    (
        r"unexpected end of template, expected 'end of print statement'",
        "this is never closed",
        "Add }}}} where it ends.",
    ),
    (
        r"unexpected end of template, expected 'end of statement block'",
        "this is never closed",
        "Add %}} where it ends.",
    ),
    (
        r"Unexpected end of template.* closed is '(\w+)'",
        "{{% {0} %}} is never closed",
        "Add {{% end{0} %}}.",
    ),
    (
        r"expected token 'end of (?:print statement|statement block)', got '='",
        "a single = here",
        "Compare with ==.",
    ),
    (
        r"expected token 'end of print statement', got '(.*)'",
        'after this, "{0}" is not expected',
        "Join two values with ~; a name has no spaces: first_name.",
    ),
    (r"expected token 'name', got .*", "the name of a filter is missing after |", ""),
    (r"unexpected '(.*)', expected '(.*)'", '"{0}" is here', "Close with {1} first."),
    (r"unexpected '\}'", "a single }} here", "Close with }}}}."),
    (r"Expected an expression, got 'end of .*'", "there is nothing in it", ""),
    (
        r"unexpected char \"'\" at",
        "this text is never closed",
        "Add the other quotation mark.",
    ),
    (r"unexpected char '(.*)' at", "the sign {0} means nothing here", ""),
    (r"Missing end of (.*)", "the {0} is never closed", ""),
]
"""What Jinja's parser says, and the same for somebody who never saw a parser."""


def _explained(error: TemplateSyntaxError, source: str) -> Refusal:
    message = (error.message or "").rstrip(".")
    rest = source[error.lineno :]
    tag = re.search(r"(?:unknown tag|closed is) '(\w+)'", message)
    if tag and tag[1] not in TAGS:
        return not_in_language(f"{{% {tag[1]} %}}", fix=near(tag[1], TAGS))
    if tag and message.startswith("Encountered unknown"):
        return Refusal("E300", f"{{% {tag[1]} %}} has nothing before it that it ends")
    if rest[:1] and rest[0] in _CURLY:
        straight = "Use straight quotation marks: ' or \"."
        return Refusal("E300", f"a curly quotation mark {rest[0]}", fix=straight)
    if rest[:2] in ("&&", "||"):
        return Refusal("E300", f'"{rest[:2]}" is here', fix="Write `and` or `or`.")
    for pattern, found, fix in _PLAINLY:
        if match := re.match(pattern, message):
            said = match.groups()
            return Refusal("E300", found.format(*said), fix=fix.format(*said))
    return Refusal("E300", message[:1].lower() + message[1:])


def not_in_language(what: str, *, fix: str = "") -> Refusal:
    return Refusal("E301", f"{what} is not part of the message language", fix=fix)


def near(name: str, known: Iterable[str]) -> str:
    """``Did you mean "first_name"?``, or nothing."""
    matches = get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return f'Did you mean "{matches[0]}"?' if matches else ""
