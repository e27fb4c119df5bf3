"""What keys must not do to each other, and how long a constant may be.

The rules read the campaign as it was written, not as it was validated, so that they
speak in the same breath as the problems of shape.  They therefore trust nothing: what
has the wrong shape is passed over here, and reported there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, get_args

from bulksend.define.amounts import Purpose

TEXT_LIMIT = 2048
"""Characters; Bandwidth's `messageRequest.text`, `maxLength`."""

MEDIA_URL_LIMIT = 4096
"""Characters; Bandwidth's `messageRequest.media`, per URL."""

TEMPLATE_MARK = re.compile(r"\{[{%#]")
"""What makes a text a template: its length is known per row only."""

LEAST_MINUTES = 2
"""Of a window: it counts as closed a minute before its end."""

_TRUE = {"true", "yes", "on", "t", "y", "1"}  # as pydantic reads a bool from text


class Conflict(NamedTuple):
    """One broken rule: a row for `errors.Problem`, before it has a line."""

    path: tuple[str | int, ...]
    code: str
    found: str
    expected: str = ""
    fix: str = ""


def conflicts(campaign: Mapping[str, object]) -> Iterator[Conflict]:
    """Yield the broken rules of a campaign as written (the keys of the file)."""
    message = campaign.get("message")
    if isinstance(message, Mapping):
        yield from _contents(message)
        yield from _lengths(message)
        yield from _named_senders(_several(campaign.get("from")), message)

    if campaign.get("provider") == "bandwidth" and "application_id" not in campaign:
        yield Conflict(
            ("application_id",),
            "E103",
            "missing, and `provider` is bandwidth",
            "the id of the messaging application that the sender belongs to",
            "Add `application_id: ${BW_MESSAGING_APPLICATION_ID}`.",
        )

    recipients, send = campaign.get("recipients"), campaign.get("send")
    if (
        isinstance(recipients, Mapping)
        and recipients.get("duplicates") == "keep"
        and isinstance(send, Mapping)
        and "per_person" in send
    ):
        yield Conflict(
            ("send", "per_person"),
            "E107",
            "`recipients.duplicates` is keep, so a person may get several at once",
            "one of them",
        )
    experiment = campaign.get("experiment")
    if isinstance(experiment, Mapping):
        yield from _arms(experiment)
    lint = campaign.get("lint")
    if isinstance(lint, Mapping) and isinstance(lint.get("ignore"), Mapping):
        for code in lint["ignore"]:
            if not re.fullmatch("[EW]35[0-7]|W331", str(code)):
                yield Conflict(
                    ("lint", "ignore", str(code)),
                    "E358",
                    f"`{str(code)[:20]}` is no finding about texts",
                    "a code from W350 to W357, or W331",
                )

    send = campaign.get("send")
    if isinstance(send, Mapping):
        yield from _empty(send)
        yield from _capped(campaign.get("purpose"), send)
        yield from _hours(send)
        yield from _paced(_several(campaign.get("from")), send.get("per_sender"))


def _empty(send: Mapping[str, object]) -> Iterator[Conflict]:
    """Sections that would limit nothing."""
    if send.get("budget") == {}:
        yield Conflict(
            ("send", "budget"), "E103", "it limits nothing", "`segments` or `money`"
        )
    carriers, caps = send.get("carriers"), {"t_mobile_per_day", "att_per_minute"}
    if isinstance(carriers, Mapping) and not caps & carriers.keys():
        yield Conflict(
            ("send", "carriers"),
            "E103",
            "it limits nothing",
            "`t_mobile_per_day` or `att_per_minute`",
        )


def _capped(said: object, send: Mapping[str, object]) -> Iterator[Conflict]:
    """A cap counts all campaigns, or those like this one.

    Whether one for others would hold this one up, too, would be a guess.
    """
    rules = send.get("rules")
    profile = rules.get("profile") if isinstance(rules, Mapping) else rules
    usual = "transactional" if profile == "transactional" else "marketing"
    purpose = usual if said is None else str(said)
    for index, cap in enumerate(_several(send.get("per_person"))):
        _, _, other = str(cap).partition(" for ")
        if {other, purpose} == set(get_args(Purpose)):
            is_one = isinstance(send.get("per_person"), str)
            yield Conflict(
                ("send", "per_person", *(() if is_one else (index,))),
                "E127",
                f"`{cap}`, and this campaign's `purpose` is {purpose}",
                f"a cap for {purpose}, or one without `for`, which counts all",
            )


def _hours(send: Mapping[str, object]) -> Iterator[Conflict]:
    """A window that opens before it closes, and a reason where no rules hold."""
    window = send.get("window")
    if isinstance(window, Mapping):
        opens, closes = window.get("from"), window.get("to")
        both = f"{opens}-{closes}"
        if re.fullmatch(r"\d\d:\d\d-\d\d:\d\d", both) and str(opens) >= str(closes):
            yield Conflict(
                ("send", "window"),
                "E120",
                f"it opens at {opens} and closes at {closes}",
                "`from` before `to`, on the same day",
            )
        elif re.fullmatch(r"\d\d:\d\d-\d\d:\d\d", both) and _is_short(both):
            yield Conflict(
                ("send", "window"),
                "E120",
                f"it opens at {opens}, and counts as closed a minute before {closes}",
                "two minutes at least, since a message needs time to arrive",
            )
    rules = send.get("rules")
    if not isinstance(rules, Mapping):
        if rules == "transactional":
            yield _unexplained()
        return
    is_free = rules.get("profile") == "transactional"
    if is_free and "because" not in rules:
        yield _unexplained()
    if not is_free and "because" in rules:
        yield Conflict(
            ("send", "rules", "because"),
            "E107",
            "a reason, and the profile is not transactional",
            "a reason only where bulksend's rules do not hold",
        )


def _is_short(both: str) -> bool:
    """Whether a window such as ``09:00-09:01`` is never open."""
    opens, closes = (int(one[:2]) * 60 + int(one[3:]) for one in both.split("-"))
    return closes - opens < LEAST_MINUTES


def _arms(experiment: Mapping[str, object]) -> Iterator[Conflict]:
    """Shares of everybody, and a holdout that is one of them."""
    arms, holdout = experiment.get("arms"), experiment.get("holdout")
    if not isinstance(arms, Mapping):
        return
    shares = [str(share) for share in arms.values()]
    if all(share.isdecimal() for share in shares):
        total = sum(map(int, shares))
        if total != 100:
            found = f"the shares sum to {total}"
            yield Conflict(("experiment", "arms"), "E126", found, "100")
    if isinstance(holdout, str) and holdout not in arms:
        yield Conflict(
            ("experiment", "holdout"), "E126", "it is none of the arms", "an arm's name"
        )


def _unexplained() -> Conflict:
    return Conflict(
        ("send", "rules"),
        "E124",
        "the profile is transactional, and nothing says why",
        "`because`, with a reason that you can stand by",
        'Write {profile: transactional, because: "..."}.',
    )


def _contents(message: Mapping[str, object]) -> Iterator[Conflict]:
    if "text" in message and "file" in message:
        yield Conflict(
            ("message", "file"),
            "E107",
            "both `text` and `file` are there",
            "one of them",
            "Remove one.",
        )
    if not {"text", "file", "media"} & message.keys():
        yield Conflict(
            ("message", "text"),
            "E103",
            "missing, as are `file` and `media`",
            "a text, or a file that holds it, or media",
        )

    for key, other in (("variants", "language"), ("language", "variants")):
        if key in message and other not in message:
            yield Conflict(
                ("message", key),
                "E107",
                f"`{key}` is there without `{other}`",
                "both: the texts by language, and the column that holds each "
                "person's language",
                f"Add `{other}`, or remove `{key}`.",
            )


def _lengths(message: Mapping[str, object]) -> Iterator[Conflict]:
    texts: dict[tuple[str | int, ...], object] = {("text",): message.get("text")}
    variants = message.get("variants")
    if isinstance(variants, Mapping):
        texts |= {("variants", name): text for name, text in variants.items()}
    for path, text in texts.items():
        yield from _too_long(path, text, TEXT_LIMIT, "Shorten it.")

    for index, url in enumerate(_several(message.get("media"))):
        yield from _too_long(
            ("media", index), url, MEDIA_URL_LIMIT, "Use a shorter URL."
        )


def _too_long(
    path: tuple[str | int, ...], text: object, limit: int, fix: str
) -> Iterator[Conflict]:
    if not isinstance(text, str) or TEMPLATE_MARK.search(text) or len(text) <= limit:
        return
    yield Conflict(
        ("message", *path),
        "E108",
        f"{len(text):,} characters",
        f"at most {limit:,}, which is Bandwidth's limit",
        fix,
    )


def _named_senders(
    senders: Sequence[object], message: Mapping[str, object]
) -> Iterator[Conflict]:
    """An alphanumeric sender id can send SMS only, and media or a group make MMS."""
    mms = "media" in message or str(message.get("group")).lower() in _TRUE
    for index, sender in enumerate(senders):
        if mms and isinstance(sender, str) and re.search("[A-Za-z]", sender):
            yield Conflict(
                ("from", index),
                "E107",
                "a sender that is a name cannot send `media` or `group`",
                "a number such as +19195550100",
                "Use a number, or remove `media` and `group`.",
            )


def _paced(senders: Sequence[object], rates: object) -> Iterator[Conflict]:
    """A rate for a sender that the campaign does not have is a mistyped one."""
    known = {str(sender) for sender in senders}
    for sender in rates if isinstance(rates, Mapping) else ():
        if str(sender) not in known:
            yield Conflict(
                ("send", "per_sender", str(sender)),
                "E107",
                "a rate for a sender that is not in `from`",
                "one of the senders in `from`",
                "Correct it, or add it to `from`.",
            )


def _several(value: object) -> Sequence[object]:
    if isinstance(value, (list, tuple)):
        return value
    return () if value is None else (value,)
