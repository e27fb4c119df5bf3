"""The message search: what it asks for, what it finds, and what it keeps to itself."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.simulator.calls import (
    ANN,
    BOB,
    EPOCH,
    MESSAGES,
    SENDER,
    bandwidth,
    moment,
    parsed,
    post,
    request,
    search,
)

if TYPE_CHECKING:
    from bulksend.simulator.behaviour import Bandwidth

A = quote(ANN, safe="")
LIST = quote(",".join(f"+1919555{n:04d}" for n in range(10)), safe="")
LIST_OF_11 = quote(",".join(f"+1919555{n:04d}" for n in range(11)), safe="")
STAMP = "2026-11-18T11:06:40"  # EPOCH

BAD = [
    ("", "no parameter"),
    ("limit=10&sort=sourceTn:asc", "paging alone is no filter"),
    ("tag=spring", "tag is not searchable"),
    ("destinationTn=", "an empty filter"),
    ("destinationTn=%2B191", "a prefix of four"),
    (f"destinationTn={ANN}", "a plus that was not encoded"),
    (f"destinationTn={LIST_OF_11}", "eleven numbers"),
    (f"sourceTn={LIST_OF_11}", "eleven senders"),
    (f"destinationTn={A},12", "a short one in a list"),
    (f"fromDateTime={STAMP}Z", "no milliseconds"),
    (f"toDateTime={STAMP}.000000Z", "microseconds"),
    (f"toDateTime={STAMP}.000", "no offset"),
    ("fromDateTime=2026-13-18T11:06:40.000Z", "no such month"),
    ("messageDirection=OUT", "no such direction"),
    ("messageStatus=DLR_EXPIRED", "no such status"),
    ("messageType=fax", "no such type"),
    ("fromSegmentCount=one", "no number"),
    (f"destinationTn={A}&limit=0", "nothing to show"),
    (f"destinationTn={A}&limit=10001", "too many to show"),
    (f"destinationTn={A}&limit=-1", "less than nothing"),
    (f"destinationTn={A}&pageToken=abc", "a token of somebody else"),
    (f"destinationTn={A}&pageToken=YWZ0ZXI6OTk1MA==", "limit and after over 10000"),
    (f"destinationTn={A}&sort=tag:asc", "sort by a field that is not told"),
    (f"destinationTn={A}&sort=sourceTn", "sort without a direction"),
]


@pytest.mark.parametrize("query", [row[0] for row in BAD], ids=[row[1] for row in BAD])
def test_a_bad_search_is_refused(query: str) -> None:
    """400 in the documented shape, also where Bandwidth only says so in prose."""
    answer = search(bandwidth(), query)

    assert answer.status == 400
    assert parsed(answer)["type"] == "request-validation"


@pytest.fixture
def filled() -> Bandwidth:
    """Five messages, a second apart: two to Ann, one long, one MMS, one group."""
    bw = bandwidth()
    post(bw, 0)
    post(bw, 1, to=[BOB], text="x" * 200)
    post(bw, 2, to=["+447700900123"], media=["https://a.example/b.png"])
    post(bw, 3, to=[ANN, BOB], text="group", sender="+12025550100")
    post(bw, 4)
    return bw


FOUND = [
    ("messageDirection=OUTBOUND", [4, 3, 3, 2, 1, 0]),
    ("messageDirection=INBOUND", []),
    (f"destinationTn={A}", [4, 3, 0]),
    (f"destinationTn={A},{quote(BOB, safe='')}", [4, 3, 3, 1, 0]),
    (f"destinationTn={LIST}", []),
    ("destinationTn=%2B1919", [4, 3, 3, 1, 0]),
    ("destinationTn=%2B4477009", [2]),
    (f"sourceTn={quote(SENDER, safe='')}", [4, 2, 1, 0]),
    ("sourceTn=%2B1202", [3, 3]),
    (f"sourceTn={quote(SENDER, safe='')},%2B12025550100", [4, 3, 3, 2, 1, 0]),
    ("messageType=mms", [3, 3, 2]),
    ("messageType=sms&fromSegmentCount=2", [1]),
    ("toSegmentCount=1&messageType=sms", [4, 0]),
    ("fromMessageSize=200", [1]),
    ("errorCode=0&toMessageSize=5", [3, 3]),
    ("messageStatus=DELIVERED&carrierName=other", [4, 1, 0]),
    ("messageStatus=FAILED", []),
    ("errorCode=4720", []),
    ("campaignId=C1", []),
    ("bwQueued=false&carrierQueued=false", [4, 3, 3, 2, 1, 0]),
    ("bwQueued=true", []),
    ("fromBwLatency=1", []),
    ("fromDateTime=2026-11-18T11:06:42.000Z", [4, 3, 3, 2]),
    ("fromDateTime=2026-11-18T11:06:42.001Z", [4, 3, 3]),
    ("toDateTime=2026-11-18T11:06:42.000Z", [2, 1, 0]),
    ("toDateTime=2026-11-18T12:06:41.999%2B01:00", [1, 0]),
    (f"destinationTn={A}&fromDateTime=2026-11-18T11:06:41.000Z", [4, 3]),
    (f"destinationTn={A}&sort=receiveTime:asc", [0, 3, 4]),
    ("messageType=sms&sort=segmentCount:desc", [1, 4, 0]),
    ("messageDirection=OUTBOUND&sort=carrierName:asc", [2, 3, 3, 0, 1, 4]),
]


@pytest.mark.parametrize(("query", "seqs"), FOUND)
def test_a_search_finds_what_its_filters_say(
    filled: Bandwidth, query: str, seqs: list[int]
) -> None:
    """All filters hold at once; newest first; a group is one record per recipient."""
    ids = {record.id: record.seq for record in filled.witness.accepted}

    found = parsed(search(filled, query, 10))

    assert [ids[one["messageId"]] for one in found["messages"]] == seqs
    assert found["totalCount"] == len(seqs)


def test_one_message_is_found_by_its_id(filled: Bandwidth) -> None:
    """An id is exact, and an unknown one is an empty list, not an error."""
    wanted = filled.witness.accepted[1].id

    found = parsed(search(filled, f"messageId={wanted}", 10))["messages"]

    assert [one["destinationTn"] for one in found] == [BOB]
    nothing = {"totalCount": 0, "pageInfo": {}, "messages": []}
    assert parsed(search(filled, "messageId=none", 10)) == nothing


def test_the_record_tells_no_text_tag_or_application(filled: Bandwidth) -> None:
    """What Bandwidth's own list item has, and nothing by which to tell rows apart."""
    post(filled, 5, to=["+12125550199"], tag="spring-17", text="Grüße")

    answer = search(filled, "destinationTn=%2B12125550199", 10)

    (item,) = parsed(answer)["messages"]
    assert item["receiveTime"] == "2026-11-18T11:06:45.000Z"
    assert (item["messageLength"], item["messageSize"]) == (5, 7)
    assert not item.keys() & {"tag", "text", "applicationId"}
    assert b"spring-17" not in answer.body


def test_nothing_of_another_account_is_found(filled: Bandwidth) -> None:
    """The account in the path is a filter that cannot be left out."""
    target = "/api/v2/users/2/messages?messageDirection=OUTBOUND"

    answer = filled.answer(request("GET", target), moment(10))

    assert parsed(answer)["totalCount"] == 0


def test_pages_follow_each_other_to_the_end_and_back() -> None:
    """Tokens lead through every record once; the links carry the whole query."""
    bw = bandwidth()
    for n in range(25):
        post(bw, n)
    query = "messageDirection=OUTBOUND&limit=10&sort=receiveTime:asc"

    pages = [parsed(search(bw, query, 30))]
    while token := pages[-1]["pageInfo"].get("nextPageToken"):
        pages.append(parsed(search(bw, f"{query}&pageToken={quote(token)}", 30)))

    seen = [one["messageId"] for page in pages for one in page["messages"]]
    assert seen == [record.id for record in bw.witness.accepted]
    assert [len(page["messages"]) for page in pages] == [10, 10, 5]
    assert "prevPageToken" not in pages[0]["pageInfo"]

    back = pages[2]["pageInfo"]["prevPage"]
    assert back.startswith(f"http://127.0.0.1{MESSAGES}?")
    link = back.removeprefix("http://127.0.0.1")
    assert parsed(bw.answer(request("GET", link), moment(30))) == pages[1]


def test_only_the_first_ten_thousand_can_be_paged_through() -> None:
    """SPEC: limit plus after is at most 10000; the count may say more, or be capped."""
    bw = bandwidth(rate=None)
    for n in range(10_050):
        post(bw, n / 1000)
    query = "messageDirection=OUTBOUND&limit=5000"

    first = parsed(search(bw, query, 30))
    token = first["pageInfo"]["nextPageToken"]
    last = parsed(search(bw, f"{query}&pageToken={token}", 30))

    assert first["totalCount"] == 10_050
    assert len(last["messages"]) == 5000
    assert "nextPageToken" not in last["pageInfo"]
    capped = parsed(search(bw, f"{query}&limitTotalCount=true", 30))
    assert capped["totalCount"] == 10_000


def test_a_message_is_found_only_after_the_lag() -> None:
    """Absence proves nothing before the lag is over, and records come in order."""
    bw = bandwidth(search_lag=900.0)
    post(bw, 0)
    post(bw, 100, to=[BOB])

    def found(at: float) -> int:
        return int(parsed(search(bw, "destinationTn=%2B1919", at))["totalCount"])

    assert [found(at) for at in (0, 899, 900, 999, 1000)] == [0, 0, 1, 1, 2]
    assert parsed(search(bw, f"destinationTn={A}", 899))["totalCount"] == 0
    assert parsed(search(bw, f"destinationTn={A}", 900))["totalCount"] == 1


def test_a_source_may_ask_3500_times_in_five_minutes() -> None:
    """The 3501st gets 429 and the seconds to wait; another address is not affected."""
    bw = bandwidth()
    query = f"destinationTn={A}"
    for n in range(3500):
        assert search(bw, query, n / 100).status == 200

    answer = search(bw, query, 35.5)

    assert answer.status == 429
    assert answer.headers == (("Retry-After", "265"),)
    assert parsed(answer) == {
        "type": "rate_limit_exceeded",
        "description": "Rate limit exceeded. Wait for Retry-After time before sending "
        "another request.",
    }
    elsewhere = request("GET", f"{MESSAGES}?{query}", peer="127.0.0.2")
    assert bw.answer(elsewhere, moment(35.5)).status == 200
    assert search(bw, query, 299.9).status == 429
    assert search(bw, query, 300.0).status == 200


def test_the_stamps_of_this_file_are_those_of_its_clock(filled: Bandwidth) -> None:
    """The rows above write the epoch out; this keeps them honest."""
    assert filled.witness.accepted[0].wall == EPOCH
    first = parsed(search(filled, "messageDirection=OUTBOUND&sort=receiveTime:asc", 10))
    assert first["messages"][0]["receiveTime"] == f"{STAMP}.000Z"
