"""Headless Chromium, where one is installed; CI installs Debian's (see .ci/run)."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import contextmanager
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from bulksend.view.live import live_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

    from bulksend.home import Home

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here: install Debian's package `chromium`"
)

QUIETLY = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""No request of the browser's own: where there is no network, each would wait."""

LOOKS = [
    pytest.param(1100, "light", id="desk, light"),
    pytest.param(1100, "dark", id="desk, dark"),
    pytest.param(390, "light", id="phone, light"),
    pytest.param(390, "dark", id="phone, dark"),
]


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(QUIETLY)
        )
        yield browser
        browser.close()


@contextmanager
def live(home: Home) -> Iterator[str]:
    """The live page of the newest run, in a thread of its own; its address."""
    started: Queue[tuple[str, Callable[[], object]]] = Queue()

    async def until_told() -> None:
        told, loop = asyncio.Event(), asyncio.get_running_loop()
        async with live_page("", home) as address:
            started.put((address, lambda: loop.call_soon_threadsafe(told.set)))
            await told.wait()

    thread = Thread(target=lambda: asyncio.run(until_told()), daemon=True)
    thread.start()
    address, tell = started.get(timeout=30)
    try:
        yield address
    finally:
        tell()
        thread.join()
