"""No template exhausts anything: not the stack, not the memory, not the reader's patience."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment

from bulksend.errors import InputError
from bulksend.prepare.template import Compiled, compile_template, shared

PEOPLE = pl.DataFrame(
    {"a": ["7", "8"], "b": ["x", "y"], "n": [0, 3], "p": [0.5, 2.0], "f": [True, False]}
)


def rows(source: str) -> list[str | None]:
    compiled = compile_template(source, PEOPLE.schema)
    made = compiled.over(PEOPLE.lazy()).select(text=compiled.text)
    return made.collect(engine="streaming")["text"].to_list()


def nodes(compiled: Compiled) -> int:
    """How often the compiled template names a column: it grows as its tree does."""
    exprs = [expr for step in compiled.steps for expr in step]
    every = (*exprs, compiled.text, compiled.missing)
    return sum(len(expr.meta.root_names()) for expr in every)


def refused(source: str) -> str:
    with pytest.raises(InputError) as caught:
        compile_template(source, PEOPLE.schema)
    (problem,) = caught.value.problems
    assert problem.code == "E316"
    return problem.found


# -- deep ------------------------------------------------------------------------------

DEEP = [
    "{{ a" + " | upper" * 3_000 + " }}",
    "{{ " + "(" * 2_000 + "a" + ")" * 2_000 + " }}",
    "{% if a %}" * 1_500 + "{% endif %}" * 1_500,
    "{{ a" + " | upper" * 60 + " }}",
    "{{ n" + " < n" * 61 + " }}",
]


@pytest.mark.parametrize(
    "source", DEEP, ids=["filters", "brackets", "ifs", "one too many", "comparisons"]
)
def test_a_template_may_not_exhaust_the_stack(source: str) -> None:
    """However deep it is, one problem comes back."""
    assert "60 levels" in refused(source)


def test_what_is_as_deep_as_it_may_be_is_rendered() -> None:
    """The limit is one that Python and Polars can work with."""
    assert rows("{{ b" + " | upper" * 55 + " }}") == ["X", "Y"]


def test_there_may_be_as_many_elifs_as_anybody_writes() -> None:
    """A text for each of 500 cities: side by side, not in each other."""
    elifs = "".join(f"{{% elif a == 'c{i}' %}}{i}" for i in range(500))
    source = (
        f"{{% if a == '0' %}}0{elifs}{{% elif a == '8' %}}it{{% else %}}no{{% endif %}}"
    )
    assert rows(source) == ["no", "it"]


# -- large -----------------------------------------------------------------------------

GROWING = {
    "or and and": ("{% set v = (v or a) and (b or v) or (v and n) %}", "{{ v }}"),
    "choices": ("{% set v = (v if v else a) if n else (a if f else v) %}", "{{ v }}"),
    "sums": ("{% set w = w + w %}", "{{ w }}"),
    "rounded": ("{% set p = (p | round(2)) - (p | round(1, 'ceil')) %}", "{{ p }}"),
    "read": ("{% set v = (v | title) or (v | int) or (v | upper) %}", "{{ v }}"),
    "constants": ("{% set w = (w or w) and (w or w) %}", "{{ w }}"),
    "branches": ("{% if v == b %}{% set v = a %}{% endif %}", "{{ v }}"),
    "alternatives": ("{{ (a or 0) ~ (n or p) }}", ""),
    "comparisons": ("{{ n < (p or n) < (n or p) < n < 3 }}", ""),
    "powers": ("{{ (n or f) ** 8 }}", ""),
    "ifs": ("{% if a or n %}{{ b | date }}{% else %}{{ p }}{% endif %}", ""),
}  # fmt: skip


@pytest.mark.parametrize("pattern", GROWING.values(), ids=GROWING.keys())
def test_a_template_of_twice_the_length_is_compiled_to_twice_the_size(
    pattern: tuple[str, str],
) -> None:
    """Whatever a variable is set from: the tree of the expression does not explode."""
    piece, end = pattern

    def size(times: int) -> int:
        head = "{% set v = b %}{% set w = 1 %}"
        return nodes(compile_template(head + piece * times + end, PEOPLE.schema))

    assert size(32) <= 2.3 * size(16) + 10


HOSTILE = {
    "doubled": "{% set v = a %}" + "{% set v = v ~ v %}" * 60 + "{{ v }}",
    "doubled constant": "{% set v = 'a' %}" + "{% set v = v ~ v %}" * 60 + "{{ v }}",
    "doubled block": "{% set v %}{{ a }}{% endset %}"
    + "{% set v %}{{ v }}{{ v }}{% endset %}" * 40
    + "{{ v }}",
    "doubled in ifs": "{% set v = a %}"
    + "{% if f %}{% set v = v ~ v %}{% endif %}" * 40,
    "replaced": "{{ a" + " | replace('7', '77777777')" * 50 + " }}",
    "padded": "{% set v = a %}" + "{% set v = '%2048s' | format(v ~ v) %}" * 40,
    "list of columns": "{{ a in [" + ", ".join(["b"] * 600) + "] }}",
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_short_template_cannot_ask_for_gigabytes(source: str) -> None:
    """2 kB that would make texts of any length are refused at their place."""
    assert len(source) <= 2_048
    assert refused(source)


def test_what_is_said_once_too_often_is_refused_and_not_before() -> None:
    """The limit is beyond every text that can be sent."""
    source = "{{ " + " ~ ".join(["a"] * 200) + " }}"
    assert rows(source) == ["7" * 200, "8" * 200]
    assert "200 cells" in refused(source.replace("a }}", "a ~ a }}"))


def test_a_template_has_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """What tells too many cases apart is refused, not planned for minutes."""
    source = "{% set v = a %}" + "{% set v = (v or b) and (n or v) %}" * 9 + "{{ v }}"
    assert nodes(compile_template(source, PEOPLE.schema)) > 200
    monkeypatch.setattr(shared, "BUDGET", 200)
    assert "too many cases" in refused(source)


PARTS = st.sampled_from(["a", "b", "n", "p", "f", "v", "w", "'x'", "0", "''"])
EXPRESSIONS = st.recursive(
    PARTS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["or", "and"]), inner).map(
            lambda made: f"({' '.join(made)})"
        ),
        st.tuples(inner, inner, inner).map(
            lambda made: f"({made[0]} if {made[1]} else {made[2]})"
        ),
    ),
    max_leaves=8,
)
SETS = st.lists(st.tuples(st.sampled_from("vw"), EXPRESSIONS), min_size=1, max_size=30)


@given(SETS)
@settings(max_examples=40)
def test_variables_of_variables_are_what_jinja_makes_them(
    sets: list[tuple[str, str]],
) -> None:
    """Any or, and, if of any variables, set again and again: small, and the same text."""
    source = "{% set v = b %}{% set w = n %}"
    source += "".join(f"{{% set {name} = {made} %}}" for name, made in sets)
    source += "{{ v }}|{{ w }}"
    compiled = compile_template(source, PEOPLE.schema)
    assert nodes(compiled) <= shared.BUDGET
    template = Environment(autoescape=False).from_string(source)
    assert rows(source) == [template.render(row) for row in PEOPLE.to_dicts()]
