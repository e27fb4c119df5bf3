"""The section `message`: what each of them is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from bulksend.define.kinds import Expiration, Key, Media, Text
from bulksend.define.section import COLUMN, TEMPLATE, Section


class Message(Section):
    """What each of them is sent."""

    text: Annotated[
        Text | None,
        Key(
            "The text, in Jinja's syntax.",
            TEMPLATE,
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
        Key("The column that picks one of the `variants`.", COLUMN, "lang"),
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
            TEMPLATE,
            "spring-{{ customer_id }}",
        ),
    ] = None
    priority: Annotated[
        Literal["default", "high"],
        Key(
            "Among your account's own messages; high is for what cannot wait: at "
            "Bandwidth, and where runs share a rate.",
            "default or high",
            "default",
        ),
    ] = "default"
    expiration: Annotated[
        Expiration | None,
        Key(
            "How long a message may wait to be delivered, or until when.",
            "a time of a minute or more such as 2h, 90 min or 1d, or a moment with its "
            "zone such as 2026-03-01T20:00:00-05:00",
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
            TEMPLATE,
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
