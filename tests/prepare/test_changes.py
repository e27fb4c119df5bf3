"""What differs between two plans of one campaign."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from bulksend.prepare.changes import changes, earlier_plan
from tests.prepare.planning import number, plan

if TYPE_CHECKING:
    from pathlib import Path

    from bulksend.prepare.plan import Plan

A, B, C, D = map(number, range(1, 5))


def planned(folder: Path, people: str, *, age: int = 0, **sections: Any) -> Plan:
    """A plan made *age* seconds ago."""
    made = plan(folder, "phone,name\n" + people, **sections).plan
    then = made.path.stat().st_mtime - age
    os.utime(made.path, (then, then))
    return made


HI: dict[str, Any] = {"message": {"text": "Hi {{ name }}"}}


def test_people_are_added_gone_or_told_something_else(tmp_path: Path) -> None:
    """Compared by number, wherever its row stands; of those who get a message."""
    before = planned(tmp_path, f"{A},Ana\n{B},Ben\n{C},Cy\n12,Eve\n", age=9, **HI)
    after = planned(tmp_path, f"{D},Di\n{C},Cyd\n9192340001,Ana\n{B},\n", **HI)
    found = changes(before, after)
    assert (found.added, found.gone, found.changed) == (1, 1, 1)
    assert found.rows == {"added": (2,), "gone": (3,), "changed": (3,)}
    assert found.texts == ((3, "Hi Cy", "Hi Cyd"),)
    assert found.since == before.run
    back = changes(after, before)
    assert (back.added, back.gone, back.changed) == (1, 1, 1)


def test_the_same_list_in_another_order_changes_nothing(tmp_path: Path) -> None:
    """Another plan, and the same texts."""
    before = planned(tmp_path, f"{A},Ana\n{B},Ben\n", age=9, **HI)
    after = planned(tmp_path, f"{B},Ben\n{A},Ana\n", **HI)
    assert before.hash != after.hash
    found = changes(before, after)
    assert (found.added, found.gone, found.changed) == (0, 0, 0)


def test_another_picture_is_another_message(tmp_path: Path) -> None:
    """Though the text is the same; a picture that was added too."""
    people = f"{A},Ana\n{B},Ben\n"
    plain = planned(tmp_path, people, age=9)
    one = planned(tmp_path, people, age=5, message={"media": ["http://x/{{ name }}"]})
    other = planned(tmp_path, people, message={"media": ["http://x/Ana"]})
    assert changes(plain, one).changed == 2
    assert (changes(one, other).changed, changes(one, other).rows["changed"]) == (
        1,
        (3,),
    )
    assert changes(one, other).texts == ()


def test_who_is_in_a_list_twice_counts_once(tmp_path: Path) -> None:
    """With `duplicates: keep` the first of them is compared."""
    keep: dict[str, Any] = {"recipients": {"duplicates": "keep"}, **HI}
    before = planned(tmp_path, f"{A},Ana\n{A},Ann\n{B},Ben\n", age=9, **keep)
    after = planned(tmp_path, f"{A},Ana\n{A},Ann\n{C},Cy\n{C},Cy\n", **keep)
    found = changes(before, after)
    assert (found.added, found.gone, found.changed) == (1, 1, 0)


def test_the_earlier_plan_is_the_newest_other_one_of_the_campaign(
    tmp_path: Path,
) -> None:
    """Not one of a campaign whose name begins alike, nor what is no plan."""
    first = planned(tmp_path, f"{A},Ana\n", age=30)
    assert earlier_plan(first) is None
    planned(tmp_path, f"{A},Ana\n{B},x\n", age=10, name="test-two")
    second = planned(tmp_path, f"{A},Ana\n{C},x\n", age=20)
    third = planned(tmp_path, f"{A},Ana\n{D},x\n")
    (first.path.parent / "test-000000000000.parquet").write_text("no plan")

    found = earlier_plan(third)
    assert found is not None
    assert found.run == second.run
    again = earlier_plan(first)  # whoever goes back to an old list, compares as well
    assert again is not None
    assert again.run == third.run
