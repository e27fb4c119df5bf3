"""`bulksend listen`: from the port to the journal, until somebody says stop."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bulksend import aside
from bulksend.errors import BulksendError, InputError, Problem
from bulksend.logs import log
from bulksend.send.clocks import wall_ms
from bulksend.settle.certificate import Certificate
from bulksend.settle.keeping import Keeping
from bulksend.settle.listener import Access, Listener
from bulksend.settle.taking import Taking
from bulksend.signals import on_ending

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from bulksend.home import Home

USER, PASSWORD = "BW_CALLBACK_USERNAME", "BW_CALLBACK_PASSWORD"
MINUTE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Door:
    """Where callbacks come in, and who may bring them.

    Args:
        access: None lets everybody in.

        tls: What is shown to them; without it the port speaks plain HTTP.
    """

    host: str
    port: int
    access: Access | None
    tls: Certificate | None = None

    @property
    def warnings(self) -> tuple[Problem, ...]:
        if self.tls is None and not _is_loopback(self.host):
            what = f"{self.host} is reached from elsewhere, and there is no certificate"
            return (Problem("W544", what),)
        return ()


def door(
    environment: Mapping[str, str],
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    auth: bool = True,
    tls: tuple[Path, Path] | None = None,
) -> Door:
    """A door that is fit to be opened.

    Args:
        tls: Certificate and key, as PEM files.

    Raises:
        InputError: E540, where strangers could come in; E543, where the certificate
            cannot be used.
    """
    user = environment.get(USER, "").strip()
    password = environment.get(PASSWORD, "").strip()
    access = Access(user, password) if auth else None
    if auth and not (user and password):
        said = {USER: user, PASSWORD: password}
        missing = [name for name, value in said.items() if not value]
        raise InputError(Problem("E540", f"not set: {', '.join(missing)}"))
    if not auth and not _is_loopback(host):
        raise InputError(Problem("E540", f"--no-auth on {host}"))
    return Door(host, port, access, Certificate(*tls) if tls else None)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(
    home: Home,
    where: Door,
    *,
    ready: Callable[[int], None] = lambda _: None,
    on_stop: Callable[[], None] = lambda: None,
) -> int:
    """Take callbacks in until SIGINT or SIGTERM; what was answered by then is durable.

    Args:
        ready: Called with the port, once it is open.

        on_stop: Called when a signal was heard; what is being stored then may take
            longer than its caller has.

    Returns:
        How many events were taken in.

    Raises:
        InputError: E541, where the port cannot be opened; E603, where the journal of
            what was sent from here is not there.
        BulksendError: The journal cannot be used; E602, where a newer program upgrades
            it meanwhile: whoever started this one starts that one; E616, where another
            was copied over it.
    """
    loop = aside.new_loop()
    heard: list[Callable[[], None]] = []
    if not aside.is_in_loop():
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            return runner.run(_listen(home, where, ready, on_stop, _on_signals))

    def tell() -> None:
        for act in heard:
            loop.call_soon_threadsafe(act)

    with on_ending(tell):
        work = _listen(home, where, ready, on_stop, heard.append)
        return aside.run_in_thread(work, loop)


def _on_signals(act: Callable[[], None]) -> None:
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, act)


async def _listen(
    home: Home,
    where: Door,
    ready: Callable[[int], None],
    on_stop: Callable[[], None],
    on_signal: Callable[[Callable[[], None]], None],
) -> int:
    home.refuse_lost_journal()
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[BulksendError | None] = loop.create_future()

    def end(why: BulksendError | None = None) -> None:
        if not stop.done():
            stop.set_result(why)

    def heard() -> None:
        on_stop()
        end()

    on_signal(heard)
    taking = Taking(home, wall_ms)
    keeping = Keeping(taking)
    listener = Listener(keeping, where.access, give_up=end)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(keeping.close)
        stack.push_async_callback(keeping.run, taking.close)
        await keeping.try_out()  # a journal that fails is found now
        tls = where.tls.context if where.tls else None
        await listener.listen(where.host, where.port, tls=tls)
        stack.push_async_callback(listener.close)
        minder = asyncio.create_task(_mind(listener, where.tls))
        stack.callback(minder.cancel)
        ready(listener.port)
        log.info("listening", host=where.host, port=listener.port)
        why = await stop
    log.info("ended", **_counted(listener))
    if why is not None:
        raise why
    return listener.events


async def _mind(listener: Listener, certificate: Certificate | None) -> None:
    """Each minute: a line where anything came in, and what is new of a certificate."""
    told: dict[str, int] = {}
    while True:
        await asyncio.sleep(MINUTE_SECONDS)
        if certificate is not None:
            certificate.renew()
        if (now := _counted(listener)) != told:
            log.info("callbacks", **now)
            told = now


def _counted(listener: Listener) -> dict[str, int]:
    answers = {
        f"answered_{status}": n for status, n in sorted(listener.answers.items())
    }
    return {"events": listener.events} | answers
