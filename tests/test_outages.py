"""What ends by itself and what needs a person have different exit codes, everywhere.

A scheduler tries again what ended with 4, and nothing else.
"""

from __future__ import annotations

import ast
from pathlib import Path

import bulksend
from bulksend.kinds import KINDS

OUTAGES = {
    "E502": "the sign-in's address does not answer, or not with a token",
    "E510": "Bandwidth does not answer",
    "E511": "Bandwidth did not take some messages",
    "E546": "the message search does not answer",
    "E563": "PostgreSQL is away",
    "E566": "the cluster is gone",
    "E595": "a worker did not end its part",
    "E600": "another process has the journal",
    "E611": "the lease was lost",
    "E697": "another process writes there",
    "E698": "object storage does not answer",
}
REFUSALS = {
    "E500": "no credentials",
    "E501": "the credentials are refused",
    "E503": "the account or user is refused",
    "E545": "the message search is refused",
    "E551": "another account's run",
    "E560": "psycopg is missing",
    "E561": "PostgreSQL lets this user in never",
    "E590": "Dask is missing",
    "E691": "obstore is missing",
    "E693": "no such bucket",
    "E694": "object storage refuses",
}
ENDS = ("InputError", "GateRefused", "Stopped")


def _raised() -> dict[str, set[str]]:
    """Code -> the exceptions that the program makes of it."""
    found: dict[str, set[str]] = {}
    for path in Path(bulksend.__file__).parent.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            match call:
                case ast.Call(
                    func=ast.Name(id=name),
                    args=[ast.Call(args=[ast.Constant(value=str(code)), *_]), *_],
                ) if name in ENDS:
                    found.setdefault(code, set()).add(name)
    return found


def test_an_outage_stops_and_a_refusal_refuses() -> None:
    """An outage's code is never raised as a refusal, and the other way round."""
    raised = _raised()
    assert {*OUTAGES, *REFUSALS} <= KINDS.keys()
    wrong = {
        code: raised[code] for code in OUTAGES if raised.get(code, set()) - {"Stopped"}
    }
    wrong |= {
        code: raised[code] for code in REFUSALS if "Stopped" in raised.get(code, set())
    }
    assert wrong == {}
    assert len(raised.keys() & OUTAGES.keys()) > 6, (
        "the table is of codes that are raised"
    )
