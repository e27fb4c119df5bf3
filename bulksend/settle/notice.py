"""Tells of a run's end: to an address, to a program.

What is told are counts, names and codes; no number and no text.  Each is told once, and
has `LIMIT_SECONDS`: a notice that does not get through is a warning, and changes nothing
about the run.
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from pydantic import ValidationError

from bulksend import aside
from bulksend.define.campaign import Notify
from bulksend.define.reference import resolved
from bulksend.errors import InputError, Problem, counted
from bulksend.logs import log
from bulksend.send.wire import cause_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bulksend.prepare.plan import Plan
    from bulksend.settle.standing import Ended

LIMIT_SECONDS = 10.0


def whom_to_tell(plan: Plan, environment: Mapping[str, str]) -> Notify | None:
    """As the plan says it; nobody where a variable is missing, which is a warning."""
    said = plan.about.get("notify")
    if said is None:
        return None
    try:
        return Notify.model_validate(resolved(said, environment))
    except InputError as error:
        log.warning("nobody will be told", problem=str(error.problems[0]))
    except ValidationError:  # what it found may be a secret
        log.warning("nobody will be told", problem="`notify.webhook` is no address")
    return None


def tell(
    notify: Notify,
    ended: Ended,
    said: Mapping[str, str],
    *,
    folder: Path,
    limit: float = LIMIT_SECONDS,
) -> list[Problem]:
    """Tell everybody; what did not work.

    Args:
        said: What else is told, such as the campaign's name.

        folder: The campaign's, in which the command runs.

        limit: Seconds for each.
    """
    body = orjson.dumps(payload(ended, said))
    problems: list[Problem | None] = []
    if notify.webhook is not None:
        problems.append(aside.run(_post(notify.webhook, body, limit)))
    if notify.command:
        problems.append(_run(notify.command, body, folder, limit))
    return [problem for problem in problems if problem is not None]


def payload(ended: Ended, said: Mapping[str, str]) -> dict[str, Any]:
    """The JSON object: ``text`` for people, everything else for machines."""
    codes = [problem.code for problem in getattr(ended.stopped, "problems", ())]
    counts = ", ".join(
        f"{count:,} {name.replace('_', ' ')}"
        for name, count in ended.counts.items()
        if count
    )
    what = "stopped" if ended.left else "ended"
    text = f"{said['campaign']} {what}: {counts} of {counted(ended.rows, 'row')}."
    return {
        "text": text,
        "run": ended.run,
        **said,
        "state": what,
        "exit_code": ended.exit_code,
        "rows": ended.rows,
        **ended.counts,
        "codes": codes,
    }


async def _post(address: str, body: bytes, seconds: float) -> Problem | None:
    host = _host(address)
    limit = aiohttp.ClientTimeout(total=seconds)
    headers = {"Content-Type": "application/json", "User-Agent": "bulksend"}
    try:
        async with (
            aiohttp.ClientSession(timeout=limit, headers=headers) as session,
            session.post(address, data=body, allow_redirects=False) as answer,
        ):
            if answer.ok and answer.status < 300:
                return None
            found = f"{host} answered {answer.status}"
    except TimeoutError:
        found = f"{host} did not answer within {seconds:.2g} s"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        found = f"{host} could not be reached: {cause_of(error)}"
    return Problem("W680", found)


def _host(address: str) -> str:
    """Of an address only this is told: the rest of it may be a secret."""
    try:
        return urlsplit(address).hostname or "the webhook"
    except ValueError:
        return "the webhook"


def _run(
    command: Sequence[str], body: bytes, folder: Path, seconds: float
) -> Problem | None:
    name = command[0]
    try:
        with subprocess.Popen(  # noqa: S603  (the campaign's own author named it)
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            start_new_session=True,
        ) as told:
            try:
                told.communicate(body, timeout=seconds)
            finally:
                _end(told)
    except subprocess.TimeoutExpired:
        return Problem("W681", f"{name} took longer than {seconds:.2g} s")
    except (OSError, ValueError) as error:
        found = getattr(error, "strerror", None) or str(error)
        return Problem("W681", f"{name}: {found.lower()}")
    if told.returncode:
        return Problem("W681", f"{name} ended with {told.returncode}")
    return None


def _end(told: subprocess.Popen[bytes]) -> None:
    """Kill a command that still runs, and what it has started; its group is its own."""
    if told.poll() is not None:
        return
    with suppress(OSError, AttributeError):  # Windows has no groups
        os.killpg(told.pid, signal.SIGKILL)
    told.kill()
