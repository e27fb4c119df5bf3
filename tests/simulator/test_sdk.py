"""Bandwidth's own Python client against the simulator: a second opinion on the wire."""

from __future__ import annotations

import random
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from bandwidth import ApiClient, Configuration
from bandwidth.api.media_api import MediaApi
from bandwidth.api.messages_api import MessagesApi
from bandwidth.exceptions import (
    ApiException,
    BadRequestException,
    ForbiddenException,
    NotFoundException,
    ServiceException,
    UnauthorizedException,
)
from bandwidth.models.list_message_direction_enum import ListMessageDirectionEnum
from bandwidth.models.message_request import MessageRequest
from bandwidth.models.priority_enum import PriorityEnum

from bulksend.simulator.lifetime import in_thread
from bulksend.simulator.scenario import Scenario
from tests.simulator.calls import ACCOUNT, ANN, BOB, SENDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bulksend.simulator.server import Simulator

BASIC = {"username": "user", "password": "secret"}
GOOD = frozenset({("user", "secret")})


def client(simulator: Simulator, **sign_in: Any) -> ApiClient:
    configuration = Configuration(
        host=simulator.url, ignore_operation_servers=True, **sign_in or BASIC
    )
    return ApiClient(configuration)


@contextmanager
def official(**options: Any) -> Iterator[tuple[MessagesApi, Simulator]]:
    scenario = Scenario(credentials=GOOD, **options)
    with (
        in_thread(scenario, random.Random(7)) as simulator,
        client(simulator) as api,
    ):
        yield MessagesApi(api), simulator


def message(**changes: Any) -> MessageRequest:
    right = {
        "applicationId": "93de2206-9669-4e07-948d-329f4b722ee2",
        "to": [ANN],
        "from": SENDER,
        "text": "Grüße, Ann \U0001f600",
    }
    parsed = MessageRequest.from_dict(right | changes)
    assert parsed is not None
    return parsed


def test_it_creates_a_message_and_reads_the_answer() -> None:
    """202 with everything typed; the text arrives unharmed."""
    expires = datetime(2100, 1, 1, tzinfo=UTC)
    with official() as (api, simulator):
        answer = api.create_message_with_http_info(
            ACCOUNT, message(tag="t-1", priority="high", expiration=expires)
        )

        (record,) = simulator.bandwidth.witness.accepted

    assert answer.status_code == 202
    told = answer.data
    assert told.id == record.id
    assert len(told.id) == 29
    assert (told.to, told.var_from, told.segment_count) == ([ANN], SENDER, 1)
    assert (told.tag, told.priority, told.expiration) == (
        "t-1",
        PriorityEnum.HIGH,
        expires,
    )
    assert record.text == "Grüße, Ann \U0001f600"


def test_it_creates_a_group_message() -> None:
    """Two numbers make one MMS of one segment, counted per recipient."""
    with official() as (api, simulator):
        told = api.create_message(ACCOUNT, message(to=[ANN, BOB]))

        (record,) = simulator.bandwidth.witness.accepted

    assert (told.to, told.segment_count) == ([ANN, BOB], 1)
    assert record.units == 2


def test_it_lists_what_it_created_page_by_page() -> None:
    """The search answers in the client's own types, enums included."""
    with official() as (api, _):
        sent = [api.create_message(ACCOUNT, message()).id for _ in range(3)]
        first = api.list_messages(
            ACCOUNT,
            destination_tn=ANN,
            message_direction=ListMessageDirectionEnum.OUTBOUND,
            from_date_time="2020-01-01T00:00:00.000Z",
            sort="receiveTime:asc",
            limit=2,
        )
        rest = api.list_messages(
            ACCOUNT,
            destination_tn=ANN,
            sort="receiveTime:asc",
            limit=2,
            page_token=first.page_info.next_page_token,
        )

    assert first.total_count == 3
    assert [one.message_id for one in first.messages + rest.messages] == sent


def test_it_raises_bad_request_with_the_fields_at_fault() -> None:
    """400 is the client's own exception, for posting and for searching."""
    with official() as (api, _):
        with pytest.raises(BadRequestException) as caught:
            api.create_message(ACCOUNT, message(to=["+1invalid"]))
        with pytest.raises(BadRequestException):
            api.list_messages(ACCOUNT)

    (field,) = caught.value.data.field_errors
    assert field.field_name == "to"
    assert field.description == (
        "'+1invalid' must be replaced with a valid E164 formatted telephone number"
    )


def test_it_raises_unauthorized_and_forbidden() -> None:
    """401 for the wrong secret, 403 for the missing role."""
    with official(forbidden=frozenset({"403"})) as (api, simulator):
        with (
            client(simulator, username="user", password="wrong") as other,
            pytest.raises(UnauthorizedException) as caught,
        ):
            MessagesApi(other).create_message(ACCOUNT, message())
        with pytest.raises(ForbiddenException):
            api.create_message("403", message())

    assert caught.value.data.description == "Authentication Failed"


def test_it_raises_not_found_but_cannot_type_the_documented_body() -> None:
    """The client believes the specification, and the docs' 404 is of another shape."""
    with official() as (_, simulator):
        elsewhere = Configuration(
            host=f"{simulator.url}/nowhere", ignore_operation_servers=True, **BASIC
        )
        with ApiClient(elsewhere) as api, pytest.raises(NotFoundException) as caught:
            MessagesApi(api).create_message(ACCOUNT, message())

    assert caught.value.data is None
    assert '"error":"Not Found"' in caught.value.body


def test_it_raises_on_a_full_queue_and_reads_why() -> None:
    """429 has no type of its own in the client, but its body is there to read."""
    with official(rate=1, queue_seconds=1) as (api, _):
        api.create_message(ACCOUNT, message())
        with pytest.raises(ApiException) as caught:
            api.create_message(ACCOUNT, message())

    assert caught.value.status == 429
    assert caught.value.data.type == "max-message-queue-size-exceeded"


def test_it_raises_on_500_and_never_posts_twice() -> None:
    """One call is one attempt in the log, whatever came of it."""
    with official(error_500=1.0) as (api, simulator):
        with pytest.raises(ServiceException):
            api.create_message(ACCOUNT, message())

        assert len(simulator.bandwidth.witness.attempts) == 1


def test_it_signs_in_by_oauth_and_refreshes() -> None:
    """Client credentials earn a token; under a minute left, the client asks anew."""
    with official(token_lifetime=30.0) as (_, simulator):
        oauth = {
            "client_id": "user",
            "client_secret": "secret",
            "access_token_url": simulator.token_url,
        }
        with client(simulator, **oauth) as api:
            first = api.configuration.get_access_token()
            MessagesApi(api).create_message(ACCOUNT, message())
            second = api.configuration.get_access_token()
        with (
            client(simulator, access_token="made.up.token") as api,
            pytest.raises(UnauthorizedException),
        ):
            MessagesApi(api).create_message(ACCOUNT, message())

        assert len(simulator.bandwidth.witness.accepted) == 1
    assert first != second


def test_it_puts_gets_lists_and_deletes_media() -> None:
    """With a slash in the name, which this client sends as ``%2F``."""
    with official() as (_, simulator), client(simulator) as api:
        media = MediaApi(api)
        media.upload_media(ACCOUNT, "a/0/b.png", b"png", _content_type="image/png")

        assert media.get_media(ACCOUNT, "a/0/b.png") == b"png"
        (listed,) = media.list_media(ACCOUNT)
        assert (listed.media_name, listed.content_length) == ("a/0/b.png", 3)
        media.delete_media(ACCOUNT, "a/0/b.png")
        assert media.list_media(ACCOUNT) == []
