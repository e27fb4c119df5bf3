"""The live page: the report of a run, served while the run goes.

For this machine only, unless somebody says otherwise: it listens on the loopback, and
answers only who called it by a name of the loopback, so that no page of somebody else's
can ask it through a visitor's browser.

    GET /          the page          GET /now.json   counts, pace, time left
    GET /main      its figures       GET /metrics    for Prometheus
    GET /live.js   its script
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

from bulksend.errors import BulksendError, InputError, Problem
from bulksend.logs import log
from bulksend.send.clocks import wall_ms
from bulksend.settle.finding import find_run, plan_of
from bulksend.settle.opening import why_not_open
from bulksend.view.exposition import metrics
from bulksend.view.figures import count
from bulksend.view.now import Now, look
from bulksend.view.page import Page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from bulksend.home import Home

LOOPBACK = ("127.0.0.1", "localhost", "::1")
LEAST_PAUSE = 1.0
PAUSE_PER_LOOK = 4
"""Between two looks, a pause of at least so many times what a look took: watching ten
million rows must not slow down who sends them."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_SILENT = logging.getLogger("bulksend.live")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


@dataclass(slots=True)
class Watched:
    """What is known of a run, renewed in the background."""

    home: Home
    run: str
    page: Page | None = None
    looks: int = 0
    failed: str = ""
    is_purged: bool = False
    _now: Now | None = field(default=None, init=False)
    _again_at: float = field(default=0.0, init=False)

    def count(self) -> None:
        """Look at everything once more; a look that finds nothing new is not counted.

        Who reads the page keeps place, focus and selection until there is something new.
        """
        with find_run(self.run, self.home, read_only=True) as (journal, run):
            self.is_purged = run.purged_at is not None
            seen = count(plan_of(run, self.home), journal, run, now=wall_ms())
        before = None if self.page is None else self.page.figures
        if before is None or replace(before, at=seen.at) != seen:
            self.looks += 1
        self.page = Page(seen, live=True, look=self.looks)

    def now(self) -> Now:
        """The counts, as fresh as is cheap."""
        began = time.monotonic()
        if self._now is None or began >= self._again_at:
            with find_run(self.run, self.home, read_only=True) as (journal, run):
                self._now = look(journal, run, now=wall_ms())
            took = time.monotonic() - began
            self._again_at = began + took + max(LEAST_PAUSE / 2, PAUSE_PER_LOOK * took)
        return self._now

    def try_to_count(self) -> None:
        """A look that fails is told, once for as long as it fails in the same way."""
        try:
            self.count()
            failed = ""
        except BulksendError as error:
            failed = str(error)
        if failed not in ("", self.failed):
            log.warning("look failed", problem=failed)
        self.failed = failed

    async def keep_counting(self) -> None:
        """Until the run is purged; another look that fails is tried again."""
        while not self.is_purged:
            began = time.monotonic()
            await asyncio.to_thread(self.try_to_count)
            took = time.monotonic() - began
            await asyncio.sleep(max(LEAST_PAUSE, PAUSE_PER_LOOK * took))


def application(watched: Watched, *, anywhere: bool) -> web.Application:
    """The pages of one run.

    Args:
        anywhere: Answer whatever name it was called by.
    """
    app = web.Application(middlewares=[] if anywhere else [_only_loopback])
    app.on_response_prepare.append(_harden)

    async def page(_: web.Request) -> web.Response:
        assert watched.page is not None
        html = await asyncio.to_thread(watched.page.html)
        return web.Response(text=html, content_type="text/html")

    async def main(_: web.Request) -> web.Response:
        assert watched.page is not None
        html = await asyncio.to_thread(watched.page.main)
        return web.Response(text=html, content_type="text/html")

    async def now(_: web.Request) -> web.Response:
        said = (await asyncio.to_thread(watched.now)).as_dict()
        return web.json_response(
            said
            | {
                "look": watched.looks,
                "is_old": bool(watched.failed),
                "is_purged": watched.is_purged,
            }
        )

    async def script(_: web.Request) -> web.Response:
        text = files(__package__).joinpath("templates/live.js").read_text("utf-8")
        return web.Response(text=text, content_type="text/javascript")

    async def prometheus(_: web.Request) -> web.Response:
        text = await asyncio.to_thread(metrics, watched.home)
        return web.Response(text=text, content_type="text/plain")

    for path, handler in {
        "/": page,
        "/main": main,
        "/now.json": now,
        "/live.js": script,
        "/metrics": prometheus,
    }.items():
        app.router.add_get(path, handler)
    return app


@contextlib.asynccontextmanager
async def live_page(
    run: str, home: Home, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[str]:
    """The live page of a run; its address.

    Raises:
        InputError: E630 or E620, where there is no such run or plan; E673, where the
            port cannot be opened.
    """
    with find_run(run, home, read_only=True) as (_, known):
        name = known.run  # the newest may soon be another one
    watched = Watched(home, name)
    await asyncio.to_thread(watched.count)
    app = application(watched, anywhere=host not in LOOPBACK)
    runner = web.AppRunner(app, access_log=None, logger=_SILENT)
    await runner.setup()
    counting = asyncio.ensure_future(watched.keep_counting())
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except (OSError, UnicodeError) as error:
            raise InputError(
                Problem("E673", f"{host}:{port}: {why_not_open(error)}")
            ) from error
        at = runner.addresses[0][1]
        yield f"http://{f'[{host}]' if ':' in host else host}:{at}/"
    finally:
        counting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await counting
        await runner.cleanup()


def called(host: str) -> str:
    """The name in a Host header, without its port; empty where it is none."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
    return name.removesuffix(".")


@web.middleware
async def _only_loopback(
    request: web.Request,
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> web.StreamResponse:
    if called(request.host) not in LOOPBACK:
        raise web.HTTPMisdirectedRequest(text="This page is for its own machine.")
    return await handler(request)


async def _harden(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
