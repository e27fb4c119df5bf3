"""The message of each row: text, media and tag, and what they lack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from bulksend.errors import InputError, Problem
from bulksend.prepare.names import own
from bulksend.prepare.smart_encoding import smart_encode
from bulksend.prepare.template import Compiled, compile_template

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bulksend.define.load import Loaded

LONGEST_TEXT = 2_048
LONGEST_URL = 4_096
LONGEST_TAG = 1_024
"""Bandwidth's limits in characters (bandwidth.md §1.1)."""

_TELLING = ("name", "phone", "mobile", "cell", "email", "mail", "address", "birth")
_TAG_DIGITS = 8
"""So many last digits of a number in a tag tell whose it is."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """Expressions for the plan's columns, and the warnings that the templates earn.

    Args:
        before: The text as it was before smart encoding changed it, else null.
    """

    text: pl.Expr
    before: pl.Expr
    media: pl.Expr
    tag: pl.Expr
    missing: pl.Expr
    warnings: tuple[Problem, ...]


def render(loaded: Loaded, schema: Mapping[str, pl.DataType], mark: str) -> Rendered:
    """Compile all templates of a campaign against the list's columns.

    Args:
        mark: What precedes the row number in the key that ends every tag.

    Raises:
        InputError: Every problem of every template.
    """
    problems: list[Problem] = []

    def compiled(source: str, key: str) -> Compiled | None:
        try:
            return compile_template(
                source,
                schema,
                file=str(loaded.path),
                line=loaded.line_of(key),
                key=key,
            )
        except InputError as error:
            problems.extend(error.problems)
            return None

    message = loaded.campaign.message
    texts, language = _texts(loaded, compiled, schema, problems)
    media = [
        compiled(url, f"message.media[{place}]")
        for place, url in enumerate(message.media)
    ]
    tag = compiled(message.tag, "message.tag") if message.tag else None
    if problems:
        raise InputError(problems)

    text, missing = _by_language(texts, language)
    before = pl.lit(None, pl.String)
    if message.smart_encoding:
        plain = smart_encode(text)
        before, text = pl.when(plain != text).then(text), plain
    urls = [url for url in media if url]
    parts = [*urls, tag] if tag else urls
    return Rendered(
        text=text,
        before=before,
        media=_joined(urls),
        tag=_tagged(tag, mark),
        missing=pl.coalesce(missing, *(part.missing for part in parts)),
        warnings=_telling(loaded, tag),
    )


def _texts(
    loaded: Loaded,
    compiled: Callable[[str, str], Compiled | None],
    schema: Mapping[str, pl.DataType],
    problems: list[Problem],
) -> tuple[dict[str, Compiled], str | None]:
    """The text by language, the default one under ``""``; and the language's column."""
    message = loaded.campaign.message
    found: dict[str, Compiled] = {}
    source = message.text if message.file is None else read_template(loaded)
    if source is not None and (default := compiled(source, _text_key(loaded))):
        found[""] = default
    for name, variant in (message.variants or {}).items():
        if one := compiled(variant, f"message.variants.{name}"):
            found[name] = one
    if message.language and message.language not in schema:
        problems.append(
            Problem(
                "E206",
                f"there is no column `{message.language}`",
                file=str(loaded.path),
                line=loaded.line_of("message.language"),
                column="message.language",
            )
        )
    return found, message.language


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
    except (OSError, UnicodeDecodeError) as error:
        found = "it is not UTF-8"
        if isinstance(error, OSError):
            found = (error.strerror or str(error)).lower()
        raise InputError(
            Problem(
                "E330",
                f"`{name}` cannot be read: {found}",
                file=str(loaded.path),
                line=loaded.line_of("message.file"),
                column="message.file",
            )
        ) from None
    return text.removesuffix("\n")


def _by_language(
    texts: dict[str, Compiled], language: str | None
) -> tuple[pl.Expr, pl.Expr]:
    nothing = pl.lit(None, pl.String)
    default = texts.get("")
    if default is None and not language:
        return nothing, nothing
    text = default.text if default else nothing
    missing = default.missing if default else pl.lit(language)
    for name, variant in texts.items():
        if name:
            chosen = pl.col(str(language)).str.strip_chars().str.to_lowercase()
            is_it = chosen == name.lower()
            text = pl.when(is_it).then(variant.text).otherwise(text)
            missing = pl.when(is_it).then(variant.missing).otherwise(missing)
    return text, missing


def _joined(urls: list[Compiled]) -> pl.Expr:
    """The addresses, separated by spaces; an address cannot hold one."""
    if not urls:
        return pl.lit("")
    cleaned = [url.text.str.strip_chars().str.replace_all(" ", "%20") for url in urls]
    return pl.concat_str(cleaned, separator=" ")


def _tagged(tag: Compiled | None, mark: str) -> pl.Expr:
    key = pl.concat_str(pl.lit(mark), pl.col("row").cast(pl.String))
    return key if tag is None else pl.concat_str(tag.text, key)


def _telling(loaded: Loaded, tag: Compiled | None) -> tuple[Problem, ...]:
    """Bandwidth asks for tags without personal data (bandwidth.md §0.4)."""
    names = tag.names if tag else frozenset[str]()
    return tuple(
        Problem(
            "W331",
            f"the tag is built from `{name}`, which may tell who a person is",
            file=str(loaded.path),
            line=loaded.line_of("message.tag"),
            column="message.tag",
        )
        for name in sorted(names)
        if any(word in name.lower() for word in _TELLING)
    )


def _length(text: pl.Expr) -> pl.Expr:
    """Characters as Bandwidth may count them: it does not say, so as many as possible."""
    measured = pl.col(own("measured"))
    is_ucs2 = measured.struct.field("encoding") == "UCS-2"
    utf16 = pl.when(is_ucs2).then(measured.struct.field("units"))
    return pl.max_horizontal(text.str.len_chars(), utf16)


def faults(*, has_media: bool, has_tag: bool) -> list[tuple[str, pl.Expr]]:
    """What makes a rendered message one that Bandwidth would refuse."""
    text = pl.col(own("text"))
    empty = text.str.strip_chars() == ""
    found = [
        ("text_empty", empty & pl.lit(not has_media)),
        ("text_too_long", _length(text) > LONGEST_TEXT),
    ]
    if has_media:
        urls = pl.col(own("media")).str.split(" ")
        bad = pl.element().str.contains(r"^https?://[^/\s]+\S*$").not_() | (
            pl.element().str.len_chars() > LONGEST_URL
        )
        found.append(("media_invalid", urls.list.eval(bad).list.any()))
    if has_tag:
        digits = pl.col(own("to")).str.tail(_TAG_DIGITS)
        user_part = pl.col(own("tag")).str.replace(r"#[^#]*$", "")
        plain = user_part.str.replace_all(r"\D", "")
        found += [
            ("tag_too_long", pl.col(own("tag")).str.len_chars() > LONGEST_TAG),
            ("tag_has_number", plain.str.contains(digits, literal=True)),
        ]
    return found
