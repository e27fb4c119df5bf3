"""What a person should look at before sending: long texts, dear characters, conflicts."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from bulksend.prepare.blame import blame, culprits
from bulksend.prepare.columns import as_text
from bulksend.prepare.cost import money
from bulksend.prepare.doubts import Doubt, doubts
from bulksend.prepare.names import own
from bulksend.prepare.segments import measure, offenders
from bulksend.prepare.smart_encoding import replaced, smart_encode

if TYPE_CHECKING:
    from bulksend.define.campaign import Campaign
    from bulksend.prepare.plan import Plan

SHOWN = 5
DOUBTS_SHOWN = 8
_SENT = " of the row that is sent"


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
class Conflicts:
    """Rows with one number and other data.

    Args:
        rows: Duplicates that differ from the row that is sent, but for the number.

        texts: How many of them would have said another text.

        columns: Header -> in how many rows it differs, the most frequent first.

        examples: A few (row, the row that is sent), those with another text first.
    """

    rows: int = 0
    texts: int = 0
    columns: dict[str, int] = field(default_factory=dict)
    examples: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Advice:
    """Facts to look at; an empty field has nothing to say.

    Args:
        longest: Rows with the most segments: ``row``, ``segments``, ``characters``, and
            in ``over`` how many characters less would save a segment.

        dear_more: How many other characters do the same.

        dearest: Rows with the highest price, where some cost more than others: ``row``,
            ``price``, ``segments``, ``region``.

        saved: Segments that `message.smart_encoding` would save.

        replaced: What it did replace, where it is on: character, replacement, count.

        conflicts: Duplicates that hold other data than the row that is sent.

        doubts: Cells that would be printed, such as Null, and are likely not meant to.

        doubts_more: How many other such cells there are, each counted once.

        details: For reasons that have one, such as a missing value's column, how many
            rows there are of each: ``{"value_missing": {"code": 12}}``.
    """

    longest: tuple[dict[str, int], ...]
    ucs2: int
    dear: tuple[Dear, ...]
    saved: int
    replaced: tuple[tuple[str, str, int], ...]
    conflicts: Conflicts
    doubts: tuple[Doubt, ...]
    details: dict[str, dict[str, int]]
    dear_more: int = 0
    doubts_more: int = 0
    dearest: tuple[dict[str, Any], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def advise(
    plan: Plan, campaign: Campaign, *, winners: pl.DataFrame | None = None
) -> Advice:
    """Look through a plan for what is worth a second look.

    Args:
        winners: `Plan.winners`, where they are known already.
    """
    sent = plan.frame().filter(pl.col("reason").is_null())
    ucs2 = sent.filter(pl.col("encoding") == "UCS-2")
    count = int(ucs2.select(pl.len()).collect(engine="streaming").item())
    is_smart = campaign.message.smart_encoding
    dear = _dear(ucs2) if count else []
    doubted = doubts(plan)
    return Advice(
        longest=_longest(sent),
        dearest=_dearest(sent, campaign),
        ucs2=count,
        dear=tuple(_named(plan, campaign, *one) for one in dear[:SHOWN]),
        dear_more=max(len(dear) - SHOWN, 0),
        saved=_saved(ucs2) if count and not is_smart else 0,
        replaced=replaced(sent) if is_smart else (),
        conflicts=_conflicts(plan, plan.winners() if winners is None else winners),
        doubts=doubted[:DOUBTS_SHOWN],
        doubts_more=max(len(doubted) - DOUBTS_SHOWN, 0),
        details=_details(plan),
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


def _dearest(sent: pl.LazyFrame, campaign: Campaign) -> tuple[dict[str, Any], ...]:
    card = campaign.send.prices
    cost = pl.col("cost_micros")
    if card is None:
        return ()
    least = sent.select(cost.min()).collect(engine="streaming").item()
    if least is None:
        return ()  # nothing of it has a price
    found = (
        sent.filter(cost > least)
        .select("row", cost, "segments", region=pl.col("number_region").cast(pl.String))
        .top_k(SHOWN, by="cost_micros")
        .collect(engine="streaming")
        .sort("cost_micros", "row", descending=[True, False])
    )
    currency = str(card.get("currency", "USD"))
    return tuple(
        row | {"price": money(row.pop("cost_micros"), currency)}
        for row in found.iter_rows(named=True)
    )


def _dear(ucs2: pl.LazyFrame) -> list[tuple[str, int, int]]:
    """Each such character, in how many texts, and one of their rows."""
    return (
        ucs2.select("row", character=offenders(pl.col("text")).str.split(""))
        .explode("character")
        .filter(pl.col("character") != "")
        .group_by("character")
        .agg(rows=pl.len(), row=pl.col("row").min())
        .sort("rows", "character", descending=[True, False])
        .collect(engine="streaming")
        .rows()
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


def _details(plan: Plan) -> dict[str, dict[str, int]]:
    found = (
        plan.frame()
        .filter(pl.col("reason_detail").is_not_null())
        .group_by(pl.col("reason").cast(pl.String), "reason_detail")
        .len()
        .collect(engine="streaming")
        .sort("len", "reason_detail", descending=[True, False])
    )
    details: dict[str, dict[str, int]] = {}
    for reason, detail, count in found.iter_rows():
        details.setdefault(reason, {})[detail] = count
    return details


def _conflicts(plan: Plan, winners: pl.DataFrame) -> Conflicts:
    if not len(winners):
        return Conflicts()
    schema, headers = plan.frame().collect_schema(), plan.about["headers"]
    columns = [name for name in plan.inputs if name not in plan.about["phone"]]
    # By their hashes: a few numbers a row, however long the cells are.
    cells = [as_text(name, schema[name]).hash().alias(name) for name in columns]
    text = pl.col("text").hash()
    won, said = own("winner"), own("said")  # the input may have these names itself
    rows = pl.concat([winners["row"], winners["winner"]]).unique()
    held = (
        plan.frame()
        .filter(pl.col("row").is_in(rows.implode()))
        .select("row", pl.col("reason") == "duplicate", *cells, text.alias(said))
        .collect(engine="streaming")
    )
    pairs = (
        winners.rename({"winner": won})
        .join(held.filter("reason"), on="row")
        .join(held.drop("reason"), left_on=won, right_on="row", suffix=_SENT)
        .select(
            "row",
            won,
            *(pl.col(name) != pl.col(name + _SENT) for name in [*columns, said]),
        )
        .filter(pl.any_horizontal(*columns, said))
        .sort(said, "row", descending=[True, False])
    )
    counts = {headers[name]: int(pairs[name].sum()) for name in columns}
    differ = sorted(counts.items(), key=lambda one: -one[1])
    return Conflicts(
        rows=len(pairs),
        texts=int(pairs[said].sum()),
        columns={header: count for header, count in differ if count},
        examples=tuple(pairs.select("row", won).head(SHOWN).iter_rows()),
    )
