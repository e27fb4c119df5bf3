"""A campaign and its lists on disk, planned; and what must be true of every plan."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import polars as pl

from bulksend.planning import Checked, plan_campaign
from bulksend.prepare.reasons import NO_HOUR

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bulksend.prepare.plan import Plan

    Content = str | bytes | pl.DataFrame

SENDER = "+19195550100"
LOST = ("duplicate", "household")


def number(last: int) -> str:
    """A number that can exist; *last* has up to four digits."""
    return f"+1919234{last:04}"


def put(folder: Path, name: str, content: Content) -> Path:
    """Write a list; a frame in the format that the name says."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, pl.DataFrame):
        buffer = io.BytesIO()
        if path.suffix == ".parquet":
            content.write_parquet(buffer)
        elif path.suffix == ".ndjson":
            content.write_ndjson(buffer)
        elif path.suffix == ".xlsx":
            content.write_excel(buffer)
        else:
            content.write_csv(buffer)
        content = buffer.getvalue()
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def campaign(folder: Path, **sections: Any) -> Path:
    """A campaign file; a section's keys are added to the usual ones, None removes one."""
    said: dict[str, Any] = {
        "name": "test",
        "provider": "simulator",
        "from": SENDER,
        "recipients": {"path": "list.csv", "phone": "phone", "default_region": "US"},
        "message": {"text": "Hello"},
    }
    for key, value in sections.items():
        name = {"sender": "from"}.get(key, key)
        if isinstance(value, dict):
            section = said.get(name, {}) | value
            said[name] = {k: v for k, v in section.items() if v is not None}
        else:
            said[name] = value
    return put(folder, "campaign.yaml", json.dumps(said))  # JSON is YAML


def plan(
    folder: Path,
    people: Content,
    files: Mapping[str, Content] | None = None,
    **sections: Any,
) -> Checked:
    """Plan a campaign whose list is *people*, and hold the plan to its invariant."""
    path = sections.get("recipients", {}).get("path", "list.csv")
    put(folder, path if isinstance(path, str) else path[0], people)
    for name, content in (files or {}).items():
        put(folder, name, content)
    checked = plan_campaign(campaign(folder, **sections), environment={})
    hold(checked)
    return checked


def hold(checked: Checked) -> pl.DataFrame:
    """The plan's rows; fails where one has no fate, two, or a place that is not its own."""
    plan, summary = checked.plan, checked.summary
    frame = plan.frame().collect()
    assert len(frame) == plan.rows == summary.rows
    assert frame["row"].to_list() == sorted(set(frame["row"]))
    assert summary.rows == summary.sendable + sum(summary.reasons.values())
    assert summary.sendable == frame["reason"].null_count()

    sent = pl.col("reason").is_null()
    said = pl.concat_str("text", "media", ignore_nulls=True)
    has_message = (
        pl.all_horizontal(pl.col("to", "from", "pace_weight").is_not_null())
        & (said != "")
        & (pl.col("pace_weight") > 0)
    )
    assert frame.filter(sent & ~has_message).is_empty()
    unsent = pl.any_horizontal(pl.col("from", "pace_weight").is_not_null())
    assert frame.filter(~sent & unsent).is_empty()

    lost = frame.filter(pl.col("reason").is_in(LOST))["row"]
    counts = pl.col("reason").is_in(["holdout", *NO_HOUR])
    if len(lost):
        winners = plan.winners()
        assert winners["row"].to_list() == lost.to_list()
        assert set(winners["winner"]) <= set(frame.filter(sent | counts)["row"])
    return frame


def column(checked: Checked | Plan, name: str) -> list[Any]:
    """One column of a plan, in the order of the rows."""
    plan = checked.plan if isinstance(checked, Checked) else checked
    return plan.frame().select(name).collect().to_series().to_list()


def fates(checked: Checked) -> list[str]:
    """What becomes of each row: a reason, or ``sent``."""
    return [reason or "sent" for reason in column(checked, "reason")]


def codes(checked: Checked) -> list[str]:
    """The codes of what a person is told."""
    return [notice.code for notice in checked.notices]
