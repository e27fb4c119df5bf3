"""A campaign file is read kindly, and refused with every problem at once."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bulksend.define.load import LARGEST, Loaded, load
from bulksend.define.recipients import Ranked
from bulksend.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[..., Loaded]
    Problems = Callable[..., list[Problem]]

TEXT = '  text: "Hi {{ first_name }}"\n'
REGION = "  default_region: US\n"
RATE = "  rate: 50/s\n"
FROM = 'from: "+19195550100"\n'
LONG = "x" * 2049
URL = "https://example.com/" + "x" * 4077

# what is replaced · by what · code · line · key · a phrase of the problem
WRONG = [
    # -- shape: one row a key --
    (
        "name: spring-sale",
        "name: Spring Sale",
        "E104",
        1,
        "name",
        'Write "spring-sale"',
    ),
    ("name: spring-sale", "name: ../x", "E104", 1, "name", "1 to 64 of a-z"),
    ("name: spring-sale", f"name: {'x' * 65}", "E104", 1, "name", "1 to 64 of a-z"),
    ("name: spring-sale", "name: |\n  spring", "E104", 2, "name", 'Write "spring"'),
    ("simulator", "bandwith", "E104", 2, "provider", "Did you mean `bandwidth`?"),
    (
        FROM,
        "from: 19195550100\n",
        "E104",
        3,
        "from",
        '"1919…00"; expected a number with',
    ),
    (
        FROM,
        "from: '9195550100'\n",
        "E104",
        3,
        "from",
        "Write it with a + and its country",
    ),
    (
        RATE,
        "  window: {from: 9am, to: '20:00'}\n",
        "E104",
        12,
        "send.window.from",
        'Write "09:00"',
    ),
    (
        RATE,
        "  window: {from: '00:00', to: 8:30 pm}\n",
        "E104",
        12,
        "send.window.to",
        'Write "20:30"',
    ),
    (
        RATE,
        "  window: {from: 25, to: '20:00'}\n",
        "E104",
        12,
        "send.window.from",
        "Change the value",
    ),
    (FROM, "from: +1 919 555 0100\n", "E104", 3, "from", '"+1919…00"'),
    (FROM, "from: [SALE, +09195550100]\n", "E104", 3, "from[1]", '"+0919…00"'),
    (FROM, "from: far-too-long-name\n", "E104", 3, "from", "up to 11"),
    (FROM, "from: []\n", "E104", 3, "from", "an empty list"),
    ("recipients.csv", '""', "E104", 5, "recipients.path", "an empty text"),
    ("mobile", "[mobile, {a: b}]", "E104", 6, "recipients.phone[1]", "keys and values"),
    ("region: US", "region: UK", "E104", 7, "recipients.default_region", 'Write "GB"'),
    ("region: US", "region: us", "E104", 7, "recipients.default_region", 'Write "US"'),
    ("region: US", "region: ZZ", "E104", 7, "recipients.default_region", '"ZZ"'),
    (REGION, "  duplicates: frist\n", "E104", 7, "recipients.duplicates", "`first`"),
    (REGION, "  duplicates: [first]\n", "E104", 7, "recipients.duplicates", ""),
    (
        REGION,
        "  duplicates: {by: a}\n",
        "E103",
        7,
        "recipients.duplicates.keep",
        "highest or lowest",
    ),
    (
        REGION,
        "  duplicates: {by: a, keep: low}\n",
        "E104",
        7,
        "recipients.duplicates.keep",
        "`lowest`",
    ),
    (REGION, "  allow: [mobil]\n", "E104", 7, "recipients.allow[0]", "`mobile`"),
    (REGION, "  suppress: []\n", "E104", 7, "recipients.suppress", "an empty list"),
    (REGION, "  only: {a: b}\n", "E104", 7, "recipients.only", "keys and values"),
    (REGION, "  delimiter: tab\n", "E104", 7, "recipients.delimiter", "one character"),
    (REGION, "  encoding: utf-88\n", "E104", 7, "recipients.encoding", '"utf-88"'),
    (REGION, "  encoding: base64\n", "E104", 7, "recipients.encoding", "windows-1252"),
    (REGION, "  sheet: [1]\n", "E104", 7, "recipients.sheet", "a list of 1"),
    (TEXT, "  text: ' '\n", "E104", 9, "message.text", "an empty text"),
    (
        TEXT,
        "  media: " + "[a" + ", b" * 10 + "]\n",
        "E104",
        9,
        "message.media",
        "of 11",
    ),
    ("tag: spring", "priority: low", "E104", 10, "message.priority", "default or high"),
    ("tag: spring", "expiration: 5m", "E104", 10, "message.expiration", '"5m"'),
    ("tag: spring", "expiration: 0h", "E104", 10, "message.expiration", "90 min"),
    (
        "tag: spring",
        "expiration: 0.5 s",
        "E104",
        10,
        "message.expiration",
        "a minute or more",
    ),
    (
        "tag: spring",
        "expiration: 2026-03-01T20:00:00",
        "E104",
        10,
        "message.expiration",
        "a moment with its zone",
    ),
    (
        "tag: spring",
        "expiration: 2026-02-30T20:00:00Z",
        "E104",
        10,
        "message.expiration",
        '"2026-02-30T20:00:00Z"',
    ),
    ("tag: spring", "group: maybe", "E104", 10, "message.group", "true or false"),
    (
        "rate: 50/s",
        "rate: fast",
        "E104",
        12,
        "send.rate",
        '"fast"; expected a number per',
    ),
    ("rate: 50/s", "rate: 50", "E104", 12, "send.rate", 'Write "50/s"'),
    ("rate: 50/s", "rate: 0/s", "E104", 12, "send.rate", "such as 50/s"),
    ("rate: 50/s", "rate: 5/fortnight", "E104", 12, "send.rate", "3000/h"),
    (RATE, "  budget: {segments: 1.5}\n", "E104", 12, "send.budget.segments", '"1.5"'),
    (RATE, "  budget: {money: nan}\n", "E104", 12, "send.budget.money", "above 0"),
    (RATE, "  budget: {}\n", "E103", 12, "send.budget", "`segments` or `money`"),
    (RATE, "  prices: 5\n", "E104", 12, "send.prices", "a rate card"),
    ("out.csv", "out.txt", "E104", 13, "results", "ends in .csv, .parquet or .xlsx"),
    ("out.csv", ".csv", "E104", 13, "results", "ends in .csv, .parquet or .xlsx"),
    # -- sections --
    ("name: spring-sale\n", "", "E103", 1, "name", "missing"),
    ("  phone: mobile\n", "", "E103", 4, "recipients.phone", "the name of a column"),
    (
        'message:\n  text: "Hi {{ first_name }}"\n  tag: spring\n',
        "message: Hello you\n",
        "E104",
        8,
        "message",
        "a text of 9 characters; expected keys below it",
    ),
    ("  rate: 50/s\n", "  - 50/s\n", "E104", 11, "send", "a list of 1"),
    ("  rate: 50/s\n", "", "E104", 11, "send", "it has no value"),
    # -- no value --
    (
        "region: US",
        "region:",
        "E104",
        7,
        "recipients.default_region",
        "it has no value",
    ),
    (
        "tag: spring",
        "tag: null",
        "E104",
        10,
        "message.tag",
        'write "null", with quotes',
    ),
    (REGION, "  suppress: [a, ~]\n", "E104", 7, "recipients.suppress[1]", "no value"),
    # -- keys --
    ("  tag:", "  tga:", "E102", 10, "message.tga", "Did you mean `tag`?"),
    (RATE, "  group: true\n", "E102", 12, "send.group", "belongs under `message`"),
    (RATE, "  name: x\n", "E102", 12, "send.name", "belongs at the top"),
    (RATE, "  sufix: x\n", "E102", 12, "send.sufix", "no key of `send`"),
    (RATE, "  default_regoin: x\n", "E102", 12, "send.default_regoin", "recipients."),
    (RATE, "  +19195550100: x\n", "E102", 12, "send.+1919…00", "`+1919…00` is no key"),
    ("send:", "timetable: x\nsend:", "E102", 11, "timetable", "no key at the top"),
    (FROM, "senders: X\n", "E102", 3, "senders", "Did you mean `from`?"),
    (FROM, FROM + "senders: X\n", "E102", 4, "senders", "Did you mean `from`?"),
    (
        RATE,
        "  window: {from: 9:00, to: '20:00'}\n",
        "E104",
        12,
        "send.window.from",
        'Write "09:00".',
    ),
    (RATE, "  window: {from: '09:00'}\n", "E103", 12, "send.window.to", "missing"),
    (
        RATE,
        "  window: {from: '20:00', to: '09:00'}\n",
        "E120",
        12,
        "send.window",
        "opens at 20:00 and closes at 09:00",
    ),
    (
        RATE,
        "  window: {from: '09:00', to: '09:00'}\n",
        "E120",
        12,
        "send.window",
        "on the same day",
    ),
    (
        RATE,
        "  window: {from: '09:00', to: '09:01'}\n",
        "E120",
        12,
        "send.window",
        "closed a minute before 09:01; expected two minutes at least",
    ),
    (
        RATE,
        "  window: {from: '09:00', to: '24:30'}\n",
        "E104",
        12,
        "send.window.to",
        'up to "24:00". ',
    ),
    (RATE, "  rules: transactional\n", "E124", 12, "send.rules", "nothing says why"),
    (
        RATE,
        "  rules: {profile: transactional}\n",
        "E124",
        12,
        "send.rules",
        "nothing says why",
    ),
    (RATE, "  rules: us-markting\n", "E104", 12, "send.rules", "us-marketing"),
    (
        RATE,
        "  rules: {profile: us-strict, because: x}\n",
        "E107",
        12,
        "send.rules.because",
        "not transactional",
    ),
    (RATE, RATE + RATE, "E106", 12, "send.rate", "in line 13 too"),
    # -- keys together --
    (
        TEXT,
        TEXT + "  file: a.txt\n",
        "E107",
        10,
        "message.file",
        "expected one of them",
    ),
    (TEXT, "", "E103", 8, "message.text", "or media"),
    (
        TEXT,
        TEXT + "  language: l\n",
        "E107",
        10,
        "message.language",
        "without `variants`",
    ),
    (
        TEXT,
        TEXT + "  variants: {no: hei}\n",
        "E107",
        10,
        "message.variants",
        "Add `language`",
    ),
    (
        "provider: simulator",
        "provider: bandwidth",
        "E103",
        1,
        "application_id",
        "missing",
    ),
    (TEXT, f"  text: {LONG}\n", "E108", 9, "message.text", "2,049 characters"),
    (
        TEXT,
        TEXT + f"  language: l\n  variants: {{no: {LONG}}}\n",
        "E108",
        11,
        "message.variants.no",
        "at most 2,048",
    ),
    (TEXT, f"  media: [a, '{URL}']\n", "E108", 9, "message.media[1]", "at most 4,096"),
    # -- variables --
    ("spring\n", "${NOPE}\n", "E105", 10, "message.tag", "${NOPE} is not set"),
    ("spring\n", "a${HOM}\n", "E105", 10, "message.tag", "Did you mean `HOME`?"),
    (
        "spring\n",
        "a${first_name}\n",
        "E105",
        10,
        "message.tag",
        "write {{ first_name }}; or set it",
    ),
    ("50/s", "${NOPE}", "E105", 12, "send.rate", "is not set"),
    ("50/s", "${SPEED}", "E104", 12, "send.rate", '"${SPEED}", which is "fast"'),
    ("50/s", "${EMPTY}", "E104", 12, "send.rate", '"${EMPTY}", which is empty'),
    ("50/s", "${NUL}", "E101", 12, "send.rate", "U+0000"),
    ("50/s", "${BYTES}", "E101", 12, "send.rate", "half a character"),
    # -- nodes --
    (TEXT, "  text: {{ name }}\n", "E101", 9, "message.text", "Put quotes around"),
    (TEXT, "  text: !wow sale\n", "E101", 9, "message.text", 'the tag "!wow"'),
    (TEXT, "  text: !!python/name:os.system x\n", "E101", 9, "message.text", "the tag"),
    (TEXT, '  text: "\\ud83d"\n', "E101", 9, "message.text", "half a character"),
    (TEXT, '  text: "a\\0b"\n', "E101", 9, "message.text", "U+0000"),
    (RATE, "  prices: &p {a: *p}\n", "E101", 12, "send.prices.a", "it holds itself"),
    (RATE, "  <<: 5/s\n", "E101", 11, "send", "has no keys"),
]

ENVIRONMENT = {
    "HOME": "/root",
    "SPEED": "fast",
    "EMPTY": "",
    "NUL": "a\0b",
    "BYTES": "\udcff",
}


@pytest.mark.parametrize(("old", "new", "code", "line", "key", "phrase"), WRONG)
def test_a_wrong_value_is_told_with_its_line_and_what_is_expected(
    problems: Problems,
    good: str,
    *,
    old: str,
    new: str,
    code: str,
    line: int,
    key: str,
    phrase: str,
) -> None:
    """One mistake gives one problem, at its line and key, in our own words."""
    assert good.count(old) == 1

    found = problems(good.replace(old, new), ENVIRONMENT)

    assert [(each.code, each.line, each.column) for each in found] == [
        (code, line, key)
    ]
    assert phrase in str(found[0])
    assert found[0].file.endswith("spring.yaml")
    assert "Input should" not in str(found[0])


@pytest.mark.parametrize("mms", ["media: a.jpg", "group: true", "group: yes"])
def test_a_name_cannot_send_media(problems: Problems, good: str, mms: str) -> None:
    """An alphanumeric sender with media or a group is refused, at the sender."""
    text = good.replace(FROM, 'from: ["+19195550100", SALE]\n')

    [problem] = problems(text.replace("tag: spring", mms))

    assert (problem.code, problem.line, problem.column) == ("E107", 3, "from[1]")


def test_every_problem_is_told_at_once(problems: Problems) -> None:
    """Shape, keys, rules and variables are told together, in the order of the lines."""
    text = """\
name: Spring
provider: bandwidth
from: 5
recipients:
  path: ${NOWHERE}
  phon: mobile
group: true
message:
  text: a
  file: b
  tag:
send: {rate: fast, rate: 1/s, window: x}
"""
    found = problems(text)

    assert [(each.code, each.line, each.column) for each in found] == [
        ("E104", 1, "name"),
        ("E103", 1, "application_id"),
        ("E104", 3, "from"),
        ("E105", 5, "recipients.path"),
        ("E102", 6, "recipients.phon"),
        ("E102", 7, "group"),
        ("E107", 10, "message.file"),
        ("E104", 11, "message.tag"),
        ("E106", 12, "send.rate"),
        ("E104", 12, "send.rate"),
        ("E104", 12, "send.window"),
    ]


# -- kindness ---------------------------------------------------------------------------

# what is replaced · by what · the attribute · its value
KIND = [
    ("region: US", "region: NO", "recipients.default_region", "NO"),
    (FROM, "from: +19195550100\n", "senders", ("+19195550100",)),
    (FROM, "from: 0123\n", "senders", ("0123",)),
    (FROM, "from: [SALE-24, '12345']\n", "senders", ("SALE-24", "12345")),
    (FROM, "from: on\n", "senders", ("on",)),
    ("tag: spring", "tag: 12:30", "message.tag", "12:30"),
    ("tag: spring", "tag: 010", "message.tag", "010"),
    ("tag: spring", "tag: 2026-03-01", "message.tag", "2026-03-01"),
    ("tag: spring", "tag: ${X}-$${X}-${{ x }}-$X", "message.tag", "1-${X}-${{ x }}-$X"),
    ("tag: spring", 'tag: "\\ud83d\\ude00"', "message.tag", "😀"),
    (TEXT, "  text: |\n    Hi ${X}\n", "message.text", "Hi 1\n"),
    ("tag: spring", "group: yes", "message.group", True),
    ("tag: spring", "media: a.jpg", "message.media", ("a.jpg",)),
    ("tag: spring", "expiration: 90 min", "message.expiration", timedelta(minutes=90)),
    ("tag: spring", "expiration: 1.5 d", "message.expiration", timedelta(hours=36)),
    (
        "tag: spring",
        "expiration: 2026-03-01t20:00:00.5-05:00",
        "message.expiration",
        datetime(2026, 3, 1, 20, 0, 0, 500_000, timezone(-timedelta(hours=5))),
    ),
    (
        "tag: spring",
        "language: l\n  variants: {no: hei}",
        "message.variants",
        {"no": "hei"},
    ),
    ("50/s", "3000/h", "send.rate.per_second", 3000 / 3600),
    ("50/s", "60 / min", "send.rate.text", "60 / min"),
    (RATE, "  budget: {segments: '${N}'}\n", "send.budget.segments", 20_000),
    (RATE, "  budget: {money: 12.50}\n", "send.budget.money", 12.5),
    (
        RATE,
        "  prices: {NO: 0.05, US: {sms: 1, on: '1', off: true, at: 010x}}\n",
        "send.prices",
        {"NO": 0.05, "US": {"sms": 1, "on": "1", "off": True, "at": "010x"}},
    ),
    (REGION, '  delimiter: "\\t"\n', "recipients.delimiter", "\t"),
    (REGION, "  encoding: windows-1252\n", "recipients.encoding", "windows-1252"),
    (REGION, "  allow: [mobile, voip]\n", "recipients.allow", ("mobile", "voip")),
    (
        REGION,
        "  duplicates: {by: at, keep: highest}\n",
        "recipients.duplicates",
        Ranked(by="at", keep="highest"),
    ),
    ("results: results/out.csv\n", "", "results", "results/spring-sale.csv"),
    ("send:\n  rate: 50/s\n", "", "send.rate.per_second", 1.0),
]


@pytest.mark.parametrize(("old", "new", "attribute", "value"), KIND)
def test_a_value_is_taken_as_it_stands(
    read: Read, good: str, *, old: str, new: str, attribute: str, value: object
) -> None:
    """A text needs no quotes against YAML's guesses; a lone text may be a list."""
    assert good.count(old) == 1

    found: object = read(good.replace(old, new), {"X": "1", "N": "20000"}).campaign
    for name in attribute.split("."):
        found = getattr(found, name)

    assert found == value
    assert type(found) is type(value)


def test_anchors_and_merges_are_followed(read: Read, good: str) -> None:
    """A merged key gives way to the section's own, and the first merge to none."""
    text = good.replace(
        "  path:", "  <<: [&r {phone: b, sheet: c}, {sheet: d, household: e}]\n  path:"
    )
    text = text.replace("tag: spring", "tag: &t spring\n  media: *t")

    campaign = read(text).campaign

    assert campaign.recipients.phone == ("mobile",)
    assert (campaign.recipients.sheet, campaign.recipients.household) == ("c", "e")
    assert campaign.message.media == ("spring",)


def test_a_json_file_is_a_campaign_too(read: Read) -> None:
    """JSON is YAML, so a campaign written by a program needs no YAML library."""
    text = (
        '{"name": "x", "provider": "simulator", "from": "12345", "recipients": '
        '{"path": "a", "phone": "b"}, "message": {"text": "hi"}}'
    )
    assert read(text).campaign.senders == ("12345",)


# -- secrets ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["BW_CLIENT_SECRET", "my_password", "Token", "API_KEY"]
)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("50/s", "${%s}"),
        ("spring-sale", "a${%s}"),
        ("provider: simulator", "provider: ${%s}"),
        ("results/out.csv", "${%s}"),
        (FROM, "from: [SALE, 'x${%s}']\n"),
    ],
)
def test_a_secret_is_never_shown(
    problems: Problems, good: str, name: str, old: str, new: str
) -> None:
    """A value from a variable whose name looks secret is in no part of a problem."""
    [problem] = problems(good.replace(old, new % name), {name: "Hunter2 hunter2"})

    assert "unter2" not in str(problem)
    assert "unter2" not in str(problem.as_dict())
    assert f"${{{name}}}" in str(problem)


@pytest.mark.parametrize(
    ("hook", "shown"),
    [
        ("https://chat.example.com/hooks/Hunter2 ", "a text of"),  # a space at its end
        (
            "'https://chat.example.com/hooks/Hunter2'",
            "a text of",
        ),  # from a file of them
        ("http://[::1/Hunter2", "a text of"),
        ("http://℀.com/Hunter2", "a text of"),
        ("https://user:Hunter2@", "a text of"),
        ("https://:443/Hunter2", "a text of"),
        ("https://a..b/Hunter2", "a text of"),
        ("http://chat.example.com:port/Hunter2", "a text of"),
        ("", "empty"),
    ],
)
@pytest.mark.parametrize("is_variable", [True, False])
def test_a_webhook_that_is_none_is_not_shown(
    problems: Problems, good: str, hook: str, shown: str, *, is_variable: bool
) -> None:
    """It is refused before anything is sent; its path is a secret by any name."""
    said = "${CAMPAIGN_WEBHOOK}" if is_variable else json.dumps(hook)
    text = f"{good}\nnotify:\n  webhook: {said}\n"
    [problem] = problems(text, {"CAMPAIGN_WEBHOOK": hook})

    assert problem.code == "E104"
    assert shown in str(problem)
    assert "unter2" not in str(problem.as_dict())


# -- lines ------------------------------------------------------------------------------


def test_the_line_of_a_key_is_kept(read: Read, good: str, tmp_path: Path) -> None:
    """A text's line is where it begins; an absent key has its section's line."""
    text = good.replace(
        TEXT, "  text:\n    'Hi'\n  language: l\n  variants:\n    no: |\n      hei\n"
    )
    loaded = read(text.replace("tag: spring", "media:\n    - a\n    - >\n      b"))

    lines = {
        "": 1,
        "name": 1,
        "recipients": 4,
        "recipients.phone": 6,
        "recipients.phone[0]": 6,
        "recipients.sheet": 4,
        "message": 8,
        "message.text": 10,
        "message.variants": 12,
        "message.variants.no": 14,
        "message.media": 15,
        "message.media[0]": 16,
        "message.media[1]": 18,
        "nothing.like.it": 1,
    }
    assert {key: loaded.line_of(key) for key in lines} == lines
    assert loaded.folder == tmp_path


# -- files ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "line", "phrase"),
    [
        (b"", None, "the file is empty"),
        (b"# nothing\n---\n", None, "`bulksend init NAME`"),
        (
            "name: x\nfrom: Zoë\nto: größer für Straße\n".encode("cp1252"),
            2,
            "it looks like cp",
        ),
        ("name: x\n".encode("utf-16"), 1, "it looks like utf_16"),
        ("name: x\n".encode("utf-16-le"), None, "bytes of 0"),
        (b"x" * (LARGEST + 1), None, "not the list of recipients"),
    ],
)
def test_a_file_that_is_no_text_is_refused(
    problems: Problems, content: bytes, line: int | None, phrase: str
) -> None:
    """An empty, huge or wrongly encoded file says what it is."""
    [problem] = problems(content)

    assert (problem.code, problem.line) == ("E100", line)
    assert phrase in str(problem)


def test_a_byte_order_mark_is_no_problem(read: Read, good: str) -> None:
    """Editors on Windows write one."""
    assert read(good.encode("utf-8-sig")).campaign.name == "spring-sale"


def test_a_path_that_leads_to_no_file_is_refused(tmp_path: Path, good: str) -> None:
    """A missing file suggests its neighbour; a folder says that it is one."""
    (tmp_path / "spring.yaml").write_text(good)
    for path, phrase in (
        (tmp_path / "sprin.yaml", "Did you mean `spring.yaml`?"),
        (tmp_path, "it is a folder"),
        (tmp_path / "spring.yaml" / "x", "not a directory"),
        (tmp_path / "a\0b", "null"),
        (Path("/nowhere/x.yaml"), "there is no such file. Check the path."),
    ):
        with pytest.raises(InputError) as caught:
            load(path, {})
        assert caught.value.problems[0].code == "E100"
        assert phrase in str(caught.value)


@pytest.mark.parametrize("levels", [6, 40])
def test_aliases_cannot_fill_the_memory(
    problems: Problems, good: str, levels: int
) -> None:
    """Aliases of aliases are counted, not expanded without end."""
    bomb = "  prices:\n    l0: &l0 [a, a, a, a, a, a, a, a, a, a]\n" + "".join(
        f"    l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n"
        for n in range(1, levels)
    )
    found = problems(good.replace(RATE, bomb))

    assert [each.code for each in found] == ["E101"]


def test_nesting_cannot_exhaust_the_stack(problems: Problems, good: str) -> None:
    """Brackets within brackets are refused, however many."""
    for depth in (30, 2000):
        found = problems(
            good.replace(RATE, f"  prices: {{a: {'[' * depth}{']' * depth}}}\n")
        )
        assert [each.code for each in found] == ["E101"]
