"""Any input: a coded error, or a plan in which every row has its fate.

The fuzz mutates good lists, campaigns and templates with a fixed seed; the cases below it
are the ones that people report, by name.
"""

from __future__ import annotations

import datetime as dt
import json
import random
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import xlsxwriter
import yaml

from bulksend.closer import look_closer
from bulksend.errors import InputError
from bulksend.kinds import KINDS
from bulksend.planning import campaign_of, plan_campaign
from tests.prepare.planning import campaign, fates, hold, number, plan, put

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bulksend.errors import Problem

    Case = Callable[[random.Random, Path], Path]

NAMES = ("Ana", "Zoë", "O'Neil", "李雷", "", " ", "x" * 300, "{{ name }}", "=1+1", '5"')
CELLS = (
    number(1), number(2), "9192340001", "919", "", "1.9192340003E+10", "+447400123456",
    "+1919234000l", "９１９２３４０００１", "00442070313000", "#N/A", "1e400", "-1",
    "+19192340001;+19192340002",
)  # fmt: skip
NASTY = (
    b"\0", b'"', b'""', b",", b";", b"\t", b"\r", b"\n", b"\r\n", b"\xff", b"\xef\xbb\xbf",
    b"\xff\xfe", b"\xc3", b"'", b"\\", b"\x1a", b"PAR1", b"PK\x03\x04", b"{", b"}", b"[",
    b"9" * 40, "\u202e\u200b".encode(), "\U0001f600".encode(), b"x" * 3_000, b": ", b"- ",
)  # fmt: skip
COLUMNS = (
    "phone", "name", "text", "status", "row", "to", "reason", "winner", "ended_at", "tag",
    "source_file", "rejected_row", "bulksend:text", "value", "lang", "First Name", "",
)  # fmt: skip


def mutated(data: bytes, rng: random.Random) -> bytes:
    """One to four wounds of the kinds that files get."""
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(data))
        end = min(len(data), at + rng.choice((1, 1, 2, 8, 64)))
        data = rng.choice(
            (
                data[:at] + rng.choice(NASTY) + data[at:],
                data[:at] + rng.choice(NASTY) + data[end:],
                data[:at] + data[end:],
                data[:at] + rng.randbytes(end - at) + data[end:],
                data[:at] + data[at:end] * 3 + data[end:],
                data[: max(at, len(data) // 4)],
            )
        )
    return data


def table(rng: random.Random) -> pl.DataFrame:
    rows = rng.randint(0, 12)
    names = ["phone", *rng.sample(COLUMNS[1:], rng.randint(0, 4))]
    rng.shuffle(names)
    cells = {name: CELLS if name == "phone" else NAMES for name in names}
    return pl.DataFrame(
        {
            name: [rng.choice(words) for _ in range(rows)]
            for name, words in cells.items()
        },
        schema=dict.fromkeys(names, pl.String),
    )


VALUES: tuple[list[Any], ...] = (
    [1, None, -(2**62)],
    [1.5, float("nan"), float("inf")],
    [True, False, None],
    [b"9192340001", b"\xff", None],
    [dt.date(2026, 1, 2), None, dt.date(1, 1, 1)],
    [dt.datetime(2026, 1, 2, tzinfo=dt.UTC), None, None],
    [dt.time(1, 2), None, None],
    [["9192340001", None], [], None],
    [{"a": 1, "b": [2]}, None, {"a": None, "b": None}],
    [None, None, None],
    ["9192340001", "", None],
    [9192340001, 9192340002, None],
    [9192340001.0, 9192340002.0, None],
)


def typed(rng: random.Random) -> pl.DataFrame:
    names = ["phone", *rng.sample([name for name in COLUMNS if name], 3)]
    return pl.DataFrame({name: rng.choice(VALUES) for name in dict.fromkeys(names)})


def options(rng: random.Random, path: str, names: list[str]) -> dict[str, Any]:
    """A campaign that asks for some of everything."""
    some = rng.choice(names)
    mark = f"{{{{ {some} }}}}"
    recipients: dict[str, Any] = {"path": path}
    message: dict[str, Any] = {"text": rng.choice(("Hi", "Hi {{ name }}", mark))}
    ranked = {"by": some, "keep": "highest"}
    policy = rng.choice(("first", "last", "keep", "refuse", ranked))
    wishes: list[tuple[float, dict[str, Any], dict[str, Any]]] = [
        (0.5, recipients, {"duplicates": policy}),
        (0.3, recipients, {"household": some}),
        (0.2, recipients, {"phone": ["phone", some]}),
        (0.2, recipients, {rng.choice(("suppress", "only")): path}),
        (0.2, recipients, {"allow": ["mobile", "fixed_line_or_mobile"]}),
        (0.2, message, {"language": some, "variants": {"es": "Hola {{ name }}"}}),
        (0.2, message, {"tag": f"t-{mark}"}),
        (0.2, message, {"media": [f"http://x.example/{mark}"]}),
        (0.2, message, {"group": True}),
        (0.2, message, {"smart_encoding": True}),
    ]
    for chance, section, wish in wishes:
        if rng.random() < chance:
            section.update(wish)
    return {"recipients": recipients, "message": message}


def of_list(suffix: str, wounds: float) -> Case:
    """A list of this kind, wounded in this share of the cases."""

    def case(rng: random.Random, folder: Path) -> Path:
        is_typed = suffix in {"parquet", "ndjson"} and rng.random() < 0.5
        frame = typed(rng) if is_typed else table(rng)
        if suffix != "csv":
            frame = frame.rename({"": "x"}, strict=False)
        if suffix == "ndjson":
            frame = frame.select(pl.exclude(pl.Binary, pl.Duration, pl.Time))
        path = put(folder, f"list.{suffix}", frame)
        if rng.random() < wounds:
            path.write_bytes(mutated(path.read_bytes(), rng))
        names = frame.columns or ["phone"]
        return campaign(folder, **options(rng, path.name, names))

    return case


KEYS = (
    "send",
    "results",
    "allow",
    "media",
    "tag",
    "expiration",
    "sheet",
    "delimiter",
    "x",
)
SETTINGS: tuple[Any, ...] = (
    None, "", " ", "x", 0, -1, 1.5, True, [], [None], {}, {"": ""}, "a/../b.csv", "\0", "{{",
    "2h", "1/s", ";", "first", ["first", "last"], {"rate": "5/min"}, {"rate": "0/s"}, "${HOME}",
    {"budget": {"segments": 1}}, {"budget": {"money": 0.5}, "prices": {"default": "0.01"}},
    {"prices": {"US": "x"}}, "name", "phone", ["mobile"], "../x.csv", "*.csv", ".", "é" * 80,
)  # fmt: skip


def of_yaml(rng: random.Random, folder: Path) -> Path:
    put(folder, "list.csv", f"phone,name\n{number(1)},Ana\n{number(2)},Ben\n")
    path = campaign(folder, **options(rng, "list.csv", ["phone", "name"]))
    said = json.loads(path.read_text())
    for _ in range(rng.randint(0, 2)):
        section = rng.choice(
            [said, said, *(s for s in said.values() if isinstance(s, dict))]
        )
        section[rng.choice([*section, *KEYS])] = rng.choice(SETTINGS)
    text = yaml.safe_dump(said, default_flow_style=rng.choice((None, False, True)))
    path.write_bytes(
        mutated(text.encode(), rng) if rng.random() < 0.5 else text.encode()
    )
    return path


PIECES = (
    "{{ ", " }}", "{% if ", " %}", "{% endif %}", "{% else %}", "{% set x = ", "name", "n",
    "when", "b", "phone", "x", " | ", "default('y')", "upper", "round(2)", "int", "title",
    "truncate(5)", "replace('a', 'b')", "length", "format('%s')", " + ", " ~ ", " == ",
    " in ", " not ", " and ", " is defined", "'", '"', "1", "0", "-", "1.5", "none", "true",
    "(", ")", "[", "]", "{", "}", ".", ",", " ", "\n", "text", "{#", "#}", "{{ name }}",
    "{{ name | upper }}", "{{ n + 1 }}", "{% if n %}a{% endif %}", "\u00e9", "\U0001f600",
    "{% for x in n %}", "{{ name.upper() }}", "{{ when }}", "{{ n / 0 }}", "{{ n ** 9 }}",
)  # fmt: skip


def of_template(rng: random.Random, folder: Path) -> Path:
    frame = pl.DataFrame(
        {
            "phone": [number(1), number(2), number(3)],
            "name": ["Ana", None, " "],
            "n": [3, None, -7],
            "b": [True, None, False],
            "when": [dt.date(2026, 1, 2), None, dt.date(2026, 1, 3)],
        }
    )
    put(folder, "list.parquet", frame)
    text = "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 9)))
    key = rng.choice(("text", "text", "tag", "media", "file"))
    message: dict[str, Any] = {"text": "Hi", key: text}
    if key == "file":
        put(folder, "hello.txt", text)
        message = {"text": None, "file": "hello.txt"}
    return campaign(folder, recipients={"path": "list.parquet"}, message=message)


KINDS_OF_INPUT: tuple[tuple[str, Case, int], ...] = (
    ("csv", of_list("csv", 0.8), 450),
    ("parquet", of_list("parquet", 0.4), 200),
    ("xlsx", of_list("xlsx", 0.6), 150),
    ("ndjson", of_list("ndjson", 0.4), 150),
    ("yaml", of_yaml, 750),
    ("template", of_template, 300),
)
PARTS = 5


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize(
    ("kind", "case", "times"), KINDS_OF_INPUT, ids=[kind[0] for kind in KINDS_OF_INPUT]
)
def test_mutated_input_ends_in_a_coded_error_or_a_plan_that_holds(
    tmp_path: Path, kind: str, case: Case, times: int, part: int
) -> None:
    """Never another exception, a hang, or a row without a fate; 2,000 inputs in all."""
    planned = 0
    for turn in range(part, times, PARTS):
        folder = tmp_path / str(turn)
        folder.mkdir()
        path = case(random.Random(f"{kind} {turn}"), folder)
        planned += judged(path, closer=not turn % 3)
    assert planned


def judged(path: Path, *, closer: bool) -> bool:
    """Whether it was planned; fails where neither a plan nor a coded error came out."""
    refused: tuple[Problem, ...] = ()
    try:
        checked = plan_campaign(path, environment={})
    except InputError as error:
        refused = error.problems
    except Exception as error:
        raise AssertionError(f"{path}: {type(error).__name__}") from error
    else:
        hold(checked)
        if closer:
            rejects = path.parent / "rejects.csv"
            look_closer(checked, campaign_of(checked.plan), rejects)
        return True
    assert refused
    assert all(problem.kind.code in KINDS for problem in refused)
    assert not list(path.parent.rglob("*.unfinished"))
    assert not list(path.parent.glob(".bulksend/plans/*.parquet"))
    return False


# -- what people report --------------------------------------------------------------

GOOD = f"phone,name,code\n{number(1)},Ana,1\n{number(2)},Ben,2\n"
NAMED: list[tuple[str, str, str | bytes, str]] = [
    ("too few fields", "l.csv", GOOD + f"{number(3)},Cy\n", "E209 l.csv row 4: this record has 2 cells; expected 3"),
    ("too many fields", "l.csv", GOOD + f"{number(3)},Cy,3,4\n", "E209 l.csv row 4: this record has 4 cells; expected 3"),
    ("a quote left open", "l.csv", GOOD + f'{number(3)},"Cy,3\n{number(4)},Di,4\n', 'E208 l.csv row 4, column "name"'),
    ("a NUL byte", "l.csv", GOOD + f"{number(3)},C\0y,3\n", "E206 l.csv row 4"),
    ("many NUL bytes", "l.csv", GOOD + "\0" * 5_000, "E2"),
    ("a line that is no object", "l.ndjson", '{"phone": "1"}\n[2]\n', "E212 l.ndjson"),
    ("Parquet cut off", "l.parquet", b"PAR1" + b"\0" * 50, "E213 l.parquet"),
    ("a workbook cut off", "l.xlsx", b"PK\x03\x04" + b"\0" * 50, "E213 l.xlsx"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "said"), [case[1:] for case in NAMED], ids=[c[0] for c in NAMED]
)
def test_a_known_fault_is_named_with_its_row_and_the_way_out(
    tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    """File, row, what is there, what to do; nothing is planned."""
    with pytest.raises(InputError) as caught:
        plan(tmp_path, content, recipients={"path": name})
    assert str(caught.value).startswith(said)
    problem = caught.value.problems[0]
    assert problem.fix or problem.kind.fix
    assert not (tmp_path / ".bulksend").exists()


def test_a_column_of_mixed_types_is_read_cell_by_cell(tmp_path: Path) -> None:
    """In a CSV file and a workbook a cell is text; each is judged alone."""
    cells = [9192340001, "n/a", 2.5, True, dt.date(2026, 1, 2), "919 234 0002", ""]
    text = "phone,id\n" + "\n".join(f"{cell},x" for cell in cells)
    fate = ["sent", *["number_not_digits", "number_too_short", "number_not_digits"]]
    fate += ["number_too_short", "sent", "number_missing"]
    assert fates(plan(tmp_path, text)) == fate

    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet()
        for row, cell in enumerate(["phone", *cells]):
            sheet.write_row(row, 0, [cell, "id" if not row else "x"])
    workbook = plan(tmp_path, path.read_bytes(), recipients={"path": "list.xlsx"})
    assert fates(workbook) == fate


def _objects(values: list[Any]) -> str:
    return "\n".join(
        json.dumps({"id": "x", "phone": one, "more": {}}) for one in values
    )


def test_objects_whose_values_have_mixed_types_are_read_as_text(tmp_path: Path) -> None:
    """Numbers, texts and truths in one column; and an object without keys."""
    values = ["9192340001", 9192340002, 9192340003.0, None, True]
    checked = plan(tmp_path, _objects(values), recipients={"path": "list.ndjson"})
    assert fates(checked) == [
        "sent", "sent", "sent", "number_missing", "number_not_digits",
    ]  # fmt: skip


@pytest.mark.parametrize("odd", [[4], {"a": 1}], ids=["list", "object"])
def test_a_column_of_texts_and_lists_is_named(tmp_path: Path, odd: Any) -> None:
    """A text to a person has no place for brackets: the line and the way out are said."""
    people = _objects(["9192340001", odd])
    with pytest.raises(InputError) as caught:
        plan(tmp_path, people, recipients={"path": "list.ndjson"})
    (problem,) = caught.value.problems
    assert (problem.code, problem.line) == ("E225", 2)


def test_a_cell_of_a_megabyte_is_one_row_s_trouble(tmp_path: Path) -> None:
    """As a number, as a value of the text, and where nobody asks for it."""
    cell = "1" * (1 << 20)
    people = f"phone,name,note\n{number(1)},Ana,x\n{cell},Ben,x\n{number(3)},{cell},x\n{number(4)},Di,{cell}\n"
    checked = plan(tmp_path, people, message={"text": "Hi {{ name }}"})
    assert fates(checked) == ["sent", "number_too_long", "text_too_long", "sent"]


@pytest.mark.slow
def test_a_quote_left_open_at_row_900_000_is_named(tmp_path: Path) -> None:
    """The row where it opened, not the end of the file."""
    path = tmp_path / "list.csv"
    with path.open("w") as file:
        file.write("phone,name,note\n")
        for block in range(9):
            first = 2 + block * 100_000
            file.writelines(
                f'+1919{row:07},"Ann, A.",x\n' for row in range(first, first + 100_000)
            )
        file.write(f'{number(1)},"Ann,x\n' + f"{number(2)},Bo,y\n" * 100_000)
    with pytest.raises(InputError) as caught:
        plan_campaign(campaign(tmp_path), environment={})
    (problem,) = caught.value.problems
    assert str(problem).startswith(
        'E208 list.csv row 900002, column "name": a quote opens'
    )
