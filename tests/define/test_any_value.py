"""Whatever stands at a key, it is a campaign or a list of problems."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from bulksend.define.campaign import Campaign
from bulksend.define.load import load
from bulksend.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVERYTHING: dict[str, Any] = {
    "name": "summer",
    "provider": "bandwidth",
    "from": ["+19195550100"],
    "application_id": "a",
    "purpose": "marketing",
    "recipients": {
        "path": ["list.csv"],
        "phone": ["phone"],
        "default_region": "US",
        "duplicates": {"by": "at", "keep": "highest"},
        "household": "home",
        "suppress": ["no.csv"],
        "only": ["staff.csv"],
        "allow": ["mobile"],
        "zone": "zone",
        "postcode": "zip",
        "carrier": "carrier",
        "delimiter": ",",
        "encoding": "utf-8",
        "sheet": "People",
    },
    "message": {
        "variants": {"en": "Acme: hi {{ name }}. Reply STOP to end."},
        "language": "language",
        "tag": "{{ id }}",
        "priority": "default",
        "media": ["https://acme.example/a.jpg"],
        "expiration": "2 h",
        "once_key": "{{ id }}",
    },
    "send": {
        "rate": "50/s",
        "window": {"from": "09:00", "to": "20:00"},
        "budget": {"segments": 20_000, "money": "20.00"},
        "per_sender": {"+19195550100": "10/s"},
        "ramp": "10 min",
        "not_after": "21:00 America/New_York",
        "stop_at": {"failed": "10%", "refused": "10%", "opt_outs": "4%"},
        "canary": {"first": 10, "wait": "5 min", "opt_outs": "1%"},
        "per_person": ["3 in 24h", "1 in 7d for marketing"],
        "carriers": {
            "t_mobile_per_day": 2000,
            "att_per_minute": 240,
            "brand": "B",
            "campaign": "C",
        },
        "prices": {"currency": "USD", "default": 0.01, "carrier_fee": {"US": 0.003}},
        "rules": {"profile": "us-marketing", "also": "own.yaml"},
    },
    "schedule": {
        "cron": "0 10 * * MON",
        "zone": "America/New_York",
        "not_after": "2h",
    },
    "notify": {"webhook": "https://acme.example/hook", "command": ["echo", "done"]},
    "experiment": {"name": "g", "arms": {"a": 50, "b": 50}, "holdout": "b"},
    "lint": {
        "brand": ["Acme"],
        "domains": ["acme.example"],
        "first_contact": True,
        "ignore": {"W356": "because we always write so"},
    },
    "results": "results.csv",
}

ODD: list[Any] = [
    None, True, 0, -1, 1.5, 2**70, float("inf"), float("nan"), "", " ", "x", "é", "٣",
    "x" * 70_000, "9" * 400, "1e400", "{{", "{{ name }}", "{% if %}", "${NOPE}", "${",
    "\x85", "2026-13-40", "99:99", "24:00", "America", "UTC", "* * * * *", "0 0 31 2 *",
    "0/s", "1/0s", "inf/s", "1e400/s", "nan%", "-1%", "1 in 0s", "0 in 1h", "3 in 1h for",
    "-5 min", "1000000000 d", "/", "../..", "s3://", "s3://b/", "*", "[", "+1",
    "https://[", "https://a:99999/", "//", "for marketing", "1 in 1h for x",
    [], [[]], [None], [1, 2], ["x", "x"], {}, {"": ""}, {"x": None}, {1: 2}, {"a": {"b": 1}},
]  # fmt: skip


def places(said: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys of a file and of all that stands below them."""
    keys = said if isinstance(said, dict) else range(len(said))
    for key in keys:
        yield (*place, key)
        if isinstance(said[key], (dict, list)):
            yield from places(said[key], (*place, key))


def test_the_file_has_every_key_at_the_top() -> None:
    """Or a new one would be left out here."""
    known = {
        str(one.validation_alias or one.alias or name)
        for name, one in Campaign.model_fields.items()
    }
    assert known == set(EVERYTHING)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:20])
def test_any_value_at_any_key_gives_a_campaign_or_problems(
    tmp_path: Path, odd: Any
) -> None:
    """Each in turn, where all else is right; the rules about two keys hold too."""
    path = tmp_path / "summer.yaml"
    for place in places(EVERYTHING):
        said = copy.deepcopy(EVERYTHING)
        below = said
        for key in place[:-1]:
            below = below[key]
        below[place[-1]] = odd
        path.write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
        with suppress(InputError):
            load(path, {})


@pytest.mark.parametrize("cap", ["t_mobile_per_day", "att_per_minute"])
def test_no_cap_is_larger_than_a_journal_can_hold(tmp_path: Path, cap: str) -> None:
    """A slip of the key is told as one."""
    path = tmp_path / "summer.yaml"
    said = copy.deepcopy(EVERYTHING)
    said["send"]["carriers"][cap] = 10**30
    path.write_text(yaml.safe_dump(said), encoding="utf-8")
    with pytest.raises(InputError, match=f"E104.*send.carriers.{cap}"):
        load(path, {})
