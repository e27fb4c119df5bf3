"""Bandwidth's own OpenAPI file, as a judge of request and answer bodies."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker

SPEC = Path(__file__).parents[1] / "cases" / "bandwidth-openapi-messaging.yml"


class SpecificationError(AssertionError):
    """The value is not what the specification allows; says where and why."""


def validate(schema_name: str, value: object) -> None:
    """Hold ``value`` to ``#/components/schemas/<schema_name>``.

    Raises:
        SpecificationError: With every difference, one per line.

        KeyError: The specification has no such schema.
    """
    specification()["components"]["schemas"][schema_name]
    _judge({"$ref": f"#/components/schemas/{schema_name}"}, value, schema_name)


def validate_answer(operation: tuple[str, str], status: int, value: object) -> None:
    """Hold a JSON answer to what the specification has for operation and status.

    ``operation`` is method and path template: ``("post", "/users/{accountId}/messages")``.

    Raises:
        SpecificationError: As `validate`, also when that status is not documented at all.
    """
    method, path = operation
    answers = specification()["paths"][path][method]["responses"]
    if str(status) not in answers:
        raise SpecificationError(
            f"{method} {path} has no {status}; it has {list(answers)}"
        )
    answer = answers[str(status)]
    if "$ref" in answer:
        answer = specification()["components"]["responses"][
            answer["$ref"].rpartition("/")[2]
        ]
    schema = answer["content"]["application/json"]["schema"]
    _judge(schema, value, f"{method} {path} {status}")


@cache
def specification() -> dict[str, Any]:
    """The file, with OpenAPI 3.0's ``nullable`` put as JSON Schema puts it."""
    document = yaml.safe_load(SPEC.read_text())
    assert isinstance(document, dict)
    _say_null(document)
    return document


def _say_null(node: object) -> None:
    if isinstance(node, list):
        for child in node:
            _say_null(child)
    if isinstance(node, dict):
        if node.get("nullable") is True and isinstance(node.get("type"), str):
            node["type"] = [node["type"], "null"]
        for child in node.values():
            _say_null(child)


def _judge(schema: dict[str, Any], value: object, name: str) -> None:
    whole = {**schema, "components": specification()["components"]}
    checker = Draft202012Validator(whole, format_checker=FormatChecker())
    wrong = sorted(checker.iter_errors(value), key=lambda error: error.json_path)
    if wrong:
        lines = "\n".join(f"  {error.json_path}: {error.message}" for error in wrong)
        raise SpecificationError(f"not a {name}:\n{lines}")
