"""The JSON Schema says what `load` says; the starter is a campaign that works."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
import yaml
from jsonschema import Draft202012Validator

from bulksend.define.campaign import SECTIONS
from bulksend.define.load import Loaded, load
from bulksend.define.schema import json_schema, starter, write_starter
from bulksend.define.section import keys_of
from bulksend.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Read = Callable[..., Loaded]
    Problems = Callable[..., list[Problem]]

TEXT = '  text: "Hi {{ first_name }}"\n'
REGION = "  default_region: US\n"
RATE = "  rate: 50/s\n"
FROM = 'from: "+19195550100"\n'
LONG = "x" * 2049
ENVIRONMENT = {"HOST": "a.example", "N": "5"}


class _Editor(yaml.SafeLoader):
    """YAML as an editor reads it: version 1.2, where NO and 12:30 are texts."""


_Editor.yaml_implicit_resolvers = {}
for tag, pattern in (
    ("null", r"^(?:|~|null|Null|NULL)$"),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$"),
    ("int", r"^[-+]?[0-9]+$"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"),
):
    _Editor.add_implicit_resolver(
        f"tag:yaml.org,2002:{tag}",
        re.compile(pattern),
        [*"-+0123456789.tTfFnN~", ""],
    )


@pytest.fixture(scope="module")
def editor() -> Callable[[str], bool]:
    """Whether an editor would find nothing to complain of."""
    Draft202012Validator.check_schema(json_schema())
    validator = Draft202012Validator(json_schema())
    return lambda text: validator.is_valid(yaml.load(text, _Editor))


RIGHT = [
    ("name", "name"),
    (FROM, "from: 12345\n"),
    (FROM, "from: [SALE, '+19195550100', 123]\n"),
    ("region: US", "region: NO"),
    ("mobile", "[mobile, '${N}']"),
    (REGION, "  duplicates: {by: at, keep: lowest}\n"),
    (REGION, "  duplicates: refuse\n  household: h\n  suppress: a\n  only: [a, b]\n"),
    (REGION, "  allow: [mobile, voip]\n  delimiter: ';'\n  encoding: utf-8\n"),
    (TEXT, "  file: a.txt\n"),
    (TEXT, "  media: 'https://${HOST}/a.jpg'\n"),
    (TEXT, f'  text: "{{{{ a }}}}{LONG}"\n'),
    (TEXT, TEXT + "  language: l\n  variants: {no: hei}\n"),
    ("tag: spring", "tag: '${HOST}'\n  priority: high\n  group: false"),
    (TEXT, f"  text: {LONG[:-1]}\n"),
    ("tag: spring", "expiration: 1.5 h"),
    ("tag: spring", "expiration: 2026-03-01T20:00:00-05:00"),
    ("tag: spring", "smart_encoding: true"),
    ("50/s", "${N}/min"),
    (RATE, "  budget: {segments: '${N}', money: 12.5}\n  prices: {US: {sms: 1}}\n"),
    ("provider: simulator", "provider: bandwidth\napplication_id: ${HOST}"),
    ("results: results/out.csv\n", ""),
    ("results/out.csv", "s3://bucket/${HOST}.parquet"),
]

WRONG = [
    ("name: spring-sale", "name: Spring"),
    ("name: spring-sale", "name: .."),
    ("simulator", "bandwith"),
    ("simulator", "bandwidth"),
    (FROM, ""),
    (FROM, "from: []\n"),
    (FROM, "from: 1\n"),
    (FROM, "from: '19195550100'\n"),
    (FROM, "from: far-too-long-name\n"),
    ("region: US", "region: UK"),
    ("  phone: mobile\n", ""),
    ("mobile", "[]"),
    (REGION, "  suppress:\n"),
    (REGION, "  duplicates: all\n"),
    (REGION, "  duplicates: {by: at}\n"),
    (REGION, "  duplicates: {by: at, keep: lowest, or: x}\n"),
    (REGION, "  allow: [cell]\n"),
    (REGION, "  delimiter: ';;'\n"),
    (TEXT, ""),
    (TEXT, "  text: ''\n"),
    (TEXT, TEXT + "  file: a\n"),
    (TEXT, TEXT + "  language: l\n"),
    (TEXT, TEXT + "  variants: {no: hei}\n"),
    (TEXT, TEXT + "  variants: {}\n  language: l\n"),
    (TEXT, TEXT + "  variants: {' ': hei}\n  language: l\n"),
    (TEXT, f"  text: {LONG}\n"),
    (TEXT, f"  media: [{LONG}{LONG}]\n"),
    (TEXT, "  media: [" + "a, " * 10 + "a]\n"),
    ("tag: spring", "priority: urgent"),
    ("tag: spring", "expiration: soon"),
    ("tag: spring", "group: 'maybe'"),
    ("tag: spring", "gruop: true"),
    ("50/s", "50"),
    ("50/s", "0/s"),
    (RATE, "  budget: {}\n"),
    (RATE, "  budget: {segments: 0}\n"),
    (RATE, "  budget: {segments: 1.5}\n"),
    (RATE, "  window: {from: '09:00'}\n"),
    (RATE, "  prices: [1]\n"),
    ("out.csv", "out.txt"),
]

# Right for `load`, which takes a text as it stands; an editor asks for the quotes.
QUOTES = [
    (FROM, "from: +19195550100\n"),
    ("tag: spring", "tag: 2026"),
    ("tag: spring", "group: yes"),
    ("tag: spring", 'group: "true"'),
]

# Wrong for `load`, and no JSON Schema could know.
TEXTUAL = [
    (RATE, RATE + RATE),
    ("tag: spring", "tag: ${UNSET}"),
    ("tag: spring", "expiration: 2026-02-30T20:00:00Z"),
    (REGION, "  encoding: utf-88\n"),
    (FROM + "recipients", "from: SALE\nrecipients"),
]


@pytest.mark.parametrize(("old", "new"), RIGHT)
def test_what_is_right_is_right_for_the_editor_too(
    read: Read, good: str, editor: Callable[[str], bool], old: str, new: str
) -> None:
    """A campaign that loads has no marks in the editor."""
    text = good.replace(old, new)

    assert isinstance(read(text, ENVIRONMENT), Loaded)
    assert editor(text)


@pytest.mark.parametrize(("old", "new"), WRONG)
def test_what_is_wrong_is_wrong_for_the_editor_too(
    problems: Problems, good: str, editor: Callable[[str], bool], old: str, new: str
) -> None:
    """A campaign that does not load is marked in the editor."""
    assert old in good
    text = good.replace(old, new)

    assert problems(text, ENVIRONMENT)
    assert not editor(text)


@pytest.mark.parametrize(("old", "new"), QUOTES)
def test_an_editor_asks_for_quotes_that_load_can_do_without(
    read: Read, good: str, editor: Callable[[str], bool], old: str, new: str
) -> None:
    """The schema sees values, not texts, so it is stricter about quotes."""
    text = good.replace(old, new)

    assert isinstance(read(text), Loaded)
    assert not editor(text)


@pytest.mark.parametrize(("old", "new"), TEXTUAL)
def test_load_knows_what_no_schema_can(
    problems: Problems, good: str, editor: Callable[[str], bool], old: str, new: str
) -> None:
    """What is in the text, or in the meaning, only `load` can tell."""
    text = good.replace(old, new)
    if old.startswith("from"):
        text = text.replace("tag: spring", "group: true")

    assert problems(text)
    assert editor(text)


def test_every_key_is_explained_with_an_example_that_is_right() -> None:
    """An editor shows a sentence and an example for each key, and the example is valid."""
    schema = json_schema()
    for section in SECTIONS.values():
        shape = schema["$defs"].get(section.__name__, schema)
        for name in keys_of(section):
            shown = shape["properties"][name]
            assert "Expected: " in shown["description"]

            below = {"$defs": schema["$defs"], **shown}
            for example in shown["examples"]:
                Draft202012Validator(below).validate(example)


def test_python_shows_nowhere_in_the_schema() -> None:
    """No null alternatives, generated titles or class names of Python's models."""
    text = json.dumps(json_schema())

    assert '"null"' not in text
    assert text.count('"title"') == 1
    assert '"from"' in text
    assert '"senders"' not in text


# -- the starter ------------------------------------------------------------------------


def test_the_starter_works_as_it_is(
    tmp_path: Path, editor: Callable[[str], bool]
) -> None:
    """`bulksend init` writes a campaign without problems, its people and its schema."""
    paths = write_starter(tmp_path / "new", "summer")

    assert [path.name for path in paths] == [
        "summer.yaml",
        "summer.csv",
        "campaign.schema.json",
    ]
    text = paths[0].read_text("utf-8")
    assert (
        text.splitlines()[0] == "# yaml-language-server: $schema=campaign.schema.json"
    )
    assert json.loads(paths[2].read_text("utf-8")) == json_schema()
    assert editor(text)

    campaign = load(paths[0], {}).campaign
    assert (campaign.name, campaign.provider) == ("summer", "simulator")
    assert (tmp_path / "new" / campaign.recipients.path[0]).exists()
    head = paths[1].read_text("utf-8").splitlines()[0].split(",")
    used = re.findall(r"\{\{ (\w+)", f"{campaign.message.text}{campaign.message.tag}")
    assert {*used, *campaign.recipients.phone} <= set(head)


def _uncommented() -> list[str]:
    lines = starter("x").splitlines()
    return [line for line in lines if re.match(r" *# \w+: [^ ]", line)]


@pytest.mark.parametrize("line", _uncommented()[1:])
def test_each_key_that_the_starter_teaches_is_right(read: Read, line: str) -> None:
    """A line of the starter may be uncommented, in place of what stands for it."""
    key, taught = line.replace("# ", "", 1).split(":")[0], line.replace("# ", "", 1)
    text = starter("x").replace(line, taught, 1)
    if key.strip() in {"language", "variants"}:
        other = {"language": "variants", "variants": "language"}[key.strip()]
        text = text.replace(f"# {other}:", f"{other}:")
    if key.strip() == "file":
        text = re.sub(r"\n  text: .*", "", text)
    if key.strip() == "duplicates":
        text = re.sub(r"\n  duplicates: first.*", "", text)

    told = {"BW_MESSAGING_APPLICATION_ID": "a", "CAMPAIGN_WEBHOOK": "https://x.example"}
    loaded = read(text, told)
    assert loaded.line_of(key.strip()) >= 1


def test_the_starter_teaches_every_key_of_the_message() -> None:
    """Somebody who reads the starter has seen what a message can be."""
    text = starter("x")

    for section in ("", "message"):
        for name in keys_of(SECTIONS[section]).keys() - {"group"}:
            assert re.search(rf"^ *(?:# )?{name}:", text, re.MULTILINE), name


@pytest.mark.parametrize("name", ["null", "1.5", "no", "0", "a" * 64])
def test_a_name_that_yaml_would_misread_is_quoted(read: Read, name: str) -> None:
    """Each name that a campaign may have makes a starter that loads."""
    assert read(starter(name)).campaign.name == name


@pytest.mark.parametrize("name", ["Spring Sale", "", "../x", "a" * 65, "x\n"])
def test_a_starter_needs_a_name(tmp_path: Path, name: str) -> None:
    """A name that no campaign may have writes nothing."""
    with pytest.raises(InputError, match="E104"):
        write_starter(tmp_path, name)
    assert not list(tmp_path.iterdir())


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    """What is there stays as it is, and nothing is written beside it."""
    (tmp_path / "x.csv").write_text("mine")
    (tmp_path / "x.yaml").write_text("mine")
    with pytest.raises(InputError) as caught:
        write_starter(tmp_path, "x")

    assert [each.code for each in caught.value.problems] == ["E110", "E110"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.csv", "x.yaml"]
    assert (tmp_path / "x.csv").read_text() == "mine"


def test_a_second_campaign_shares_the_schema(tmp_path: Path) -> None:
    """A schema that is there is kept, even where somebody has changed it."""
    write_starter(tmp_path, "one")
    (tmp_path / "campaign.schema.json").write_text("{}")

    assert [path.name for path in write_starter(tmp_path, "two")] == [
        "two.yaml",
        "two.csv",
    ]
    assert (tmp_path / "campaign.schema.json").read_text() == "{}"


def test_a_folder_that_cannot_be_written_to_is_a_problem(tmp_path: Path) -> None:
    """A file in the way of the folder gives a problem, not a traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="E110"):
        write_starter(tmp_path / "file", "x")
