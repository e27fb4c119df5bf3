"""Suppression lists and allow-lists: any file, any column, any spelling."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING

import polars as pl
import pytest
import xlsxwriter

from bulksend.errors import InputError
from tests.prepare.planning import codes, fates, number, plan

if TYPE_CHECKING:
    from pathlib import Path

    from tests.prepare.planning import Content

A, B, C = map(number, range(1, 4))
PEOPLE = f"phone,name\n{A},Ana\n{B},Ben\n{C},Cy\n"
SPELLED = "(919) 234-0001\n1.9192340002E+10\n"


def sheet(rows: list[list[str]]) -> bytes:
    """A workbook without column names."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        page = book.add_worksheet()
        for place, row in enumerate(rows):
            page.write_row(place, 0, row)
    return buffer.getvalue()


# name, file, content: each of them holds A and B
LISTS: list[tuple[str, str, Content]] = [
    ("the recipients' column", "x.csv", f"name,phone\nAna,{A}\nBen,{B}\n"),
    ("its case", "x.csv", f"id,Phone\n1,{A}\n2,{B}\n"),
    ("any name", "x.csv", f"when,who\n2026-01-02,{A}\n2026-01-03,{B}\n"),
    ("other spelling", "x.csv", f"who\n{SPELLED}"),
    ("semicolons", "x.csv", f"when;who\n1;{A}\n2;{B}\n"),
    ("UTF-16", "x.csv", f"who\tñ\n{A}\t1\n{B}\t2\n".encode("utf-16")),
    ("text", "x.txt", f"numbers\n{A}\n{B}\n"),
    ("ids before the numbers", "x.csv", f"customer_id,tel\n2025550123,{A}\n2025550124,{B}\n"),
    ("ids that nothing tells apart", "x.csv", f"a,b\n2025550123,{A}\n2025550124,{B}\n"),
    ("half of it empty", "x.csv", f"who,at\n{A},1\n,2\n,3\n{B},4\n"),
    ("mostly unreadable", "x.csv", f"phone\n{A}\nx\ny\nz\n{B}\n"),
    ("a number as the header", "x.csv", f"234-0009\n{A}\n{B}\n"),
    ("no header", "x.csv", f"{A}\n{B}\n"),
    ("no header, BOM and CRLF", "x.txt", f"\ufeff{A}\r\n{B}\r\n"),
    ("no header, quoted, more cells", "x.csv", f'"{A}","STOP","{A}"\n"{B}","",""\n'),
    ("no header, semicolons and blank lines", "x.csv", f"sep=;\n\n{A};x\n\n{B};y\n"),
    ("no header, UTF-16", "x.csv", f"{A}\n{B}\n".encode("utf-16")),
    ("a workbook without header", "x.xlsx", sheet([[A, "x"], [B, "y"]])),
    ("windows-1252", "x.csv", f"name,phone\nJosé,{A}\nZoë,{B}\n".encode("cp1252")),
    ("integers", "x.parquet", pl.DataFrame({"n": [9192340001, 9192340002]})),
    ("floats", "x.parquet", pl.DataFrame({"n": [9192340001.0, 9192340002.0]})),
    ("objects", "x.ndjson", pl.DataFrame({"n": [A, B]})),
    ("a workbook", "x.xlsx", pl.DataFrame({"n": [9192340001, 9192340002]})),
]  # fmt: skip


OPT_OUTS: list[tuple[str, dict[str, Content]]] = [
    ("mail and numbers in one column",
     {"x.csv": "contact\n" + "ann@example.com\n" * 20 + f"{A}\n{B}\n"}),
    ("a column that is empty at first",
     {"x.csv": "mail,n\n" + "a@b.com,\n" * 5_000 + f",{A}\n,{B}\n"}),
    ("files with other columns", {"x1.csv": f"tel\n{A}\n", "x2.csv": f"id,n\n1,{B}\n"}),
    ("files without a header", {"x1.csv": f"{A}\n", "x2.csv": f"{B}\n"}),
]  # fmt: skip


@pytest.mark.parametrize(
    "files", [c[1] for c in OPT_OUTS], ids=[c[0] for c in OPT_OUTS]
)
def test_no_opt_out_is_missed(tmp_path: Path, files: dict[str, Content]) -> None:
    """However a list of them grew."""
    off = plan(tmp_path, PEOPLE, files, recipients={"suppress": ["x*.csv"]})
    assert fates(off) == ["suppressed", "suppressed", "sent"]


TWO = f"{B[2:]}{{}}{C[2:]}"
CELLS: list[tuple[str, str]] = [
    *((repr(sign), TWO.format(sign)) for sign in
      (" / ", "/", ", ", ",", "; ", " | ", "\n", " or ", " AND ", " - ", " – ", " ", " & ")),
    ("formatted", "(919) 234-0002 / (919) 234-0003"),
    ("spaces and slashes within", "919/234-0002 or 919/234-0003"),
    ("international", f"{B} {C}"),
    ("with labels behind", f"{B} (mobile), {C} (home)"),
    ("three", f"{B} / 9192340009 / {C}"),
]  # fmt: skip


@pytest.mark.parametrize("cell", [c[1] for c in CELLS], ids=[c[0] for c in CELLS])
def test_every_number_of_a_cell_is_an_opt_out(tmp_path: Path, cell: str) -> None:
    """Also where the row holds another number; and then nothing is left to be told."""
    alone = f'phone\n"{cell}"\n'
    beside = f'phone,alt\n{A},"{cell}"\n'
    for place, listed in enumerate((alone, beside)):
        off = plan(
            tmp_path / str(place),
            PEOPLE,
            {"x.csv": listed},
            recipients={"suppress": ["x.csv"]},
        )
        assert fates(off)[1:] == ["suppressed"] * 2
        assert fates(off)[0] == ("suppressed" if place else "sent")
        assert "W252" not in codes(off)


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (f"phone,mobile\n{A},91923400\n{B},\n",
         "1 row holds a number and digits that cannot be read (row 2: 9192…"),
        (f"phone,n\n{A},{B}\n{C},call 9192340009\n",
         "1 row holds a number and digits that cannot be read (row 3: 9192…"),
        (f"phone\n{A} / 919234000\n",
         "1 row holds a number and digits that cannot be read (row 2: 9192…"),
        (f"phone\n{A}/0102\n", "1 row holds a number and digits that cannot be read"),
        (f"phone\n{A}\nx\ny\n{B}\nz\nu\n",
         "4 rows hold no number that can be read (rows 3, 4, 6)"),
        (f"phone,n\n{A},1\n9192340,2\n", "1 row holds no number that can be read (row 3)"),
    ],
)  # fmt: skip
def test_an_opt_out_that_cannot_be_read_is_never_silent(
    tmp_path: Path, listed: str, said: str
) -> None:
    """W252 says which rows, also where another cell of the row was read; masked."""
    off = plan(tmp_path, PEOPLE, {"x.csv": listed}, recipients={"suppress": ["x.csv"]})
    notice, *_ = off.notices
    assert str(notice).startswith(f"W252 x.csv: {said}")
    assert "919234" not in str(notice)


def test_few_numbers_among_other_things_are_opt_outs(tmp_path: Path) -> None:
    """However many tickets stand above them; the tickets are told."""
    tickets = "".join(f"ticket 2026112600{one:02}\n" for one in range(20)) * 100
    for place, header in enumerate(("contact", "contact,n")):
        listed = f"{header}\n{tickets}{A}\n{B}\n"
        listed = listed.replace("\n", f",{C}\n") if place else listed
        listed = listed.replace(f"{header},{C}", header)
        off = plan(
            tmp_path / str(place),
            PEOPLE,
            {"x.csv": listed},
            recipients={"suppress": ["x.csv"]},
        )
        assert fates(off)[:2] == ["suppressed"] * 2
        assert "2,000 rows hold" in str(off.notices[0])


@pytest.mark.parametrize(
    "header", ["order", "orderId", "Ticket-No", "customer_id", "created_at"]
)
def test_a_column_that_names_something_else_needs_more_than_a_few(
    tmp_path: Path, header: str
) -> None:
    """Ids that are numbers by chance keep out nobody."""
    listed = f"{header},tel\n{B[2:]},{A}\n" + f"0000000001,{A}\n" * 5
    off = plan(tmp_path, PEOPLE, {"x.csv": listed}, recipients={"suppress": ["x.csv"]})
    assert (fates(off), codes(off)) == (["suppressed", "sent", "sent"], [])


def test_a_column_of_ids_beside_the_numbers_keeps_out_nobody(tmp_path: Path) -> None:
    """Ids of ten digits are numbers about one time in three."""
    ids = [B[2:], *(f"{number:010}" for number in range(10))]
    listed = "order,tel\n" + "".join(f"{one},{A}\n" for one in ids)
    off = plan(tmp_path, PEOPLE, {"x.csv": listed}, recipients={"suppress": ["x.csv"]})
    assert fates(off) == ["suppressed", "sent", "sent"]


@pytest.mark.parametrize(
    ("name", "content"), [case[1:] for case in LISTS], ids=[case[0] for case in LISTS]
)
def test_a_list_is_read_as_people_export_it(
    tmp_path: Path, name: str, content: Content
) -> None:
    """Suppressed, or the only ones who get anything."""
    files = {name: content}
    off = plan(tmp_path, PEOPLE, files, recipients={"suppress": [name]})
    assert fates(off) == ["suppressed", "suppressed", "sent"]
    on = plan(tmp_path, PEOPLE, files, recipients={"only": [name]})
    assert fates(on) == ["sent", "sent", "not_on_list"]


def test_an_opt_out_counts_in_whichever_column_it_stands(tmp_path: Path) -> None:
    """A list of opt-outs is read whole; one of those who may be texted is not."""
    files = {"x.csv": f"name,mobile,home\na,{A},{B}\nb,,{C}\n"}
    off = plan(tmp_path, PEOPLE, files, recipients={"suppress": ["x.csv"]})
    assert fates(off) == ["suppressed"] * 3
    on = plan(tmp_path, PEOPLE, files, recipients={"only": ["x.csv"]})
    assert fates(on) == ["sent", "not_on_list", "not_on_list"]


def test_every_column_of_the_recipients_is_read_in_a_list(tmp_path: Path) -> None:
    """An opt-out by one's second number is an opt-out."""
    people = f"mobile,home\n{A},\n,{B}\n{C},\n"
    listed = f"Mobile,Home\n{A},\n,{B}\n"
    checked = plan(
        tmp_path,
        people,
        {"x.csv": listed},
        recipients={"phone": ["mobile", "home"], "suppress": ["x.csv"]},
    )
    assert fates(checked) == ["suppressed", "suppressed", "sent"]
    assert codes(checked) == []


def test_several_lists_are_one(tmp_path: Path) -> None:
    """Of any formats; who is both on a trial's list and opted out gets nothing."""
    files: dict[str, Content] = {
        "x.csv": f"n\n{A}\n",
        "y.parquet": pl.DataFrame({"n": [B]}),
        "z.csv": f"n\n{A}\n{C}\n",
    }
    checked = plan(
        tmp_path,
        PEOPLE,
        files,
        recipients={"suppress": ["x.csv", "y.parquet"], "only": ["z.csv"]},
    )
    assert fates(checked) == ["suppressed", "suppressed", "sent"]


def test_an_empty_list_suppresses_nobody_and_allows_nobody(tmp_path: Path) -> None:
    """A header alone is a list; it is said, for it may be a broken export."""
    files: dict[str, Content] = {"x.csv": "phone\n"}
    off = plan(tmp_path, PEOPLE, files, recipients={"suppress": ["x.csv"]})
    assert (fates(off), codes(off)) == (["sent"] * 3, ["W204"])
    on = plan(tmp_path, PEOPLE, files, recipients={"only": ["x.csv"]})
    assert (fates(on), codes(on)) == (["not_on_list"] * 3, ["W204", "W403"])


def test_what_cannot_be_read_in_a_list_is_counted(tmp_path: Path) -> None:
    """A number that cannot be read cannot be kept out, so somebody has to look."""
    files: dict[str, Content] = {"x.csv": f"phone\n{A}\n12\nx\n"}
    checked = plan(tmp_path, PEOPLE, files, recipients={"suppress": ["x.csv"]})
    (notice,) = checked.notices
    assert str(notice).startswith("W252 x.csv: 2 rows hold no number")
    one = plan(
        tmp_path / "b",
        PEOPLE,
        {"x.csv": f"phone\n{A}\nx\n"},
        recipients={"suppress": ["x.csv"]},
    ).notices
    assert str(one[0]).startswith("W252 x.csv: 1 row holds no number")


SAYS: list[tuple[str, Content, str | None, str]] = [
    ("empty", "", "US", "E204 y.csv: the file is empty. If nobody is on the list, write a line `phone` into it; else export it anew."),
    ("no numbers", "name,mail\nAna,a@b.com\n", "US", "E251 y.csv: no cell holds a number that can be read, and none has 7 digits; the columns are `name`, `mail`; expected a column of numbers, under any name. Export it anew, with the people's numbers in it."),
    ("no region", "n\n9192340001\n", None, 'E251 y.csv row 2, column "n": no cell holds a number that can be read; of this one: the number needs a country code. Add it with a +, or set recipients.default_region.'),
    ("ids", "when,id\n2026-01-01,12345678\n", "US", 'E251 y.csv row 2, column "when": no cell'),
    ("short ones", "when,n\n2026-01-01,91923400\n", "US", 'E251 y.csv row 2, column "n": no cell holds a number that can be read; of this one: the number has too few digits. Export it'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "region", "said"), [c[1:] for c in SAYS], ids=[c[0] for c in SAYS]
)
def test_a_list_without_numbers_says_what_to_do(
    tmp_path: Path, content: Content, region: str | None, said: str
) -> None:
    """In words for a list of opt-outs, and not for one of recipients."""
    recipients = {"suppress": ["y.csv"], "default_region": region}
    with pytest.raises(InputError) as caught:
        plan(tmp_path, PEOPLE, {"y.csv": content}, recipients=recipients)
    assert said in str(caught.value.problems[0])


@pytest.mark.parametrize(
    ("content", "code"),
    [("name\nAna\nBen\n", "E251"), ("", "E204"), (b"\xff\xfeZ", "E"), (None, "E200")],
)
def test_a_list_that_cannot_be_used_stops_the_plan(
    tmp_path: Path, content: Content | None, code: str
) -> None:
    """Both lists are told at once; nothing is planned without them."""
    files = {} if content is None else {"x.csv": content, "y.csv": content}
    with pytest.raises(InputError) as caught:
        plan(
            tmp_path,
            PEOPLE,
            files,
            recipients={"suppress": ["x.csv"], "only": ["y.csv"]},
        )
    assert caught.value.problems[0].code.startswith(code)
    assert not (tmp_path / ".bulksend").exists()


ROUNDED = pl.Series("n", [9192340001.0, 9192340002.0], dtype=pl.Float32)


@pytest.mark.parametrize("of", ["suppress", "only"])
@pytest.mark.parametrize("name", ["phone", "Mobile", "n"])
@pytest.mark.parametrize(
    "beside", [{}, {"mail": ["a@b.com", "c@d.com"], "tel": [A, B]}]
)
def test_numbers_that_a_list_has_rounded_are_nobodys(
    tmp_path: Path, of: str, name: str, beside: dict[str, list[str]]
) -> None:
    """Read, they keep out or let in strangers; so nothing is planned by them."""
    listed = pl.DataFrame([ROUNDED.alias(name)]).with_columns(
        *(pl.Series(other, cells) for other, cells in beside.items())
    )
    files: dict[str, Content] = {"x.parquet": listed}
    with pytest.raises(InputError) as caught:
        plan(tmp_path, PEOPLE, files, recipients={of: ["x.parquet"]})
    (problem,) = caught.value.problems
    assert (problem.code, problem.column) == ("E224", name)
    assert "Float32" in str(problem)
    assert "as text or Int64" in str(problem)


def test_small_values_of_32_bits_beside_the_numbers_do_no_harm(tmp_path: Path) -> None:
    """Scores and counts, whatever their column is called."""
    small = pl.Series("sms_score", [0.33333334, 120.0], dtype=pl.Float32)
    listed = pl.DataFrame([pl.Series("n", [A, B]), small])
    files: dict[str, Content] = {"x.parquet": listed}
    off = plan(tmp_path, PEOPLE, files, recipients={"suppress": ["x.parquet"]})
    assert fates(off) == ["suppressed", "suppressed", "sent"]


OLD = (
    ("+52 1 55 1234 5678", "+525512345678"),
    ("+5215512345678", "+525512345678"),
    ("+55 11 8765-4321", "+5511987654321"),
    ("+22951234567", "+2290151234567"),
)


@pytest.mark.parametrize(("listed", "number"), OLD)
def test_an_opt_out_in_its_countrys_older_form_counts(
    tmp_path: Path, listed: str, number: str
) -> None:
    """The list is older than the numbering plan, and the person is the same."""
    people = f"phone\n{number}\n{A}\n"
    files = {"x.csv": f"who\n{listed}\n"}
    checked = plan(tmp_path, people, files, recipients={"suppress": ["x.csv"]})
    assert fates(checked)[0] == "suppressed"
    assert "suppressed" not in fates(checked)[1:]


SEVERAL = {"People": [[A], [B]], "Opt-outs": [["phone"], [C]]}


def sheets(
    folder: Path, pages: dict[str, list[list[str]]], *, hidden: str = ""
) -> None:
    """A workbook `x.xlsx`, its first rows empty as people like it."""
    with xlsxwriter.Workbook(folder / "x.xlsx") as book:
        for name, rows in pages.items():
            page = book.add_worksheet(name)
            for place, row in enumerate(rows, 3):
                page.write_row(place, 0, row)
            if name == hidden:
                page.hide()


def test_of_several_sheets_no_list_of_opt_outs_is_guessed(tmp_path: Path) -> None:
    """The first may be the customers', and who opted out is on the second: E214."""
    sheets(tmp_path, SEVERAL)
    with pytest.raises(InputError, match="E214") as caught:
        plan(tmp_path, PEOPLE, recipients={"suppress": ["x.xlsx"]})
    said = str(caught.value)
    assert "there are: People, Opt-outs" in said
    assert "recipients.sheet" not in said


@pytest.mark.parametrize(
    ("pages", "hidden"),
    [
        ({"Empty": [], "Opt-outs": [["phone"], [C]], "Notes": []}, ""),
        (SEVERAL, "People"),
    ],
    ids=["the others are empty", "the others are hidden"],
)
def test_the_only_sheet_that_holds_anything_is_the_list(
    tmp_path: Path, pages: dict[str, list[list[str]]], hidden: str
) -> None:
    """Wherever it stands; nobody needs to name it."""
    sheets(tmp_path, {"First": []} | pages, hidden=hidden)
    checked = plan(tmp_path, PEOPLE, recipients={"suppress": ["x.xlsx"]})
    assert fates(checked) == ["sent", "sent", "suppressed"]


def test_a_trials_list_names_the_sheet_that_is_read(tmp_path: Path) -> None:
    """Nobody is texted by it who would not be otherwise."""
    sheets(tmp_path, {"People": [["phone"], [A]], "Notes": [["x"]]})
    checked = plan(tmp_path, PEOPLE, recipients={"only": ["x.xlsx"]})
    assert fates(checked) == ["sent", "not_on_list", "not_on_list"]
    (said,) = [one for one in checked.notices if one.code == "W214"]
    assert "sheet `People` is read" in str(said)
    assert "recipients.sheet" not in str(said)


@pytest.mark.slow
def test_a_million_suppressed_numbers_are_read_and_asked_quickly(
    tmp_path: Path,
) -> None:
    """Every one of them counts, and they cost seconds."""
    start = 2_012_000_000
    listed = pl.select(n=pl.int_range(start, start + 1_100_000))
    people = pl.select(phone=pl.int_range(start, start + 1_300_000, 13))
    began = time.process_time()
    checked = plan(
        tmp_path,
        people,
        {"x.parquet": listed},
        recipients={"path": "list.parquet", "suppress": ["x.parquet"]},
    )
    spent = time.process_time() - began
    frame = checked.plan.frame().collect()
    valid = frame.filter(pl.col("to").is_not_null())
    on_list = pl.col("phone") < start + 1_100_000
    assert set(valid.filter(on_list)["reason"]) == {"suppressed"}
    assert set(valid.filter(~on_list)["reason"]) <= {None}
    assert len(valid.filter(on_list)) > 10_000
    assert spent < 30, spent
