"""What is wrong with YAML is told by its usual cause."""

from __future__ import annotations

import pytest

from bulksend.define.syntax import compose
from bulksend.errors import InputError

# the text · the line that is blamed · a phrase of the problem
BROKEN = [
    ("message:\n\ttext: x\n", 2, "a tab"),
    ("message:\n  media:\n\t- y\n", 3, "Indent with spaces"),
    ("message:\n  text: Hi: there you\n", 2, "a text with a colon in it needs quotes"),
    ("a: “hi”: x\n", 1, "a text with a colon in it needs quotes"),
    ('message:\n  text: "Hi there\n  tag: y\nsend: 1\n', 2, "a quote opens here"),
    ('a: "x\n---\ny"\n', 1, "a quote opens here"),
    ('message:\n  text: "Hi\n  tag: "y"\n', 3, "or in a text above"),
    ('message:\n  text: "He said "hi" to"\n', 2, "a quote here"),
    ("message:\n  text: 'don't go'\n", 2, "inside single quotes write it twice"),
    ("message:\n  text: {{ name }}, hi\n", 2, "a text that begins with { needs quotes"),
    ("message:\n  text: {% if x %}a{% endif %}\n", 2, "begins with { needs quotes"),
    ("message:\n  tag: @foo\n", 2, "begins with @"),
    ("message:\n  tag: %foo\n", 2, "begins with %"),
    ("media:\n  - `x`\n", 2, "begins with `"),
    ("message:\n  text: *bold* move\n", 2, "begins with *"),
    ("a: *bold\n", 1, "begins with *"),
    ("text: & you\n", 1, "begins with &"),
    ("text: > hello\n", 1, "begins with >"),
    ("text: |hello\n", 1, "begins with |"),
    ("message:\n  text: [SALE] now\n", 2, "begins with ["),
    ("from: [${X}, ${Y}]\n", 1, "put quotes around each text in it"),
    ("a: 1\nfrom: [a, b\nname: x\n", 3, "the bracket of line 2 is not closed"),
    ("a: 1\n---\nb: 2\n", 2, "a second document begins here"),
    ("recipients:\n  path: a\n   phone: b\n", 3, "deeper than the key above"),
    ("recipients:\n    path: a\n  phone: b\n", 3, "matches no line above"),
    ("name: x\nprovider simulator\nfrom: y\n", 2, "no colon after the key"),
    ("name: a\nfrom: a\x07b\n", 2, "the character U+0007 is not allowed"),
    ('text: "a\\qb"\n', 1, "a backslash in double quotes"),
    ('text: "\\U00FFFFFF"\n', 1, "names no character"),
    ("name:x\nprovider:simulator\n", 1, "Put a space after each colon"),
    ("mobile,first_name\n+19195550100,Ann\n", 1, "a text without keys"),
    ("- a\n- b\n", 1, "the file holds a list"),
    ("]\n", 1, "does not fit"),
    ("[" * 5000, 1, "nested too deeply"),
]


@pytest.mark.parametrize(("text", "line", "phrase"), BROKEN)
def test_a_usual_mistake_is_named(text: str, line: int, phrase: str) -> None:
    """A mistake in YAML gives its line and its usual cause."""
    with pytest.raises(InputError) as caught:
        compose(text, "spring.yaml")

    [problem] = caught.value.problems
    assert (problem.code, problem.line) == ("E101", line)
    assert phrase in str(problem)


def test_a_leading_document_mark_is_no_second_document() -> None:
    """Many files begin with ``---``."""
    assert compose("---\na: 1\n", "spring.yaml").value
