"""A campaign, as frozen values: every key of the file, once.

The JSON Schema, the near names and the "expected" half of every problem are read from
the `Key` beside each field; what a value may look like is in `kinds`, and what keys must
not do to each other in `rules`.

Every scalar of the file arrives as the text that stands there (see `document`): a field
of text takes ``NO`` or ``+19195550100`` as it is, a field of numbers reads its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from bulksend.define.amounts import Purpose
from bulksend.define.halting import Canary, StopAt
from bulksend.define.kinds import (
    Address,
    Cron,
    Key,
    Name,
    ResultsPath,
    Senders,
    Span,
    Text,
    Texts,
    Zone,
)
from bulksend.define.message import Message
from bulksend.define.recipients import Ranked, Recipients
from bulksend.define.rules import conflicts
from bulksend.define.section import Section
from bulksend.define.sending import Budget, Carriers, Chosen, Send, Window


class Experiment(Section):
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


class Schedule(Section):
    """When a recurring campaign is due; cron, systemd or Airflow start it."""

    cron: Annotated[
        Cron,
        Key(
            "When, as five fields of cron: minute, hour, day, month, weekday.",
            'five fields of cron, such as "0 10 * * MON"',
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
            "How late a slot may still be begun; one that was missed by more is left out. "
            "What was begun goes on, as windows and pace allow.",
            "a time such as 2h or 90 min",
            "2h",
        ),
    ] = timedelta(hours=2)


class Notify(Section):
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


class Lint(Section):
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


class Campaign(Section):
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
    purpose: Annotated[
        Purpose,
        Key(
            "What the messages are for: caps with a purpose count them by it "
            "(`send.per_person`). Without this key marketing, and transactional where "
            "`send.rules` are.",
            "marketing or transactional",
            "marketing",
        ),
    ] = Field(default_factory=lambda data: data["send"].purpose)
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
            "a path or an address (s3://, gs://, az://) that ends in .csv, .parquet or "
            ".xlsx; or an address that ends in a slash, for a part of each shard",
            "results/spring-sale.parquet",
        ),
    ] = Field(default_factory=lambda data: f"results/{data['name']}.csv")

    @property
    def rules(self) -> Chosen:
        """The rules about hours, with the default where the file names none."""
        return self.send.chosen_rules

    @property
    def keeps_hours(self) -> bool:
        """Whether anybody could be woken: the simulator sends at any hour."""
        return self.provider == "bandwidth"

    @property
    def any_hour(self) -> str:
        """Why only rules of its own hold for it, in its words; empty where others do."""
        rules = self.rules
        return rules.because or "" if rules.profile == "transactional" else ""

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
    "send.canary": Canary,
    "send.carriers": Carriers,
    "send.budget": Budget,
    "send.stop_at": StopAt,
    "experiment": Experiment,
    "schedule": Schedule,
    "notify": Notify,
    "lint": Lint,
}
"""Where each section stands in the file."""
