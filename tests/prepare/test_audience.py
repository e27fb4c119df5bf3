"""Who gets a message: numbers, line types, duplicates, households, groups, senders."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulksend.errors import InputError
from bulksend.prepare.audience import sender
from tests.prepare.planning import codes, column, fates, number, plan

A, B, C, D = map(number, range(1, 5))

# policy, list, what becomes of the rows
DUPLICATES: list[tuple[str, object, str, list[str]]] = [
    ("first", "first", f"phone\n{A}\n{B}\n{A}\n{A}\n", ["sent", "sent", "duplicate", "duplicate"]),
    ("last", "last", f"phone\n{A}\n{B}\n{A}\n", ["duplicate", "sent", "sent"]),
    ("refuse", "refuse", f"phone\n{A}\n{A}\n", ["sent", "duplicate"]),
    ("keep", "keep", f"phone\n{A}\n{A}\n", ["sent", "sent"]),
    ("other spelling", "first", "phone\n9192340001\n(919) 234-0001\n+1 919 234 0001\n1.9192340001E+10\n", ["sent"] + ["duplicate"] * 3),
    ("highest", {"by": "at", "keep": "highest"}, f"phone,at\n{A},2\n{A},10\n{A},9\n", ["duplicate", "sent", "duplicate"]),
    ("lowest", {"by": "at", "keep": "lowest"}, f"phone,at\n{A},10\n{A},9\n{B},1\n", ["duplicate", "sent", "sent"]),
    ("dates", {"by": "at", "keep": "highest"}, f"phone,at\n{A},2026-01-09\n{A},2026-01-10\n", ["duplicate", "sent"]),
    ("ties", {"by": "at", "keep": "highest"}, f"phone,at\n{A},2\n{A},2\n", ["sent", "duplicate"]),
    ("nothing to rank by", {"by": "at", "keep": "highest"}, f'phone,at\n{A},\n{A},""\n{A}," "\n', ["sent", "duplicate", "duplicate"]),
    ("an empty rank loses", {"by": "at", "keep": "lowest"}, f"phone,at\n{A},\n{A},3\n", ["duplicate", "sent"]),
    ("its header's case", {"by": "AT", "keep": "highest"}, f"phone,At\n{A},1\n{A},2\n", ["duplicate", "sent"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "people", "expected"),
    [case[1:] for case in DUPLICATES],
    ids=[case[0] for case in DUPLICATES],
)
def test_of_rows_with_one_number_the_policy_says_which_is_sent(
    tmp_path: Path, policy: object, people: str, expected: list[str]
) -> None:
    """One of them is sent, and each other names it."""
    checked = plan(tmp_path, people, recipients={"duplicates": policy})
    assert fates(checked) == expected


@pytest.mark.parametrize(
    "values",
    [
        [3, 20, 7],
        [0.5, 20.0, float("nan")],
        [None, "b", "a"],
        [False, True, None],
        [b"a", b"c", b"b"],
        [None, dt.date(2026, 1, 2), None],
    ],
    ids=lambda values: type(values[1]).__name__,
)
def test_rows_are_ranked_by_a_column_of_any_plain_type(
    tmp_path: Path, values: list[object]
) -> None:
    """Numbers as numbers, not as text."""
    people = pl.DataFrame({"phone": [A] * 3, "at": values})
    checked = plan(
        tmp_path,
        people,
        recipients={
            "path": "list.parquet",
            "duplicates": {"by": "at", "keep": "highest"},
        },
    )
    assert fates(checked) == ["duplicate", "sent", "duplicate"]


def test_duplicates_are_judged_among_the_rows_that_can_be_sent(tmp_path: Path) -> None:
    """A row that gets no message never stands in the way of another with its number."""
    people = f"phone,name\n{A},\n{A},Ana\n{B},Ben\n{B},Bo\n{C},Cy\n{C},{'x' * 2048}\n"
    checked = plan(
        tmp_path,
        people,
        {"no.csv": f"x\n{B}\n"},
        recipients={"suppress": ["no.csv"], "duplicates": "last"},
        message={"text": "{{ name }}!"},
    )
    assert fates(checked) == [
        "value_missing", "sent", "suppressed", "suppressed", "sent", "text_too_long",
    ]  # fmt: skip


FAR, NEAR = "Asia/Macau", "America/New_York"
TORN = f"{NEAR},90210"

# policy, zone and ZIP of each row with one number, what becomes of them, who won
NO_HOURS: list[tuple[object, list[str], list[str], list[tuple[int, int]]]] = [
    ("first", [f"{FAR},", ",", f"{NEAR},"], ["never_open", "duplicate", "duplicate"], [(3, 2), (4, 2)]),
    ("first", [TORN, ","], ["place_contradicts", "duplicate"], [(3, 2)]),
    ("first", [f"{NEAR},", f"{FAR},", ","], ["sent", "never_open", "duplicate"], [(4, 2)]),
    ("last", [",", f"{FAR},", ",", TORN], ["duplicate", "never_open", "duplicate", "place_contradicts"], [(2, 3), (4, 3)]),
    ("last", [f"{FAR},", ","], ["never_open", "sent"], []),
    ({"by": "at", "keep": "highest"}, [",", ",", f"{FAR},"], ["duplicate", "duplicate", "never_open"], [(2, 4), (3, 4)]),
    ("refuse", [f"{FAR},", ","], ["never_open", "duplicate"], [(3, 2)]),
    ("keep", [f"{FAR},", ","], ["never_open", "sent"], []),
    ("first", ["EST,", ",10001"], ["zone_unknown", "sent"], []),
    ("first", [",00000", f"{NEAR},"], ["postcode_unknown", "sent"], []),
]  # fmt: skip


@pytest.mark.parametrize(("policy", "places", "expected", "winners"), NO_HOURS)
def test_a_row_by_which_no_hour_is_right_counts_for_its_person(
    tmp_path: Path,
    policy: object,
    places: list[str],
    expected: list[str],
    winners: list[tuple[int, int]],
) -> None:
    """A second row that says less of them opens no hour; a cell that says nothing can."""
    rows = "".join(f"{A},{place},{at}\n" for at, place in enumerate(places))
    checked = plan(
        tmp_path,
        f"phone,zone,zip,at\n{rows}{B},,,9\n",
        recipients={"zone": "zone", "postcode": "zip", "duplicates": policy},
        send={"window": {"from": "09:00", "to": "20:00"}},
    )
    assert fates(checked) == [*expected, "sent"]
    assert checked.plan.winners().rows() == winners


def test_no_household_gives_a_number_on_that_has_no_hour(tmp_path: Path) -> None:
    """Of A's rows the first loses its household; the second may be anywhere."""
    people = f"phone,home,zone\n{B},1,\n{A},1,\n{A},2,{FAR}\n{A},3,\n"
    checked = plan(
        tmp_path,
        people,
        recipients={"zone": "zone", "household": "home"},
        send={"window": {"from": "09:00", "to": "20:00"}},
    )
    assert fates(checked) == ["sent", "household", "never_open", "duplicate"]


def test_a_household_gets_one_text_and_an_empty_cell_is_none(tmp_path: Path) -> None:
    """Judged after the numbers, so that a duplicate takes nobody's place."""
    people = (
        f"phone,home\n{A},1\n{A},2\n{B},1\n{C},2\n{D}, 2 \n"
        f'{number(5)},\n{number(6)},""\n{number(7)}," "\n{number(8)},""\n'
    )
    checked = plan(tmp_path, people, recipients={"household": "home"})
    assert fates(checked) == [
        "sent", "duplicate", "household", "sent", "household", *["sent"] * 4,
    ]  # fmt: skip
    assert checked.plan.winners().rows() == [(3, 2), (4, 2), (6, 5)]


@pytest.mark.parametrize(
    "homes",
    [[1, 1, 2], [1.0, 1.0, 2.5], ["a", " a", "b"], ["Elm St", "ELM ST ", "Oak"], [b"a", b"a", b"\xff"], [True, True, None]],
    ids=lambda homes: type(homes[0]).__name__,
)  # fmt: skip
def test_a_household_may_be_a_column_of_any_plain_type(
    tmp_path: Path, homes: list[object]
) -> None:
    """A key is compared as a person reads it."""
    people = pl.DataFrame({"phone": [A, B, C], "home": homes})
    checked = plan(
        tmp_path, people, recipients={"path": "list.parquet", "household": "home"}
    )
    assert fates(checked) == ["sent", "household", "sent"]


def test_a_household_that_pandas_left_empty_is_none(tmp_path: Path) -> None:
    """NaN is an empty cell, and no address that a thousand people share."""
    homes = pl.Series([float("nan"), float("nan"), 1.0])
    people = pl.DataFrame({"phone": [A, B, C], "home": homes})
    checked = plan(
        tmp_path, people, recipients={"path": "list.parquet", "household": "home"}
    )
    assert fates(checked) == ["sent"] * 3


# what is decided, policy, (number, household, rank) of each row, what becomes of them
FREED: list[tuple[str, object, list[tuple[str, str, str]], list[str], list[tuple[int, int]]]] = [
    ("the next row", "first", [(A, "1", ""), (B, "1", ""), (B, "2", ""), (C, "3", "")], ["sent", "household", "sent", "sent"], [(3, 2)]),
    ("a row without household", "first", [(A, "1", ""), (B, "1", ""), (B, "", ""), (B, "2", "")], ["sent", "household", "sent", "duplicate"], [(3, 2), (5, 4)]),
    ("a household that is sent one", "first", [(A, "1", ""), (B, "1", ""), (B, "2", ""), (C, "2", "")], ["sent", "household", "household", "sent"], [(3, 2), (4, 5)]),
    ("the one after", "first", [(A, "1", ""), (B, "1", ""), (B, "1", ""), (B, "3", ""), (B, "4", "")], ["sent", "household", "duplicate", "sent", "duplicate"], [(3, 2), (4, 5), (6, 5)]),
    ("two want one household", "first", [(A, "1", ""), (B, "1", ""), (C, "1", ""), (C, "2", ""), (B, "2", ""), (B, "3", "")], ["sent", "household", "household", "sent", "duplicate", "sent"], [(3, 2), (4, 2), (6, 7)]),
    ("last", "last", [(A, "1", ""), (B, "2", ""), (B, "3", ""), (B, "1", "")], ["sent", "duplicate", "sent", "household"], [(3, 4), (5, 2)]),
    ("highest", {"by": "at", "keep": "highest"}, [(A, "1", ""), (B, "2", "5"), (B, "3", "10"), (B, "1", "20"), (B, "4", "x")], ["sent", "duplicate", "sent", "household", "duplicate"], [(3, 4), (5, 2), (6, 4)]),
    ("lowest", {"by": "at", "keep": "lowest"}, [(A, "1", ""), (B, "2", ""), (B, "3", "10"), (B, "1", "2")], ["sent", "duplicate", "sent", "household"], [(3, 4), (5, 2)]),
    ("refuse", "refuse", [(A, "1", ""), (B, "1", ""), (B, "2", ""), (B, "3", "")], ["sent", "household", "sent", "duplicate"], [(3, 2), (5, 4)]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "rows", "expected", "winners"),
    [case[1:] for case in FREED],
    ids=[case[0] for case in FREED],
)
def test_a_row_that_lost_its_household_gives_its_number_on(
    tmp_path: Path,
    policy: object,
    rows: list[tuple[str, str, str]],
    expected: list[str],
    winners: list[tuple[int, int]],
) -> None:
    """Whoever loses, loses to a row that is sent, and names it."""
    people = "phone,home,at\n" + "".join(f"{','.join(row)}\n" for row in rows)
    checked = plan(
        tmp_path, people, recipients={"household": "home", "duplicates": policy}
    )
    assert fates(checked) == expected
    assert checked.plan.winners().rows() == winners


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 4)), min_size=1, max_size=14),
    st.sampled_from(["first", "last"]),
)
def test_of_numbers_and_households_none_gets_nothing_because_of_nobody(
    rows: list[tuple[int, int]], policy: str
) -> None:
    """A row that is not sent has a number or a household that is; none is sent twice."""
    people = "phone,home\n" + "".join(f"{number(n)},{h or ''}\n" for n, h in rows)
    with tempfile.TemporaryDirectory() as folder:
        checked = plan(
            Path(folder), people, recipients={"household": "home", "duplicates": policy}
        )
        said = fates(checked)
        winners = dict(checked.plan.winners().iter_rows())
    sent = {at: row for at, row in enumerate(rows, 2) if said[at - 2] == "sent"}
    homes = [home for _, home in sent.values() if home]
    assert len({one for one, _ in sent.values()}) == len(sent)
    assert len(set(homes)) == len(homes)
    assert set(winners) == set(range(2, len(rows) + 2)) - set(sent)
    for at, winner in winners.items():
        same = ["duplicate", "household"].index(said[at - 2])
        assert rows[at - 2][same] == sent[winner][same]


# the ranks, the first one that is neither a number nor an ISO date, and how many more
WORDS: list[tuple[list[str], str | None, int]] = [
    (["9/30/2025", "10/1/2025"], "9/30/2025", 1),
    (['"1,200"', "900"], "1,200", 0),
    (["2025-09-30", "30.9.2025", "NULL"], "30.9.2025", 0),
    (["gold", "silver"], "gold", 1),
    (["1200", "-9.5", "1e3", " 7 ", "NULL", '" "'], None, 0),
    (["2025-09-30", "2025-09-30T10:00:00Z", "2025-09-30 10:00", "2025-09-30 10:00:00.123+02:00"], None, 0),
]  # fmt: skip


@pytest.mark.parametrize(("ranks", "word", "more"), WORDS)
def test_a_rank_that_is_text_is_warned_of(
    tmp_path: Path, ranks: list[str], word: str | None, more: int
) -> None:
    """As text 9/30/2025 comes after 10/1/2025, and 1,200 after every number."""
    people = "phone,At\n" + "".join(f"{A},{rank}\n" for rank in ranks)
    ranked = {"duplicates": {"by": "At", "keep": "highest"}}
    checked = plan(tmp_path, people, recipients=ranked)
    found = [notice for notice in checked.notices if notice.code == "W226"]
    if word is None:
        assert not found
        return
    (warning,) = found
    row = next(row for row, rank in enumerate(ranks, 2) if word in rank)
    said = f"`At` ranks as text, letter by letter: it holds `{word}` (row {row})"
    assert said in str(warning)
    assert (warning.column, warning.more) == ("recipients.duplicates.by", more)
    assert "2026-01-31" in str(warning)


NOTHING = [
    "NULL",
    "null",
    "N/A",
    "None",
    "nan",
    r"\N",
    "#N/A",
    '" "',
    "\u200b",
    "\u3164",
]


@pytest.mark.parametrize("word", NOTHING)
def test_a_word_for_nothing_is_no_household_and_ranks_below_all(
    tmp_path: Path, word: str
) -> None:
    """As an export writes it; else a list without addresses would get one text."""
    people = f"phone,home\n{A},{word}\n{B},{word}\n{C},x\n{D},X\n"
    checked = plan(tmp_path / "home", people, recipients={"household": "home"})
    assert fates(checked) == ["sent", "sent", "sent", "household"]
    people = f"phone,at\n{A},{word}\n{A},2026-01-01\n{B},{word}\n{B},!\n"
    for keep in ("highest", "lowest"):
        ranked = {"duplicates": {"by": "at", "keep": keep}}
        checked = plan(tmp_path / keep, people, recipients=ranked)
        assert fates(checked) == ["duplicate", "sent", "duplicate", "sent"]


@pytest.mark.parametrize(
    ("recipients", "message"),
    [
        ({"phone": ["phone", "fon"], "household": "hom"}, {}),
        ({"duplicates": {"by": "tim", "keep": "lowest"}}, {}),
        ({}, {"language": "lan", "variants": {"es": "Hola"}}),
    ],
)
def test_every_column_that_a_campaign_names_and_the_list_lacks_is_told(
    tmp_path: Path, recipients: dict[str, Any], message: dict[str, Any]
) -> None:
    """All of them at once, each with the name that is near."""
    people = f"phone,phones,home,time,lang\n{A},,,,\n"
    with pytest.raises(InputError) as caught:
        plan(tmp_path, people, recipients=recipients, message=message)
    wanted = 2 if "household" in recipients else 1
    assert [problem.code for problem in caught.value.problems] == ["E216"] * wanted
    assert str(caught.value).count("Did you mean") >= 1


@pytest.mark.parametrize("key", ["household", "by", "language"])
def test_a_nested_column_cannot_stand_for_a_word(tmp_path: Path, key: str) -> None:
    """A list or an object has no text that people could be sorted by."""
    people = pl.DataFrame({"phone": [A], "x": [[1, 2]]})
    recipients: dict[str, Any] = {"path": "list.parquet"}
    message: dict[str, Any] = {}
    if key == "household":
        recipients["household"] = "x"
    elif key == "by":
        recipients["duplicates"] = {"by": "x", "keep": "lowest"}
    else:
        message = {"language": "x", "variants": {"es": "Hola"}}
    with pytest.raises(InputError, match="E309"):
        plan(tmp_path, people, recipients=recipients, message=message)


# -- numbers ------------------------------------------------------------------------


def test_of_several_columns_the_first_usable_number_wins(tmp_path: Path) -> None:
    """In the campaign's order; a row without one tells the first thing that is wrong."""
    people = (
        "id,work,home,mobile\n"
        f"1,{A},{B},{C}\n2,{A},{B},\n3,{A},,12\n4,,,\n5,12,,\n6,,x,12\n"
    )
    checked = plan(
        tmp_path,
        people,
        recipients={"phone": ["Mobile", "home", "work"], "duplicates": "keep"},
    )
    assert column(checked, "to")[:3] == [C, B, A]
    assert fates(checked)[3:] == [
        "number_missing",
        "number_too_short",
        "number_too_short",
    ]
    assert codes(checked) == ["W216"]


def test_a_line_type_that_is_not_allowed_is_named(tmp_path: Path) -> None:
    """`allow` is a policy on the kind of line."""
    people = f"phone\n{A}\n+18002340001\n+447400123456\n12\n"
    checked = plan(tmp_path, people, recipients={"allow": ["mobile"]})
    assert fates(checked) == ["line_type", "line_type", "sent", "number_too_short"]
    assert column(checked, "reason_detail")[:2] == ["fixed_line_or_mobile", "toll_free"]


# -- groups -------------------------------------------------------------------------

MANY = [number(place) for place in range(20)]
GROUPS: list[tuple[str, str, str, list[str] | None]] = [
    ("two", f"{A};{B}", "sent", [A, B]),
    ("order and spaces", f" {B} ; {A} ; ", "sent", [A, B]),
    ("one", A, "sent", [A]),
    ("twice the same", f"{A},(919) 234-0001|{B}", "sent", [A, B]),
    ("ten", ";".join(MANY[:10]), "sent", MANY[:10]),
    ("eleven", ";".join(MANY[:11]), "group_too_large", None),
    ("one bad number", f"{A};12", "number_too_short", None),
    ("nobody", " ; ;", "number_missing", None),
    ("lines", f"{A}\n{B}", "sent", [A, B]),
]


@pytest.mark.parametrize(
    ("cell", "fate", "people"),
    [case[1:] for case in GROUPS],
    ids=[case[0] for case in GROUPS],
)
def test_a_group_is_one_to_ten_people_each_once(
    tmp_path: Path, cell: str, fate: str, people: list[str] | None
) -> None:
    """Its numbers are sorted, and it weighs as many as there are."""
    checked = plan(tmp_path, f'phone\n"{cell}"\n', message={"group": True})
    assert fates(checked) == [fate]
    assert column(checked, "to") == [",".join(people) if people else None]
    assert column(checked, "pace_weight") == [len(people) if people else None]


def test_a_group_is_the_same_in_any_order_and_another_with_other_members(
    tmp_path: Path,
) -> None:
    """Neighbours' numbers do not add up to the same group."""
    base = 9192340000
    groups = [(1, 2), (2, 1), (1, 5, 6), (2, 3, 7), (1, 2, 3), (12,), (1, 4), (2, 3)]
    cells = [";".join(str(base + one) for one in group) for group in groups]
    checked = plan(tmp_path, "phone\n" + "\n".join(cells), message={"group": True})
    assert fates(checked) == ["sent", "duplicate", *["sent"] * 6]


def test_a_group_is_judged_by_all_its_members(tmp_path: Path) -> None:
    """By suppression, by the trial's list and by line type, whoever comes first."""
    tollfree = "+18002340001"
    people = f"phone\n{A};{B}\n{B};{C}\n{C};{D}\n{C};{tollfree}\n"
    for recipients, expected in (
        ({"suppress": ["x.csv"]}, ["suppressed", "suppressed", "sent", "sent"]),
        ({"only": ["x.csv"]}, ["not_on_list"] * 4),
        ({"only": ["y.csv"]}, ["sent", "sent", "not_on_list", "not_on_list"]),
        ({"allow": ["fixed_line_or_mobile"]}, ["sent", "sent", "sent", "line_type"]),
    ):
        checked = plan(
            tmp_path,
            people,
            {"x.csv": f"x\n{B}\n", "y.csv": f"x\n{A}\n{B}\n{C}\n"},
            recipients=recipients,
            message={"group": True},
        )
        assert fates(checked) == expected


def test_a_group_may_stand_in_several_columns(tmp_path: Path) -> None:
    """All of them together are the group."""
    checked = plan(
        tmp_path,
        f"a,b,id\n{A},{B},1\n{A},,2\n,,3\n",
        recipients={"phone": ["a", "b"]},
        message={"group": True},
    )
    assert column(checked, "to") == [f"{A},{B}", A, None]


# -- senders ------------------------------------------------------------------------


def chosen(senders: list[str], numbers: list[int]) -> list[str]:
    frame = pl.DataFrame({"key": pl.Series(numbers, dtype=pl.Int64)})
    return frame.select(sender(senders, pl.col("key")).alias("x"))["x"].to_list()


SENDERS = st.lists(
    st.integers(10**9, 10**14).map(lambda value: f"+{value}"),
    min_size=2,
    max_size=6,
    unique=True,
)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(senders=SENDERS, start=st.integers(10**9, 10**14))
def test_senders_share_people_about_evenly_and_a_new_one_takes_only_its_share(
    senders: list[str], start: int
) -> None:
    """Rendezvous: whatever the order, nobody changes from one old sender to another."""
    people = list(range(start, start + 4_000))
    now = chosen(senders, people)
    counts = Counter(now)
    fair = len(people) / len(senders)
    assert all(fair / 2 < counts[name] < fair * 2 for name in senders)
    assert chosen(senders[::-1], people) == now

    before = chosen(senders[:-1], people) if len(senders) > 2 else [senders[0]] * 4_000
    moved = {new for old, new in zip(before, now, strict=True) if old != new}
    assert moved <= {senders[-1]}


def test_a_person_keeps_the_sender_whatever_the_list(tmp_path: Path) -> None:
    """Order, file and other rows do not matter."""
    two = [number(100), number(200)]
    people = [number(place) for place in range(300)]
    first = plan(tmp_path, "phone\n" + "\n".join(people), sender=two)
    kept = dict(zip(column(first, "to"), column(first, "from"), strict=True))
    assert set(kept.values()) == set(two)
    other = plan(
        tmp_path,
        "x,phone\n" + "\n".join(f"1,{one}" for one in people[::-3]),
        sender=two,
    )
    again = dict(zip(column(other, "to"), column(other, "from"), strict=True))
    assert again.items() <= kept.items()


def test_lines_that_texts_fail_at_get_none_unless_allowed(tmp_path: Path) -> None:
    """Premium rate, shared cost, pagers and the like; every other kind gets its text."""
    people = "phone\n+19005550199\n+18005550199\n+442079460958\n+447400123456\n"
    assert fates(plan(tmp_path, people)) == ["line_type", "sent", "sent", "sent"]
    allow = {"allow": ["premium_rate"]}
    barred = ["sent", "line_type", "line_type", "line_type"]
    assert fates(plan(tmp_path / "b", people, recipients=allow)) == barred


def test_a_plan_in_which_nobody_gets_a_message_says_so(tmp_path: Path) -> None:
    """As a warning: a list whose people all opted out is a list all the same."""
    checked = plan(tmp_path, "phone\n12\n13\n")
    assert [notice.code for notice in checked.notices] == ["W403"]


def test_of_several_columns_a_line_that_may_be_texted_wins(tmp_path: Path) -> None:
    """A premium-rate number beside a usable one does not cost the person the text."""
    people = f"a,b\n+19005550199,{A}\n+18005550199,{B}\n+19005550199,\n"
    found = plan(
        tmp_path,
        people,
        recipients={"phone": ["a", "b"], "allow": ["fixed_line_or_mobile"]},
        message={"text": "Hi"},
    )
    assert fates(found) == ["sent", "sent", "line_type"]
    assert column(found, "to")[:2] == [A, B]
