"""Which rows lose to another, and what tells messages apart that are equal on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from bulksend.prepare import audience, ranking
from bulksend.prepare.names import own
from bulksend.prepare.reasons import NO_HOUR, code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend.define.load import Loaded
    from bulksend.prepare.source import Source


def without_duplicates(
    frame: pl.LazyFrame, loaded: Loaded, source: Source, named: dict[str, list[str]]
) -> pl.LazyFrame:
    """With `duplicate` and `household` as the reason of the rows that lose by a policy.

    Whoever loses, loses to a row that is sent, or held out by an experiment; or to one
    by which no hour is right for this person (`NO_HOUR`).  A list that says so is not to
    be overheard because it names the person again, and says less.

    Args:
        named: The columns that the campaign's keys name.
    """
    policy = loaded.campaign.recipients.duplicates
    reason = pl.col(own("reason"))
    number = pl.col(own("e164"))
    if policy == "keep" and loaded.campaign.message.once_key:
        number, policy = _with_once_key(number), "first"
    ranks = [
        rank
        for column in named["recipients.duplicates.by"]
        for rank in ranking.ranks(column, source.columns[column])
    ]
    keep = policy if isinstance(policy, str) else policy.keep
    counts = reason.is_null() | _has_no_hour(reason)
    loses = audience.losing(pl.when(counts).then(number), keep, ranks)
    is_lost = loses & reason.is_null()
    frame = frame.with_columns(
        pl.when(is_lost).then(code("duplicate")).otherwise(reason).alias(own("reason"))
    )
    if not named["recipients.household"]:
        return frame
    home = audience.home(source.text(named["recipients.household"][0]))
    loses = audience.losing(pl.when(reason.is_null()).then(home), "first")
    frame = frame.with_columns(
        pl.when(loses).then(code("household")).otherwise(reason).alias(own("reason"))
    )
    if keep == "keep":
        return frame
    claims = [number.alias("number"), home.alias("home"), *_numbered(ranks)]
    return _with_freed(frame, claims, keep)


def _has_no_hour(reason: pl.Expr) -> pl.Expr:
    return pl.any_horizontal(reason == code(name) for name in NO_HOUR)


def _numbered(ranks: Sequence[pl.Expr]) -> list[pl.Expr]:
    return [rank.alias(f"rank {place}") for place, rank in enumerate(ranks)]


def _with_freed(
    frame: pl.LazyFrame, claims: Sequence[pl.Expr], keep: str
) -> pl.LazyFrame:
    """With the numbers given on whose row lost its household: to their next row.

    Else a number would get nothing because of a row that gets nothing; unless any of its
    rows has no hour.  The rows are gone through once before, and only what lost is held;
    and once more where a number is free and wanted, to see which of those households are
    sent one.
    """
    reason = pl.col(own("reason"))
    barred = _has_no_hour(reason).alias("barred")
    lost = [(reason == code(name)).alias(name) for name in ("duplicate", "household")]
    judged = frame.select("row", reason.is_null().alias("sent"), barred, *lost, *claims)
    free = pl.col("household")
    claimed = pl.when(~free).then(pl.col(r"^(home|rank \d+)$"))
    losers = (
        judged.filter(free | pl.col("duplicate") | pl.col("barred"))
        .select("row", "number", "household", "barred", claimed)
        .collect(engine="streaming")
    )
    wanted = losers.filter(~free).join(losers.filter(free), on="number", how="semi")
    wanted = wanted.join(losers.filter("barred"), on="number", how="anti")
    if not len(wanted):
        return frame
    homes = wanted["home"].drop_nulls().unique()
    taken = (
        judged.filter(pl.col("sent") & pl.col("home").is_in(homes.implode()))
        .select("home")
        .collect(engine="streaming")
    )
    given = _given_on(_by_preference(wanted, keep), taken)
    wins = pl.col(own("wins"))
    return (
        frame.join(
            given.rename({"wins": own("wins")}).lazy(),
            on="row",
            how="left",
            maintain_order="left",
        )
        .with_columns(
            pl.when(wins)
            .then(pl.lit(None, pl.UInt8))
            .when(~wins)
            .then(code("household"))
            .otherwise(reason)
            .alias(own("reason"))
        )
        .drop(own("wins"))
    )


def _by_preference(rows: pl.DataFrame, keep: str) -> pl.DataFrame:
    """In the order in which `audience.losing` would have them win."""
    ranks = [name for name in rows.columns if name.startswith("rank ")]
    down = [keep == "highest"] * len(ranks)
    return rows.sort(
        [*ranks, "row"], descending=[*down, keep == "last"], nulls_last=True
    )


def _given_on(wanted: pl.DataFrame, taken: pl.DataFrame) -> pl.DataFrame:
    """What becomes of rows whose number is free, by rounds of the same two rules.

    Each round gives every free number to its first row whose household is sent nothing
    yet, and every household to the first of those rows.

    Args:
        wanted: In the order of preference.

        taken: The households that are sent one.

    Returns:
        ``row`` and ``wins``: whether it is sent; False where its household lets none of
        its number's rows be sent.  Rows that stay duplicates are left out.
    """
    left, rounds = wanted, [wanted.head(0)]
    while len(left := left.join(taken, on="home", how="anti")):
        first = left.unique("number", keep="first", maintain_order=True).sort("row")
        home = pl.col("home")
        won = first.filter(home.is_null() | home.is_first_distinct())
        left, taken = left.join(won, on="number", how="anti"), won.select("home")
        rounds.append(won)
    sent = pl.concat(rounds)
    barred = wanted.join(sent, on="number", how="anti")
    return pl.concat(
        rows.select("row", wins=pl.lit(wins))
        for rows, wins in ((sent, True), (barred, False))
    )


def _with_once_key(number: pl.Expr) -> pl.Expr:
    return pl.concat_str(number, pl.lit(" "), own("once_key"))


def claims(loaded: Loaded, named: dict[str, list[str]]) -> list[str]:
    """The columns that tell which rows lose, and what repeats: all that is asked for."""
    ours = ["e164", "reason", "once_key", *(["message"] if _counts(loaded) else [])]
    theirs = (*named["recipients.duplicates.by"], *named["recipients.household"])
    return ["row", *map(own, ours), *dict.fromkeys(theirs)]


def message(loaded: Loaded) -> list[pl.Expr]:
    """What `with_repeats` counts, where it does: 64 bits of number and content."""
    said = pl.concat_str(own("to"), pl.lit(" "), _said()).hash()
    return [said.alias(own("message"))] if _counts(loaded) else []


def _counts(loaded: Loaded) -> bool:
    """Whether equal messages to one number are told apart by which one it is."""
    campaign = loaded.campaign
    return campaign.recipients.duplicates == "keep" and not campaign.message.once_key


def with_repeats(frame: pl.LazyFrame, loaded: Loaded) -> pl.LazyFrame:
    """With `nth`: how many rows before have this message for this number; else null.

    Only where that tells messages apart.  The rows are gone through once before, for
    Polars would hold all of them to count: what repeats is little.
    """
    if not _counts(loaded):
        return frame
    sent = frame.filter(pl.col(own("reason")).is_null())
    sent = sent.select("row", message=own("message"))
    again = sent.filter(~pl.col("message").is_first_distinct())
    nth = pl.int_range(pl.len()).over("message") + 1
    repeats = again.collect(engine="streaming").sort("row")
    repeats = repeats.select("row", nth.alias(own("nth")))
    return frame.join(repeats.lazy(), on="row", how="left", maintain_order="left")


def _said() -> pl.Expr:
    return pl.concat_str(own("text"), own("media"), separator=" ", ignore_nulls=True)


def once_key(loaded: Loaded) -> pl.Expr:
    """What stands for the content in the ledger; null where the content does.

    Where duplicates are kept, the second equal message to a number is another one than
    the first, and the same one when the list is sent again.
    """
    if not _counts(loaded):
        return pl.col(own("once_key"))
    nth = pl.col(own("nth"))
    again = pl.concat_str(_said(), pl.lit(" "), nth)
    return pl.when(nth.is_not_null()).then(again)
