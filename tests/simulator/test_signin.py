"""Tokens: how one is had, and for how long it opens the door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.simulator.calls import BASIC, bandwidth, moment, parsed, request

if TYPE_CHECKING:
    from bulksend.simulator.answers import Answer
    from bulksend.simulator.behaviour import Bandwidth

GRANT = b"grant_type=client_credentials"


def token_request(bw: Bandwidth, seconds: float = 0.0, **changes: Any) -> Answer:
    right = {"target": "/api/v1/oauth2/token", "body": GRANT}
    form = {"content_type": "application/x-www-form-urlencoded"}
    return bw.answer(request(**right | form | changes), moment(seconds))


@pytest.mark.parametrize("path", ["/api/v1/oauth2/token", "/oauth2/token"])
def test_client_credentials_earn_a_token_that_expires(path: str) -> None:
    """Good until ``expires_in`` is over, and not a moment longer."""
    bw = bandwidth(token_lifetime=60.0)

    answer = token_request(bw, target=path)

    told = parsed(answer)
    assert (answer.status, told["token_type"], told["expires_in"]) == (
        200,
        "Bearer",
        60,
    )
    assert told["access_token"].count(".") == 2
    bearer = request(authorization=f"Bearer {told['access_token']}")
    assert bw.answer(bearer, moment(59.9)).status == 202
    assert bw.answer(bearer, moment(60.0)).status == 401


def test_a_new_token_does_not_end_the_old_one() -> None:
    """Two workers may hold a token each."""
    bw = bandwidth()

    tokens = [parsed(token_request(bw))["access_token"] for _ in range(2)]

    assert tokens[0] != tokens[1]
    for token in tokens:
        bearer = request(authorization=f"bearer {token}")
        assert bw.answer(bearer, moment()).status == 202


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"authorization": ""}, 401, "invalid_client"),
        ({"authorization": "Basic dXNlcjp4"}, 401, "invalid_client"),
        ({"body": b""}, 400, "unsupported_grant_type"),
        ({"body": b"grant_type=password"}, 400, "unsupported_grant_type"),
        ({"method": "GET"}, 405, "invalid_request"),
    ],
)
def test_a_wrong_token_request_is_refused(
    changes: dict[str, Any], status: int, error: str
) -> None:
    """The errors of RFC 6749 §5.2."""
    bw = bandwidth(credentials=frozenset({("user", "secret")}))

    answer = token_request(bw, **changes)

    assert (answer.status, parsed(answer)) == (status, {"error": error})


def test_a_token_of_another_simulator_is_unknown() -> None:
    """A token is good where it was issued: a restart asks for a new one."""
    bw = bandwidth()
    token = parsed(token_request(bw))["access_token"]

    bearer = request(authorization=f"Bearer {token}")

    assert bandwidth().answer(bearer, moment()).status == 401
    assert bw.answer(request(authorization=BASIC), moment()).status == 202
