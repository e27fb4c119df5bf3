"""``GET /messages``: the message search, over what the witness has seen accepted.

Records become visible ``lag`` seconds after they were accepted, oldest first, as
Bandwidth's do "up to 15 minutes" late; where the scenario says so, not before a callback
of them was answered.  A group message is one record per recipient
(ours; not documented).  Tag, text and applicationId are neither searched nor told.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from bulksend.simulator.answers import (
    SEARCH_LIMIT,
    Answer,
    Moment,
    Request,
    invalid_search,
    iso_millis,
    json_answer,
)
from bulksend.simulator.fates import fate_of
from bulksend.simulator.query import (
    FURTHEST,
    Params,
    first_problem,
    limit_of,
    offset_of,
    page_token,
    seconds,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bulksend.simulator.fates import Fate
    from bulksend.simulator.scenario import Scenario
    from bulksend.simulator.witness import Accepted, Witness

MOST_REQUESTS, PER_SECONDS = 3500, 300  # SPEC, per source IP

Item = dict[str, Any]


class Row(NamedTuple):
    record: Accepted
    destination: str
    fate: Fate

    @property
    def type(self) -> str:
        return "mms" if self.record.media or len(self.record.to) > 1 else "sms"

    @property
    def size(self) -> int:
        return len((self.record.text or "").encode())


class Search:
    """The index over the witness's log, which catches up when somebody searches."""

    def __init__(self, witness: Witness, scenario: Scenario) -> None:
        self._witness = witness
        self._scenario = scenario
        self._lag = scenario.search_lag
        self._rows: list[Row] = []
        self._indexed = 0
        self._by_id: dict[str, list[int]] = defaultdict(list)
        self._by_destination: dict[str, list[int]] = defaultdict(list)
        self._calls: dict[str, deque[float]] = defaultdict(deque)

    def throttle(self, peer: str, now: float) -> Answer | None:
        """429 when ``peer`` asks more than 3500 times in 5 minutes, else None."""
        calls = self._calls[peer]
        while calls and now - calls[0] >= PER_SECONDS:
            calls.popleft()
        if len(calls) < MOST_REQUESTS:
            calls.append(now)
            return None
        wait = math.ceil(calls[0] + PER_SECONDS - now)
        return SEARCH_LIMIT._replace(headers=(("Retry-After", str(wait)),))

    def answer(self, account: str, request: Request, at: Moment) -> Answer:
        path, _, query = request.target.partition("?")
        params = dict(parse_qsl(query))
        if not params.keys() & TESTS.keys():
            return invalid_search("At least one filter is required")
        if problem := first_problem(params):
            return invalid_search(problem)

        self._catch_up()
        tests = [make(params[name]) for name, make in TESTS.items() if name in params]
        found = [
            row
            for row in self._candidates(params, at.mono - self._lag)
            if row.record.account == account
            and all(test(row) for test in tests)
            and not self._is_held_back(row)
        ]
        _sort(found, params.get("sort", "receiveTime:desc"))
        return json_answer(200, _page(found, params, f"{request.origin}{path}?"))

    def _is_held_back(self, row: Row) -> bool:
        """Whether its callbacks, if there are any, are all without an answer."""
        scenario = self._scenario
        return (
            scenario.search_after_callback
            and bool(scenario.callback_url)
            and row.fate.status != "SENDING"
            and row.record.id not in self._witness.answered
        )

    def _catch_up(self) -> None:
        accepted = self._witness.accepted
        for record in accepted.since(self._indexed):
            for destination in record.to:
                self._by_id[record.id].append(len(self._rows))
                self._by_destination[destination].append(len(self._rows))
                fate = fate_of(record, destination, self._scenario)
                self._rows.append(Row(record, destination, fate))
        self._indexed = accepted.total

    def _candidates(self, params: Params, visible_until: float) -> Iterable[Row]:
        """Of the rows already visible, oldest first, those the best index leaves."""
        rows = self._rows
        end = bisect_right(rows, visible_until, key=lambda row: row.record.mono)
        if message_id := params.get("messageId"):
            places = self._by_id.get(message_id, [])
        elif wanted := params.get("destinationTn"):
            places = self._to(wanted)
        else:
            since = seconds(params.get("fromDateTime", "1970-01-01T00:00:00Z"))
            start = bisect_left(rows, since, key=lambda row: row.record.wall)
            return rows[start:end]
        return (rows[place] for place in places if place < end)

    def _to(self, destination: str) -> list[int]:
        """Places in time order of one number, a comma list, or a prefix."""
        index = self._by_destination
        wanted = destination.split(",")
        if len(wanted) == 1 and destination not in index:
            wanted = [number for number in index if number.startswith(destination)]
        return sorted(
            place for number in set(wanted) for place in index.get(number, ())
        )


def _item(row: Row) -> Item:
    """SPEC ``listMessageItem``; the status is the message's fate, from the beginning."""
    record = row.record
    return {
        "messageId": record.id,
        "accountId": record.account,
        "sourceTn": record.sender,
        "destinationTn": row.destination,
        "messageStatus": row.fate.status,
        "messageDirection": "OUTBOUND",
        "messageType": row.type,
        "segmentCount": record.segments,
        "errorCode": row.fate.code,
        "receiveTime": iso_millis(record.wall),
        "carrierName": "other" if row.type == "sms" else None,
        "messageSize": row.size,
        "messageLength": len(record.text or ""),
        "attachmentCount": len(record.media),
        "recipientCount": len(record.to),
        "campaignClass": None,
        "campaignId": None,
        "bwLatency": None,
        "carrierLatency": None,
        "callingNumberCountryA3": None,
        "calledNumberCountryA3": None,
        "product": None,
        "location": None,
    }


def _always_is(value: str | None) -> Callable[[str], Callable[[Row], bool]]:
    """A field that is the same in every row, or that no row has."""
    return lambda wanted: lambda _row: wanted == value


def _from(wanted: str) -> Callable[[Row], bool]:
    numbers = wanted.split(",")
    if len(numbers) == 1:
        return lambda row: row.record.sender.startswith(wanted)
    return lambda row: row.record.sender in numbers


def _since(wanted: str) -> Callable[[Row], bool]:
    first = seconds(wanted)
    return lambda row: row.record.wall >= first


def _until(wanted: str) -> Callable[[Row], bool]:
    """Inclusive, to the millisecond that is shown."""
    end = seconds(wanted) + 0.001
    return lambda row: row.record.wall < end


TESTS: dict[str, Callable[[str], Callable[[Row], bool]]] = {
    "messageId": lambda wanted: lambda row: row.record.id == wanted,
    "destinationTn": lambda wanted: (
        lambda row: row.destination.startswith(tuple(wanted.split(",")))
    ),
    "sourceTn": _from,
    "messageStatus": lambda wanted: lambda row: row.fate.status == wanted,
    "messageDirection": _always_is("OUTBOUND"),
    "carrierName": lambda wanted: lambda row: wanted == "other" and row.type == "sms",
    "messageType": lambda wanted: lambda row: row.type == wanted,
    "errorCode": lambda wanted: lambda row: row.fate.code == int(wanted),
    "fromDateTime": _since,
    "toDateTime": _until,
    "campaignId": _always_is(None),
    "fromBwLatency": _always_is(None),
    "bwQueued": _always_is("false"),
    "product": _always_is(None),
    "location": _always_is(None),
    "carrierQueued": _always_is("false"),
    "fromCarrierLatency": _always_is(None),
    "callingNumberCountryA3": _always_is(None),
    "calledNumberCountryA3": _always_is(None),
    "fromSegmentCount": lambda least: lambda row: row.record.segments >= int(least),
    "toSegmentCount": lambda most: lambda row: row.record.segments <= int(most),
    "fromMessageSize": lambda least: lambda row: row.size >= int(least),
    "toMessageSize": lambda most: lambda row: row.size <= int(most),
}
"""Every filter there is: from the value asked for to a test of one row."""


def _sort(found: list[Row], order: str) -> None:
    """Rows come in time order; only another field needs work."""
    field, _, direction = order.partition(":")
    if field != "receiveTime":
        found.sort(key=lambda row: _rank(_item(row)[field]))
    if direction == "desc":
        found.reverse()


def _rank(value: object) -> tuple[bool, Any]:
    """Nothing sorts before something."""
    return (value is not None, value)


def _page(found: list[Row], params: Params, link: str) -> Item:
    """Newest first unless sorted otherwise (ours), with tokens to either side."""
    limit, after = limit_of(params), offset_of(params) or 0
    info = {}
    for name, place in (("prev", after - limit), ("next", after + limit)):
        is_before, is_after = place + limit <= 0, place >= len(found)
        if is_before or is_after or place + limit > FURTHEST:
            continue
        token = page_token(max(place, 0))
        info[f"{name}Page"] = link + urlencode(params | {"pageToken": token})
        info[f"{name}PageToken"] = token
    capped = params.get("limitTotalCount") == "true"
    return {
        "totalCount": min(len(found), FURTHEST) if capped else len(found),
        "pageInfo": info,
        "messages": [_item(row) for row in found[after : after + limit]],
    }
