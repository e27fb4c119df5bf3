"""Who gets which text by chance that is the same each time; and what became of each arm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from bulksend.errors import InputError
from bulksend.settle.arms import interval
from tests.flow.conftest import bandwidth, desk  # noqa: F401  (fixtures)
from tests.prepare.planning import column, fates, number, plan

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flow.desk import Desk

ARMS = {
    "name": "greeting",
    "arms": {"short": 45, "long": 45, "none": 10},
    "holdout": "none",
}
TEXT = "{% if arm == 'short' %}Hi{% else %}Good morning{% endif %}"


def people(*lasts: int) -> str:
    return "phone\n" + "".join(f"{number(last)}\n" for last in lasts)


def arms_of(folder: Path, lasts: list[int], **experiment: Any) -> dict[str, str]:
    said = {"text": TEXT}
    checked = plan(folder, people(*lasts), message=said, experiment=ARMS | experiment)
    to, arms = column(checked, "to"), column(checked, "experiment_arm")
    return dict(zip(to, arms, strict=True))


def test_shares_are_kept_and_the_holdout_gets_nothing(tmp_path: Path) -> None:
    """About as many as it says, each with the text of its arm."""
    said = {"text": TEXT}
    checked = plan(tmp_path, people(*range(4000)), message=said, experiment=ARMS)
    arms = pl.Series(column(checked, "experiment_arm"))
    counts = dict(arms.value_counts().iter_rows())
    assert abs(counts["short"] - 1800) < 150
    assert abs(counts["long"] - 1800) < 150
    assert abs(counts["none"] - 400) < 80
    found = set(zip(arms, column(checked, "text"), fates(checked), strict=True))
    assert found == {
        ("short", "Hi", "sent"),
        ("long", "Good morning", "sent"),
        ("none", "Good morning", "holdout"),
    }


def test_an_arm_stays_when_the_list_is_turned_and_grows(tmp_path: Path) -> None:
    """A person's arm depends on their number and the experiment's name, nothing else."""
    before = arms_of(tmp_path / "a", list(range(300)))
    after = arms_of(tmp_path / "b", list(reversed(range(600))))
    assert {to: after[to] for to in before} == before
    other = arms_of(tmp_path / "c", list(range(300)), name="another")
    assert other != before


@pytest.mark.parametrize(
    "arms",
    [
        {"none": 10, "long": 45, "short": 45},
        {"short": 45, "none": 10, "long": 45},
        {"short": 45, "long": 45, "none": 10},
    ],
)
def test_the_order_in_which_arms_are_written_decides_nothing(
    tmp_path: Path, arms: dict[str, int]
) -> None:
    """Whoever tidies the file moves nobody."""
    lasts = list(range(400))
    assert arms_of(tmp_path / "a", lasts) == arms_of(tmp_path / "b", lasts, arms=arms)


def test_the_holdout_stays_when_an_arm_is_added(tmp_path: Path) -> None:
    """Who was to get nothing still gets nothing."""
    more = {"a": 30, "long": 30, "short": 30, "none": 10}
    before = arms_of(tmp_path / "a", list(range(600)))
    after = arms_of(tmp_path / "b", list(range(600)), arms=more)
    assert {to for to, arm in before.items() if arm == "none"} == {
        to for to, arm in after.items() if arm == "none"
    }


def test_the_holdout_is_a_share_of_who_would_get_a_message(tmp_path: Path) -> None:
    """Rows without a value, without a place and duplicates are left out as ever."""
    arms = arms_of(tmp_path / "a", list(range(200)))
    held = [last for last in range(200) if arms[f"+1{number(last)[-10:]}"] == "none"]
    lacking, twice, *rest = held
    rows = [(one, "Ann") for one in (twice, *rest, twice)] + [(lacking, "")]
    listed = "phone,name\n" + "".join(f"{number(n)},{name}\n" for n, name in rows)
    said = {"text": TEXT + " {{ name }}"}
    checked = plan(tmp_path / "b", listed, message=said, experiment=ARMS)
    held_out = ["holdout"] * (1 + len(rest))
    assert fates(checked) == [*held_out, "duplicate", "value_missing"]


@pytest.mark.parametrize(
    "change",
    [{"arms": {"a": 50, "b": 49}, "holdout": "a"}, {"holdout": "nobody"}],
)
def test_an_experiment_that_cannot_be_is_refused(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    """Shares that are not everybody, a holdout that is no arm."""
    with pytest.raises(InputError) as caught:
        arms_of(tmp_path, [1], **change)
    assert [problem.code for problem in caught.value.problems] == ["E126"]


SAID_OF_ARMS = [
    # the text · what is found, and its fix
    ("{% if arm == 'short' %}Hi{% else %}Hello{% endif %}", "", ""),
    ("{{ arm }}", "", ""),
    ("{% if 'long' != arm %}Hi{% endif %} {{ 'Short' | lower }}", "", ""),
    ("{% if arm == 'Short' %}Hi{% endif %}", "E126 `Short` is compared", "Did you mean `short`?"),
    ('{% if "x" == arm %}Hi{% endif %}', "E126 `x` is compared", "The arms are short, long, none."),
    ("Hi", "W126 no text and no picture says `arm`", "Give each arm"),
    ("Hi, arm in arm {# arm #}", "W126 no text and no picture says `arm`", "Give each arm"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "found", "fix"), SAID_OF_ARMS)
def test_a_text_that_does_not_speak_of_the_arms_is_told(
    tmp_path: Path, text: str, found: str, fix: str
) -> None:
    """A misspelled arm is an error; arms that all get the same are a warning."""
    try:
        checked = plan(tmp_path, people(1), message={"text": text}, experiment=ARMS)
        said = [one for one in checked.notices if one.code == "W126"]
    except InputError as error:
        said = list(error.problems)
    assert [f"{one.code} {one.found}".startswith(found) for one in said] == [
        True
    ] * bool(found)
    assert all(fix in str(one) for one in said)


def test_one_arm_beside_a_holdout_has_nothing_to_differ_from(tmp_path: Path) -> None:
    """Who gets something is compared with who gets nothing."""
    arms = {"name": "any", "arms": {"some": 90, "none": 10}, "holdout": "none"}
    checked = plan(tmp_path, people(1), message={"text": "Hi"}, experiment=arms)
    assert "W126" not in [one.code for one in checked.notices]


def test_what_is_wrong_with_columns_and_words_comes_at_once(tmp_path: Path) -> None:
    """A column that there is none of hides no other mistake of the same text."""
    text = "Hi {{ nobody }}, bit.ly/x {% if arm == 'shrt' %}a{% endif %}"
    with pytest.raises(InputError) as refused:
        plan(tmp_path, people(1), message={"text": text}, experiment=ARMS)
    assert [one.code for one in refused.value.problems] == ["E302", "E352", "E126"]


def test_a_list_s_own_column_arm_is_not_confused_with_it(tmp_path: Path) -> None:
    """With an experiment it is refused; without one it is a column like any other."""
    listed = f"phone,arm\n{number(1)},left\n"
    with pytest.raises(InputError, match="E126"):
        plan(tmp_path, listed, experiment=ARMS)
    checked = plan(tmp_path, listed, message={"text": "{{ arm }}"})
    assert column(checked, "text") == ["left"]


INTERVALS = [
    # Wilson (1927); checked against tables
    (0, 10, 0.0, 0.2775),
    (5, 10, 0.2366, 0.7634),
    (10, 10, 0.7225, 1.0),
    (50, 1000, 0.0382, 0.0653),
]


@pytest.mark.parametrize(("hits", "of", "low", "high"), INTERVALS)
def test_an_interval_says_how_little_few_people_say(
    hits: int, of: int, low: float, high: float
) -> None:
    """Between nothing and everything, whatever the share."""
    found = interval(hits, of)
    assert found is not None
    assert found == pytest.approx((low, high), abs=2e-4)
    assert (found[0] == 0, found[1] == 1) == (hits == 0, hits == of)
    assert interval(0, 0) is None


def test_what_became_of_each_arm(desk: Desk) -> None:  # noqa: F811
    """After a run: people, messages that were taken, nobody in the holdout."""
    desk.people("mobile\n" + "".join(f"{number(n)}\n" for n in range(60)))
    desk.campaign(
        provider="simulator",
        message={"text": TEXT},
        experiment=ARMS,
        send={"rules": None},
    )
    ended = desk.call("run", "hello.yaml", "--json").json
    found = {one["name"]: one for one in desk.call("arms", ended["run"], "--json").json}
    assert sum(one["people"] for one in found.values()) == 60
    assert found["short"]["taken"] == found["short"]["people"]
    assert (found["none"]["taken"], found["none"]["delivered_share"]) == (0, None)
    assert found["long"]["taken"] + found["short"]["taken"] == ended["accepted"]
    assert "short" in desk.call("arms", ended["run"]).out
