"""From a callback to what follows from it: as values, and into a journal."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulksend.errors import BulksendError
from bulksend.home import Home
from bulksend.journal.records import Run, person_key
from bulksend.journal.states import Event
from bulksend.journal.store import Journal
from bulksend.settle.receipts import Unreadable, read
from bulksend.settle.standing import standing
from bulksend.settle.taking import Taking, news_of
from tests.prepare.planning import number, plan
from tests.settle.callbacks import ANA, ID, TAG, TOLL_FREE, body, event, reply
from tests.settle.test_receipts import FIELDS, INNER, JSON
from tests.settle.test_results import run_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bulksend.journal.inbox import News

NOW = 1_795_687_300_000
AT = 1_795_687_202_161
RUN = Run("a", "c", "p", "0a1b2c3d" * 4, "d", "i", "e", "bandwidth", 9, 9, "", NOW)


def news(*said: Any, place: tuple[int, int] | None = (1, 7)) -> News:
    receipts = read(body(*said))
    places = [None if one.event is None else place for one in receipts]
    return news_of(receipts, places, now=NOW)


def test_a_delivery_is_evidence_and_is_kept() -> None:
    """When it happened, when Bandwidth took it, by which id; nobody is suppressed."""
    found = news(event())
    (kept,), (proof,) = found.receipts, found.evidence
    assert (kept.message_id, kept.at, kept.received_at) == (ID, AT, NOW)
    assert (kept.run_id, kept.row, kept.person) == (1, 7, person_key(ANA))
    assert (proof.event, proof.at, proof.accepted_at) == (
        Event.DELIVER,
        AT,
        1_795_687_200_123,
    )
    assert (proof.error_code, proof.error, proof.message_id) == (None, None, ID)
    assert not found.opted_out
    assert ANA not in str(proof) + str(kept)


def test_a_failure_says_what_happened_and_what_to_do() -> None:
    """In our words, by its code; Bandwidth's description is for people, and not used."""
    (proof,) = news(event("message-failed", errorCode=4720)).evidence
    assert proof.error_code == "4720"
    assert proof.error is not None
    assert proof.error.startswith("4720 invalid-destination-address: ")
    (bare,) = news(event("message-failed")).evidence
    assert (bare.error_code, bare.error) == (
        "failed",
        "Bandwidth says that it failed, and gives no code.",
    )


# a failing code, why the number is suppressed
CODES = (
    (4475, "opted_out"),
    (4775, "opted_out"),
    (4482, "suppressed"),
    (4721, "suppressed"),
    (4720, None),
    (4770, None),
    (9902, None),
)


@pytest.mark.parametrize(("code", "reason"), CODES)
def test_codes_that_end_a_number_suppress_it(code: int, reason: str | None) -> None:
    """Whether or not the message was one of ours."""
    for place in ((1, 7), None):
        found = news(event("message-failed", errorCode=code), place=place)
        assert [one.reason for one in found.opted_out] == ([reason] if reason else [])
        for one in found.opted_out:
            assert (one.number, one.source) == (int(ANA[1:]), f"receipt {code}")
            assert one.since == AT


def test_replies_change_the_list() -> None:
    """STOP and START, by their own time; ours may be behind, but not by years."""
    found = news(reply("Stop."), reply("start"), reply("hello"), reply("HELP"))
    assert [one.source for one in found.opted_out] == ["reply STOP"]
    assert [one.source for one in found.opted_in] == ["reply START"]
    assert {one.since for one in (*found.opted_out, *found.opted_in)} == {AT}
    late = news(reply("stop", time="2099-01-01T00:00:00Z"))
    assert late.opted_out[0].since == NOW
    ahead = datetime.fromtimestamp(NOW / 1000 + 300, UTC).isoformat()
    (start,) = news(reply("start", time=ahead)).opted_in
    assert start.since == NOW + 300_000
    assert not news(reply("yes", ours=TOLL_FREE)).opted_in
    assert not found.evidence
    assert len(found.receipts) == 4


@pytest.mark.parametrize("said", ["+5491123456789", "+541123456789"])
def test_a_line_that_is_written_in_two_ways_is_kept_in_both(said: str) -> None:
    """A plan may have either; and START lifts both."""
    stop, start, gone = (
        reply("Stop", message_from=said),
        reply("Start", message_from=said),
        event("message-failed", errorCode=4721, to=said),
    )
    for found in (news(stop).opted_out, news(start).opted_in, news(gone).opted_out):
        assert {one.number for one in found} == {5491123456789, 541123456789}


def home(folder: Path) -> Home:
    return Home.find(folder, {})


def test_rows_are_found_by_the_tag_and_else_by_the_id(tmp_path: Path) -> None:
    """A run that began after the listener did is found as well."""
    taking = Taking(home(tmp_path), lambda: NOW)
    taking(read(body(event())))
    with Journal.open(home(tmp_path).journal) as journal:
        run = journal.runs.add(RUN)
        taking(read(body(event("message-failed", errorCode=4720))))
        assert journal.entries(run.id, 7, 7)[0].status == "failed"
        taking(read(body(event(message_tag=...))))  # the same message, without its tag
        assert journal.entries(run.id, 7, 7)[0].status == "delivered"
        assert journal.receipts.counts() == {
            "message-delivered": (1, 1),
            "message-failed": (1, 0),
        }
    taking.close()


def test_a_type_of_tomorrow_about_our_message_is_no_strangers(tmp_path: Path) -> None:
    """By its tag or by its id; it proves nothing, and a reply with our tag is no row's."""
    taking = Taking(home(tmp_path), lambda: NOW)
    with Journal.open(home(tmp_path).journal) as journal:
        run = journal.runs.add(RUN)
        taking(read(body(event("of-tomorrow"))))
        assert not journal.entries(run.id, 7, 7)
        taking(read(body(event("message-sent"))))
        taking(read(body(event("of-tomorrow", message_tag=...))))
        assert journal.entries(run.id, 7, 7)[0].status == "accepted"
        taking(read(body(event("of-tomorrow", message_tag=..., message_id=...))))
        taking(read(body(reply("hi", message_tag=TAG))))
        assert journal.receipts.counts() == {
            "message-sent": (1, 0),
            "of-tomorrow": (2, 1),
            "message-received": (0, 1),
        }
    taking.close()


def test_of_no_callbacks_it_is_tried_whether_they_could_be_kept(tmp_path: Path) -> None:
    """Whatever would keep the next one from the disk is told."""
    taking = Taking(home(tmp_path), lambda: NOW)
    taking([])
    with closing(sqlite3.connect(str(home(tmp_path).journal))) as sql:
        sql.execute("update meta set value = '99' where name <> 'tried_out'")
        sql.commit()
    with pytest.raises(BulksendError) as caught:
        taking([])
    assert caught.value.problems[0].code == "E602"
    taking.close()


def test_only_rows_that_the_plan_sends_are_believed(tmp_path: Path) -> None:
    """A tag that names a row left out, or none: kept as another's, and the counts add up.

    What was sent before this journal was put back from an old copy is believed.
    """
    checked = plan(tmp_path, f"phone\n{number(2)}\n555\n{number(4)}\n")
    mark = checked.plan.hash[:8]
    taking = Taking(home(tmp_path), lambda: NOW)
    with Journal.open(home(tmp_path).journal) as journal:
        run = journal.runs.add(run_of(checked.plan, checked.summary.sendable))
        for row in (2, 3, 99, 10**11, 4, 4):
            said = event(message_tag=f"#{mark}-{row}", message_id=f"m{row}")
            taking(read(body(said)))
        stands = standing(journal, run)
        assert stands.counts["delivered"] == 2
        assert stands.counts["not_sent"] == 0
        assert journal.receipts.counts() == {"message-delivered": (2, 3)}
    taking.close()


def test_a_mark_of_two_runs_is_nobodys(tmp_path: Path) -> None:
    """Eight digits may meet by chance: then only the message's id decides."""
    taking = Taking(home(tmp_path), lambda: NOW)
    with Journal.open(home(tmp_path).journal) as journal:
        for name in ("a", "b"):
            journal.runs.add(replace(RUN, run=name, plan_hash="0a1b2c3d" + name * 24))
        taking(read(body(event())))
        assert journal.receipts.counts() == {"message-delivered": (0, 1)}
    taking.close()


def test_after_a_failure_it_begins_anew(tmp_path: Path) -> None:
    """A folder in the journal's place: an error; the folder is moved: all is well."""
    here = home(tmp_path)
    place = here.journal
    assert isinstance(place, Path)
    place.mkdir(parents=True)
    taking = Taking(here, lambda: NOW)
    with pytest.raises(BulksendError):
        taking(read(body(event())))
    place.rmdir()
    taking(read(body(event())))
    taking.close()
    with Journal.open(place) as journal:
        assert journal.receipts.counts() == {"message-delivered": (0, 1)}


def test_a_journal_that_was_put_back_takes_in_what_comes_next(tmp_path: Path) -> None:
    """Moved away: refused, and none is made; a copy in its place: refused, then taken."""
    place = home(tmp_path).journal
    assert isinstance(place, Path)
    taking = Taking(home(tmp_path), lambda: NOW)
    taking(read(body(event())))
    with closing(sqlite3.connect(place)) as sql:
        sql.execute("vacuum into ?", (str(tmp_path / "copy"),))

    place.rename(tmp_path / "moved")
    for code in ("E608", "E601"):
        with pytest.raises(BulksendError, match=code):
            taking(read(body(reply("Stop"))))
    assert not place.exists()

    (tmp_path / "copy").rename(place)
    taking(read(body(reply("Stop"))))
    (tmp_path / "moved").replace(place)
    with pytest.raises(BulksendError, match="E608"):
        taking([])
    taking(read(body(reply("Stop"))))
    taking.close()
    with Journal.open(place) as journal:
        assert [one.source for one in journal.suppressions.of(ANA)] == ["reply STOP"]


def test_a_journal_that_was_upgraded_meanwhile_takes_nothing_in(tmp_path: Path) -> None:
    """E602, though the statements would still run: what they should keep is not known."""
    place = home(tmp_path).journal
    taking = Taking(home(tmp_path), lambda: NOW)
    taking(read(body(event())))
    with sqlite3.connect(str(place)) as sql:
        sql.execute("update meta set value = '99'")
    sql.close()

    for _ in range(2):
        with pytest.raises(BulksendError, match="E602"):
            taking(read(body(reply("Stop"))))

    taking.close()
    with sqlite3.connect(str(place)) as sql:
        ((kept,),) = sql.execute("select count(*) from receipts")
    sql.close()
    assert kept == 1


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taking]:
    folder = tmp_path_factory.mktemp("any")
    with Journal.open(home(folder).journal) as journal:
        journal.runs.add(RUN)
    taking = Taking(home(folder), lambda: NOW)
    yield taking
    taking.close()


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(
    st.sampled_from(
        ["message-failed", "message-delivered", "message-received", "of-tomorrow"]
    ),
    st.dictionaries(st.sampled_from(FIELDS), JSON),
    st.dictionaries(st.sampled_from(INNER), JSON),
)
def test_whatever_can_be_read_can_be_stored(
    taken: Taking, kind: str, outer: dict[str, Any], inner: dict[str, Any]
) -> None:
    """One odd event among others would keep them all from the disk."""
    said = {"type": kind, "message": {"tag": TAG} | inner} | outer
    try:
        receipts = read(orjson.dumps([said]))
    except (TypeError, orjson.JSONEncodeError, Unreadable):
        return
    taken(receipts)
