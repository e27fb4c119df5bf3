"""What a person should look at before sending."""

from __future__ import annotations

import io
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from bulksend.planning import campaign_of
from bulksend.prepare.advice import Advice, Conflicts, advise
from tests.prepare.planning import number, plan

if TYPE_CHECKING:
    from pathlib import Path

A, B, C, D = map(number, range(1, 5))


def advice(folder: Path, people: str, **sections: Any) -> Advice:
    checked = plan(folder, people, **sections)
    return advise(checked.plan, campaign_of(checked.plan))


def test_a_plain_campaign_has_nothing_to_say(tmp_path: Path) -> None:
    """Every field is empty."""
    found = advice(tmp_path, f"phone\n{A}\n{B}\n{A}\n")
    assert found == Advice((), 0, (), 0, (), Conflicts(), (), {})
    assert found.as_dict()["longest"] == ()


def test_the_longest_texts_are_shown_with_what_to_cut(tmp_path: Path) -> None:
    """Only those of several segments, the worst first, five at most."""
    sizes = [10, 161, 400, 160, 306, 307, 170, 180, 190]
    people = "\n".join(
        f"{number(place)},{'x' * size}" for place, size in enumerate(sizes)
    )
    found = advice(tmp_path, f"phone,name\n{people}\n", message={"text": "{{ name }}"})
    assert [(one["row"], one["segments"], one["characters"]) for one in found.longest] == [
        (4, 3, 400), (7, 3, 307), (6, 2, 306), (10, 2, 190), (9, 2, 180),
    ]  # fmt: skip
    assert [one["over"] for one in found.longest] == [94, 1, 146, 30, 20]


def test_a_dear_character_is_named_with_where_it_comes_from(tmp_path: Path) -> None:
    """The template, a column under its own header, or a filter."""
    people = f"phone,First Name,text\n{A},Zoё,\n{B},ё,…\n{C},Ana,\n12,ж,\n"
    found = advice(
        tmp_path,
        people,
        message={"text": "Hi {{ first_name }}{{ text | default('') }}"},
    )
    assert found.ucs2 == 2
    yo, dots = found.dear
    assert (yo.character, yo.code_point, yo.rows, yo.row) == ("ё", "U+0451", 2, 2)
    assert (yo.name, yo.origin) == ("CYRILLIC SMALL LETTER IO", "column `First Name`")
    assert (dots.character, dots.origin) == ("…", "column `text`")

    template = advice(tmp_path / "b", f"phone\n{A}\n", message={"text": "Hi…"})
    assert [one.origin for one in template.dear] == ["the template"]
    made = advice(
        tmp_path / "c",
        f"phone,name\n{A},x\n",
        message={"text": "{{ name | replace('x', '\\u2026') }}"},
    )
    assert [one.origin for one in made.dear] == ["a filter"]


def test_the_dearest_texts_are_shown_where_some_cost_more(tmp_path: Path) -> None:
    """By the rate card: to another country, or of more segments; without one none are."""
    people = f"phone,name\n{A},x\n{B},{'x' * 200}\n+447400123456,x\n{C},x\n"
    card = {"prices": {"US": 0.01, "GB": 0.04}}
    said: dict[str, Any] = {"message": {"text": "{{ name }}"}}
    found = advice(tmp_path, people, **said, send={"rate": "1/s", "prices": card})
    assert [tuple(one.values()) for one in found.dearest] == [
        (4, 1, "GB", "$0.04"), (3, 2, "US", "$0.02"),
    ]  # fmt: skip
    assert advice(tmp_path / "b", people, **said).dearest == ()
    alike = advice(tmp_path / "c", f"phone\n{A}\n{B}\n", send={"prices": card})
    assert alike.dearest == ()
    abroad = {"prices": {"FR": 0.01}}
    without = advice(tmp_path / "d", people, **said, send={"prices": abroad})
    assert without.dearest == ()


def test_what_is_not_shown_is_counted(tmp_path: Path) -> None:
    """Five characters and eight doubtful cells are named; the rest is a number."""
    letters, words = (
        "жшщюяэф",
        ("null", "N/A", "-", "x", "?", "tbd", "na", "nil", "Test"),
    )
    people = "".join(f"{number(n)},{letters},{w}\n" for n, w in enumerate(words))
    found = advice(
        tmp_path,
        f"phone,name,what\n{people}",
        message={"text": "{{ name }} {{ what | default('') }}"},
    )
    assert (len(found.dear), found.dear_more) == (5, 2)
    assert len(found.doubts) == 8
    assert found.as_dict()["doubts_more"] == found.doubts_more > 0


@pytest.mark.parametrize("place", ["text", "file", "variant"])
def test_a_dear_character_of_any_template_is_found(tmp_path: Path, place: str) -> None:
    """In a text, a file, or a language's text."""
    files = {"hi.txt": "Hi…"}
    message = {
        "text": {"text": "Hi…"},
        "file": {"text": None, "file": "hi.txt"},
        "variant": {"variants": {"es": "Hola…"}, "language": "lang"},
    }[place]
    checked = plan(tmp_path, f"phone,lang\n{A},es\n", files, message=message)
    found = advise(checked.plan, campaign_of(checked.plan))
    assert [one.origin for one in found.dear] == ["the template"]


def test_what_smart_encoding_would_save_is_in_segments(tmp_path: Path) -> None:
    """Over all texts; never less than nothing, and nothing for a picture."""
    people = f"phone,x\n{A},{'’' * 100}\n{B},{'’' * 300}\n{C},ж{'…' * 66}\n"
    sections: dict[str, Any] = {"message": {"text": "{{ x }}"}}
    assert advice(tmp_path / "a", people, **sections).saved == 1 + 3 - 2
    worse = f"phone,x\n{C},ж{'…' * 66}\n"
    assert advice(tmp_path / "b", worse, **sections).saved == 0
    sections["message"]["media"] = ["http://x.example/y"]
    assert advice(tmp_path / "c", people, **sections).saved == 0


def test_what_smart_encoding_replaced_is_listed(tmp_path: Path) -> None:
    """Character, replacement, how often; the most frequent first."""
    people = f"phone,x\n{A},“It’s”\n{B},It’s\n{C},Its\n"
    found = advice(
        tmp_path, people, message={"text": "{{ x }}", "smart_encoding": True}
    )
    assert found.replaced == (("’", "'", 2), ("“", '"', 1), ("”", '"', 1))
    assert (found.saved, found.ucs2) == (0, 0)


def test_a_duplicate_with_other_data_is_a_conflict(tmp_path: Path) -> None:
    """Named by column, those with another text first; the number's spelling is none."""
    people = (
        f"phone,First Name,home,code\n{A},Ana,1,\n{A.removeprefix('+1')},Ana,1,\n"
        f"{A},Ana,1,x\n{A},Ann,1,x\n{B},Ben,1,\n{C},Cy,,\n"
    )
    sections: dict[str, Any] = {
        "recipients": {"household": "home"},
        "message": {"text": "Hi {{ first_name }}"},
    }
    found = advice(tmp_path, people, **sections).conflicts
    assert (found.rows, found.texts) == (2, 1)
    assert found.columns == {"code": 2, "First Name": 1}
    assert found.examples == ((5, 2), (4, 2))
    sections["message"]["text"] = "Hi"
    same = advice(tmp_path / "b", people, **sections).conflicts
    assert (same.rows, same.texts) == (2, 0)


def test_a_list_may_have_the_names_of_what_is_compared(tmp_path: Path) -> None:
    """`winner`, `said` and the like are columns as any other."""
    people = f"phone,winner,said\n{A},x,1\n{A},y,2\n"
    found = advice(tmp_path, people, message={"text": "{{ winner }}"}).conflicts
    assert (found.columns, found.examples) == ({"winner": 1, "said": 1}, ((3, 2),))


def test_words_that_may_say_nothing_are_counted(tmp_path: Path) -> None:
    """Where they would be printed; whoever is called Null gets a text."""
    names = ["Null", " null ", "-", "Nan", "Ann ", "SÃ£o", "Jos\ufffd", "São", "NULL"]
    people = "phone,Name,other\n" + "".join(
        f"{number(place)},{name},-\n" for place, name in enumerate(names)
    )
    found = advice(tmp_path, people, message={"text": "{{ name }}"}).doubts
    assert {(one.kind, one.word, one.rows, one.row) for one in found} == {
        ("word", "Null", 1, 2), ("word", " null ", 1, 3), ("word", "-", 1, 4),
        ("word", "Nan", 1, 5), ("broken", "", 2, 7), ("blanks", "", 2, 3),
    }  # fmt: skip
    assert {one.column for one in found} == {"Name"}
    assert found[0].rows == 2
    assert advice(tmp_path, people, message={"text": "Hi"}).doubts == ()


@pytest.mark.parametrize("kind", ["text", "float"])
def test_whole_numbers_that_are_printed_with_a_point_are_counted(
    tmp_path: Path, kind: str
) -> None:
    """As pandas writes them where a cell was empty; 12.00 and 13.5 are as they were meant."""
    people = f"phone,points\n{A},12.0\n{B},13.0\n{C},\n{D},13.5\n"

    def found(text: str) -> list[tuple[str, str, int, int]]:
        frame = pl.read_csv(io.StringIO(people), infer_schema=kind == "float")
        frame = frame.with_columns(pl.col("phone").cast(pl.String))
        list_of: dict[str, Any] = {"path": "list.parquet"}
        checked = plan(tmp_path, frame, recipients=list_of, message={"text": text})
        doubts = advise(checked.plan, campaign_of(checked.plan)).doubts
        return [(one.kind, one.word, one.rows, one.row) for one in doubts]

    assert found("You have {{ points | default(0) }}") == [("point", "12.0", 2, 2)]
    assert (
        found("{{ points | float | int }} {{ '%.2f' | format(points | float) }}") == []
    )


MACHINES = [
    # the column's cells · the text · kind, word, rows, first row
    (["2026-12-03", "2026-12-04", "soon"], "On {{ at }}", [("day", "2026-12-03", 2, 2)]),
    ([date(2026, 12, 3), None, date(2026, 12, 4)], "On {{ at | default('x') }}", [("day", "2026-12-03", 2, 2)]),
    (["2026-12-03 09:30", "soon", "later"], "On {{ at }}", [("day", "2026-12-03 09:30", 1, 2)]),
    ([datetime(2026, 12, 3, 9, 30)] * 3, "On {{ at }}", [("day", "2026-12-03 09:30:00", 3, 2)]),  # noqa: DTZ001
    (["a", "14:30:00", "9:30:00"], "At {{ at }}", [("clock", "14:30:00", 2, 3)]),
    ([time(14, 30)] * 3, "At {{ at }}", [("clock", "14:30:00", 3, 2)]),
    (["14:30", "9:30 PM", "3 Dec"], "At {{ at }}", []),
    (["2026-12-03"] * 3, "On {{ at | date('%-d %B') }}", []),
    (["2026-12-03"] * 3, "{% if at == '2026-12-03' %}Now{% endif %}", []),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "text", "wanted"), MACHINES)
def test_dates_and_times_that_are_printed_as_a_machine_writes_them_are_counted(
    tmp_path: Path, cells: list[object], text: str, wanted: list[tuple[object, ...]]
) -> None:
    """As they come out of a workbook or a database; what a person wrote is left alone."""
    frame = pl.DataFrame({"phone": [A, B, C], "at": cells})
    list_of: dict[str, Any] = {"path": "list.parquet"}
    checked = plan(tmp_path, frame, recipients=list_of, message={"text": text})
    doubts = advise(checked.plan, campaign_of(checked.plan)).doubts
    assert [(one.kind, one.word, one.rows, one.row) for one in doubts] == wanted


def test_a_reason_with_a_detail_is_counted_by_it(tmp_path: Path) -> None:
    """Which column is empty, which kind of line is barred."""
    people = f"phone,a,b\n{A},,1\n{B},1,\n{C},,1\n{D},1,1\n+18005550199,1,1\n"
    found = advice(
        tmp_path,
        people,
        recipients={"allow": ["fixed_line_or_mobile"]},
        message={"text": "{{ a }} {{ b }}"},
    )
    assert found.details == {
        "value_missing": {"a": 2, "b": 1},
        "line_type": {"toll_free": 1},
    }
