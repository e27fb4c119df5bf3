"""What a text should not say, or lack; and that a reason switches it off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bulksend.errors import InputError
from tests.prepare.planning import codes, plan

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE = "phone,link,first_name\n9192345671,bit.ly/x,Ana\n9192345672,x.example/a,Ben\n"
REAL = {"provider": "bandwidth", "application_id": "x"}
GOOD = "Blue Fern: your table is ready. bluefern.example/t Reply STOP to end."
OURS = {"brand": "Blue Fern", "domains": "bluefern.example"}


def found(
    folder: Path, text: str, lint: dict[str, Any] | None = None, **more: Any
) -> list[str]:
    """The codes of what is said about a text, errors and gates too."""
    sections: dict[str, Any] = {"message": {"text": text}} | more
    if lint:
        sections["lint"] = lint
    try:
        checked = plan(folder, PEOPLE, **sections)
    except InputError as error:
        return [problem.code for problem in error.problems]
    return codes(checked) + [gate.code for gate in checked.gates]


CASES = [
    (GOOD, OURS, []),
    ("Your table is ready. Reply STOP to end.", OURS, ["W350"]),
    ("Your table is ready. Reply STOP to end.", {}, []),
    ("BLUE FERN: your table is ready. Text stop to end.", OURS, []),
    ("Blue Fern: your table is ready.", OURS, ["W351"]),
    ("Blue Fern: our sale ends soon, do not stop.", OURS, ["W351"]),
    ("Blue Fern: ready. To opt out, write to us.", OURS, []),
    ("Blue Fern https://bit.ly/abc Reply STOP to end.", OURS, ["E352"]),
    ("Blue Fern www.tinyurl.com/abc Reply STOP to end.", {}, ["E352"]),
    ("Blue Fern rabbit.ly/abc Reply STOP to end.", {}, []),
    ("Blue Fern https://elsewhere.example/a Reply STOP to end.", OURS, ["W353"]),
    ("Blue Fern https://shop.bluefern.example/a Reply STOP to end.", OURS, []),
    ("Blue Fern: 10% off beer. Reply STOP to end.", OURS, ["W354"]),
    ("Blue Fern: begun is half done. Reply STOP to end.", OURS, []),
    ("BLUE FERN HAS A GREAT BIG SALE TODAY. Reply STOP to end.", OURS, ["W356"]),
    ("Blue Fern: hi {first_name}. Reply STOP to end.", OURS, ["W357"]),
    ("Blue Fern: hi [FIRST_NAME]. Reply STOP to end.", OURS, ["W357"]),
    ("Blue Fern: hi {{ first_name }}. Reply STOP to end.", OURS, []),
]


FOREIGN = [
    "{name}", "{First Name}", "{first.name}", "${name}", "#{name}", "[FIRST_NAME]", "[First Name]",
    "[first_name]", "[Appointment Date]", "[[name]]", "((name))", "<<First Name>>", "«First_Name»",
    "<first_name>", "<First Name>", "%FNAME%", "%first_name%", "%First Name%", "%%first_name%%",
    "%(name)s", "%1$s", "*|FNAME|*", "*|IF:FNAME|*", "##name##", "{#var#}", "{name|friend}",
]  # fmt: skip


@pytest.mark.parametrize("placeholder", FOREIGN)
def test_the_placeholders_of_other_tools_are_none_of_ours(
    tmp_path: Path, placeholder: str
) -> None:
    """Mailchimp's, Word's, SMS tools': they would be sent as they stand."""
    text = f"Blue Fern: hi {placeholder}. Reply STOP to end."
    (tmp_path / "text.txt").write_text(text, "utf-8")  # a ${name} in YAML is E105
    checked = plan(tmp_path, PEOPLE, message={"text": None, "file": "text.txt"})
    (said,) = [n for n in checked.notices if n.code == "W357"]
    assert said.found == f"`{placeholder}` looks like a placeholder and is none"


@pytest.mark.parametrize(
    "words",
    [
        "[Blue Fern] is open", "10% off, 20% back", "(or 5%) a 3% b", "save 50%now%", "a < b > c",
        "it is (very) good", "[ad] [1] [OK]", "$5 {} #1", "{{ first_name }} {% if first_name %}a{% endif %}",
        "*really* | no", "#sale #now", "{# a note #}",
    ],
)  # fmt: skip
def test_what_only_resembles_a_placeholder_is_left_alone(
    tmp_path: Path, words: str
) -> None:
    """A sender in brackets, two percentages, a hashtag, our own language."""
    text = f"Blue Fern: {words}. Reply STOP to end."
    assert "W357" not in found(tmp_path, text)


def test_all_placeholders_of_another_tool_are_named(tmp_path: Path) -> None:
    """The first three, and how many more."""
    text = "Blue Fern: {a} <<b>> [CODE] %city% {a} <<d>>. Reply STOP to end."
    checked = plan(tmp_path, PEOPLE, message={"text": text})
    (said,) = [n for n in checked.notices if n.code == "W357"]
    named = "`{a}`, `<<b>>`, `[CODE]` and 2 more"
    assert said.found == f"{named} look like placeholders and are none"


@pytest.mark.parametrize(("text", "lint", "said"), CASES)
def test_what_is_said_about_a_text(
    tmp_path: Path, text: str, lint: dict[str, Any], said: list[str]
) -> None:
    """Of a real, marketing campaign."""
    more = REAL | {"send": {"rules": "us-marketing"}}
    assert found(tmp_path, text, lint, **more) == said


def test_opt_out_words_are_asked_of_marketing_only(tmp_path: Path) -> None:
    """A code that somebody waits for needs none; a first contact always does."""
    free = {"send": {"rules": {"profile": "transactional", "because": "codes"}}}
    text = "Blue Fern: your code is 7."
    assert found(tmp_path, text, OURS, **(REAL | free)) == []
    assert found(tmp_path, text, OURS | {"first_contact": True}, **(REAL | free)) == [
        "E351"
    ]
    assert found(tmp_path, "Hello", OURS | {"first_contact": True}) == ["E350", "E351"]


def test_a_shortener_from_the_list_closes_a_gate(tmp_path: Path) -> None:
    """The template is clean, and a row brings the link."""
    text = "Blue Fern: {{ link }}"
    assert found(tmp_path, text) == ["E352"]
    checked = plan(tmp_path, PEOPLE, message={"text": text})
    assert (checked.gates[0].row, checked.gates[0].more) == (2, 0)
    ignored = {"ignore": {"E352": "a trial among ourselves"}}
    assert found(tmp_path, text, ignored) == []


def test_a_reason_switches_a_finding_off_and_is_kept(tmp_path: Path) -> None:
    """By its code as a warning or an error; the plan has the reason."""
    text = "Blue Fern https://bit.ly/abc 10% off beer. Reply STOP to end."
    ignore = {"W354": "a bar's own guests", "E352": "a trial among ourselves"}
    assert found(tmp_path, text, {"ignore": ignore}) == []
    checked = plan(tmp_path, PEOPLE, message={"text": text}, lint={"ignore": ignore})
    assert checked.plan.about["campaign"]["lint"]["ignore"] == ignore


def test_an_unknown_code_and_an_empty_reason_are_errors(tmp_path: Path) -> None:
    """Nothing is switched off by a slip."""
    assert found(tmp_path, GOOD, {"ignore": {"W399": "x"}}) == ["E358"]
    assert found(tmp_path, GOOD, {"ignore": {"W354": " "}}) == ["E104"]


def test_a_picture_s_address_must_not_tell_who_a_person_is(tmp_path: Path) -> None:
    """Addresses are logged by every proxy on the way."""
    media = ["https://cdn.example.com/{{ first_name }}.jpg"]
    message = {"text": GOOD, "media": media}
    checked = plan(tmp_path, PEOPLE, message=message)
    assert codes(checked) == ["W355"]
