"""What a person should look at before sending: long texts, dear characters, conflicts."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from bulksend.prepare.blame import blame, culprits
from bulksend.prepare.segments import measure, offenders
from bulksend.prepare.smart_encoding import diff, smart_encode

if TYPE_CHECKING:
    from bulksend.define.campaign import Campaign
    from bulksend.prepare.plan import Plan

SHOWN = 5
SAMPLE = 1_000


@dataclass(frozen=True, slots=True)
class Dear:
    """A character that makes texts UCS-2, so that a segment holds 70 and not 160.

    Args:
        rows: How many texts hold it.

        row: One of them.

        origin: ``the template``, the columns it came from, or ``a filter``.
    """

    character: str
    code_point: str
    name: str
    rows: int
    row: int
    origin: str


@dataclass(frozen=True, slots=True)
class Advice:
    """Facts to look at; an empty field has nothing to say.

    Args:
        longest: Rows with the most segments: ``row``, ``segments``, ``characters``, and
            in ``over`` how many characters less would save a segment.

        saved: Segments that `message.smart_encoding` would save.

        replaced: What it did replace, where it is on: character, replacement, count.

        conflicts: Duplicates whose text differs from that of the row that is sent.
    """

    longest: tuple[dict[str, int], ...]
    ucs2: int
    dear: tuple[Dear, ...]
    saved: int
    replaced: tuple[tuple[str, str, int], ...]
    conflicts: int
    conflicting: tuple[tuple[int, int], ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def advise(plan: Plan, campaign: Campaign) -> Advice:
    """Look through a plan for what is worth a second look."""
    sent = plan.frame().filter(pl.col("reason").is_null())
    ucs2 = sent.filter(pl.col("encoding") == "UCS-2")
    count = int(ucs2.select(pl.len()).collect(engine="streaming").item())
    conflicting = _conflicts(plan)
    return Advice(
        longest=_longest(sent),
        ucs2=count,
        dear=_dear(plan, ucs2, campaign) if count else (),
        saved=_saved(ucs2) if count and not campaign.message.smart_encoding else 0,
        replaced=_replaced(sent),
        conflicts=len(conflicting),
        conflicting=tuple(conflicting.head(SHOWN).iter_rows()),
    )


def _longest(sent: pl.LazyFrame) -> tuple[dict[str, int], ...]:
    found = (
        sent.filter(pl.col("segments") > 1)
        .select("row", "segments", "text", characters=pl.col("text").str.len_chars())
        .top_k(SHOWN, by=["segments", "characters"])
        .collect(engine="streaming")
        .sort("segments", "characters", "row", descending=[True, True, False])
    )
    return tuple(
        row | {"over": blame(row.pop("text")).surplus}
        for row in found.iter_rows(named=True)
    )


def _dear(plan: Plan, ucs2: pl.LazyFrame, campaign: Campaign) -> tuple[Dear, ...]:
    found = (
        ucs2.select("row", character=offenders(pl.col("text")).str.split(""))
        .explode("character")
        .filter(pl.col("character") != "")
        .group_by("character")
        .agg(rows=pl.len(), row=pl.col("row").min())
        .sort("rows", "character", descending=[True, False])
        .head(SHOWN)
        .collect(engine="streaming")
    )
    return tuple(
        _named(plan, campaign, character, rows, row)
        for character, rows, row in found.iter_rows()
    )


def _named(plan: Plan, campaign: Campaign, character: str, rows: int, row: int) -> Dear:
    import unicodedata

    source = _templates(plan, campaign)
    words = {word.casefold() for word in re.findall(r"\w+", source)}
    cells = plan.frame().filter(pl.col("row") == row).select(plan.inputs).collect()
    headers = plan.about["headers"]
    used = {
        headers[name]: value
        for name, value in cells.row(0, named=True).items()
        if isinstance(value, str)
        and re.sub(r"\W", "_", headers[name].casefold()) in words
    }
    origin = culprits({character}, source, used)[character]
    places = ["the template"] if origin.template else []
    places += [f"column `{name}`" for name in origin.columns]
    return Dear(
        character=character,
        code_point=f"U+{ord(character):04X}",
        name=unicodedata.name(character, "without a name"),
        rows=rows,
        row=row,
        origin=" and ".join(places) or "a filter",
    )


def _templates(plan: Plan, campaign: Campaign) -> str:
    message = campaign.message
    texts = [message.text or "", plan.about["inputs"]["template"]]
    return "\n".join([*texts, *(message.variants or {}).values()])


def _saved(ucs2: pl.LazyFrame) -> int:
    after = measure(smart_encode(pl.col("text"))).struct.field("segments")
    gain = pl.col("segments").cast(pl.Int64) - after.cast(pl.Int64)
    saved = ucs2.select(gain.sum()).collect(engine="streaming").item()
    return max(int(saved), 0)  # a picture message is one segment, whatever its text


def _replaced(sent: pl.LazyFrame) -> tuple[tuple[str, str, int], ...]:
    before, after = (
        sent.filter(pl.col("text_before").is_not_null())
        .select("text_before", "text")
        .head(SAMPLE)
        .collect(engine="streaming")
    )
    joined = diff("\n".join(before), "\n".join(after))
    return tuple((one.character, one.replacement, one.count) for one in joined)


def _conflicts(plan: Plan) -> pl.DataFrame:
    """Rows that lost to a row with another text: ``row`` and ``winner``."""
    lost = plan.winners()
    if not len(lost):
        return lost
    rows = pl.concat([lost["row"], lost["winner"]]).unique()
    texts = (
        plan.frame()
        .filter(pl.col("row").is_in(rows.implode()))
        .select("row", said="text")
        .collect(engine="streaming")
    )
    return (
        lost.join(texts, on="row")
        .join(texts.select(winner="row", said_there="said"), on="winner")
        .filter(pl.col("said") != pl.col("said_there"))
        .select("row", "winner")
        .sort("row")
    )
