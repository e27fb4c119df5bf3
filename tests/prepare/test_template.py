"""What a template may say, what it may not, and what happens to a row without a value."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from bulksend.errors import InputError, Problem
from bulksend.prepare.template import Compiled, Origin, compile_template

SCHEMA: dict[str, pl.DataType] = {
    "First Name": pl.String(),
    "city": pl.String(),
    "points": pl.Int64(),
    "price": pl.Float64(),
    "flag": pl.Boolean(),
    "day": pl.Date(),
    "amount": pl.Decimal(12, 2),
    "address": pl.Struct({"city": pl.String, "zip": pl.Int32}),
    "tags": pl.List(pl.String),
    "E-Mail": pl.String(),
    "e mail": pl.String(),
}


def render(source: str, **cells: Any) -> tuple[str | None, str | None]:
    """The text and the missing column of one row."""
    frame = pl.DataFrame({name: [cell] for name, cell in cells.items()})
    return rows(source, frame)[0]


def rows(source: str, frame: pl.DataFrame) -> list[tuple[str | None, str | None]]:
    compiled = compile_template(source, frame.schema)
    columns = {"text_": compiled.text, "missing_": compiled.missing}
    lazy = compiled.over(frame.lazy()).with_columns(**columns).select(*columns)
    return lazy.collect(engine="streaming").rows()


def problems(source: str, **place: Any) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        compile_template(source, SCHEMA, Origin(**place))
    return caught.value.problems


# -- refused ---------------------------------------------------------------------------

REFUSED = [
    # source, code, character, what the user reads (found, expected and fix together)
    ("Hi {{ city", "E300", 7, "never closed. Add }}"),
    ("Hi {{ city }", "E300", 12, "Close with }}."),
    ("{% if city %}a", "E300", 14, "{% if %} is never closed. Add {% endif %}."),
    ("{% if city", "E300", 7, "Add %}"),
    ("a {% endif %}", "E300", 6, "{% endif %} has nothing before it"),
    ("{{ }}", "E300", 4, "nothing in it"),
    ("{{ city | }}", "E300", 11, "name of a filter is missing"),
    ("{{ (city }}", "E300", 10, "Close with ) first."),
    ("{# x", "E300", 4, "comment tag is never closed"),
    ("{% raw %}x", "E300", 10, "raw directive is never closed"),
    ("{{ 'abc }}", "E300", 4, "Add the other quotation mark."),
    ("{{ first name }}", "E300", 10, "a name has no spaces: first_name"),
    ("{% if points = 1 %}{% endif %}", "E300", 14, "Compare with ==."),
    ("{{ city && city }}", "E300", 9, "Write `and` or `or`."),
    ("{{ “x” }}", "E300", 4, "straight quotation marks"),
    ("{{ flag ? 1 : 2 }}", "E300", 9, "the sign ? means nothing"),
    ("{% for tag in tags %}{{ tag }}{% endfor %}", "E301", 4, "{% for %} is not part"),
    ("{% macro f() %}{% endmacro %}", "E301", 4, "{% macro %} is not part"),
    ("{% call f() %}{% endcall %}", "E301", 4, "{% call %} is not part"),
    ("{% block b %}{% endblock %}", "E301", 4, "{% block %} is not part"),
    ("{% extends 'b' %}", "E301", 4, "{% extends %} is not part"),
    ("{% include 'b' %}", "E301", 4, "{% include %} is not part"),
    ("{% import 'b' as c %}", "E301", 4, "{% import %} is not part"),
    ("{% from 'b' import c %}", "E301", 4, "{% from %} is not part"),
    ("{% with x = 1 %}{% endwith %}", "E301", 4, "Use {% set name = value %}."),
    ("{% filter upper %}a{% endfilter %}", "E301", 4, "{{ name | upper }}"),
    ("{% autoescape true %}{% endautoescape %}", "E301", 1, "is not HTML"),
    ("{% iff flag %}", "E301", 4, 'Did you mean "if"?'),
    ("{% do x %}", "E301", 4, "{% do %} is not part"),
    ("{% set a.b = 1 %}", "E301", 4, "more than one plain name"),
    ("{% set x | upper %}a{% endset %}", "E301", 4, "Filter the name when it is used."),
    ("{{ range(3) }}", "E301", 4, "the call range() is not part"),
    ("{{ upper(city) }}", "E301", 4, "Use the filter: {{ name | upper }}."),
    ("{{ [1, 2] }}", "E301", 4, "a list outside of `in`"),
    ("{{ {'a': 1} }}", "E301", 4, "a dictionary"),
    ("{{ city[0] }}", "E301", 8, "use first, last or truncate"),
    ("{{ city[:3] }}", "E301", 8, "use first, last or truncate"),
    ("{{ points in [1] == flag }}", "E301", 4, "Join the parts with `and`."),
    ("{{ frist_name }}", "E302", 4, 'Did you mean "first_name"?'),
    ("{{ zzz }}", "E302", 4, "The columns are: first_name, city,"),
    ("{{ zzz | default('x') }}", "E302", 4, 'no column "zzz"'),
    ("{{ e_mail }}", "E303", 4, 'fits several columns: "E-Mail", "e mail"'),
    ("{{ city | uppr }}", "E304", 11, 'Did you mean "upper"?'),
    ("{{ city | map('upper') }}", "E304", 11, 'no filter "map"'),
    ("{{ city is definde }}", "E305", 9, 'Did you mean "defined"?'),
    ("{{ city | truncate('a') }}", "E306", 20, "expected a whole number"),
    ("{{ city | truncate(leng=3) }}", "E306", 11, "truncate(length=255, killwords"),
    ("{{ city | truncate(2) }}", "E306", 11, "no room for its end '...'"),
    ("{{ city | upper(1) }}", "E306", 11, "upper without arguments"),
    ("{{ city | replace(city, 'x') }}", "E306", 19, "a value that is written out"),
    ("{{ city | replace('', 'x') }}", "E306", 11, "nothing to look for"),
    ("{{ city | default(**{'a': 1}) }}", "E306", 11, "Write each argument."),
    ("{{ city | truncate(-'a') }}", "E306", 20, "a value that is written out"),
    ("{{ price | round(20) }}", "E306", 12, "0 to 9 decimals"),
    (f"{{{{ price | round({10**20}) }}}}", "E306", 18, "precision is too large"),
    (f"{{{{ city | truncate({10**20}) }}}}", "E306", 20, "at most 1,000,000"),
    (f"{{{{ city | replace('a', 'b', {10**20}) }}}}", "E306", 29, "count is too large"),
    (f"{{{{ '%{10**9}s' | format(city) }}}}", "E306", 21, "a width up to 2,048"),
    ("{{ city | int(1e400) }}", "E315", 11, "a number that is too large"),
    ("{{ price + 1e400 }}", "E315", 12, "less than 1.8e308"),
    (f"{{{{ {'9' * 5000} }}}}", "E315", 4, "at most 38 digits"),
    ("{{ price | round(1, 'up') }}", "E306", 12, "common, ceil or floor"),
    ("{{ price | format(1) }}", "E306", 12, "{{ '%.2f' | format(price) }}"),
    ("{{ '%x' | format(points) }}", "E306", 11, 'does not know "%x"'),
    ("{{ '%s %s' | format(points) }}", "E306", 14, "2 places and format got 1"),
    ("{{ day | date('%Q') }}", "E306", 10, 'does not know "%Q"'),
    ("{{ day | date('50%') }}", "E306", 10, 'does not know "%"'),
    ("{{ city.upper() }}", "E307", 4, "Use the filter: {{ city | upper }}."),
    ("{{ city.strip() }}", "E307", 4, "Use the filter: {{ city | trim }}."),
    ("{{ points + city }}", "E308", 4, "(city | int). To join texts, write ~ for +."),
    ("{{ points < city }}", "E308", 4, "a whole number and text"),
    ("{{ points * '3' }}", "E308", 4, "Write numbers without quotation marks"),
    ("{{ -city }}", "E308", 4, "(city | int)"),
    ("{{ points | length }}", "E308", 13, "(points | string)"),
    ("{{ city | round }}", "E308", 11, "(city | int)"),
    ("{{ amount + 1 }}", "E308", 4, "(amount | float)"),
    ("{{ amount == 1 }}", "E308", 4, "(amount | float)"),
    ("{{ points ** points }}", "E308", 4, "an exponent from 0 to 64, written out"),
    ("{{ '%d' | format(city) }}", "E308", 11, '"%d" does not go with text'),
    ("{{ '%.2f' % price }}", "E308", 4, "{{ '%.2f' | format(price) }}"),
    ("{{ address }}", "E308", 4, "Name one: city, zip."),
    ("{{ address ~ 'x' }}", "E308", 4, "Name one of its fields"),
    ("{{ tags }}", "E309", 4, "List(String)"),
    ("{{ none }}", "E310", 4, "the word None"),
    ("{{ city if flag else none }}", "E310", 4, "the word None"),
    ("{{ none ~ 'x' }}", "E310", 4, "~ does not go with none"),
    ("{{ 1 / 0 }}", "E311", 4, "no result"),
    ("{{ 1 / 0 if flag else 2 }}", "E311", 4, "no result"),
    ("{{ city if flag }}", "E312", 4, "else ''"),
    ("{{ address.town }}", "E313", 11, "The fields are: city, zip."),
    ("{{ address.citty }}", "E313", 11, 'Did you mean "city"?'),
    ("{{ city.upper }}", "E313", 8, "Use the filter: | upper."),
    ("{{ points == '3' }}", "E314", 4, "always false"),
    ("{{ points != '3' }}", "E314", 4, "always true"),
    ("{{ points in ['3'] }}", "E314", 4, "always false"),
    ("{{ points is eq '3' }}", "E314", 11, "always false"),
    ("{{ day == '2026-01-01' }}", "E314", 4, "(day | date('%Y-%m-%d'))"),
    ("{{ city == none }}", "E314", 4, "Ask `is none`"),
    ("{{ " + "9" * 39 + " }}", "E315", 4, "more than 38 digits"),
    ("{% set a = city %}" + "{% set a = a ~ a %}" * 12, "E316", 163, "of more than 200"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "code", "character", "text"),
    REFUSED,
    ids=[row[0][:80] for row in REFUSED],
)
def test_what_the_language_has_not_is_refused_at_its_place(
    source: str, code: str, character: int, text: str
) -> None:
    """Each construct outside the language has its code, its place and a way out."""
    first = problems(f"Dear\n\n{source}", file="c.yaml", line=9, key="message.text")[0]
    assert first.code == code
    if "autoescape" not in source:  # Jinja's node has no place of its own
        assert first.line == 11
        assert first.column == f"message.text, character {character}"
    assert text in str(first), str(first)


@pytest.mark.parametrize("said", ['"\\ud83d"', '"\\x00"'], ids=["half", "NUL"])
def test_a_text_that_cannot_be_is_refused(said: str) -> None:
    """Half a character, or none at all, written with an escape."""
    (problem,) = problems("Hi {{ " + said + " }}")
    assert (problem.code, problem.column) == ("E300", "line 1, character 7")


def test_all_problems_of_a_template_come_at_once_and_in_order() -> None:
    """One run over a template finds everything that is wrong with it."""
    source = (
        "{{ frist_name }} {{ city | uppr }}\n{{ points + city }} {{ city.title() }}"
    )
    found = problems(source, file="c.yaml", line=9, key="message.text")
    assert [(p.code, p.line) for p in found] == [
        ("E302", 9),
        ("E304", 9),
        ("E308", 10),
        ("E307", 10),
    ]
    assert str(found[0]) == (
        'E302 c.yaml:9: message.text, character 4: there is no column "frist_name". '
        'Did you mean "first_name"?'
    )


def test_without_a_line_of_the_file_the_line_of_the_template_is_named() -> None:
    """A quoted YAML text has no lines in the file; the template still has."""
    (problem,) = problems("a\n{{ zzz }}", file="c.yaml", key="message.text")
    assert problem.line is None
    assert problem.where == "c.yaml: message.text, line 2, character 4"


def test_one_mistake_is_reported_once() -> None:
    """What is wrong inside an expression is not reported again around it."""
    found = problems("{{ (frist_name | upper ~ 'x') | length + 1 }}")
    assert [p.code for p in found] == ["E302"]


def test_problems_after_white_space_control_keep_their_place() -> None:
    """Stripped blanks and comments do not shift a place."""
    (problem,) = problems("a  {#- note -#}  \n {%- if flag -%}  {{ zzz }}{% endif %}")
    assert problem.column == "line 2, character 22"


# -- missing values --------------------------------------------------------------------

MISSING = [
    # source, cells, text, missing
    ("Hi {{ a }}", {"a": None}, None, "a"),
    ("Hi {{ a }}", {"a": ""}, None, "a"),
    ("Hi {{ a }}", {"a": " \u00a0\t"}, None, "a"),
    ("Hi {{ a }}", {"a": "\u3000"}, None, "a"),
    ("Hi {{ a | upper }}", {"a": None}, None, "a"),
    ("Hi {{ b }}{{ a }}", {"a": None, "b": None}, None, "b"),
    ("Hi {{ a | default('you') }}", {"a": ""}, "Hi you", None),
    ("{{ a | upper | default('you') }}", {"a": ""}, None, "a"),
    ("{{ (a | default('you')) | upper }}", {"a": ""}, "YOU", None),
    ("{{ a or 'you' }}", {"a": " "}, "you", None),
    ("{{ a and 'you' }}", {"a": "x"}, "you", None),
    ("{{ a and 'you' }}", {"a": ""}, None, "a"),
    ("{% if a %}yes{% else %}no{% endif %}", {"a": " "}, "no", None),
    ("{% if not a %}no{% endif %}", {"a": None}, "no", None),
    ("{% if a is none %}no{% endif %}", {"a": ""}, "no", None),
    ("{% if a is defined %}yes{% endif %}", {"a": ""}, "", None),
    ("{% if a == 'x' %}yes{% endif %}", {"a": ""}, None, "a"),
    ("{% if a in ['x'] %}yes{% endif %}", {"a": ""}, None, "a"),
    ("{% if b %}{{ a }}{% endif %}!", {"a": None, "b": False}, "!", None),
    ("{% if b %}{{ a }}{% endif %}!", {"a": None, "b": True}, None, "a"),
    ("{{ a if b else 'x' }}", {"a": None, "b": False}, "x", None),
    ("{% set c = a %}x", {"a": None}, "x", None),
    ("{% set c = a | upper %}x", {"a": None}, None, "a"),
    ("{{ 6 / a }}", {"a": 0}, None, "a"),
    ("{% set v = 1 %}{% set w %}{% set v = 2 %}{% endset %}{{ v }}", {"a": ""}, "1", None),
    ("{{ a * a * a }}", {"a": 2**62}, None, "a"),
    ("{{ a | number }}", {"a": "12,50"}, None, "a"),
    ("{{ a | date('%d %B %Y') }}", {"a": "3/4/2026"}, None, "a"),
    ("{{ a | date('%d %H:%M') }}", {"a": "14:30"}, None, "a"),
    ("{{ a | date('%H:%M') }}", {"a": "25:00"}, None, "a"),
    ("{{ a | date('%H:%M') }}", {"a": "2:30 PM"}, None, "a"),
    ("{{ a.b }}", {"a": {"b": None}}, None, "a.b"),
    ("{{ a.b | default('-') }}", {"a": {"b": " "}}, "-", None),
    ("{% if b %}{% set v = 1 %}{% endif %}{{ v }}", {"b": False}, None, "v"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "cells", "text", "missing"), MISSING)
def test_a_missing_value_ends_the_row_only_where_it_is_needed(
    source: str, cells: dict[str, Any], text: str | None, missing: str | None
) -> None:
    """A row has a text, or the name of the column that it lacked; never neither."""
    filler = {name: _typed(cell) for name, cell in cells.items()}
    frame = pl.DataFrame(filler)
    assert rows(source, frame)[0] == (text, missing)


def _typed(cell: Any) -> pl.Series:
    """A null cell with a type, as files have them."""
    if isinstance(cell, dict):
        return pl.Series([cell, None], dtype=pl.Struct({"b": pl.String}))
    if cell is None:
        return pl.Series([cell, None], dtype=pl.String)
    return pl.Series([cell, None])


def test_a_struct_that_is_null_blames_the_column() -> None:
    """Without an address at all, it is the address that is missing."""
    dtype = pl.Struct({"b": pl.String})
    frame = pl.DataFrame({"a": pl.Series([None, {"b": "x"}], dtype=dtype)})
    assert rows("{{ a.b }}", frame) == [(None, "a"), ("x", None)]


# -- names -----------------------------------------------------------------------------

NAMES = [
    ("{{ first_name }}", ["First Name"], {"First Name"}),
    ("{{ FIRST_NAME }}", ["first-name"], {"first-name"}),
    ("{{ name }}", ["Name", "name"], {"name"}),
    ("{{ Name }}", ["Name", "name"], {"Name"}),
    ("{{ naïve }}", ["Naïve"], {"Naïve"}),
]


@pytest.mark.parametrize(("source", "header", "names"), NAMES)
def test_a_column_is_found_under_a_name_that_can_be_written(
    source: str, header: list[str], names: set[str]
) -> None:
    """Case does not count, a space or dash is an underscore, the exact name wins."""
    compiled = compile_template(source, dict.fromkeys(header, pl.String()))
    assert compiled.names == names


def test_missing_names_the_column_as_the_header_has_it() -> None:
    """The reason code shows the user's own header."""
    frame = pl.DataFrame({"First Name": ["Anna", None]})
    assert rows("{{ first_name }}", frame) == [("Anna", None), (None, "First Name")]


UNFIT = [
    ("{{ n // z }}", "n, z", True),
    ("{{ n / z }}", "n, z", True),
    ("{{ d | date }}", "d", True),
    ("{{ a | number }}", "a", True),
    ("{{ a | upper }}{{ n / z }}", "a", False),
    ("{{ n / z }}{{ a }}", "n, z", True),
    ("{{ a }}", "a", False),
]


@pytest.mark.parametrize(("source", "blamed", "unfit"), UNFIT)
def test_what_cannot_be_worked_out_is_not_called_empty(
    source: str, blamed: str, unfit: bool
) -> None:
    """Whoever looks at the row finds a zero, and not an empty cell."""
    cells = {"n": 1, "z": 0, "d": "soon", "a": "many" if "number" in source else " "}
    frame = pl.DataFrame({name: [cell] for name, cell in cells.items()})
    compiled = compile_template(source, frame.schema)
    said = pl.lit(value=False) if compiled.unfit is None else compiled.unfit
    row = frame.lazy().select(t=compiled.text, m=compiled.missing, u=said).collect()
    assert row.row(0) == (None, blamed, unfit)


def test_a_template_without_columns_is_constant() -> None:
    """A fixed text is known before any row is read."""
    compiled = compile_template("{% set x = 2 %}{{ x * 3 }} eggs\n", SCHEMA)
    assert (compiled.constant, compiled.names) == ("6 eggs", frozenset())
    assert compile_template("{{ city }}", SCHEMA).constant is None
    assert rows("hi", pl.DataFrame({"a": [1, 2]})) == [("hi", None)] * 2


def test_a_template_that_can_never_have_a_text_is_refused() -> None:
    """Without columns, what is missing is missing for everybody."""
    (problem,) = problems("{% if false %}{% set v = 1 %}{% endif %}{{ v }}")
    assert (problem.code, problem.found) == ("E311", '"v" is used, and never set')


def test_an_empty_template_is_an_empty_text() -> None:
    """Nothing in, nothing out; the campaign's own checks refuse it."""
    assert compile_template("", SCHEMA).constant == ""


# -- Jinja, and where the two differ ---------------------------------------------------

DEVIATIONS = [
    ("{{ a is none }}", {"a": ""}, "True"),
    ("{% if b is defined %}x{% endif %}", {"b": " "}, ""),
    ("{{ s.items }}", {"s": {"items": "3 books"}}, "3 books"),
    ("{{ A }}", {"a": "any case"}, "any case"),
    ("{{ (n - 8.0) ** 0.5 }}", {"n": 1.0}, None),
    ("{{ n * 10 ** 20 * 10 ** 18 }}", {"n": 1}, None),
    ("{{ n * 10 ** 20 * 10 ** 17 }}", {"n": 1}, "1" + "0" * 37),
    ("Hi {{ n }}", {"n": float("nan")}, None),
    ("{{ n }}", {"n": float("-inf")}, None),
    ("{{ n > 1 }}", {"n": float("nan")}, None),
    ("{{ n is number }}{{ n is none }}", {"n": float("inf")}, "FalseTrue"),
    ("{{ n | default('x') }}", {"n": float("nan")}, "x"),
    ("{{ n or 'x' }}", {"n": float("nan")}, "x"),
    ("{{ s.x }}", {"s": {"x": float("nan")}}, None),
    ("{{ n * 10 }}", {"n": 1e308}, None),
    ("{{ n * 10 - n * 10 }}", {"n": 1e308}, None),
    ("{{ n // 1e-10 }}", {"n": 1e308}, None),
    ("{{ a | float }}", {"a": "inf"}, "0.0"),
    ("{{ a | float(1.5) }}", {"a": "NAN"}, "1.5"),
    ("{{ a | int }}", {"a": "9" * 39}, None),
    ("{{ a | int }}", {"a": "1e40"}, None),
    ("{{ a | int }}", {"a": "1e400"}, "0"),
    ("{{ a | float }}", {"a": "1e400"}, None),
    ("{{ a | float(1.5) }}", {"a": "-1" + "0" * 400}, None),
    ("{{ a | number }}", {"a": "1e400"}, None),
    ("Hi {{ a }}", {"a": "NULL"}, None),
    ("Hi {{ a }}", {"a": "#N/A"}, None),
    ("Hi {{ a | default('you') }}", {"a": "None"}, "Hi you"),
    ("Hi {{ s.x }}", {"s": {"x": "nan"}}, None),
    ("Hi {{ a }}", {"a": "Null"}, "Hi Null"),
    ("Hi {{ a }}", {"a": "Nan"}, "Hi Nan"),
    ("{% if a == 'None' %}No allergies{% endif %}", {"a": "None"}, "No allergies"),
    ("Hi {{ a }}", {"a": "\u200b"}, None),
    ("Hi {{ a }}", {"a": "\u3164 \u00ad\ufeff"}, None),
    ("Hi {{ a }}", {"a": "\u200bAnna"}, "Hi \u200bAnna"),
    ("{{ n | number }}", {"n": 1234567.891}, "1,234,567.89"),
    ("{{ n | number(1, '.', ',') }}", {"n": 1234567.891}, "1.234.567,9"),
    ("{{ n | number(0, ' ') }}", {"n": "1234567"}, "1 234 567"),
    ("{{ n | number(0, '$1') }}", {"n": 1234567}, "1$1234$1567"),
    ("{{ d | date('%-d. %B %Y') }}", {"d": dt.date(2026, 3, 1)}, "1. March 2026"),
    ("{{ d | date('%H:%M') }}", {"d": "2026-03-01T09:30"}, "09:30"),
    ("{{ t | date('%H:%M') }}", {"t": "14:30:00"}, "14:30"),
    ("{{ t | date('%-I:%M %p') }}", {"t": "9:05"}, "9:05 AM"),
    ("{{ t | date('%-Hh%M') }}", {"t": dt.time(14, 30)}, "14h30"),
]


@pytest.mark.parametrize(("source", "cells", "text"), DEVIATIONS)
def test_the_deviations_from_jinja_are_as_documented(
    source: str, cells: dict[str, Any], text: str | None
) -> None:
    """docs/message-language.md lists each of these."""
    assert render(source, **cells)[0] == text


TRAPS = [
    ("{{ n }}", {"n": 1e-5}, "1e-05"),
    ("{{ n }}", {"n": 1e16}, "1e+16"),
    ("{{ n }}", {"n": -0.0}, "-0.0"),
    ("{{ 0.0 - n }} {{ n + 0.0 }}", {"n": 0}, "0.0 0.0"),
    ("{{ n + 0 }} {{ 0 + n }} {{ n - 0 }}", {"n": -0.0}, "0.0 0.0 -0.0"),
    (
        "{{ n | number(9) }}",
        {"n": Decimal("123456789012345678901234.5")},
        "123,456,789,012,345,678,901,234.500000000",
    ),
    ("{{ n | number(1) }}", {"n": Decimal("-0.25")}, "-0.2"),
    ("{{ n / 10 }}", {"n": 23}, "2.3"),
    ("{{ n | round(1) }}", {"n": 2.345}, "2.3"),
    ("{{ n | round }}", {"n": 2.5}, "2.0"),
    ("{{ '%.2f' | format(n) }}", {"n": 2.675}, "2.67"),
    ("{{ '%.0f' | format(n) }}", {"n": 0.5}, "0"),
    ("{{ n == 9007199254740992.0 }}", {"n": 2**53 + 1}, "False"),
    ("{{ n + 1 }}", {"n": 2**63 - 1}, "9223372036854775808"),
    ("{{ -7 // n }} {{ -7 % n }}", {"n": 2}, "-4 1"),
    ("{{ 1.0 // n }}", {"n": 0.1}, "9.0"),
    ("{{ true == n }}", {"n": 1}, "True"),
    ("{{ n + true }}", {"n": 1}, "2"),
    ("{{ n or 'none left' }}", {"n": 0}, "none left"),
    ("{{ a | title }}", {"a": "o'neil de-la (cruz)"}, "O'neil De-La (Cruz)"),
    ("{{ a | title }}", {"a": "42nd street 5TH floor"}, "42nd Street 5th Floor"),
    ("{{ a | title }}", {"a": "x2y zoe 3 al 7"}, "X2y Zoe 3 Al 7"),
    ("{{ a | upper }}", {"a": "straße"}, "STRASSE"),
    ("{{ a | lower }}", {"a": "ΟΔΟΣ"}, "οδος"),
    ("{{ a | capitalize }}", {"a": "ǆ x"}, "ǅ x"),
    ("{{ a | truncate(9) }}", {"a": "one two three four"}, "one..."),
    ("{{ a | replace('.', '$0') }}", {"a": "1.2"}, "1$02"),
    ("{{ a | int + 1 }}", {"a": " 41.9 "}, "42"),
    ("{{ a | int }}", {"a": "many"}, "0"),
    ("{{ a is upper }}{{ a is lower }}", {"a": "42"}, "FalseFalse"),
    ("{{ 'a' in a and a < 'c' }}", {"a": "bar"}, "True"),
    ("a\r\nb\rc {{ a }}\r\n", {"a": "x"}, "a\nb\nc x"),
]


@pytest.mark.parametrize(("source", "cells", "text"), TRAPS)
def test_polars_and_python_disagree_and_python_wins(
    source: str, cells: dict[str, Any], text: str
) -> None:
    """Rows on which a plain Polars expression would print something else."""
    assert render(source, **cells) == (text, None)


TYPED = [
    pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])),
    pl.Series(["a", "b"], dtype=pl.Categorical()),
    pl.Series([255, 0], dtype=pl.UInt8),
    pl.Series([2**64 - 1, 0], dtype=pl.UInt64),
    pl.Series([10**37, -5], dtype=pl.Int128),
    pl.Series([Decimal("1.005"), Decimal("-0.5")], dtype=pl.Decimal(20, 3)),
    pl.Series([Decimal("1E-9"), Decimal(0)], dtype=pl.Decimal(20, 9)),
    pl.Series([dt.time(1, 2), dt.time(3, 4, 5, 6)]),
    pl.Series([0, -1], dtype=pl.Datetime("ms")),
    pl.Series([1_000, -1_000], dtype=pl.Datetime("ns")),
    pl.Series([0, -4 * 10**15], dtype=pl.Datetime("us", "Europe/Paris")),
]


@pytest.mark.parametrize("column", TYPED, ids=lambda column: str(column.dtype))
def test_every_type_prints_as_python_prints_it(column: pl.Series) -> None:
    """Parquet brings types; each shows what `str` shows."""
    printed = rows("{{ a }}", column.to_frame("a"))
    assert printed == [(str(cell), None) for cell in column.to_list()]


def test_decimals_of_different_places_keep_theirs() -> None:
    """Each as its own column has it, whichever is there."""
    frame = pl.DataFrame(
        {"a": [Decimal("1.500"), None], "b": [None, Decimal(-12)]},
        schema={"a": pl.Decimal(30, 3), "b": pl.Decimal(10, 0)},
    )
    assert rows("{{ a | default(b) }}", frame) == [("1.500", None), ("-12", None)]
    assert rows("{{ (a or b) | int }}", frame) == [("1", None), ("-12", None)]


def test_a_float_of_32_bits_prints_the_digits_it_was_written_with() -> None:
    """Its shortest text, as NumPy and DuckDB show it; not that of the nearest double."""
    prices = pl.Series("a", [19.99, 0.1, 1e20, -2.0, float("nan")], dtype=pl.Float32)
    printed = [text for text, _ in rows("{{ a }}", prices.to_frame())]
    assert printed == ["19.99", "0.1", "1e+20", "-2.0", None]


# -- in a pipeline ---------------------------------------------------------------------


def test_every_cell_is_judged_in_its_own_row() -> None:
    """The unusual rows of a batch do not leak into their neighbours."""
    names = ["anna", "straße", None, "  ", "o'neil", "Łódź", "x"] * 50
    frame = pl.DataFrame({"n": names})
    expected = [(n.upper(), None) if n and n.strip() else (None, "n") for n in names]
    assert rows("{{ n | upper }}", frame) == expected


@pytest.mark.parametrize("height", [0, 1, 2, 5000])
def test_frames_of_every_height_are_rendered(height: int) -> None:
    """No rows, one row, many rows."""
    frame = pl.DataFrame({"x": [23.0] * height}, schema={"x": pl.Float64})
    source = "{{ x / 10 }} {{ x | round(1) }} {{ x | number }}"
    assert rows(source, frame) == [("2.3 23.0 23.00", None)] * height


def test_a_template_streams_into_a_file(tmp_path: Any) -> None:
    """The expressions stay in the streaming engine, from scan to sink."""
    people = pl.DataFrame(
        {"name": ["anna", None, "ßeta"] * 1000, "n": [1, 2, 3] * 1000}
    )
    people.write_parquet(tmp_path / "in.parquet")
    source = (
        "{{ name | title }} {{ n / 3 }} {% if n is odd %}{{ n | number }}{% endif %}"
    )
    compiled: Compiled = compile_template(source, people.schema)
    plan = pl.scan_parquet(tmp_path / "in.parquet").with_columns(
        text=compiled.text, missing=compiled.missing
    )
    assert "IN-MEMORY" not in plan.explain(engine="streaming").upper()
    plan.sink_parquet(tmp_path / "out.parquet")
    written = pl.read_parquet(tmp_path / "out.parquet")
    assert written["text"][0] == "Anna 0.3333333333333333 1.00"
    assert written["missing"].drop_nulls().to_list() == ["name"] * 1000
