"""Why a row gets no message: a code for machines, a sentence for people.

One table for the plan, the terminal, the rejects file, the results and the docs.  In the
sentences ``{detail}`` is the plan's `detail` column: the missing column, the winning row.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import polars as pl

from bulksend.prepare.phones.findings import REASONS as NUMBER_REASONS


class Reason(NamedTuple):
    """One row of the table."""

    code: str
    sentence: str
    fix: str
    by_rule: bool = False
    """The row is as it should be, and a rule leaves it out: nothing in it is to mend."""
    short: str = ""
    """Behind a count; the code's own words where it is empty."""


REASONS: dict[str, Reason] = {
    reason.code: reason
    for reason in (
        # The phones package's own, in its own order: its codes are ours.
        Reason(
            "number_missing",
            "It has no number.",
            "Add one, or leave it out.",
            short="no number",
        ),
        Reason(
            "number_not_digits",
            "What stands in the number's place is not a number.",
            "Write digits, with a + in front of a country code.",
            short="not a number",
        ),
        Reason(
            "number_several",
            "There are several numbers in one place.",
            "Keep one, or set message.group.",
            short="several numbers in one",
        ),
        Reason(
            "number_damaged",
            "A spreadsheet has replaced its digits, or some of them.",
            "Format the column as text, and export the list again.",
            short="damaged number",
        ),
        Reason(
            "number_country",
            "The number needs a country code.",
            "Add it with a +, or set recipients.default_region.",
            short="no country code",
        ),
        Reason("number_too_short", "The number has too few digits.", "Add the rest."),
        Reason(
            "number_too_long",
            "The number has too many digits.",
            "Correct it; a + belongs in front of a country code.",
        ),
        Reason(
            "number_invalid",
            "No such number can exist in its country.",
            "Correct it; a digit is likely wrong.",
            short="invalid number",
        ),
        Reason(
            "group_too_large",
            "A group message can have 10 recipients.",
            "Part the group.",
        ),
        Reason(
            "line_type",
            "Its kind of line ({detail}) gets no texts.",
            "Name it in recipients.allow, or leave it out.",
            short="barred line type",
        ),
        Reason(
            "postcode_unknown",
            "Nobody has this ZIP or Canadian postcode: its hours are not known.",
            "Correct it, or leave the cell empty.",
            short="unknown ZIP",
        ),
        Reason(
            "zone_unknown",
            "This is no time zone of a place; EST and UTC are offsets.",
            "Write a name such as America/Denver, or leave the cell empty.",
            short="unknown time zone",
        ),
        Reason(
            "place_contradicts",
            "Postcode and time zone cannot both be true.",
            "Correct one of them.",
        ),
        Reason(
            "never_open",
            "There is no hour that is right everywhere this person may be.",
            "Add a column of time zones or ZIPs, or widen send.window.",
            short="no right hour",
        ),
        Reason(
            "suppressed",
            "The number is on a suppression list.",
            "Leave it out.",
            by_rule=True,
        ),
        Reason(
            "not_on_list",
            "This trial sends only to the numbers of recipients.only.",
            "Remove recipients.only to send to everybody.",
            by_rule=True,
        ),
        Reason(
            "value_missing",
            "The message needs `{detail}`, and it is empty, or says so (NULL, #N/A).",
            "Fill it in, or write {{ name | default('...') }} in the template.",
            short="missing value",
        ),
        Reason(
            "value_unfit",
            "What the message says cannot be worked out from `{detail}`.",
            "Correct the cell: it divides by zero, is too large, or no number or date.",
            short="unfit value",
        ),
        Reason(
            "text_empty",
            "The text would be empty.",
            "Correct the template.",
            short="empty text",
        ),
        Reason(
            "text_too_long",
            "The text is longer than 2,048 characters.",
            "Shorten it: Bandwidth takes no more.",
        ),
        Reason(
            "media_invalid",
            "A media address is not an http(s) address of at most 4,096 characters.",
            "Correct it.",
            short="invalid media",
        ),
        Reason(
            "tag_too_long",
            "The tag is longer than 1,024 characters.",
            "Shorten it: Bandwidth takes no more.",
        ),
        Reason(
            "tag_has_number",
            "The tag contains the person's number.",
            "Tags must not tell who a person is: use an id.",
            short="number in the tag",
        ),
        Reason(
            "duplicate",
            "The same number stands in the row that counts (row {detail}).",
            "Leave it out, or set recipients.duplicates.",
            by_rule=True,
        ),
        Reason(
            "household",
            "Another row counts for the same household (row {detail}).",
            "Leave it out, or remove recipients.household.",
            by_rule=True,
            short="same household",
        ),
        Reason(
            "holdout",
            "It is in the arm of the experiment that gets nothing.",
            "Nothing is needed.",
            by_rule=True,
        ),
        Reason(
            "person_capped",
            "This person has had as many messages as send.per_person, or a law, allows.",
            "Send to them later.",
            by_rule=True,
        ),
        Reason(
            "already_sent",
            "An earlier run of this campaign has posted this text to this person, or may have.",
            "Nothing is needed where it arrived. What failed, that run sends again, with "
            "its list as it was: `bulksend send PLAN --only failed`, or `--only retryable`.",
            by_rule=True,
        ),
        Reason(
            "opted_out",
            "This person has opted out.",
            "Leave it out; `bulksend suppress check` says when and how.",
            by_rule=True,
            short="opted out",
        ),
    )
}

NO_HOUR: Final = ("place_contradicts", "never_open")
"""What a row says of its person's place that leaves no hour right to text them."""

REASON = pl.Enum(list(REASONS))
"""The plan's type for it: a byte a row, and no other word can be stored."""


_CODES = {name: place for place, name in enumerate(REASONS)}
assert tuple(REASONS)[: len(NUMBER_REASONS)] == NUMBER_REASONS


def code(name: str) -> pl.Expr:
    """The reason's code, a byte: what `REASON` stores, and cheaper to choose between."""
    return pl.lit(_CODES[name], pl.UInt8)


def code_of(name: str) -> int:
    return _CODES[name]


def explained(reason: str, *details: str) -> pl.Expr:
    """The sentence and the way out for a whole column of codes; null stays null.

    The first of *details* that is not null stands for ``{detail}``.
    """
    whole = {one.code: f"{one.sentence} {one.fix}" for one in REASONS.values()}
    detail = pl.coalesce(
        *(pl.col(name).cast(pl.String) for name in details), pl.lit("?")
    )
    said = pl.col(reason).cast(pl.String).replace(whole)
    return said.str.replace("{detail}", detail, literal=True)


def sentence(code: str, detail: str | None) -> str:
    """The sentence with its detail filled in."""
    return REASONS[code].sentence.replace("{detail}", detail or "?")


def clause(code: str) -> str:
    """The sentence of a reason without detail, inside of another one."""
    said = REASONS[code].sentence.rstrip(".")
    return said[:1].lower() + said[1:]
