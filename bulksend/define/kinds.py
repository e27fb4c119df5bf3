"""What a key of the campaign file may hold: the kinds of value, and their patterns.

A pattern serves twice, in `campaign` and in the JSON Schema, so each is written in what
Python's and JavaScript's regular expressions have in common.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)

from bulksend.define.amounts import (
    DURATION_PATTERN,
    OFTEN_PATTERN,
    RATE_PATTERN,
    TIMESTAMP_PATTERN,
    Often,
    Rate,
    lifetime,
)
from bulksend.define.deadline import DEADLINE_PATTERN, Deadline
from bulksend.rules import tz
from bulksend.rules.jurisdictions import REGIONS


@dataclass(frozen=True, slots=True)
class Key:
    """What a key is for, what it may hold (a clause), and an example of it."""

    about: str
    expected: str
    example: object


def _whole(pattern: str) -> str:
    # "$" alone lets a last line break through in Python; JavaScript has no "\Z".
    return rf"^(?:{pattern})$(?!\n)"


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _or_one(one: Any, *, most: int | None = None) -> BeforeValidator:
    """One value may stand alone where a list is taken; it always reads as a tuple."""
    few = Field(min_length=1, max_length=most)
    return BeforeValidator(
        _listed, json_schema_input_type=one | Annotated[tuple[one, ...], few]
    )


def _region(value: str) -> str:
    if value not in REGIONS:
        raise ValueError(value)
    return value


def _codec(value: str) -> str:
    try:
        "".encode(value)
    except (LookupError, ValueError) as error:
        raise ValueError(value) from error
    return value


def _rate(value: object) -> Rate:
    return value if isinstance(value, Rate) else Rate.parse(str(value))


def _per_sender(value: object) -> Rate | Mapping[str, Rate]:
    if not isinstance(value, Mapping):
        return _rate(value)
    if not value or not all(re.fullmatch(SENDER_PATTERN, str(one)) for one in value):
        raise ValueError(value)
    return {str(sender): _rate(rate) for sender, rate in value.items()}


def _spelled_rates(value: Rate | Mapping[str, Rate]) -> str | dict[str, str]:
    if isinstance(value, Rate):
        return value.text
    return {sender: rate.text for sender, rate in value.items()}


def _address(value: str) -> str:
    there = urlsplit(value)
    there.port  # noqa: B018  (raises ValueError, as a bad host does)
    host = (there.hostname or "").removesuffix(".")
    if not all(host.split(".")):
        raise ValueError(value)
    return value


def _share(value: object) -> float:
    if isinstance(value, float):
        return value
    if not re.fullmatch(SHARE_PATTERN, str(value)):
        raise ValueError(value)
    return float(str(value).rstrip(" %")) / 100


def _portion(value: object) -> int | float:
    """So many, or a share: ``100`` or ``1%``."""
    if isinstance(value, int):
        return value
    if re.fullmatch(r"[1-9][0-9]{0,8}", str(value)):
        return int(str(value))
    return _share(value)


def _spelled_portion(value: float) -> int | str:
    return value if isinstance(value, int) else f"{value * 100:.6g}%"


def _deadline(value: object) -> Deadline:
    return value if isinstance(value, Deadline) else Deadline.parse(str(value))


def _often(value: object) -> Often:
    return value if isinstance(value, Often) else Often.parse(str(value))


def _zone(value: str) -> str:
    if value not in tz.names():
        raise ValueError(value)
    return value


def _cron(value: str) -> str:
    from cronsim import CronSim, CronSimError

    try:
        CronSim(value, datetime(2026, 1, 1))  # noqa: DTZ001  (only its grammar is asked)
    except CronSimError as error:
        raise ValueError(value) from error
    if len(value.split()) != 5:
        raise ValueError(value)
    return value


def _span(value: object) -> timedelta:
    found = value if isinstance(value, timedelta) else lifetime(str(value))
    if not isinstance(found, timedelta):
        raise ValueError(value)  # noqa: TRY004  (pydantic takes ValueErrors)
    return found


def _clock(value: object) -> int:
    """Minutes after midnight."""
    if isinstance(value, int):
        return value
    match = re.fullmatch(CLOCK_PATTERN, str(value))
    if match is None:
        raise ValueError(value)
    hour, minute = str(value).split(":")
    return int(hour) * 60 + int(minute)


def _spelled_clock(value: int) -> str:
    return f"{value // 60:02}:{value % 60:02}"


def _moment(value: timedelta | datetime) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return f"{value.total_seconds()}s"


def _expiration(value: object) -> timedelta | datetime:
    found = value if isinstance(value, (timedelta, datetime)) else lifetime(str(value))
    if isinstance(found, timedelta) and found < LEAST_LIFE:
        raise ValueError(value)
    return found


LEAST_LIFE = timedelta(minutes=1)
"""What Bandwidth was seen to take as an expiration; less is over before it is read."""

NOT_BLANK = r"^\s*\S"
CLOCK_PATTERN = _whole("(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")
SHARE_PATTERN = _whole(r"(?=[0-9.]*[1-9])(?:100|[0-9]{1,2}(?:\.[0-9]{1,3})?) ?%")
# A name names files and folders, so it starts with neither a dot nor a dash.
NAME_PATTERN = _whole("[a-z0-9][a-z0-9._-]{0,63}")
# E.164 · short code · alphanumeric sender id (Bandwidth's `messageRequest.from`)
SENDER_PATTERN = _whole(
    r"\+[1-9][0-9]{7,14}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 _&-][A-Za-z0-9 +_&-]{0,10}"
)

Text = Annotated[str, StringConstraints(pattern=NOT_BLANK)]
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
Sender = Annotated[
    str,
    StringConstraints(pattern=SENDER_PATTERN),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": SENDER_PATTERN},
                {"type": "integer", "minimum": 100, "maximum": 99_999_999},
            ]
        }
    ),
]
Region = Annotated[
    str,
    AfterValidator(_region),
    WithJsonSchema({"type": "string", "enum": sorted(REGIONS)}),
]
Encoding = Annotated[Text, AfterValidator(_codec)]
Delimiter = Annotated[str, StringConstraints(pattern=_whole(r"[\t -!#-~]"))]
ResultsPath = Annotated[
    str,
    StringConstraints(
        pattern=_whole(r"(?:.*[^/\\]\.(?:csv|parquet|xlsx)|(?:s3|gs|az)://[^/]+/.*/)")
    ),
]
Address = Annotated[
    str,
    StringConstraints(pattern=_whole(r"https?://[^\s/?#]\S*")),
    AfterValidator(_address),
]
Pace = Annotated[
    Rate,
    PlainValidator(_rate),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": RATE_PATTERN}),
]
_Often = Annotated[
    Often,
    PlainValidator(_often),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": OFTEN_PATTERN}),
]
Caps = Annotated[tuple[_Often, ...], Field(min_length=1), _or_one(_Often)]
Zone = Annotated[Text, AfterValidator(_zone)]
Cron = Annotated[Text, AfterValidator(_cron)]
Span = Annotated[
    timedelta,
    PlainValidator(_span),
    PlainSerializer(_moment, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN}),
]
Clock = Annotated[
    int,
    PlainValidator(_clock),
    PlainSerializer(_spelled_clock),
    WithJsonSchema({"type": "string", "pattern": CLOCK_PATTERN}),
]
PerSender = Annotated[
    Rate | Mapping[str, Rate],
    PlainValidator(_per_sender),
    PlainSerializer(_spelled_rates),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": RATE_PATTERN},
                {
                    "type": "object",
                    "minProperties": 1,
                    "propertyNames": {"pattern": SENDER_PATTERN},
                    "additionalProperties": {"type": "string", "pattern": RATE_PATTERN},
                },
            ]
        }
    ),
]
Share = Annotated[
    float,
    PlainValidator(_share),
    PlainSerializer(lambda value: f"{value * 100:.6g}%", when_used="json"),
    WithJsonSchema({"type": "string", "pattern": SHARE_PATTERN}),
]
Portion = Annotated[
    int | float,
    PlainValidator(_portion),
    PlainSerializer(_spelled_portion, when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": SHARE_PATTERN},
            ]
        }
    ),
]
Until = Annotated[
    Deadline,
    PlainValidator(_deadline),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": DEADLINE_PATTERN}),
]
Expiration = Annotated[
    timedelta | datetime,
    PlainValidator(_expiration),
    PlainSerializer(_moment, when_used="json"),
    WithJsonSchema(
        {"type": "string", "pattern": f"{DURATION_PATTERN}|{TIMESTAMP_PATTERN}"}
    ),
]
LineType = Literal[
    "mobile",
    "fixed_line",
    "fixed_line_or_mobile",
    "toll_free",
    "voip",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
    "unknown",
]

Senders = Annotated[tuple[Sender, ...], Field(min_length=1), _or_one(Sender)]
Texts = Annotated[tuple[Text, ...], Field(min_length=1), _or_one(Text)]
Media = Annotated[
    tuple[Text, ...], Field(min_length=1, max_length=10), _or_one(Text, most=10)
]
LineTypes = Annotated[tuple[LineType, ...], Field(min_length=1), _or_one(LineType)]
