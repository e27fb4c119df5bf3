"""What helps to write a campaign file: its JSON Schema, and one to start from.

The schema is for editors.  It knows less than `load`, which sees the text and not only
the values (a key twice, a variable that is not set), and it is stricter in one thing: it
wants quotes around what YAML could take for something else than a text.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from bulksend.define.campaign import SECTIONS, Campaign
from bulksend.define.complaint import KEYS, slug
from bulksend.define.document import clipped, masked
from bulksend.define.kinds import NAME_PATTERN, NOT_BLANK
from bulksend.define.rules import MEDIA_URL_LIMIT, TEMPLATE_MARK, TEXT_LIMIT
from bulksend.define.section import keys_of
from bulksend.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Schema = dict[str, Any]

SCHEMA_FILE = "campaign.schema.json"

_VARIABLE: Schema = {"$ref": "#/$defs/variable"}
_NULL: Schema = {"type": "null"}


def json_schema() -> Schema:
    """Give the JSON Schema (draft 2020-12) of a campaign file."""
    schema = _tidied(Campaign.model_json_schema(by_alias=True))
    shapes = schema["$defs"]
    for section in SECTIONS.values():
        shape = schema if section is Campaign else shapes[section.__name__]
        for name, key in keys_of(section).items():
            shape["properties"][name] |= {
                "description": f"{key.about} Expected: {key.expected}.",
                "examples": [key.example],
            }

    _add_rules(schema, shapes)
    shapes["variable"] = {
        "description": "A text with an environment variable in it.",
        "type": "string",
        "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*\}",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "bulksend campaign",
        **schema,
    }


def _tidied(node: Schema) -> Schema:
    """Take out what pydantic adds for Python; let a variable stand for any scalar."""
    node = {
        key: value
        for key, value in node.items()
        if key != "title" and (key != "default" or isinstance(value, (str, bool)))
    }
    for key in {"properties", "patternProperties", "$defs"} & node.keys():
        node[key] = {name: _tidied(child) for name, child in node[key].items()}
    if "patternProperties" in node:
        node["additionalProperties"] = False
    if "items" in node:
        node["items"] = _tidied(node["items"])

    choices = node.pop("anyOf", []) + node.pop("oneOf", [])
    if _takes_few(node):
        note = {"default": node.pop("default")} if "default" in node else {}
        return {**note, "anyOf": [node, _VARIABLE]}
    if choices := list(_choices(choices)):
        node |= choices[0] if len(choices) == 1 else {"anyOf": choices}
    return node


def _choices(given: list[Schema]) -> Iterator[Schema]:
    """Flatten alternatives of alternatives; None is written by leaving the key out."""
    variable = False
    for choice in given:
        if choice != _NULL:
            tidy = _tidied(choice)
            yield from (each for each in tidy.get("anyOf", [tidy]) if each != _VARIABLE)
            variable |= _VARIABLE in tidy.get("anyOf", [])
    if variable:
        yield _VARIABLE


def _takes_few(node: Schema) -> bool:
    """Whether a text such as ``${VAR}`` would not be taken as it stands."""
    pattern = node.get("pattern", NOT_BLANK)
    numeric = node.get("type") in {"integer", "number", "boolean"}
    return "enum" in node or numeric or pattern != NOT_BLANK


def _add_rules(schema: Schema, shapes: dict[str, Schema]) -> None:
    """Say in JSON Schema what `rules` says, as far as it can."""
    schema["if"] = {
        "properties": {"provider": {"const": "bandwidth"}},
        "required": ["provider"],
    }
    schema["then"] = {"required": ["application_id"]}
    shapes["Budget"]["minProperties"] = 1

    message = shapes["Message"]
    message["anyOf"] = [{"required": [key]} for key in ("text", "file", "media")]
    message["not"] = {"required": ["text", "file"]}
    message["dependentRequired"] = {"variants": ["language"], "language": ["variants"]}

    texts = message["properties"]
    for text in (texts["text"], *texts["variants"]["patternProperties"].values()):
        text["anyOf"] = _at_most(TEXT_LIMIT)
    one, several = texts["media"]["anyOf"]
    for url in (one, several["items"]):
        url["anyOf"] = _at_most(MEDIA_URL_LIMIT)


def _at_most(limit: int) -> list[Schema]:
    return [{"maxLength": limit}, {"pattern": TEMPLATE_MARK.pattern}]


# -- a campaign to start from -----------------------------------------------------------


def starter(name: str) -> str:
    """Give the text of a campaign file that works as it is, against the simulator.

    Raises:
        InputError: The name cannot be a campaign's.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        found, meant = f'the name "{clipped(masked(name))}"', slug(name)
        fix = f'Write "{meant}".' if meant else ""
        expected = KEYS["name"].expected
        raise InputError(Problem("E104", found, expected, fix))
    return _STARTER.replace("NAME", name)


def write_starter(folder: Path, name: str) -> tuple[Path, ...]:
    """Write NAME.yaml, NAME.csv and the schema into *folder*; give the new files.

    A schema that is there already serves this campaign too, and is left as it is.

    Raises:
        InputError: The name cannot be a campaign's, a file is there already, or the
            folder cannot be written to.
    """
    texts = {
        folder / f"{name}.yaml": starter(name),
        folder / f"{name}.csv": _PEOPLE,
        folder / SCHEMA_FILE: json.dumps(json_schema(), indent=2) + "\n",
    }
    if (folder / SCHEMA_FILE).exists():
        del texts[folder / SCHEMA_FILE]
    if there := [path for path in texts if path.exists()]:
        found = "it is there already, and is not overwritten"
        raise InputError(Problem("E110", found, file=str(path)) for path in there)

    for path, text in texts.items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InputError(Problem("E110", reason, file=str(path))) from None
    return tuple(texts)


_STARTER = """\
# yaml-language-server: $schema=campaign.schema.json
#
#   bulksend check NAME.yaml     what would happen, and what it costs; sends nothing
#   bulksend run NAME.yaml       sends; run it again to resume
#
# With `provider: simulator` nothing leaves this machine.
name: "NAME"
provider: simulator               # bandwidth sends for real, and needs the next line
# application_id: ${BW_MESSAGING_APPLICATION_ID}
from: "+19195550100"              # or a list: each person keeps one sender

recipients:
  path: "NAME.csv"                # csv, tsv, parquet, ndjson or xlsx; lists and * too
  phone: mobile                   # the column of the number; of a list, the first usable
  default_region: US              # for numbers without a country code
  duplicates: first               # first, last, refuse, keep, or:
  # duplicates: {by: updated_at, keep: highest}
  # suppress: [opt-outs.csv]      # these numbers get nothing
  # only: [staff.csv]             # a trial: nobody else gets anything
  # household: address_id         # one text for each address
  # zone: timezone                # columns that tell where a person is, beside the number
  # postcode: zip
  # allow: [mobile, fixed_line_or_mobile, voip]

message:
  text: "Hi {{ first_name | default('there') }}, your code is {{ code }}. Reply STOP to end."
  # file: hello.txt               # the text in a file of its own, in place of `text`
  # media: ["https://cdn.example.com/{{ code }}.jpg"]   # makes it an MMS
  tag: "NAME-{{ code }}"          # comes back with each receipt
  # priority: high                # among your own messages; default otherwise
  # once_key: "{{ code }}"        # one text for each value, whatever it says
  # expiration: 2h                # not delivered by then: not delivered at all
  # smart_encoding: true          # plain quotes and dashes, fewer segments
  # language: lang                # the column that picks one of the variants
  # variants: {es: "Hola {{ first_name }}, tu código es {{ code }}."}

send:
  rate: 10/s                      # segments per second; 60/min and 3000/h work too
  # window: {from: "09:00", to: "20:00"}   # on each person's own clock
  # rules: us-marketing           # the hours of where they are: see `bulksend rules`
  # per_person: [3 in 24h, 1 in 7d for marketing]   # over all campaigns
  # budget: {segments: 20000}     # a plan beyond it is refused

# purpose: marketing              # or transactional; what caps count it by
# lint: {brand: "Blue Fern", first_contact: true}   # what the text is held to
# notify: {webhook: "${CAMPAIGN_WEBHOOK}"}   # is told when a run ends
# experiment: {name: greeting, arms: {short: 50, long: 50}}   # {{ arm }} in the text
# schedule: {cron: "0 10 * * MON", zone: America/New_York}   # see `bulksend schedule`
results: "results/NAME.csv"       # or .parquet, .xlsx
"""

# As lists are: four ways to write a number, a person twice, one without a name, one
# whose name needs another encoding, a number that is too short, and none at all.
_PEOPLE = """\
mobile,first_name,code
(919) 555-0142,Ada,SPRING-01
+1 919 555 0143,Grace,SPRING-02
919.555.0144,,SPRING-03
9195550145,Zoë 🌷,SPRING-04
1-919-555-0142,Ada,SPRING-05
555-0146,Alan,SPRING-06
n/a,Edsger,SPRING-07
"""
