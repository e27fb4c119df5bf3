"""The section `recipients`: who the messages are for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Discriminator, Tag

from bulksend.define.kinds import (
    Delimiter,
    Encoding,
    Key,
    LineTypes,
    Region,
    Text,
    Texts,
)
from bulksend.define.section import COLUMN, Section


class Ranked(Section):
    """Of the rows with one number, the one that a column ranks first."""

    by: Annotated[Text, Key("The column that ranks the rows.", COLUMN, "updated_at")]
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


class Recipients(Section):
    """Who the messages are for."""

    path: Annotated[
        Texts,
        Key(
            "The list of people: csv, tsv, parquet, ndjson or xlsx, or an address at s3://, "
            "gs:// or az://. Relative paths start at this file's folder.",
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
            COLUMN,
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
            COLUMN,
            "timezone",
        ),
    ] = None
    postcode: Annotated[
        Text | None,
        Key(
            "The column of each person's ZIP, which tells their state and zone, or Canadian "
            "postcode, which tells the zone.",
            COLUMN,
            "zip",
        ),
    ] = None
    carrier: Annotated[
        Text | None,
        Key(
            "The column of each person's carrier, as a look-up names it, for "
            "`send.carriers`; whose carrier is unknown counts against every cap.",
            COLUMN,
            "carrier",
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
