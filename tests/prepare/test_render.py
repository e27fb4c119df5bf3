"""The message of each row: text, media, tag, languages, and what would be refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from bulksend.errors import InputError
from bulksend.planning import plan_campaign
from tests.prepare.planning import codes, column, fates, number, plan, put

if TYPE_CHECKING:
    from pathlib import Path

A, B, C, D = map(number, range(1, 5))

# name, message, list, what becomes of the rows, media
MEDIA: list[tuple[str, dict[str, Any], str, list[str], list[str | None]]] = [
    ("several, one constant", {"media": ["https://x.example/a.jpg", "{{ u }}"]}, "http://y/b",
     ["sent"], ["https://x.example/a.jpg http://y/b"]),
    ("spaces", {"media": ["http://x.example/{{ u }}.jpg"]}, " my cat ",
     ["sent"], ["http://x.example/%20my%20cat%20.jpg"]),
    ("no address", {"media": ["{{ u }}"]}, "cat.jpg", ["media_invalid"], [None]),
    ("another scheme", {"media": ["{{ u }}"]}, "ftp://x/cat.jpg", ["media_invalid"], [None]),
    ("no host", {"media": ["{{ u }}"]}, "https:///cat.jpg", ["media_invalid"], [None]),
    ("a line in it", {"media": ["http://x/{{ u }}"]}, '"a\nb"', ["media_invalid"], [None]),
    ("as long as may be", {"media": ["http://x/{{ u }}"]}, "a" * 4_087, ["sent"], ["http://x/" + "a" * 4_087]),
    ("too long", {"media": ["http://x/{{ u }}"]}, "a" * 4_088, ["media_invalid"], [None]),
    ("missing", {"media": ["http://x/{{ u }}"]}, "", ["value_missing"], [None]),
    ("one of two is nothing", {"media": ["http://x/1", "{{ u | default('') }}"]}, "", ["media_invalid"], [None]),
]  # fmt: skip


UNFIT: list[tuple[dict[str, Any], str, str | None]] = [
    ({"text": "{{ 1 / (u | int) }}"}, "value_unfit", "u"),
    ({"text": "{{ name }}"}, "value_missing", "name"),
    ({"text": "{{ u | date }}{{ name }}"}, "value_unfit", "u"),
    ({"text": "{{ name }}{{ u | date }}"}, "value_missing", "name"),
    ({"text": "Hi", "tag": "{{ u | date }}"}, "value_unfit", "u"),
    ({"text": "{{ name }}", "tag": "{{ u | date }}"}, "value_missing", "name"),
    ({"text": "Hi", "variants": {"es": "{{ u | date }}"}, "language": "l"}, "value_unfit", "u"),
    ({"text": "{{ u | date }}", "variants": {"es": "{{ name }}"}, "language": "l"},
     "value_missing", "name"),
    ({"text": "{{ u | date }}", "variants": {"de": "{{ name }}"}, "language": "l"},
     "value_unfit", "u"),
]  # fmt: skip


@pytest.mark.parametrize(("message", "reason", "detail"), UNFIT)
def test_what_is_empty_and_what_cannot_be_worked_out_are_told_apart(
    tmp_path: Path, message: dict[str, Any], reason: str, detail: str | None
) -> None:
    """By the first of them, in the text, the tag and every language."""
    checked = plan(tmp_path, f"phone,u,name,l\n{A},0,NULL,es\n", message=message)
    assert fates(checked) == [reason]
    assert column(checked, "reason_detail") == [detail]


@pytest.mark.parametrize(
    ("message", "cell", "expected", "media"),
    [case[1:] for case in MEDIA],
    ids=[case[0] for case in MEDIA],
)
@pytest.mark.parametrize("text", ["Look", None], ids=["with text", "alone"])
def test_each_picture_is_an_address_that_bandwidth_takes(
    tmp_path: Path,
    *,
    message: dict[str, Any],
    cell: str,
    expected: list[str],
    media: list[str | None],
    text: str | None,
) -> None:
    """Per row; with or without a text it is one segment."""
    people = f"phone,u\n{A},{cell}\n"
    checked = plan(tmp_path, people, message={"text": text, **message})
    assert fates(checked) == expected
    assert column(checked, "media") == media
    assert column(checked, "segments") == [1 if expected == ["sent"] else None]


def test_a_text_is_refused_where_it_is_empty_or_too_long(tmp_path: Path) -> None:
    """2,048 characters, counted in UTF-16 for a text that is not GSM-7."""
    texts = [
        ("a" * 2_048, "sent"),
        ("a" * 2_049, "text_too_long"),
        ("€" * 2_048, "sent"),
        ("ж" * 2_048, "sent"),
        ("ж" * 2_049, "text_too_long"),
        ("\U0001f600" * 1_024, "sent"),
        ("\U0001f600" * 1_024 + "a", "text_too_long"),
        (" ", "text_empty"),
        ("\u00a0", "text_empty"),
    ]
    people = pl.DataFrame(
        {
            "phone": [number(place) for place in range(len(texts))],
            "x": [text for text, _ in texts],
        }
    )
    checked = plan(
        tmp_path,
        people,
        recipients={"path": "list.parquet"},
        message={"text": "{{ x | default('') }}"},
    )
    assert fates(checked) == [fate for _, fate in texts]


@pytest.mark.parametrize(
    "template", ["{{ x | default('') }}", "{% if x %}a{% endif %}"]
)
def test_a_text_of_nothing_is_never_sent(tmp_path: Path, template: str) -> None:
    """Where a row makes it empty, it is the row's fate."""
    checked = plan(tmp_path, f"phone,x\n{A},\n", message={"text": template})
    assert fates(checked) == ["text_empty"]


@pytest.mark.parametrize("template", ["{# a #}", "{#", "{{ '' }} \n"])
def test_a_text_of_nothing_for_everybody_is_an_error(
    tmp_path: Path, template: str
) -> None:
    """Where no row can mend it; with a picture no text is needed."""
    people = f"phone,x\n{A},\n"
    with pytest.raises(InputError, match=r"E104 .*an empty text"):
        plan(tmp_path, people, message={"text": template})
    media = ["https://cdn.example.com/a.jpg"]
    checked = plan(tmp_path, people, message={"text": template, "media": media})
    assert fates(checked) == ["sent"]


def test_a_missing_value_is_named_by_its_column(tmp_path: Path) -> None:
    """Of the text, the media or the tag, in this order; a blank cell is missing too."""
    people = f'phone,First Name,sku,id\n{A},,,\n{B}," ",1,2\n{C},x,,2\n{D},x,1,\n'
    checked = plan(
        tmp_path,
        people,
        message={
            "text": "Hi {{ first_name }}",
            "media": ["http://x/{{ sku }}"],
            "tag": "t{{ id }}",
        },
    )
    assert fates(checked) == ["value_missing"] * 4
    assert column(checked, "reason_detail") == ["First Name", "First Name", "sku", "id"]


# -- tags ---------------------------------------------------------------------------


def test_a_key_ends_every_tag(tmp_path: Path) -> None:
    """A callback finds its row by it, with a tag of the campaign's own or without."""
    people = f"phone,id\n{A},a\n12,b\n{B},c#3\n"
    for tag, own in (("t-{{ id }}", ["t-a", "t-c#3"]), (None, ["", ""])):
        checked = plan(tmp_path, people, message={"tag": tag})
        mark = checked.plan.hash[:8]
        (chunk,) = checked.plan.sendable()
        keys = [f"#{mark}-2", f"#{mark}-4"]
        assert chunk["tag"].to_list() == [a + b for a, b in zip(own, keys, strict=True)]


TAGS: list[tuple[str, str, str]] = [
    ("the number", A, "tag_has_number"),
    ("without its plus", A[1:], "tag_has_number"),
    ("as people write it", "(919) 234-0001", "tag_has_number"),
    ("within", f"x{A[2:]}y", "tag_has_number"),
    ("its last eight digits", "92340001", "tag_has_number"),
    (
        "over many signs, beside other digits",
        "9234 -- -- 0001 20261126",
        "tag_has_number",
    ),
    ("beside a date", "2026-11-26 92340001", "tag_has_number"),
    ("a date and other digits", "2026-11-26 92340002", "sent"),
    ("seven of them", "2340001", "sent"),
    ("another number", B, "sent"),
    ("an id", "order-2026-000123", "sent"),
    ("long", "x" * 1_000, "sent"),
    ("too long", "x" * 1_025, "tag_too_long"),
]


@pytest.mark.parametrize(
    ("tag", "fate"), [case[1:] for case in TAGS], ids=[case[0] for case in TAGS]
)
def test_a_tag_tells_nobody_s_number(tmp_path: Path, tag: str, fate: str) -> None:
    """Bandwidth asks for tags without personal data, of at most 1,024 characters."""
    people = f"phone,x\n{A},{tag}\n"
    checked = plan(tmp_path, people, message={"tag": "{{ x }}"})
    assert fates(checked) == [fate]
    (chunk,) = checked.plan.sendable() if fate == "sent" else (pl.DataFrame(),)
    assert all(
        len(one) <= 1_024 for one in chunk.get_column("tag", default=pl.Series())
    )


def test_a_group_s_tag_tells_the_number_of_none_of_its_members(tmp_path: Path) -> None:
    """Not of the first, nor of the last."""
    people = f"phone,x\n{A};{B},{A}\n{A};{C},{C}\n{A};{D},id\n"
    checked = plan(tmp_path, people, message={"tag": "{{ x }}", "group": True})
    assert fates(checked) == ["tag_has_number", "tag_has_number", "sent"]


@pytest.mark.parametrize(
    ("tag", "warned"),
    [
        ("{{ id }}", []),
        ("{{ first_name }}", ["W331"]),
        ("{{ phone }}-{{ email }}", ["W331", "W331", "W403"]),
        (None, []),
    ],
)
def test_a_tag_built_from_what_tells_who_a_person_is_earns_a_warning(
    tmp_path: Path, tag: str | None, warned: list[str]
) -> None:
    """By the column's name, before anything is sent."""
    people = f"phone,id,first_name,email\n{A},1,Ana,a@x.example\n"
    assert codes(plan(tmp_path, people, message={"tag": tag})) == warned


# -- languages, files, encoding -----------------------------------------------------


@pytest.mark.parametrize("text", ["Hi", None])
def test_a_column_picks_the_language(tmp_path: Path, text: str | None) -> None:
    """In any case, with spaces; an unknown one takes the default text, if there is one."""
    people = f"phone,Lang\n{A}, ES \n{B},es\n{C},fr\n{D},\n"
    message = {
        "text": text,
        "media": None if text else ["http://x/y"],
        "variants": {"Es": "Hola {{ lang }}", "pt-BR": "Oi"},
        "language": "lang",
    }
    checked = plan(tmp_path, people, message=message)
    rest = "sent" if text else "value_missing"
    assert fates(checked) == ["sent", "sent", rest, rest]
    assert column(checked, "text") == ["Hola  ES ", "Hola es", text, text]
    assert column(checked, "reason_detail")[2:] == (
        [None] * 2 if text else ["lang"] * 2
    )


@pytest.mark.parametrize(
    "languages", [["es", "fr"], [1, 2], [b"es", b"fr"], [None, None]]
)
def test_a_language_may_be_of_any_plain_type(
    tmp_path: Path, languages: list[object]
) -> None:
    """What is no language of the campaign takes the default text."""
    people = pl.DataFrame({"phone": [A, B], "lang": languages})
    checked = plan(
        tmp_path,
        people,
        recipients={"path": "list.parquet"},
        message={"variants": {"es": "Hola", "1": "Hola"}, "language": "lang"},
    )
    spoken = "Hola" if languages[0] else "Hello"
    assert column(checked, "text") == [spoken, "Hello"]


def test_each_language_misses_only_its_own_values(tmp_path: Path) -> None:
    """A value that only another language needs is not missed."""
    people = f"phone,lang,a,b\n{A},es,,1\n{B},en,,1\n{C},en,1,\n"
    message = {
        "text": "{{ a }}",
        "variants": {"es": "{{ b }}"},
        "language": "lang",
    }
    checked = plan(tmp_path, people, message=message)
    assert fates(checked) == ["sent", "value_missing", "sent"]


def test_the_text_may_stand_in_a_file(tmp_path: Path) -> None:
    """As it is there, but for a byte order mark and the last line end."""
    files = {"texts/hi.txt": "\ufeffHi {{ name }},\nsee you.\n"}
    checked = plan(
        tmp_path,
        f"phone,name\n{A},Ana\n",
        files,
        message={"text": None, "file": "texts/hi.txt"},
    )
    assert column(checked, "text") == ["Hi Ana,\nsee you."]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "E330 .*no such file"),
        (b"\xff\xfe", "E330 .*not UTF-8"),
        ("Hi".encode("utf-16-le"), "E330 .*not UTF-8"),
        ("", "E104 .*an empty text"),
        (" \n\n", "E104 .*an empty text"),
        ("{# Hi #}", "E104 .*an empty text"),
    ],
)
def test_a_text_file_that_cannot_be_used_is_named(
    tmp_path: Path, content: str | bytes | None, said: str
) -> None:
    """With the way out."""
    files = {} if content is None else {"hi.txt": content}
    message = {"text": None, "file": "hi.txt"}
    with pytest.raises(InputError, match=said) as caught:
        plan(tmp_path, f"phone\n{A}\n", files, message=message)
    assert [problem.column for problem in caught.value.problems] == ["message.file"]


HEAD = """name: test
provider: simulator
from: "+19195550100"
recipients: {path: list.csv, phone: phone}
message:
"""

# what is under `message:`, and where {{ nme }} stands: line (of the file), character
PLACES: dict[str, tuple[str, int, int]] = {
    "plain": ("  text: Hi {{ nme }}\n", 6, 7),
    "plain, folded": ("  text: Hi there,\n    dear\n\n    and {{ nme }}\n", 9, 8),
    "quoted": ("  text: 'Hi {{ nme }}'\n", 6, 7),
    "quoted, folded": ("  text: 'It''s you,\n    isn''t it,\n    {{ nme }}'\n", 8, 4),
    "double, folded": ('  text: "Hi,\n    {{ nme }}"\n', 7, 4),
    "double, escaped": ('  text: "Hi,\\n{{ nme }}"\n', 6, 8),
    "double, escaped, folded": ('  text: "Hi,\\n\n    {{ nme }}"\n', 6, 9),
    "double, ends nowhere": ('  text: "Hi, \\\n    {{ nme }}"\n', 6, 8),
    "block": ("  text: |\n    Hi,\n\n    {{ nme }}\n", 9, 4),
    "block, indented": ("  text: |\n    Hi,\n      {{ nme }}\n", 8, 6),
    "folded": ("  text: >\n    Hi,\n    {{ nme }}\n", 8, 4),
    "folded, with a note": ("  text: >- # a note\n\n    Hi,\n\n    a {{ nme }}\n", 10, 6),
    "folded, a line kept": ("  text: >\n    Hi,\n      a {{ nme }}\n    b\n", 8, 6),
    "folded, twice the same": ("  text: >\n    a\n    a\n    a {{ nme }}\n", 9, 6),
    "folded, a variable": ("  text: >\n    ${LONG}\n    {{ nme }}\n", 7, 15),
    "variants": ("  text: Hi\n  language: phone\n  variants:\n    es: >\n      a\n      {{ nme }}\n", 11, 4),
}  # fmt: skip


@pytest.mark.parametrize(("message", "line", "character"), PLACES.values(), ids=PLACES)
def test_a_mistake_is_named_where_it_stands_in_the_file(
    tmp_path: Path, message: str, line: int, character: int
) -> None:
    """However YAML writes the text; where that cannot be told, where the text begins."""
    put(tmp_path, "list.csv", f"phone,name\n{A},Ann\n")
    file = put(tmp_path, "c.yaml", HEAD + message)
    with pytest.raises(InputError) as caught:
        plan_campaign(file, environment={"LONG": "1\n3\n5\n7890"})
    (problem,) = caught.value.problems
    assert (problem.code, problem.file, problem.line) == ("E302", str(file), line)
    assert problem.column.endswith(f", character {character}")


def test_a_mistake_in_a_text_file_is_named_there(tmp_path: Path) -> None:
    """By the file's own name and line, and not by the campaign's."""
    files = {"texts/hi.txt": "\ufeffHi,\r\n\r\n  {{ nme }}\r\n"}
    with pytest.raises(InputError) as caught:
        plan(
            tmp_path,
            f"phone,name\n{A},Ann\n",
            files,
            message={"text": None, "file": "texts/hi.txt"},
        )
    (problem,) = caught.value.problems
    assert problem.where == f"{tmp_path / 'texts/hi.txt'}:3: character 6"


def test_smart_encoding_keeps_the_text_as_it_was(tmp_path: Path) -> None:
    """Where it changed something, and there only; counted after the change."""
    people = f"phone,x\n{A},It’s\n{B},Its\n{C},Ж’\n"
    message = {"text": "{{ x }} " + "a" * 100, "smart_encoding": True}
    checked = plan(tmp_path, people, message=message)
    tail = " " + "a" * 100
    assert column(checked, "text") == ["It's" + tail, "Its" + tail, "Ж'" + tail]
    assert column(checked, "text_before") == ["It’s" + tail, None, "Ж’" + tail]
    assert column(checked, "encoding") == ["GSM-7", "GSM-7", "UCS-2"]
    assert column(checked, "segments") == [1, 1, 2]


def test_all_templates_are_told_at_once(tmp_path: Path) -> None:
    """Text, variant, media and tag, each with its key."""
    message = {
        "text": "{{ a }}",
        "variants": {"es": "{{ b"},
        "language": "lang",
        "media": ["http://x/{{ c }}"],
        "tag": "{{ d | nope }}",
    }
    with pytest.raises(InputError) as caught:
        plan(tmp_path, f"phone,lang\n{A},es\n", message=message)
    places = " ".join(str(problem) for problem in caught.value.problems)
    for key in ("text", "variants.es", "media[0]", "tag"):
        assert f"message.{key}" in places


@pytest.mark.parametrize(
    ("message", "code", "key"),
    [
        ({"text": "{{ 'x' }}" + "x" * 2_040 + "{{ 'long enough' }}"}, "E108", "text"),
        ({"tag": "x" * 1_020}, "E108", "tag"),
        ({"text": "{{ ' ' }}{# Hi #}"}, "E104", "text"),
        ({"variants": {"es": "{{ '' }}"}, "language": "id"}, "E104", "variants.es"),
        ({"media": ["cdn.example.com/a.jpg"]}, "E104", "media[0]"),
        ({"media": ["https://x.example/a", "www.x.example/{{ id }}"]}, "E104", "media[1]"),
        ({"variants": {"es": "{{ 'x' }}" + "x" * 2_048}, "language": "id"}, "E108", "variants.es"),
    ],
)  # fmt: skip
def test_what_would_be_refused_for_every_row_is_an_error_of_the_campaign(
    tmp_path: Path, message: dict[str, object], code: str, key: str
) -> None:
    """A text, a tag or an address that no cell of the list can mend."""
    with pytest.raises(InputError) as caught:
        plan(tmp_path, f"phone,id\n{A},1\n", message=message)
    (problem,) = caught.value.problems
    assert (problem.code, problem.column) == (code, f"message.{key}")


@pytest.mark.parametrize(
    "url", ["{{ url }}", "https://x.example/{{ id }}", "http{{ s }}://x.example/y"]
)
def test_an_address_that_the_list_completes_is_judged_row_by_row(
    tmp_path: Path, url: str
) -> None:
    """It may begin in a column."""
    people = f"phone,id,url,s\n{A},1,https://x.example/y,s\n"
    checked = plan(tmp_path, people, message={"media": [url]})
    assert fates(checked) == ["sent"]
