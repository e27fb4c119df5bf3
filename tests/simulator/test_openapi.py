"""Every status that the specification documents, held to its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.simulator.calls import (
    ACCOUNT,
    ANN,
    BOB,
    MESSAGES,
    bandwidth,
    body,
    moment,
    parsed,
    post,
    request,
)
from tests.simulator.openapi import (
    SpecificationError,
    specification,
    validate,
    validate_answer,
)

if TYPE_CHECKING:
    from bulksend.simulator.answers import Answer

CREATE = ("post", "/users/{accountId}/messages")
LIST = ("get", "/users/{accountId}/messages")
LIST_MEDIA = ("get", "/users/{accountId}/media")
FIND = f"{MESSAGES}?messageDirection=OUTBOUND"
MEDIA = f"/api/v2/users/{ACCOUNT}/media"
ANYBODY = {"authorization": ""}
NO_ROLE = {"forbidden": frozenset({ACCOUNT})}
FULL = {"rate": 1, "queue_seconds": 0}

ANSWERS: list[tuple[tuple[str, str], int, dict[str, Any], dict[str, Any]]] = [
    # operation, status, scenario, request
    (CREATE, 202, {}, {}),
    (CREATE, 400, {}, {"body": b"{}"}),
    (CREATE, 400, {}, {"body": b"{"}),
    (CREATE, 401, {}, ANYBODY),
    (CREATE, 403, NO_ROLE, {}),
    (CREATE, 405, {}, {"method": "PUT"}),
    (CREATE, 406, {}, {"accept": "text/html"}),
    (CREATE, 415, {}, {"content_type": "text/plain"}),
    (CREATE, 429, FULL, {}),
    (CREATE, 500, {"error_500": 1.0}, {}),
    (LIST, 200, {}, {"method": "GET", "target": FIND}),
    (LIST, 400, {}, {"method": "GET", "target": MESSAGES}),
    (LIST, 401, {}, {"method": "GET", "target": FIND} | ANYBODY),
    (LIST, 403, NO_ROLE, {"method": "GET", "target": FIND}),
    (LIST, 405, {}, {"method": "DELETE"}),
    (LIST_MEDIA, 200, {}, {"method": "GET", "target": MEDIA}),
    (LIST_MEDIA, 401, {}, {"method": "GET", "target": MEDIA} | ANYBODY),
    (LIST_MEDIA, 403, NO_ROLE, {"method": "GET", "target": MEDIA}),
]
CONTRADICTIONS: list[tuple[tuple[str, str], int, dict[str, Any], str]] = [
    (
        CREATE,
        404,
        {"target": f"{MESSAGES}/happy"},
        "docs: a framework's timestamp, status, error, message and path",
    ),
    (
        LIST,
        404,
        {"method": "GET", "target": f"{MESSAGES}/happy"},
        "the same; the specification requires type and description",
    ),
]
NOT_PLAYED = {
    (LIST, 415): "a GET has no body whose type could be wrong",
    (LIST, 500): "faults strike POSTs only",
    (LIST_MEDIA, 400): "there is nothing to get wrong in listing media",
    (LIST_MEDIA, 404): "a list may be empty, but is there",
    (LIST_MEDIA, 406): "media are any type",
    (LIST_MEDIA, 415): "a GET has no body whose type could be wrong",
    (LIST_MEDIA, 429): "no limit on media is published",
    (LIST_MEDIA, 500): "faults strike POSTs only",
}
"""What the specification documents and the simulator does not do, with the reason."""


def ask(scenario: dict[str, Any], changes: dict[str, Any]) -> Answer:
    return bandwidth(**scenario).answer(request(**changes), moment())


@pytest.mark.parametrize(("operation", "status", "scenario", "changes"), ANSWERS)
def test_an_answer_is_what_the_specification_says(
    operation: tuple[str, str],
    status: int,
    scenario: dict[str, Any],
    changes: dict[str, Any],
) -> None:
    """Status by status, body against schema."""
    answer = ask(scenario, changes)

    assert answer.status == status
    validate_answer(operation, status, parsed(answer))


@pytest.mark.parametrize(("operation", "status", "changes", "reason"), CONTRADICTIONS)
def test_where_docs_and_specification_differ_the_docs_win(
    operation: tuple[str, str], status: int, changes: dict[str, Any], reason: str
) -> None:
    """Known differences are rows; a new specification that agrees turns this red."""
    answer = ask({}, changes)

    assert answer.status == status, reason
    with pytest.raises(SpecificationError, match="'type' is a required property"):
        validate_answer(operation, status, parsed(answer))


def test_the_limit_on_searching_is_answered_as_specified() -> None:
    """429 of GET: the specification's own example, word for word, and its header."""
    bw = bandwidth()
    for _ in range(3501):
        answer = bw.answer(request("GET", FIND), moment())

    validate_answer(LIST, 429, parsed(answer))
    spec = specification()["components"]["responses"][
        "listMessagesTooManyRequestsError"
    ]
    assert parsed(answer) == spec["content"]["application/json"]["example"]
    assert dict(answer.headers).keys() == spec["headers"].keys()


def test_every_documented_status_is_played_or_excused() -> None:
    """A status that a later specification adds shows up here."""
    played = {(operation, status) for operation, status, *_ in ANSWERS}
    played |= {(operation, status) for operation, status, *_ in CONTRADICTIONS}
    played |= {(LIST, 429)} | NOT_PLAYED.keys()

    documented = {
        (operation, int(status))
        for operation in (CREATE, LIST, LIST_MEDIA)
        for status in specification()["paths"][operation[1]][operation[0]]["responses"]
    }

    assert documented == played


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"to": [ANN, BOB]},
        {"media": ["https://a.example/b.png"], "text": ...},
        {"tag": "t", "priority": "high", "expiration": "2100-01-01T00:00:00.5Z"},
    ],
)
def test_whole_messages_conform_from_request_to_record(changes: dict[str, Any]) -> None:
    """Request, 202 and list item of one message, each to its schema."""
    bw = bandwidth()
    validate("messageRequest", body(**changes))

    validate("message", parsed(post(bw, **changes)))

    found = parsed(bw.answer(request("GET", FIND), moment()))
    validate("messagesList", found)
    assert found["totalCount"] == len(body(**changes)["to"])


def test_media_conform_when_there_are_some() -> None:
    """The list item of a file that was put."""
    bw = bandwidth()
    bw.answer(request("PUT", f"{MEDIA}/a.png", body=b"1"), moment())

    listed = parsed(bw.answer(request("GET", MEDIA), moment()))

    validate_answer(LIST_MEDIA, 200, listed)
    assert len(listed) == 1


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        ("messageRequest", {"to": [], "from": "x"}, "'applicationId' is a required"),
        ("messageRequest", body(to=ANN), r"\$\.to: '\+1919.*is not of type 'array'"),
        ("messageRequest", body(to=[ANN, ANN]), r"\$\.to: .*non-unique"),
        ("messageRequest", body(text="x" * 2049), r"\$\.text: .*too long"),
        ("messageRequest", body(media=["not media"]), r"\$\.media\[0\]: .*not a 'uri'"),
        ("messageRequest", body(expiration="soon"), r"\$\.expiration: .*'date-time'"),
        ("messageRequest", body(priority="low"), r"\$\.priority: .*not one of"),
        ("listMessageItem", {"messageId": None}, r"\$\.messageId: None is not of type"),
    ],
)
def test_the_judge_finds_fault_and_says_where(
    schema: str, value: object, said: str
) -> None:
    """Formats are checked too, references are followed, and only nullable is null."""
    with pytest.raises(SpecificationError, match=said):
        validate(schema, value)


def test_the_judge_knows_nullable_and_refuses_unknown_schemas() -> None:
    """OpenAPI 3.0 says nullable where JSON Schema says null."""
    validate("listMessageItem", {"carrierName": None, "segmentCount": 1})

    with pytest.raises(KeyError):
        validate("noSuchSchema", {})
    with pytest.raises(SpecificationError, match="has no 418"):
        validate_answer(CREATE, 418, orjson.loads(b"{}"))
