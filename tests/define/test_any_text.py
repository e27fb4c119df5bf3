"""Whatever a file holds, it is a campaign or a list of problems."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulksend.define.load import Loaded, load
from bulksend.define.schema import starter
from bulksend.errors import InputError

STARTER = starter("summer").encode()
STEADY = settings(
    derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

# What YAML, the templates and the variables are made of, and what trips readers.
PIECES = st.sampled_from(
    [
        *b": |- |\n|\n  |\t|#|'|\"|{{ x }}|${X}|$${X}|[|]|{|}|&a |*a|<<: |!t |>".split(
            b"|"
        ),
        *b"---|...|? |%|@|`|\\|'\\ud83d'|~|null|NO|1e999|\x00|\xff|\xef\xbb\xbf".split(
            b"|"
        ),
        *b"\xc2\x85|\xf0\x9f\x98\x80|name|message|text|media|from|send|rate".split(
            b"|"
        ),
        *(b"prices", b"|", b'"\\ud83d"', b"9" * 5000),
    ]
)
KEYS = st.sampled_from(
    sorted({word for word in STARTER.split() if word.endswith(b":")})
)
ENVIRONMENT = st.dictionaries(st.just("X"), st.text(st.characters(), max_size=5))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """The starter with some stretches cut out, and others put in."""
    text = STARTER
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.sampled_from([0, 0, 1, 2, 10, 60]))
        text = text[:start] + draw(PIECES | KEYS | st.just(b"")) + text[end:]
    return text


def _judge(content: bytes, environment: dict[str, str]) -> Loaded | InputError:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.yaml")
        path.write_bytes(content)
        try:
            return load(path, environment)
        except InputError as error:
            return error


def _check(content: bytes, environment: dict[str, str]) -> None:
    outcome = _judge(content, environment)
    if isinstance(outcome, Loaded):
        assert outcome.line_of("message.text") >= 1
        return

    assert outcome.problems
    most = len(content.decode(errors="replace").splitlines()) + 1
    for problem in outcome.problems:
        assert "Input should" not in str(problem)
        assert problem.kind.code == problem.code
        assert problem.line is None or 1 <= problem.line <= most
        str(problem).encode()


@settings(STEADY, max_examples=400)
@given(st.lists(PIECES | st.binary(max_size=4), max_size=25).map(b"".join), ENVIRONMENT)
def test_any_bytes_are_a_campaign_or_problems(
    content: bytes, environment: dict[str, str]
) -> None:
    """No bytes raise anything but an InputError, and each problem has a place."""
    _check(content, environment)


@settings(STEADY, max_examples=400)
@given(mutated(), ENVIRONMENT)
def test_any_slip_in_a_campaign_gives_a_campaign_or_problems(
    content: bytes, environment: dict[str, str]
) -> None:
    """A campaign with a slip of the hand loads, or says what is wrong."""
    _check(content, environment)


@settings(STEADY, max_examples=300)
@given(st.text(max_size=60).filter(lambda text: "${" not in text))
def test_a_text_in_json_quotes_arrives_as_it_is(text: str) -> None:
    """What a program writes with JSON's escapes is what the message says."""
    file = {
        "name": "x",
        "provider": "simulator",
        "from": "12345",
        "recipients": {"path": "a", "phone": "b"},
        "message": {"text": f"x{text}"},
    }
    outcome = _judge(json.dumps(file).encode(), {})

    if "\0" in text:
        assert isinstance(outcome, InputError)
    else:
        assert isinstance(outcome, Loaded)
        assert outcome.campaign.message.text == f"x{text}"
