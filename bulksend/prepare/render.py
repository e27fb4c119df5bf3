"""The message of each row: text, media and tag, and what they lack."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from bulksend.errors import InputError, Problem
from bulksend.prepare.names import own
from bulksend.prepare.smart_encoding import smart_encode
from bulksend.prepare.telling import tells_number
from bulksend.prepare.template import Compiled, Origin, compile_template

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bulksend.define.load import Loaded
    from bulksend.prepare.template.shared import Step

LONGEST_TEXT = 2_048
LONGEST_URL = 4_096
LONGEST_TAG = 1_024
KEY_LENGTH = len("#12345678-") + 10
"""Bandwidth's limits in characters, and what the row's key may take."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """Expressions for the plan's columns.

    Args:
        before: The text as it was before smart encoding changed it, else null.

        once_key: What makes two messages the same one, where the campaign says so.

        unfit: Whether *missing* is what something cannot be worked out from, and not
            empty; None where that cannot be.

        filled: The columns that stand in texts.

        steps: The columns that the others need, to be added one step after another.
    """

    text: pl.Expr
    before: pl.Expr
    media: pl.Expr
    tag: pl.Expr
    once_key: pl.Expr
    missing: pl.Expr
    unfit: pl.Expr | None
    filled: frozenset[str]
    steps: tuple[Step, ...]


def render(
    loaded: Loaded,
    schema: Mapping[str, pl.DataType],
    *,
    language: pl.Expr | None = None,
) -> Rendered:
    """Compile all templates of a campaign against the list's columns.

    Args:
        language: Each row's, where `message.language` names a column.

    Raises:
        InputError: Every problem of every template.
    """
    problems: list[Problem] = []

    def compiled(source: str, key: str) -> Compiled | None:
        try:
            return compile_template(source, schema, _origin(loaded, key))
        except InputError as error:
            problems.extend(error.problems)
            return None

    message = loaded.campaign.message
    texts = _texts(loaded, compiled)
    media = [
        compiled(url, f"message.media[{place}]")
        for place, url in enumerate(message.media)
    ]
    tag = compiled(message.tag, "message.tag") if message.tag else None
    key = message.once_key
    once = compiled(key, "message.once_key") if key else None
    problems += _unfit(loaded, texts, tag)
    if problems:
        raise InputError(problems)

    text, missing, unfit = _by_language(texts, language, message.language)
    before = pl.lit(None, pl.String)
    if message.smart_encoding:
        plain = smart_encode(text)
        before, text = pl.when(plain != text).then(text), plain
    urls = [url for url in media if url]
    parts = [part for part in (*urls, tag, once) if part]
    every = [*texts.values(), *parts]
    return Rendered(
        text=text,
        before=before,
        media=_joined(urls),
        tag=tag.text if tag else pl.lit(None, pl.String),
        once_key=once.text if once else pl.lit(None, pl.String),
        missing=pl.coalesce(missing, *(part.missing for part in parts)),
        unfit=_unfit_part([Compiled(text, missing, frozenset(), unfit=unfit), *parts]),
        filled=frozenset().union(*(one.names for one in texts.values())),
        steps=tuple(step for one in every for step in one.steps),
    )


def _origin(loaded: Loaded, key: str) -> Origin:
    if key == "message.file":
        return Origin(str(loaded.folder / (loaded.campaign.message.file or "")), line=1)
    return Origin(str(loaded.path), loaded.line_of(key), key, loaded.folds_of(key))


def _texts(
    loaded: Loaded, compiled: Callable[[str, str], Compiled | None]
) -> dict[str, Compiled]:
    """The text by language, the default one under ``""``."""
    message = loaded.campaign.message
    found: dict[str, Compiled] = {}
    source = message.text if message.file is None else read_template(loaded)
    if source is not None and (default := compiled(source, _text_key(loaded))):
        found[""] = default
    for name, variant in (message.variants or {}).items():
        if one := compiled(variant, f"message.variants.{name}"):
            found[name] = one
    return found


def written_texts(loaded: Loaded) -> list[tuple[str, str]]:
    """Every text of the campaign as it was written, by its key in the file."""
    message = loaded.campaign.message
    source = message.text if message.file is None else read_template(loaded)
    variants = (message.variants or {}).items()
    default = [] if source is None else [(_text_key(loaded), source)]
    return default + [(f"message.variants.{name}", text) for name, text in variants]


def _unfit(
    loaded: Loaded, texts: dict[str, Compiled], tag: Compiled | None
) -> list[Problem]:
    """What would be refused for every row alike, whatever is in the list."""
    found: list[tuple[str, str, str, str]] = []
    named = {f"message.variants.{name}": one for name, one in texts.items() if name}
    if "" in texts:
        named[_text_key(loaded)] = texts[""]
    most = dict.fromkeys(named, LONGEST_TEXT)
    if tag:
        named["message.tag"], most["message.tag"] = tag, LONGEST_TAG - KEY_LENGTH
    for key, one in named.items():
        bare = one.constant is not None and not one.constant.strip()
        if bare and key != "message.tag" and not loaded.campaign.message.media:
            found.append(("E104", key, "an empty text", "a text to send"))
        length = len(one.constant or "")
        if length > most[key]:
            at_most = f"at most {most[key]:,}"
            found.append(("E108", key, f"it has {length:,} characters", at_most))
    for place, url in enumerate(loaded.campaign.message.media):
        begins = re.split("{[{%#]", url.strip().lower(), maxsplit=1)[0]
        if not any(
            begins.startswith(one) or (begins != url and one.startswith(begins))
            for one in ("http://", "https://")
        ):
            key = f"message.media[{place}]"
            found.append(("E104", key, "it is no address", "https://… or http://…"))
    return [
        Problem(
            code,
            what,
            expected,
            file=str(loaded.path),
            line=loaded.line_of(key.partition("[")[0]),
            column=key,
        )
        for code, key, what, expected in found
    ]


def _text_key(loaded: Loaded) -> str:
    return "message.text" if loaded.campaign.message.file is None else "message.file"


def read_template(loaded: Loaded) -> str:
    """The text of `message.file`.

    Raises:
        InputError: E330, where it cannot be read.
    """
    name = loaded.campaign.message.file
    assert name is not None
    try:
        text = (loaded.folder / name).read_text(encoding="utf-8-sig")
        if "\0" in text:
            raise ValueError(text)  # noqa: TRY301 - as what is not UTF-8 does
    except (OSError, ValueError) as error:
        found, fix = "it is not UTF-8", "Save it as UTF-8."
        if isinstance(error, OSError):
            found, fix = (error.strerror or str(error)).lower(), ""
        raise InputError(
            Problem(
                "E330",
                f"`{name}` cannot be read: {found}",
                fix=fix,
                file=str(loaded.path),
                line=loaded.line_of("message.file"),
                column="message.file",
            )
        ) from None
    return text.removesuffix("\n")


def _by_language(
    texts: dict[str, Compiled], language: pl.Expr | None, column: str | None
) -> tuple[pl.Expr, pl.Expr, pl.Expr | None]:
    """Each row's text, what it lacks, and whether that cannot be worked out."""
    nothing, no = pl.lit(None, pl.String), pl.lit(value=False)
    default = texts.get("")
    if language is None:
        if default is None:
            return pl.lit(""), nothing, None
        return default.text, default.missing, default.unfit
    chosen = language.str.strip_chars().str.to_lowercase()
    text = default.text if default else nothing
    missing = default.missing if default else pl.lit(column)
    unfit = no if default is None or default.unfit is None else default.unfit
    for name, variant in texts.items():
        if name:
            is_it = chosen == name.strip().lower()
            text = pl.when(is_it).then(variant.text).otherwise(text)
            missing = pl.when(is_it).then(variant.missing).otherwise(missing)
            own_unfit = no if variant.unfit is None else variant.unfit
            unfit = pl.when(is_it).then(own_unfit).otherwise(unfit)
    some = any(one.unfit is not None for one in texts.values())
    return text, missing, unfit if some else None


def _unfit_part(parts: list[Compiled]) -> pl.Expr | None:
    """Of the first part that lacks something: whether it cannot be worked out."""
    if all(part.unfit is None for part in parts):
        return None
    no = pl.lit(value=False)
    return pl.coalesce(
        *(
            pl.when(part.missing.is_not_null()).then(
                no if part.unfit is None else part.unfit
            )
            for part in parts
        ),
        no,
    )


def _joined(urls: list[Compiled]) -> pl.Expr:
    """The addresses, separated by spaces; an address cannot hold one."""
    if not urls:
        return pl.lit(None, pl.String)
    cleaned = [url.text.str.strip_chars().str.replace_all(" ", "%20") for url in urls]
    return pl.concat_str(cleaned, separator=" ")


def _length(text: pl.Expr) -> pl.Expr:
    """Characters as Bandwidth may count them: it does not say, so as many as possible."""
    measured = pl.col(own("measured"))
    is_ucs2 = measured.struct.field("encoding") == "UCS-2"
    utf16 = measured.struct.field("units")
    return pl.when(is_ucs2).then(utf16).otherwise(text.str.len_chars())


def _longer(column: str, most: int) -> pl.Expr:
    """The texts that have more bytes, and so may have more characters; else null."""
    text = pl.col(column)
    return pl.when(text.str.len_bytes() > most).then(text)


def faults(loaded: Loaded) -> list[tuple[str, pl.Expr]]:
    """What makes a rendered message one that Bandwidth would refuse."""
    message = loaded.campaign.message
    found = [
        ("text_too_long", _length(_longer(own("text"), LONGEST_TEXT)) > LONGEST_TEXT)
    ]
    if not message.media and not _is_never_empty(loaded):
        empty = pl.col(own("text")).str.strip_chars() == ""
        found.append(("text_empty", empty))
    if message.media:
        urls = pl.col(own("media")).str.split(" ")
        bad = pl.element().str.contains(r"^https?://[^/\s]+\S*$").not_() | (
            pl.element().str.len_chars() > LONGEST_URL
        )
        found.append(("media_invalid", urls.list.eval(bad).list.any()))
    if message.tag:
        most = LONGEST_TAG - KEY_LENGTH
        length = _longer(own("tag"), most).str.len_chars()
        found.append(("tag_too_long", length > most))
        told = tells_number(pl.col(own("tag")), pl.col(own("to")), group=message.group)
        found.append(("tag_has_number", told))
    return found


def _is_never_empty(loaded: Loaded) -> bool:
    """Whether every text has words of its own, outside of placeholders and conditions."""
    message = loaded.campaign.message
    text = message.text if message.file is None else read_template(loaded)
    return all(
        not re.search("{[%#]", one) and re.sub("(?s){{.*?}}", "", one).strip()
        for one in [text or "", *(message.variants or {}).values()]
    )
