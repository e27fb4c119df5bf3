"""The compiler held to its reference: Jinja itself, one row at a time."""

from __future__ import annotations

import datetime as dt
import math
import random
import re
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from jinja2 import Environment, StrictUndefined, Undefined, UndefinedError
from jinja2.sandbox import SandboxedEnvironment

from bulksend.errors import InputError
from bulksend.prepare.template import compile_template

if TYPE_CHECKING:
    from jinja2.runtime import Context

ROWS = 250
RNG = random.Random(20261123)


# -- the reference ---------------------------------------------------------------------


class Missing(StrictUndefined):
    """What the language says of a missing cell: it may be asked about, not used."""

    __slots__ = ()

    def __bool__(self) -> bool:  # type: ignore[override]  # Jinja's never returns
        return False


def number(
    value: Any, decimals: int = 2, thousands: str = ",", point: str = "."
) -> str:
    """Our filter `number`, in plain Python."""
    read = value if isinstance(value, Decimal) else float(value)
    if not math.isfinite(read):
        raise ValueError(value)
    whole, _, fraction = f"{read:,.{decimals}f}".partition(".")
    return whole.replace(",", thousands) + (point + fraction if fraction else "")


def date(value: Any, pattern: str = "%Y-%m-%d") -> str:
    """Our filter `date`, in plain Python."""
    if isinstance(value, str):
        if not re.fullmatch(
            r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?", value
        ):
            raise ValueError(value)
        value = dt.datetime.fromisoformat(value)
    return str(value.strftime(pattern))


def bounded(value: Any) -> Any:
    """Deviation: whole numbers have at most 38 digits, and others are finite and real."""
    if isinstance(value, complex) or (isinstance(value, int) and abs(value) >= 10**38):
        raise OverflowError(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise OverflowError(value)
    return value


def read_float(value: Any, default: float = 0.0) -> float:
    """Deviation: `float` of a text that says inf or nan is the default, of 1e999 nothing."""
    read = float(ENV_FILTERS["float"](value, default))
    if math.isinf(read) and any(map(str.isdigit, str(value))):
        raise OverflowError(value)
    return read if math.isfinite(read) else default


class Bounded(SandboxedEnvironment):
    """The sandbox lets us see the result of each operator."""

    intercepted_binops = frozenset(["+", "-", "*", "/", "//", "%", "**"])

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        return bounded(super().call_binop(context, operator, left, right))


ENV_FILTERS = dict(Environment().filters)


def reference() -> Environment:
    env = Bounded(undefined=Missing, autoescape=False)
    read_int = ENV_FILTERS["int"]
    env.filters |= {
        "number": number,
        "date": date,
        "int": lambda value, *default: bounded(read_int(value, *default)),
        "float": read_float,
    }
    env.tests["none"] = lambda value: value is None or isinstance(value, Undefined)
    return env


ENV = reference()


def present(value: Any) -> Any:
    """A row or struct as the language sees it: what says nothing is not there."""
    if not isinstance(value, dict):
        return value
    kept = {key: present(cell) for key, cell in value.items()}
    return {key: cell for key, cell in kept.items() if not says_nothing(cell)}


def says_nothing(cell: Any) -> bool:
    """Deviation: a blank, NaN or infinite cell is missing; so is a word for nothing."""
    if isinstance(cell, float):
        return not math.isfinite(cell)
    if isinstance(cell, str):
        return not cell.strip(" \t\n\xa0\u200b\u00ad\u3164\ufeff") or cell in NO_WORDS
    return cell is None


NO_WORDS = ("NULL", "None", "N/A", "#N/A", "nan")


def by_jinja(source: str, rows: list[dict[str, Any]]) -> list[tuple[str | None, str]]:
    """Each row's text, or None and the name that Jinja found missing."""
    template = ENV.from_string(source)
    results: list[tuple[str | None, str]] = []
    for row in rows:
        try:
            results.append((template.render(row), ""))
        except UndefinedError as error:
            name = re.search(r"'(\w+)' is undefined", str(error))
            results.append((None, name[1] if name else ""))
        except (ArithmeticError, ValueError):
            results.append((None, ""))
        except TypeError as error:  # Undefined lacks what abs() and round() call
            if "Missing" not in str(error):
                raise
            results.append((None, ""))
    return results


# -- the rows --------------------------------------------------------------------------

NAMES = [
    "Anna", "bob", "O'NEIL", "jean-luc", "straße", "ŉaïve", "ΟΔΟΣ", "İstanbul", "ǆ",
    "José María", "maría  del mar", "a", "(abc) [x] {y} <z", "x_y 3d", "日本 語", "👩‍👧 emoji",
    "tab\tsep", "line\nbreak", "  padded  ", "\u00a0nbsp\u00a0", "100%", "$1 ${2} \\1",
    "A very long name that goes on and on, and on, until the end of it all",
    "", "   ", "\u00a0", "\t", None, None, "NULL", "Null", "\u3164", "\u200b\u00ad ",
]  # fmt: skip
CODES = [
    "42", "-7", "+5", "007", "42.23", " 7 ", "1_000", "abc", "1e3", "inf", "nan", "-0",
    "-0.0", ".5", "5.", "1e999", "123456789012345678901234567890", "٣", "1,234.50", "0x10",
    "2026-02-28", "2026-02-30", "2026-12-31T23:59", "2026-01-02 03:04:05", "0000-01-01",
    "", None,
]  # fmt: skip
INTS = [
    0,
    1,
    -1,
    2,
    3,
    7,
    -7,
    10,
    99,
    1000,
    123456,
    2**53 + 1,
    2**63 - 1,
    -(2**63),
    None,
]
FLOATS = [
    0.0, -0.0, 0.5, 1.5, 2.5, -2.5, 2.345, 2.675, 1.005, 0.1, 1e-5, 1.5e-7, 1e16, 1e22,
    123456789.125, -0.001, 0.004, 999.995, 1e300, -1e39, math.inf, -math.inf, math.nan,
    9007199254740993.0, 3.0, 7.0, 0.30000000000000004, 1 / 3, None,
]  # fmt: skip
DAYS = [dt.date(2026, 2, 28), dt.date(2000, 1, 1), dt.date(1999, 12, 31), None]
MOMENTS = [
    dt.datetime(2026, 7, 4, 9, 5, 6),  # noqa: DTZ001
    dt.datetime(2026, 12, 31, 23, 59, 59, 120),  # noqa: DTZ001
    dt.datetime(1969, 1, 1, 12, 0),  # noqa: DTZ001
    None,
]
ZONED = [
    dt.datetime(2026, 7, 4, 9, 5, 6, tzinfo=ZoneInfo("America/New_York")),
    dt.datetime(2026, 12, 1, 0, 0, 0, 5, tzinfo=ZoneInfo("America/New_York")),
    dt.datetime(1850, 1, 1, tzinfo=ZoneInfo("America/New_York")),
    None,
]
CLOCKS = [dt.time(1, 2, 3), dt.time(23, 59, 59, 999999), None]
AMOUNTS = [
    Decimal("12.50"),
    Decimal("-0.05"),
    Decimal("0.00"),
    Decimal("1234567.89"),
    None,
]
CITIES = ["Oslo", "new york", "", "Łódź", None]

SCHEMA: dict[str, Any] = {
    "name": pl.String,
    "Nick Name": pl.String,
    "code": pl.String,
    "n": pl.Int64,
    "small": pl.Int8,
    "big": pl.UInt64,
    "price": pl.Float64,
    "ratio": pl.Float32,
    "flag": pl.Boolean,
    "day": pl.Date,
    "moment": pl.Datetime("us"),
    "zoned": pl.Datetime("us", "America/New_York"),
    "clock": pl.Time,
    "tier": pl.Categorical,
    "amount": pl.Decimal(12, 2),
    "address": pl.Struct(
        {"city": pl.String, "zip": pl.Int32, "geo": pl.Struct({"lat": pl.Float64})}
    ),
    "never": pl.Null,
}


def _address() -> dict[str, Any] | None:
    if RNG.random() < 0.1:
        return None
    geo = None if RNG.random() < 0.2 else {"lat": RNG.choice(FLOATS)}
    return {"city": RNG.choice(CITIES), "zip": RNG.choice([0, 150, None]), "geo": geo}


@cache
def frame() -> pl.DataFrame:
    pick = RNG.choice
    rows = [
        {
            "name": pick(NAMES),
            "Nick Name": pick(NAMES),
            "code": pick(CODES),
            "n": pick(INTS),
            "small": pick([0, 1, 2, -3, 127, -128, None]),
            "big": pick([0, 1, 2**64 - 1, 2**53 + 1, None]),
            "price": pick(FLOATS),
            "ratio": pick([0.1, 1.5, -2.25, 0.0, None]),
            "flag": pick([True, False, None]),
            "day": pick(DAYS),
            "moment": pick(MOMENTS),
            "zoned": pick(ZONED),
            "clock": pick(CLOCKS),
            "tier": pick(["gold", "silver", "", None]),
            "amount": pick(AMOUNTS),
            "address": _address(),
            "never": None,
        }
        for _ in range(ROWS)
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


@cache
def contexts() -> list[dict[str, Any]]:
    """The rows as Polars hands them to Python, under the names a template uses."""
    renamed = frame().rename({"Nick Name": "nick_name"})
    renamed = renamed.with_columns(pl.col("ratio").cast(pl.String).cast(pl.Float64))
    return [present(row) for row in renamed.to_dicts()]


# -- the templates ---------------------------------------------------------------------

WORDS = ["", "a", "A", "x y", "there", "gold", "e", "42", "%", "Ä", "0", "3rd b"]
NUMBERS = [0, 1, 2, 3, 5, 10, 100, 2**31, 10**20]
TEXT_COLUMNS = ["name", "nick_name", "code", "tier", "address.city", "address['city']"]
INT_COLUMNS = ["n", "small", "big", "address.zip"]
FLOAT_COLUMNS = ["price", "ratio", "address.geo.lat"]
OTHER_COLUMNS = ["day", "moment", "zoned", "clock", "amount", "flag", "never"]
ANY_COLUMNS = TEXT_COLUMNS + INT_COLUMNS + FLOAT_COLUMNS + OTHER_COLUMNS

Code = st.SearchStrategy[str]


def pick(items: list[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from(items)


def fill(pattern: str, *parts: Code) -> Code:
    return st.tuples(*parts).map(lambda made: pattern.format(*made))


WORD = pick(WORDS).map(repr)
INT = pick(NUMBERS).map(str)
FLOAT = pick([0.0, 0.5, 2.5, 1e-5, 3.0, 1e20]).map(repr)


@cache
def text(depth: int) -> Code:
    leaves = st.one_of(WORD, pick(TEXT_COLUMNS), pick(TEXT_COLUMNS))
    if not depth:
        return leaves
    t, i, anything = text(depth - 1), integer(depth - 1), scalar(depth - 1)
    styles = pick(
        ["upper", "lower", "title", "capitalize", "trim", "string", "urlencode"]
    )
    return st.one_of(
        leaves,
        fill("({} | {})", anything, styles),
        fill("({} ~ {})", anything, anything),
        fill("({} + {})", t, t),
        fill("({} | default({}))", t, t),
        fill("({} | default({}, {}))", t, t, pick(["true", "false"])),
        fill("({} or {})", t, t),
        fill("({} and {})", t, t),
        fill("({} if {} else {})", t, boolean(depth - 1), t),
        fill("({} | replace({}, {}))", anything, pick(["'a'", "' '", "'$'"]), WORD),
        fill("({} | replace('a', 'b', {}))", t, pick([0, 1, 2]).map(str)),
        fill("({} | truncate({}))", t, pick(["5", "9, true", "8, false, '', 0", "4, leeway=0"])),
        fill("({} | {})", t, pick(["first", "last", "trim('a ')", "d('-')"])),
        fill("('%s|%5s' | format({}, {}))", anything, anything),
        fill("('%d %03d %3d' | format({}, {}, {}))", i, i, i),
        fill("({} | format({}))", pick(["'%.2f'", "'%f%%'", "'%.0f'", "'%d'"]), real(depth - 1)),
        fill("({} | number({}))", real(depth - 1), pick(["", "0", "3, ' ', ','", "2, '.', ','"])),
        fill("({} | number)", pick(["amount", "code", "n"])),
        fill("({} | date({}))", pick(["day", "moment", "zoned", "code"]), pick(PATTERNS)),
    )  # fmt: skip


PATTERNS = ["'%d %B %Y'", "'%-d.%-m.%y %A %a %b'", "'%H:%M:%S %I %p %j %%'", ""]


@cache
def integer(depth: int) -> Code:
    leaves = st.one_of(INT, pick(INT_COLUMNS), pick(INT_COLUMNS))
    if not depth:
        return leaves
    i, b = integer(depth - 1), boolean(depth - 1)
    return st.one_of(
        leaves,
        fill("({} {} {})", i, pick(["+", "-", "*", "//", "%"]), i),
        fill("({} ** {})", i, pick(["0", "2", "3"])),
        fill(
            "({} | {})", text(depth - 1), pick(["length", "wordcount", "int", "int(7)"])
        ),
        fill("({} | int)", real(depth - 1)),
        fill("({} | {})", i, pick(["abs", "round", "int"])),
        fill("(-{})", i),
        fill("({} or {})", i, i),
        fill("({} | default({}))", i, i),
        fill("({} if {} else {})", i, b, i),
        fill("({} + {})", b, i),
    )


@cache
def real(depth: int) -> Code:
    leaves = st.one_of(FLOAT, pick(FLOAT_COLUMNS), pick(FLOAT_COLUMNS))
    if not depth:
        return st.one_of(leaves, integer(0))
    r, i = real(depth - 1), integer(depth - 1)
    return st.one_of(
        leaves,
        i,
        fill("({} {} {})", r, pick(["+", "-", "*", "/", "//", "%"]), r),
        fill("({} / {})", i, i),
        fill("({} | float)", st.one_of(text(depth - 1), i, st.just("amount"))),
        fill("({} | float ** {})", r, pick(["2", "0.5", "-1"])),
        fill("({} | round({}))", r, pick(["", "1", "2", "1, 'ceil'", "2, 'floor'", "0, 'ceil'"])),
        fill("({} | abs)", r),
        fill("({} | default({}))", r, r),
        fill("({} if {} else {})", r, boolean(depth - 1), r),
    )  # fmt: skip


@cache
def boolean(depth: int) -> Code:
    leaves = st.one_of(
        st.just("flag"),
        pick(["true", "false"]),
        fill("{} is {}", pick(ANY_COLUMNS), pick(TESTS)).map("({})".format),
    )
    if not depth:
        return leaves
    t, i, r, b = (
        text(depth - 1),
        integer(depth - 1),
        real(depth - 1),
        boolean(depth - 1),
    )
    signs = pick(["==", "!=", "<", "<=", ">", ">="])
    return st.one_of(
        leaves,
        fill("({} {} {})", t, signs, t),
        fill("({} {} {})", r, signs, r),
        fill("({} {} {} {} {})", r, signs, i, signs, r),
        fill("({} {} {})", pick(["day", "moment", "zoned", "clock"]), signs, st.just("{0}")).map(
            lambda made: made.format(made[1:].split()[0])
        ),
        fill("({} {} {})", t, pick(["in", "not in"]), t),
        fill("({} {} [{}, {}, name])", t, pick(["in", "not in"]), t, WORD),
        fill("({} in ({}, 'a', 'gold'))", t, WORD),
        fill("({} in [1, {}, true])", i, i),
        fill("({} and {})", b, b),
        fill("({} or {})", b, b),
        fill("(not {})", scalar(depth - 1)),
        fill("({} is {})", t, pick([*TESTS, "upper", "lower", "in ['a', 'x']"])),
        fill("({} is {})", i, pick(["even", "odd", "divisibleby(3)", "divisibleby small"])),
        fill("({} is {} {})", r, pick(["eq", "ne", "lt", "ge", "greaterthan"]), r),
    )  # fmt: skip


TESTS = [
    "defined", "undefined", "none", "not none", "number", "string", "boolean", "true",
    "false", "integer", "float",
]  # fmt: skip


@cache
def scalar(depth: int) -> Code:
    kinds = [
        text(depth),
        integer(depth),
        real(depth),
        boolean(depth),
        pick(ANY_COLUMNS),
    ]
    if not depth:
        return st.one_of(kinds)
    other = scalar(depth - 1)
    return st.one_of(
        *kinds,
        fill("({} or {})", other, other),
        fill("({} and {})", other, other),
        fill("({} | default({}))", other, other),
        fill("({} if {} else {})", other, other, other),
    )


DATA = pick(
    ["Hi ", " ", "\n", " x ", ", ", "{# note #}", "{% raw %}{{ x }}{% endraw %}"]
)
VARIABLE = pick(["v", "w"])


@cache
def statement(depth: int) -> Code:
    shown = fill("{{{{ {} }}}}", scalar(2))
    trimmed = fill("{{{{- {} -}}}}", scalar(1))
    used = pick(["{{ v }}", "{{ w | default('-') }}", "{{ v | upper }}"])
    maybe = "{{% if {} %}}{{% set {} = {} %}}{{% endif %}}"
    assigned = st.one_of(
        fill("{{% set {} = {} %}}", VARIABLE, scalar(1)),
        fill(maybe, boolean(1), VARIABLE, scalar(1)),
    )
    if not depth:
        return st.one_of(DATA, shown, trimmed, assigned, used)
    body = template(depth - 1)
    return st.one_of(
        DATA,
        shown,
        assigned,
        used,
        fill("{{% if {} %}}{}{{% endif %}}", scalar(2), body),
        fill("{{% if {} %}}{}{{%- else -%}}{}{{% endif %}}", scalar(1), body, body),
        fill(
            "{{% if {} %}}{}{{% elif {} %}}{}{{% elif {} -%}} {}{{% else %}}{}{{% endif %}}",
            boolean(1), body, scalar(1), body, boolean(1), body, body,
        ),
        fill("{{% set {} %}}{}{{% endset %}}", VARIABLE, body),
    )  # fmt: skip


@cache
def template(depth: int) -> Code:
    return st.lists(statement(depth), min_size=1, max_size=3).map("".join)


WHOLE = fill(
    "{{% if {} %}}{{% set v = {} %}}{{% endif %}}{{% set w = {} %}}{}",
    boolean(0), text(0), scalar(0), template(1),
)  # fmt: skip


# -- the comparison --------------------------------------------------------------------

TYPE_PROBLEMS = {"E302", "E308", "E310", "E311", "E313", "E314", "E315"}


class Tally:
    templates = refused = renders = missing = 0


def compare(source: str, tally: Tally) -> None:
    """*source* compiled and rendered; every row must be what Jinja makes of it."""
    tally.templates += 1
    try:
        compiled = compile_template(source, frame().schema)
    except InputError as error:
        if not {p.code for p in error.problems} <= TYPE_PROBLEMS:
            pytest.fail(f"{source}: {error}")
        tally.refused += 1
        return
    columns = {"text_": compiled.text, "missing_": compiled.missing}
    made = compiled.over(frame().lazy()).with_columns(**columns).select(*columns)
    ours = made.collect(engine="streaming").rows()
    for row, (text, missing), (expected, name) in zip(
        contexts(), ours, by_jinja(source, contexts()), strict=True
    ):
        note = (source, row, text, missing, expected, name)
        assert text == expected, note
        assert (text is None) == (missing is not None), note
        if name:
            assert missing is not None, note
            assert missing.replace(" ", "_").lower() == name, note
        tally.renders += 1
        tally.missing += text is None


def run(examples: int, start: int | None = None) -> Tally:
    """Generated templates against Jinja.

    Args:
        start: Of the random templates, for other ones than the usual.
    """
    tally = Tally()

    @settings(
        max_examples=examples,
        derandomize=start is None,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(WHOLE)
    def differential(source: str) -> None:
        compare(source, tally)

    (differential if start is None else seed(start)(differential))()
    return tally


def test_templates_render_as_jinja_renders_them() -> None:
    """A few generated templates agree with Jinja on every row."""
    tally = run(60)
    assert tally.renders >= 50 * ROWS


@pytest.mark.slow
def test_many_templates_render_as_jinja_renders_them() -> None:
    """0 differences from Jinja in 200,000 renders of generated templates."""
    tally = run(850)
    assert tally.renders >= 200_000, vars(tally)
    assert tally.refused < tally.templates // 20, vars(tally)
