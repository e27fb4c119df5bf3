"""A campaign, as frozen values: every key of the file, once.

The JSON Schema, the near names and the "expected" half of every problem are read from
the `Key` beside each field; what a value may look like is in `kinds`, and what keys must
not do to each other in `rules`.

Every scalar of the file arrives as the text that stands there (see `document`): a field
of text takes ``NO`` or ``+19195550100`` as it is, a field of numbers reads its number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from bulksend.define.amounts import Rate
from bulksend.define.kinds import (
    Address,
    Caps,
    Clock,
    Cron,
    Delimiter,
    Encoding,
    Expiration,
    Key,
    LineTypes,
    Media,
    Name,
    Pace,
    PerSender,
    Region,
    ResultsPath,
    Senders,
    Share,
    Span,
    Text,
    Texts,
    Until,
    Zone,
)
from bulksend.define.rules import conflicts
from bulksend.rules.profile import Profile

_TEMPLATE = "a text, in which {{ column }} stands for each person's value"
_COLUMN = "the name of a column"


class _Section(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_by_name=True,
        regex_engine="python-re",  # Rust's has no look-ahead
    )


class Ranked(_Section):
    """Of the rows with one number, the one that a column ranks first."""

    by: Annotated[Text, Key("The column that ranks the rows.", _COLUMN, "updated_at")]
    keep: Annotated[
        Literal["highest", "lowest"],
        Key("Which end of the ranking is kept.", "highest or lowest", "highest"),
    ]


Duplicates = Annotated[
    Annotated[Literal["first", "last", "refuse", "keep"], Tag("word")]
    | Annotated[Ranked, Tag("ranked")],
    Discriminator(
        lambda value: "ranked" if isinstance(value, (Mapping, Ranked)) else "word"
    ),
]


class Recipients(_Section):
    """Who the messages are for."""

    path: Annotated[
        Texts,
        Key(
            "The list of people: csv, tsv, parquet, ndjson or xlsx. "
            "Relative paths start at this file's folder.",
            "a path, or a list of them; * and ? may stand for parts of it",
            "recipients.csv",
        ),
    ]
    phone: Annotated[
        Texts,
        Key(
            "The column that holds the number; of several, the first usable one wins.",
            "the name of a column, or a list of them",
            "mobile",
        ),
    ]
    default_region: Annotated[
        Region | None,
        Key(
            "The country of numbers that are written without a country code.",
            "a country's code of two capital letters, such as US",
            "US",
        ),
    ] = None
    duplicates: Annotated[
        Duplicates,
        Key(
            "What to do when several rows have one number.",
            "first, last, refuse or keep, or {by: COLUMN, keep: highest or lowest}",
            "first",
        ),
    ] = "first"
    household: Annotated[
        Text | None,
        Key(
            "One text for each value of this column, such as an address.",
            _COLUMN,
            "address_id",
        ),
    ] = None
    suppress: Annotated[
        Texts,
        Key(
            "Lists of numbers that get nothing, such as opt-outs.",
            "a path, or a list of them",
            ["opt-outs.csv"],
        ),
    ] = ()
    only: Annotated[
        Texts,
        Key(
            "Lists of the only numbers that may get anything: for a trial.",
            "a path, or a list of them",
            ["staff.csv"],
        ),
    ] = ()
    allow: Annotated[
        LineTypes | None,
        Key(
            "The line types that get a message. Without this key all but premium_rate, "
            "shared_cost, pager, uan and voicemail.",
            "line types: mobile, fixed_line, fixed_line_or_mobile, toll_free, voip, "
            "premium_rate, shared_cost, personal_number, pager, uan, voicemail, unknown",
            ["mobile", "fixed_line_or_mobile"],
        ),
    ] = None
    zone: Annotated[
        Text | None,
        Key(
            "The column of each person's time zone, such as America/Denver. With it and "
            "the number, bulksend works out when they may be texted.",
            _COLUMN,
            "timezone",
        ),
    ] = None
    postcode: Annotated[
        Text | None,
        Key(
            "The column of each person's ZIP, which tells their state and zone.",
            _COLUMN,
            "zip",
        ),
    ] = None
    delimiter: Annotated[
        Delimiter | None,
        Key("What parts the columns, where guessing fails.", "one character", ";"),
    ] = None
    encoding: Annotated[
        Encoding | None,
        Key(
            "The encoding of the list, where guessing fails.",
            "an encoding, such as utf-8 or windows-1252",
            "windows-1252",
        ),
    ] = None
    sheet: Annotated[
        Text | None,
        Key("The sheet of an xlsx file.", "the name of a sheet", "People"),
    ] = None


class Message(_Section):
    """What each of them is sent."""

    text: Annotated[
        Text | None,
        Key(
            "The text, in Jinja's syntax.",
            _TEMPLATE,
            "Hi {{ first_name }}, your order is ready. Reply STOP to end.",
        ),
    ] = None
    file: Annotated[
        Text | None,
        Key("A file that holds the text, in place of `text`.", "a path", "hello.txt"),
    ] = None
    variants: Annotated[
        Annotated[Mapping[Text, Text], Field(min_length=1)] | None,
        Key(
            "Texts by language, for people whose `language` is listed here.",
            "a text for each language, such as es: Hola",
            {"es": "Hola {{ first_name }}"},
        ),
    ] = None
    language: Annotated[
        Text | None,
        Key("The column that picks one of the `variants`.", _COLUMN, "lang"),
    ] = None
    media: Annotated[
        Media,
        Key(
            "What the message carries; with it the message is an MMS.",
            "a URL, or a list of 1 to 10; {{ column }} may stand in it",
            ["https://cdn.example.com/{{ sku }}.jpg"],
        ),
    ] = ()
    tag: Annotated[
        Text | None,
        Key(
            "Your own mark; Bandwidth gives it back with each receipt.",
            _TEMPLATE,
            "spring-{{ customer_id }}",
        ),
    ] = None
    priority: Annotated[
        Literal["default", "high"],
        Key(
            "Among your account's own messages; high is for what cannot wait.",
            "default or high",
            "default",
        ),
    ] = "default"
    expiration: Annotated[
        Expiration | None,
        Key(
            "How long a message may wait to be delivered, or until when.",
            "a time such as 2h, 90 min or 1d, or a moment with its zone such as "
            "2026-03-01T20:00:00-05:00",
            "2h",
        ),
    ] = None
    group: Annotated[
        bool,
        Key("Send one group message for a list of people.", "true or false", False),
    ] = False
    once_key: Annotated[
        Text | None,
        Key(
            "What makes two messages to one number the same message, in place of what "
            "they say: a person gets one for each value, whatever its text.",
            _TEMPLATE,
            "{{ order_id }}",
        ),
    ] = None
    smart_encoding: Annotated[
        bool,
        Key(
            "Write typographic quotes, dashes and the like in plain letters, so that a "
            "text needs fewer segments.",
            "true or false",
            True,
        ),
    ] = False


class Budget(_Section):
    """What the campaign may use up; beyond it nothing is sent."""

    segments: Annotated[
        Annotated[int, Field(gt=0)] | None,
        Key("The most segments.", "a whole number above 0", 20000),
    ] = None
    money: Annotated[
        Annotated[float, Field(gt=0, allow_inf_nan=False)] | None,
        Key("The most money, in the currency of the prices.", "a number above 0", 250),
    ] = None


class Window(_Section):
    """The campaign's own hours, on each person's clock."""

    opens: Annotated[Clock, Key("From when on.", 'a time such as "09:00"', "09:00")] = (
        Field(validation_alias="from", serialization_alias="from")
    )
    closes: Annotated[
        Clock, Key("Until when.", 'a time such as "20:00", up to "24:00"', "20:00")
    ] = Field(validation_alias="to", serialization_alias="to")


class Chosen(_Section):
    """Which rules about hours hold."""

    profile: Annotated[
        Profile,
        Key(
            "us-marketing: where each person may be. us-strict: for people in the US, "
            "all its states'. transactional: none, and `because` says why.",
            "us-marketing, us-strict or transactional",
            "us-marketing",
        ),
    ] = "us-marketing"
    because: Annotated[
        Text | None,
        Key(
            "Why no rules about hours hold; kept in the plan.",
            "a reason in words",
            "Delivery notices that people asked for",
        ),
    ] = None
    also: Annotated[
        Texts,
        Key(
            "Files with rules of your own, which can only narrow the others.",
            "a path, or a list of them",
            ["our-rules.yaml"],
        ),
    ] = ()


Rules = Annotated[
    Annotated[Profile, Tag("word")] | Annotated[Chosen, Tag("chosen")],
    Discriminator(
        lambda value: "chosen" if isinstance(value, (Mapping, Chosen)) else "word"
    ),
]


class StopAt(_Section):
    """What stops a run before it burns the rest of the list."""

    refused: Annotated[
        Share,
        Key(
            "The share of the latest 200 answers that may be refusals; of fewer than 50 "
            "answers, of 50.",
            "a share above 0% up to 100%, which never stops",
            "20%",
        ),
    ] = 0.2
    spam: Annotated[
        Annotated[int, Field(gt=0)],
        Key(
            "How many receipts may say that a filter stopped the text.",
            "a whole number above 0",
            20,
        ),
    ] = 20
    opt_outs: Annotated[
        Share,
        Key(
            "The share of the people texted who may opt out while it sends; of fewer "
            "than 200 people, of 200.",
            "a share above 0% up to 100%, which never stops",
            "4%",
        ),
    ] = 0.04


class Send(_Section):
    """When, how fast, and up to which cost."""

    rate: Annotated[
        Pace,
        Key(
            "Segments per time.",
            "a number per time such as 50/s, 60/min or 3000/h",
            "50/s",
        ),
    ] = Rate.parse("1/s")  # what Bandwidth gives a new account
    per_sender: Annotated[
        PerSender | None,
        Key(
            "Segments per time of each sender, within `rate`. One that has to wait does "
            "not hold up the others.",
            "a number per time such as 1/s for each sender, or keys: one for each "
            "sender that has its own",
            "1/s",
        ),
    ] = None
    ramp: Annotated[
        Span | None,
        Key(
            "How long the pace takes to rise from a twentieth of the rate to all of it, "
            "each time the run is started.",
            "a time such as 10 min",
            "10 min",
        ),
    ] = None
    not_after: Annotated[
        Until | None,
        Key(
            "When it is too late: no run starts from then on, and one that is sending "
            "stops. A time of day holds until midnight there.",
            "a moment with its zone such as 2026-03-01T20:00:00-05:00, or a time and a "
            "zone such as 18:00 America/New_York",
            "18:00 America/New_York",
        ),
    ] = None
    stop_at: Annotated[
        StopAt,
        Key(
            "What stops the run; the rest stays not_sent, and can be resumed.",
            "`refused`, `spam` or both",
            {"refused": "20%"},
        ),
    ] = StopAt()
    window: Annotated[
        Window | None,
        Key(
            "The hours at which people may be texted, on each person's own clock; the "
            "rules of where they are narrow them.",
            'keys below it, `from` and `to`, such as {from: "09:00", to: "20:00"}',
            {"from": "09:00", "to": "20:00"},
        ),
    ] = None
    rules: Annotated[
        Rules | None,
        Key(
            "The rules about hours that hold, see `bulksend rules`; without this key "
            "us-marketing. The simulator sends at any hour.",
            "us-marketing, us-strict, or keys below it: `profile`, `because`, `also`",
            "us-marketing",
        ),
    ] = None
    per_person: Annotated[
        Caps | None,
        Key(
            "How many messages a person may get in a while, from all campaigns of this "
            "journal together.",
            "a number and a time such as 3 in 24h, or a list of them",
            ["3 in 24h", "5 in 7d"],
        ),
    ] = None
    budget: Annotated[
        Budget | None,
        Key(
            "A limit that a plan must stay under.",
            "`segments`, `money` or both",
            {"segments": 20000},
        ),
    ] = None
    prices: Annotated[
        Mapping[str, Any] | None,
        Key("Your own rate card.", "a rate card", {}),
    ] = None
    repeat: Annotated[
        Literal["refuse", "allow"],
        Key(
            "Whether people may get again what they have from an earlier run of this "
            "campaign.",
            "refuse or allow",
            "allow",
        ),
    ] = "refuse"

    def rates(self, senders: Iterable[str]) -> dict[str, float]:
        """Segments per second of the senders that have a limit of their own."""
        own = self.per_sender or {}
        if isinstance(own, Rate):
            own = dict.fromkeys(senders, own)
        return {sender: rate.per_second for sender, rate in own.items()}


class Experiment(_Section):
    """Which share of the people gets which text."""

    name: Annotated[
        Name,
        Key(
            "What the experiment is called; one name parts people always the same way.",
            "1 to 64 of a-z 0-9 - _ . with a letter or digit first",
            "shorter-greeting",
        ),
    ]
    arms: Annotated[
        Annotated[
            Mapping[Text, Annotated[int, Field(gt=0, le=100)]], Field(min_length=2)
        ],
        Key(
            "Its arms and the share of each, in percent; {{ arm }} stands for the name "
            "in the text.",
            "two or more names, each with whole percents that sum to 100",
            {"short": 45, "long": 45, "nothing": 10},
        ),
    ]
    holdout: Annotated[
        Text | None,
        Key("The arm that gets nothing, to compare with.", "an arm's name", "nothing"),
    ] = None


class Schedule(_Section):
    """When a recurring campaign is due; cron, systemd or Airflow start it."""

    cron: Annotated[
        Cron,
        Key(
            "When, as five fields of cron: minute, hour, day, month, weekday.",
            'a cron expression such as "0 10 * * MON"',
            "0 10 * * MON",
        ),
    ]
    zone: Annotated[
        Zone,
        Key("Whose clock that is.", "a time zone such as America/New_York", "UTC"),
    ]
    not_after: Annotated[
        Span,
        Key(
            "How late a slot may still be sent; one that was missed by more is left out.",
            "a time such as 2h or 90 min",
            "2h",
        ),
    ] = timedelta(hours=2)


class Notify(_Section):
    """Who is told when a run ends, however it ends: counts only, no number and no text."""

    webhook: Annotated[
        Address | None,
        Key(
            "An address that gets a JSON object by POST.",
            "an http(s) address",
            "${CAMPAIGN_WEBHOOK}",
        ),
    ] = None
    command: Annotated[
        Texts,
        Key(
            "A program that gets the same on its standard input; no shell is involved.",
            "a list: the program and its arguments",
            ["./ended.sh", "spring"],
        ),
    ] = ()


class Lint(_Section):
    """What the texts are held to, beside the message language."""

    brand: Annotated[
        Texts,
        Key(
            "How you call yourself; a text must say one of these names.",
            "a name, or a list of them",
            "Blue Fern",
        ),
    ] = ()
    domains: Annotated[
        Texts,
        Key(
            "The domains that links may lead to.",
            "a domain, or a list of them",
            ["bluefern.example"],
        ),
    ] = ()
    first_contact: Annotated[
        bool,
        Key(
            "Whether people hear from you for the first time: then a text without your "
            "name or without opt-out words is an error.",
            "true or false",
            False,
        ),
    ] = False
    ignore: Annotated[
        Mapping[Text, Text],
        Key(
            "Findings that do not count here, each with the reason; kept in the plan.",
            'a reason for each code, such as W353: "our shop is on another domain"',
            {"W353": "our shop is on another domain"},
        ),
    ] = {}


class Campaign(_Section):
    """A whole campaign file."""

    name: Annotated[
        Name,
        Key(
            "What the campaign is called; one name, one campaign.",
            "1 to 64 of a-z 0-9 - _ . with a letter or digit first",
            "spring-sale",
        ),
    ]
    provider: Annotated[
        Literal["bandwidth", "simulator"],
        Key(
            "Who sends: Bandwidth, or a stand-in on this machine that sends nothing.",
            "bandwidth or simulator",
            "simulator",
        ),
    ]
    senders: Annotated[
        Senders,
        Key(
            "The number or name that the messages come from; of several, each person "
            "keeps one.",
            'a number with + such as "+19195550100", a short code of 3 to 8 digits, or '
            "a name of up to 11 of A-Z a-z 0-9 space - + _ & with a letter in it",
            "+19195550100",
        ),
    ] = Field(validation_alias="from", serialization_alias="from")
    application_id: Annotated[
        Text | None,
        Key(
            "Bandwidth's messaging application that the sender belongs to.",
            "an application's id",
            "${BW_MESSAGING_APPLICATION_ID}",
        ),
    ] = None
    recipients: Annotated[
        Recipients,
        Key(
            "Who the messages are for.",
            "keys below it, at least `path` and `phone`",
            {"path": "recipients.csv", "phone": "mobile"},
        ),
    ]
    message: Annotated[
        Message,
        Key(
            "What each of them is sent.",
            "keys below it, such as `text`",
            {"text": "Hi {{ first_name }}, your order is ready."},
        ),
    ]
    send: Annotated[
        Send,
        Key(
            "When, how fast, and up to which cost.",
            "keys below it, such as `rate`",
            {"rate": "50/s"},
        ),
    ] = Send()
    schedule: Annotated[
        Schedule | None,
        Key(
            "When a recurring campaign is due: see `bulksend schedule`. Each slot gets "
            "the same text once.",
            "keys below it: `cron`, `zone` and `not_after`",
            {"cron": "0 10 * * MON", "zone": "America/New_York"},
        ),
    ] = None
    notify: Annotated[
        Notify | None,
        Key(
            "Who is told when a run ends.",
            "`webhook`, `command` or both",
            {"webhook": "${CAMPAIGN_WEBHOOK}"},
        ),
    ] = None
    experiment: Annotated[
        Experiment | None,
        Key(
            "Who gets which text, by chance that is the same each time.",
            "keys below it: `name`, `arms` and `holdout`",
            {"name": "shorter-greeting", "arms": {"short": 50, "long": 50}},
        ),
    ] = None
    lint: Annotated[
        Lint,
        Key(
            "What the texts are held to.",
            "keys below it, such as `brand`",
            {"brand": "Blue Fern"},
        ),
    ] = Lint()
    results: Annotated[
        ResultsPath,
        Key(
            "Where the outcome of every row is written; {run} becomes the run's name, and "
            "{slot} the slot's, which a `schedule` adds by itself.",
            "a path that ends in .csv, .parquet or .xlsx",
            "results/spring-sale.parquet",
        ),
    ] = Field(default_factory=lambda data: f"results/{data['name']}.csv")

    @property
    def rules(self) -> Chosen:
        """The rules about hours, with the default where the file names none."""
        said = self.send.rules
        return (
            said if isinstance(said, Chosen) else Chosen(profile=said or "us-marketing")
        )

    @property
    def keeps_hours(self) -> bool:
        """Whether anybody could be woken: the simulator sends at any hour."""
        return self.provider == "bandwidth"

    @property
    def speaks_of_hours(self) -> bool:
        return self.send.window is not None or self.send.rules is not None

    @model_validator(mode="after")
    def _keep_the_rules(self) -> Self:
        """`load` asks the rules itself; this holds a campaign built in Python to them."""
        written = self.model_dump(by_alias=True, exclude_unset=True)
        for conflict in conflicts(written):
            raise PydanticCustomError(
                "conflict",
                "{where}: {found}",
                {"where": conflict.path[-1], "found": conflict.found},
            )
        return self


SECTIONS: Mapping[str, type[BaseModel]] = {
    "": Campaign,
    "recipients": Recipients,
    "recipients.duplicates": Ranked,
    "message": Message,
    "send": Send,
    "send.window": Window,
    "send.rules": Chosen,
    "send.budget": Budget,
    "send.stop_at": StopAt,
    "experiment": Experiment,
    "schedule": Schedule,
    "notify": Notify,
    "lint": Lint,
}
"""Where each section stands in the file."""


def keys_of(section: type[BaseModel]) -> dict[str, Key]:
    """The keys of a section as the file spells them, in the file's order."""
    return {
        str(field.validation_alias or name): next(
            m for m in field.metadata if isinstance(m, Key)
        )
        for name, field in section.model_fields.items()
    }
