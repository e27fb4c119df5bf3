"""The section `send`: when, how fast, and up to which cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from bulksend.define.amounts import Purpose, Rate
from bulksend.define.halting import Canary, StopAt
from bulksend.define.kinds import (
    Caps,
    Clock,
    Key,
    Pace,
    PerSender,
    Span,
    Text,
    Texts,
    Until,
)
from bulksend.define.section import Section
from bulksend.rules.profile import Profile


class Budget(Section):
    """What the campaign may use up; beyond it nothing is sent."""

    segments: Annotated[
        Annotated[int, Field(gt=0)] | None,
        Key("The most segments.", "a whole number above 0", 20000),
    ] = None
    money: Annotated[
        Annotated[float, Field(gt=0, allow_inf_nan=False)] | None,
        Key("The most money, in the currency of the prices.", "a number above 0", 250),
    ] = None


class Window(Section):
    """The campaign's own hours, on each person's clock."""

    opens: Annotated[Clock, Key("From when on.", 'a time such as "09:00"', "09:00")] = (
        Field(validation_alias="from", serialization_alias="from")
    )
    closes: Annotated[
        Clock, Key("Until when.", 'a time such as "20:00", up to "24:00"', "20:00")
    ] = Field(validation_alias="to", serialization_alias="to")


class Chosen(Section):
    """Which rules about hours hold."""

    profile: Annotated[
        Profile,
        Key(
            "us-marketing: where each person may be. us-strict: for people in the US, "
            "all its states'. transactional: only your own, and `because` says why.",
            "us-marketing, us-strict or transactional",
            "us-marketing",
        ),
    ] = "us-marketing"
    because: Annotated[
        Text | None,
        Key(
            "Why only rules of your own hold; kept in plan and journal.",
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


class Carriers(Section):
    """What carriers take from ten-digit numbers; the rest waits for its time."""

    t_mobile_per_day: Annotated[
        Annotated[int, Field(gt=0, le=10**9)] | None,
        Key(
            "Segments that T-Mobile takes from your brand in a day, until midnight in "
            "Seattle; of all vendors together, so say less where you have others.",
            "a whole number above 0, such as 2000, 10000, 40000 or 200000",
            2000,
        ),
    ] = None
    att_per_minute: Annotated[
        Annotated[int, Field(gt=0, le=10**9)] | None,
        Key(
            "Segments that AT&T takes from your 10DLC campaign in a minute.",
            "a whole number above 0, such as 15, 75, 240, 2400 or 4500",
            240,
        ),
    ] = None
    brand: Annotated[
        Text,
        Key(
            "Your brand's id; campaigns that say the same share T-Mobile's cap.",
            "a name",
            "BXXXXXX",
        ),
    ] = "default"
    campaign: Annotated[
        Text,
        Key(
            "Your 10DLC campaign's id; campaigns that say the same share AT&T's cap.",
            "a name",
            "CXXXXXX",
        ),
    ] = "default"


class Send(Section):
    """When, how fast, and up to which cost."""

    rate: Annotated[
        Pace,
        Key(
            "Segments per time of the account: campaigns that are sent at once from one "
            "journal share it.",
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
    dequeue: Annotated[
        Pace | None,
        Key(
            "How fast Bandwidth itself lets your messages out, where that is slower than "
            "`rate`; for the forecast, since what it cannot hold it answers with 429.",
            "a number per time such as 10/s",
            "10/s",
        ),
    ] = None
    ramp: Annotated[
        Span | None,
        Key(
            "How long the pace takes to rise from a twentieth of the rate to all of it, "
            "each time the run is started. A wait of more than a minute is no part of "
            "it; several workers rise together, and anew after such a wait.",
            "a time such as 10 min",
            "10 min",
        ),
    ] = None
    not_after: Annotated[
        Until | None,
        Key(
            "When it is too late: no run starts from then on, and one that is sending "
            "stops. A time of day holds until midnight there; shards of a plan have the day "
            "on which the first of them began.",
            "a moment with its zone such as 2026-03-01T20:00:00-05:00, or a time and a "
            "zone such as 18:00 America/New_York",
            "18:00 America/New_York",
        ),
    ] = None
    canary: Annotated[
        Canary | None,
        Key(
            "Send a few first, wait for their receipts (`bulksend listen` or `poll` "
            "brings them), and then go on, or halt.",
            "keys below it: `first`, `wait`, `opt_outs`",
            {"first": "1%", "wait": "15 min"},
        ),
    ] = None
    stop_at: Annotated[
        StopAt,
        Key(
            "What stops the run; the rest stays not_sent, and can be resumed.",
            "keys below it: `refused`, `spam`, `failed`, `opt_outs`",
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
            "journal together, or from those with the same `purpose`.",
            "a number and a time such as 3 in 24h or 1 in 7d for marketing, or a list "
            "of them",
            ["3 in 24h", "1 in 7d for marketing"],
        ),
    ] = None
    carriers: Annotated[
        Carriers | None,
        Key(
            "What carriers take of messages from ten-digit numbers (10DLC), counted over "
            "all campaigns of this journal that say the same.",
            "keys below it: `t_mobile_per_day`, `att_per_minute`, `brand`, `campaign`",
            {"t_mobile_per_day": 2000, "att_per_minute": 240},
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

    @property
    def chosen_rules(self) -> Chosen:
        """The rules about hours, with the default where the file names none."""
        said = self.rules
        return (
            said if isinstance(said, Chosen) else Chosen(profile=said or "us-marketing")
        )

    @property
    def purpose(self) -> Purpose:
        """What messages are for that are sent by these rules, where nobody says it."""
        is_free = self.chosen_rules.profile == "transactional"
        return "transactional" if is_free else "marketing"

    def rates(self, senders: Iterable[str]) -> dict[str, float]:
        """Segments per second of the senders that have a limit of their own."""
        own = self.per_sender or {}
        if isinstance(own, Rate):
            own = dict.fromkeys(senders, own)
        return {sender: rate.per_second for sender, rate in own.items()}
