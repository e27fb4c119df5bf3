"""What a plan amounts to, and what must be true of it before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bulksend.errors import InputError
from bulksend.planning import load_campaign
from bulksend.prepare.outlook import at_any_hour
from tests.prepare.planning import SENDER, campaign, column, number, plan

if TYPE_CHECKING:
    from pathlib import Path

A, B, C, D = map(number, range(1, 5))
PRICES = {
    "default": "0.01",
    "carrier_fee": {"US": "0.003"},
    "prices": {"US": "0.0075", "GB.mobile": "0.04", "US.mms": "0.02"},
}


def test_counts_add_up_and_are_of_the_rows_that_are_sent(tmp_path: Path) -> None:
    """Rows = sendable + reasons; repairs, types, regions and encodings of the sendable."""
    people = (
        "phone,name\n"
        f"{A},Ana\n9192340002.0,Ben\n+447400123456,Zоё\n1.9192340003E+10,{'x' * 200}\n"
        f"{A},Ann\n12,Cy\n,Di\nx,Eve\n"
    )
    checked = plan(tmp_path, people, message={"text": "Hi {{ name }}"})
    summary = checked.summary
    assert (summary.rows, summary.sendable) == (8, 4)
    assert summary.reasons == {
        "duplicate": 1, "number_missing": 1, "number_not_digits": 1, "number_too_short": 1,
    }  # fmt: skip
    assert summary.repairs == {"point_zero": 1, "scientific": 1}
    assert summary.types == {"fixed_line_or_mobile": 3, "mobile": 1}
    assert summary.regions == {"US": 3, "GB": 1}
    assert summary.encodings == {"GSM-7": 3, "UCS-2": 1}
    assert (summary.segments, summary.weight) == (5, 5)
    assert (summary.cost, summary.unpriced) == (None, 0)
    for counted in (summary.types, summary.regions, summary.encodings):
        assert sum(counted.values()) == summary.sendable
    assert summary.as_dict()["reasons"] == summary.reasons
    assert checked.gates == ()


@pytest.mark.parametrize(
    ("rate", "per_second"),
    [("5/s", 5.0), ("60/min", 1.0), ("1/s", 1.0), ("10/s", 10.0)],
)
def test_sending_takes_segments_by_the_rate(
    tmp_path: Path, rate: str, per_second: float
) -> None:
    """A text of three segments takes as long as three texts; the last one takes none."""
    people = f"phone,name\n{A},{'x' * 400}\n{B},Ben\n{C},Cy\n"
    checked = plan(
        tmp_path, people, message={"text": "{{ name }}"}, send={"rate": rate}
    )
    assert checked.summary.weight == 5
    assert checked.summary.seconds == pytest.approx((5 - 5 / 3) / per_second, abs=0.001)


@pytest.mark.parametrize(
    ("send", "seconds"),
    [
        ({"rate": "1/s"}, 99.0),
        ({"rate": "1/s", "canary": {"first": 10, "wait": "15 min"}}, 9 + 900 + 89),
        ({"rate": "1/s", "per_sender": "1/min"}, 99 * 60.0),
        # Half of a ramp is lost, and what its first messages wait for the ones before.
        ({"rate": "1/s", "ramp": "60 s"}, 99 + 60 * 0.475 + 1.5),
        (
            {"rate": "1/s", "ramp": "10 s", "canary": {"first": 50, "wait": "1 h"}},
            2 * (20 + 48) + 3600,  # the second one waits as the first one's rate says
        ),
    ],
)
def test_a_ramp_and_the_first_few_take_their_time(
    tmp_path: Path, send: dict[str, Any], seconds: float
) -> None:
    """The time is of the run as it goes: both ramps, the receipts, the slow sender."""
    people = "phone\n" + "".join(f"+1919555{n:04}\n" for n in range(100, 200))
    checked = plan(tmp_path, people, message={"text": "Hi"}, send=send)
    assert checked.summary.seconds == pytest.approx(seconds, abs=3.0)


@pytest.mark.parametrize(("rate", "a_second"), [("1/s", 1.0), ("1/min", 1 / 60)])
def test_what_takes_months_takes_all_of_them(
    tmp_path: Path, rate: str, a_second: float
) -> None:
    """Ten million, one a second: four months; one a minute: nineteen years."""
    asked = load_campaign(campaign(tmp_path, send={"rate": rate})).campaign
    many = 10_000_000
    seconds = at_any_hour(asked, many, [(SENDER, many)])
    assert seconds == pytest.approx(many / a_second, rel=0.001)


def test_a_price_is_of_the_segment_the_region_and_the_kind(tmp_path: Path) -> None:
    """With the carrier's fee; millionths, so that the sum is exact."""
    people = f"phone,name\n{A},Ana\n{B},{'x' * 200}\n+447400123456,Zoe\n+442070313000,Cy\n+493012345678,Di\n12,No\n"
    checked = plan(
        tmp_path, people, message={"text": "{{ name }}"}, send={"prices": PRICES}
    )
    costs = [10_500, 21_000, 40_000, 10_000, 10_000, None]
    assert column(checked, "cost_micros") == costs
    assert (checked.summary.cost, checked.summary.unpriced) == (91_500, 0)


def test_a_picture_and_a_group_have_prices_of_their_own(tmp_path: Path) -> None:
    """A picture is one price; a group is paid for each of its people."""
    picture = plan(
        tmp_path / "a",
        f"phone\n{A}\n+493012345678\n",
        message={"media": ["http://x.example/y"]},
        send={"prices": PRICES},
    )
    assert column(picture, "cost_micros") == [20_000, None]
    assert (picture.summary.cost, picture.summary.unpriced) == (20_000, 1)
    group = plan(
        tmp_path / "b",
        f"phone\n{A};{B};{C}\n",
        message={"group": True},
        send={"prices": PRICES},
    )
    assert (group.summary.cost, group.summary.weight) == (60_000, 3)
    assert group.summary.segments == 1


def test_prices_that_came_later_count(tmp_path: Path) -> None:
    """An earlier plan without prices, or with others, is not used again."""
    people = f"phone\n{A}\n{B}\n"
    assert plan(tmp_path, people).summary.cost is None
    first = plan(tmp_path, people, send={"prices": {"default": "0.01"}})
    later = plan(tmp_path, people, send={"prices": {"default": "0.02"}})
    assert (first.summary.cost, later.summary.cost) == (20_000, 40_000)


PEOPLE = f"phone\n{A}\n{B}\n{C}\n+447400123456\n"
GATES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("no budget", {}, []),
    ("enough segments", {"budget": {"segments": 4}}, []),
    ("too few segments", {"budget": {"segments": 3}}, ["E400: the plan takes 4 segments; at most 3"]),
    ("enough money", {"budget": {"money": 0.04}, "prices": {"default": "0.01"}}, []),
    ("too little money", {"budget": {"money": 0.0399}, "prices": {"default": "0.01"}},
     ["E400: the plan costs $0.04; at most $0.0399"]),
    ("another currency", {"budget": {"money": 1}, "prices": {"default": "2", "currency": "CAD"}},
     ["E400: the plan costs CAD 8.00; at most CAD 1.00"]),
    ("both", {"budget": {"money": 0.01, "segments": 1}, "prices": {"default": "0.01"}},
     ["E400: the plan takes", "E400: the plan costs"]),
    ("no prices", {"budget": {"money": 1}}, ["E401: send.budget.money is set"]),
    ("not all prices", {"budget": {"money": 1}, "prices": {"prices": {"US": "0.01"}}},
     ["E401: 1 message has no price"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("send", "said"), [case[1:] for case in GATES], ids=[case[0] for case in GATES]
)
def test_a_budget_is_a_gate(
    tmp_path: Path, send: dict[str, Any], said: list[str]
) -> None:
    """Segments, money, and money that cannot be counted."""
    checked = plan(tmp_path, PEOPLE, send=send)
    found = [f"{gate.code}: {gate.found}; {gate.expected}" for gate in checked.gates]
    assert len(found) == len(said)
    assert all(one.startswith(two) for one, two in zip(found, said, strict=True)), found


FEW = {"canary": {"first": 1, "wait": "15 min"}}
COUNTRIES: list[tuple[str, dict[str, Any], list[str]]] = [
    (PEOPLE, FEW, ["messages to 2 countries: 3 to US, 1 to GB"]),
    (PEOPLE, {}, []),
    (f"phone\n{A}\n+17872340001\n", FEW, []),  # Puerto Rico's carriers are the same
    (f"phone\n{A}\n{B}\n+16132340001\n", FEW, ["messages to 2 countries: 2 to US, 1 to CA"]),
    (f"phone\n{A}\n", FEW, []),
]  # fmt: skip


@pytest.mark.parametrize(("people", "send", "said"), COUNTRIES)
def test_the_first_few_speak_for_one_country(
    tmp_path: Path, people: str, send: dict[str, Any], said: list[str]
) -> None:
    """Of several it is a warning."""
    checked = plan(tmp_path, people, send=send)
    assert [one.found for one in checked.notices if one.code == "W431"] == said
    assert checked.gates == ()


def test_refuse_is_a_gate_that_names_the_first_and_counts_the_rest(
    tmp_path: Path,
) -> None:
    """The list's file and row; other policies have no gate."""
    people = f"phone\n{A}\n{B}\n{A}\n{B}\n{A}\n"
    refused = plan(tmp_path, people, recipients={"duplicates": "refuse"})
    (gate,) = refused.gates
    assert str(gate).startswith(
        "E402 list.csv row 4: this row's number stands in row 2 t"
    )
    assert gate.more == 2
    assert plan(tmp_path, people).gates == ()
    alone = plan(tmp_path / "b", f"phone\n{A}\n", recipients={"duplicates": "refuse"})
    assert alone.gates == ()


def test_a_wrong_price_is_named(tmp_path: Path) -> None:
    """With the campaign file and the key."""
    with pytest.raises(InputError) as caught:
        plan(tmp_path, PEOPLE, send={"prices": {"US": "0.01"}})
    assert "campaign.yaml" in str(caught.value)
    assert "send.prices.US" in str(caught.value)
