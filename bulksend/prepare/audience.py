"""Who gets a message: every row keeps its place, with a reason if it gets none.

All of it is expressions over the scan; nothing is collected.  `reason` is decided in one
order, the same for every row: the number, the policies, the lists, the message; and last
of all the duplicates, so that a row which gets no message never stands in the way of
another with the same number.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import polars as pl

from bulksend.prepare.names import own
from bulksend.prepare.phones import e164_text, read_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend.define.campaign import Recipients

MOST_IN_GROUP = 10
_PRIME = 2_147_483_647
_SEPARATORS = r"[;,|/\n]+"


def numbers(columns: Sequence[pl.Expr], region: str | None) -> list[pl.Expr]:
    """`e164` (Int64), `to`, `region`, `type`, `repair` and `refusal` of a row.

    Of several columns the first usable number wins; a row without one keeps the first
    column's reason, unless that is only that it is empty.
    """
    read = [read_numbers(column, region) for column in columns]
    usable = [one.struct.field("e164").is_not_null() for one in read]

    def chosen(field: str) -> pl.Expr:
        value = read[0].struct.field(field)
        for is_usable, one in reversed(list(zip(usable[1:], read[1:], strict=True))):
            value = (
                pl.when(~usable[0] & is_usable)
                .then(one.struct.field(field))
                .otherwise(value)
            )
        return value.alias(own(field))

    e164 = pl.coalesce(one.struct.field("e164") for one in read)
    refusals = [one.struct.field("reason").cast(pl.String) for one in read]
    said = [pl.when(r != "number_missing").then(r) for r in refusals]
    return [
        e164.alias(own("e164")),
        e164_text(e164).alias(own("to")),
        chosen("region"),
        chosen("type"),
        chosen("repair"),
        pl.when(e164.is_null())
        .then(pl.coalesce(*said, *refusals))
        .alias(own("refusal")),
    ]


def group_numbers(columns: Sequence[pl.Expr], region: str | None) -> list[pl.Expr]:
    """The same for group messages: every number of every column, each once.

    `e164` is a key of the group, whatever the order its numbers stand in.  One bad
    number refuses the row: a group that lacks somebody is another group.
    """
    cells = pl.concat_str(list(columns), separator=";", ignore_nulls=True)
    parts = (
        cells.str.replace_all(_SEPARATORS, ";")
        .str.split(";")
        .list.eval(pl.element().str.strip_chars().filter(pl.element() != ""))
    )
    read = [
        read_numbers(parts.list.get(place, null_on_oob=True), region)
        for place in range(MOST_IN_GROUP)
    ]
    found = pl.concat_list(one.struct.field("e164") for one in read).list.drop_nulls()
    found = found.list.unique().list.sort()
    count = parts.list.len()
    refusals = [
        pl.when(count > place).then(one.struct.field("reason").cast(pl.String))
        for place, one in enumerate(read)
    ]
    refusal = (
        pl.when(count.is_null() | (count == 0))
        .then(pl.lit("number_missing"))
        .when(count > MOST_IN_GROUP)
        .then(pl.lit("group_too_large"))
        .otherwise(pl.coalesce(refusals))
    )
    text = found.list.eval(e164_text(pl.element())).list.join(",")
    key = found.list.eval(pl.element() * (pl.element() % 9_973 + 1)).list.sum()
    return [
        pl.when(refusal.is_null()).then(key).alias(own("e164")),
        pl.when(refusal.is_null()).then(text).alias(own("to")),
        read[0].struct.field("region").alias(own("region")),
        read[0].struct.field("type").alias(own("type")),
        read[0].struct.field("repair").alias(own("repair")),
        refusal.alias(own("refusal")),
        found.alias(own("members")),
    ]


def listed(to_check: pl.Expr, *, group: bool, numbers_listed: pl.Series) -> pl.Expr:
    """Whether the number, or anybody of the group, is in a list of E.164 numbers."""
    if group:
        members = pl.col(own("members")).list.eval(pl.element().is_in(numbers_listed))
        return members.list.any()
    return to_check.is_in(numbers_listed)


def first_reason(*conditions: tuple[str, pl.Expr]) -> pl.Expr:
    """The first code whose condition holds, as text; null where none does."""
    return pl.coalesce(
        pl.when(condition.fill_null(value=False)).then(pl.lit(code))
        for code, condition in conditions
    )


def losing(key: pl.Expr, duplicates: object) -> pl.Expr:
    """Whether a row loses to another with the same key; null keys never do."""
    if duplicates == "keep":
        return pl.lit(value=False)
    if duplicates in ("first", "refuse"):
        winner = key.is_first_distinct()
    elif duplicates == "last":
        winner = key.is_last_distinct()
    else:
        winner = _wins_by_rank(key, duplicates)
    return key.is_not_null() & ~winner


def _wins_by_rank(key: pl.Expr, ranked: object) -> pl.Expr:
    by, keep = getattr(ranked, "by"), getattr(ranked, "keep")  # noqa: B009  (a pydantic value, typed by its caller)
    rank = pl.col(by)
    best = rank.arg_max() if keep == "highest" else rank.arg_min()
    return (pl.col("row") == pl.col("row").get(best).over(key)).fill_null(value=False)


def sender(senders: Sequence[str], key: pl.Expr) -> pl.Expr:
    """Each person's sender: the same one whatever the order, the file or the run.

    Rendezvous hashing: every sender scores every number, the highest wins; a new sender
    takes over only the people for whom it wins.
    """
    if len(senders) == 1:
        return pl.lit(senders[0])
    scores = [_score(one, key) for one in senders]
    highest = pl.max_horizontal(scores)
    choice = pl.lit(senders[-1])
    for name, score in reversed(list(zip(senders[:-1], scores[:-1], strict=True))):
        choice = pl.when(score == highest).then(pl.lit(name)).otherwise(choice)
    return choice


def _score(name: str, key: pl.Expr) -> pl.Expr:
    """A universal hash below 2^31, so that its product fits 64 bits on any version."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    factor = int.from_bytes(digest[:4], "big") % (_PRIME - 1) + 1
    offset = int.from_bytes(digest[4:], "big") % _PRIME
    return ((key % _PRIME) * factor + offset) % _PRIME


def policy(recipients: Recipients) -> list[tuple[str, pl.Expr]]:
    """What `recipients.allow` says about the kind of line."""
    if recipients.allow is None:
        return []
    allowed = [str(kind) for kind in recipients.allow]
    return [("line_type", ~pl.col(own("type")).cast(pl.String).is_in(allowed))]
