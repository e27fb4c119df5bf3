"""The pages as people see them: on a desk and a phone, by mouse, keyboard and ear."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import TimeoutError as Late
from playwright.sync_api import expect

from bulksend.home import Home
from bulksend.journal.owner import Owner
from bulksend.journal.records import Candidate, Outcome
from bulksend.journal.states import Event
from bulksend.view.figures import Slot, count
from bulksend.view.page import Page
from tests.settle.test_results import NOW
from tests.view.browser import LOOKS, chromium, live, needs_chromium
from tests.view.test_arms import compared
from tests.view.test_figures import everything

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab

    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.prepare.plan import Plan

__all__ = ["compared", "everything"]  # fixtures of the neighbours'

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def report(everything: tuple[Plan, Journal, Run], tmp_path: Path) -> str:
    path = tmp_path / "report.html"
    path.write_text(Page(count(*everything, now=NOW), UTC).html(), encoding="utf-8")
    return path.as_uri()


def opened(browser: Browser, address: str, **look: Any) -> Tab:
    """The page, and no complaint of the browser's about it."""
    tab = browser.new_context(bypass_csp=True, **look).new_page()
    tab.on(
        "console", lambda said: pytest.fail(said.text) if said.type == "error" else None
    )
    tab.on("pageerror", lambda error: pytest.fail(str(error)))
    tab.goto(address)
    return tab


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_report_can_be_read_by_everybody(
    browser: Browser, report: str, width: int, scheme: Any
) -> None:
    """Axe finds nothing (WCAG: contrast, names, order), and nothing is cut off."""
    look = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    tab = opened(browser, report, **look)
    tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    found = Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    shown = tab.evaluate(
        "[...document.querySelectorAll('svg')].filter(one => one.checkVisibility())"
        ".map(one => one.getAttribute('aria-label'))"
    )
    assert len(shown) == len(set(shown)) == 4
    cut = tab.evaluate(
        """[...document.querySelectorAll('svg text')].filter(one => {
            const box = one.getBoundingClientRect()
            const card = one.closest('section')
            if (!one.checkVisibility() || !card) return false
            const room = card.getBoundingClientRect()
            return box.left < room.left || box.right > room.right
        }).map(one => one.textContent)"""
    )
    assert cut == []


OVERLAPPING = """[...document.querySelectorAll('svg')].flatMap(svg => {
    const boxes = [...svg.querySelectorAll('text')].filter(one => one.checkVisibility())
        .map(one => [one.textContent, one.getBoundingClientRect()])
    return boxes.flatMap(([said, a], place) => boxes.slice(place + 1)
        .filter(([_, b]) => a.left < b.right && b.left < a.right &&
                            a.top < b.bottom && b.top < a.bottom)
        .map(([other]) => `${said} ${other}`))
})"""


@pytest.mark.parametrize("width", [390, 1100])
def test_no_label_lies_on_another(
    browser: Browser,
    everything: tuple[Plan, Journal, Run],
    tmp_path: Path,
    width: int,
) -> None:
    """However short, long or fast the run was."""
    seen = count(*everything, now=NOW)
    runs = ((1, 5), (5, 5), (40, 5), (40, 12_000), (4_000, 5), (2_000_000, 5))
    for seconds, sent in runs:
        slots = tuple(Slot(NOW // 1000 + n, sent, 0, 0) for n in (0, seconds - 1))
        path = tmp_path / f"{seconds}.html"
        path.write_text(Page(replace(seen, pace=slots), UTC).html(), encoding="utf-8")
        look = {"viewport": {"width": width, "height": 800}}
        tab = opened(browser, path.as_uri(), **look)
        assert tab.evaluate(OVERLAPPING) == [], seconds


def test_the_report_asks_the_network_for_nothing(browser: Browser, report: str) -> None:
    """One request: the file itself."""
    context = browser.new_context(offline=True)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    tab = context.new_page()
    tab.goto(report)
    assert [url for url in asked if not url.startswith("data:")] == [report]
    assert tab.locator("h1").inner_text() == "test"


def test_the_report_is_used_by_keyboard(browser: Browser, report: str) -> None:
    """The first stop skips to the figures; a table opens with the space bar."""
    tab = opened(browser, report)
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "main"
    while tab.evaluate("document.activeElement.tagName") != "SUMMARY":
        tab.keyboard.press("Tab")
    tab.keyboard.press("Space")
    assert tab.locator("details[open] td").first.is_visible()


def test_the_report_prints(browser: Browser, report: str) -> None:
    """A few pages, dark ink on white even where the screen is dark."""
    tab = opened(browser, report, color_scheme="dark")
    printed = tab.pdf(format="A4", print_background=True)
    assert printed.startswith(b"%PDF")
    assert 1 <= printed.count(b"/Type /Page\n") <= 5
    tab.emulate_media(media="print")
    assert tab.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"


def test_the_live_page_follows_the_run(
    browser: Browser, everything: tuple[Plan, Journal, Run], tmp_path: Path
) -> None:
    """New counts appear by themselves; what was opened stays open, and nothing fails."""
    _, journal, run = everything
    home = Home(tmp_path / ".bulksend", tmp_path / "journal.sqlite")
    complaints: list[str] = []
    with live(home) as address:
        tab = browser.new_page()
        tab.on("console", lambda said: complaints.append(said.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.goto(address)
        tile = tab.locator(".tile", has_text="taken by Bandwidth").locator("dd").first
        assert tile.inner_text() == "3"
        summary = tab.locator("#sizes-table summary")
        summary.press("Enter")

        epoch = journal.leases.take(run.campaign, Owner.me(run.run), now=NOW + 60_000)
        journal.claim(run, epoch, [Candidate(2, 2)], now=NOW + 60_000)
        journal.record(
            run.id, epoch, [Outcome(2, Event.ACCEPT, NOW + 60_001, NOW + 60_000, "m")]
        )
        expect(tile).to_have_text("4", timeout=20_000)
        assert tab.locator("#sizes-table").get_attribute("open") is not None
        focused = "document.activeElement.closest('details').id"
        assert tab.evaluate(focused) == "sizes-table"
        expect(tab.locator(".beat")).to_contain_text("of 9")
    assert complaints == []


def test_who_reads_a_table_of_the_live_page_stays_there(
    browser: Browser, everything: tuple[Plan, Journal, Run], tmp_path: Path
) -> None:
    """Focus and place outlive new figures; a purge is said, and ends the asking."""
    _, journal, run = everything
    home = Home(tmp_path / ".bulksend", tmp_path / "journal.sqlite")
    with live(home) as address:
        tab = browser.new_page(viewport={"width": 390, "height": 300})
        tab.goto(address)
        table = tab.locator("#failures-rows")
        table.focus()
        tab.add_style_tag(
            content="#failures-rows { width: 100px } .codes { display: table; width: 900px }"
        )
        table.evaluate("one => one.scrollTo(40, 0)")
        before = tab.evaluate("scrollY")
        assert before > 0
        epoch = journal.leases.take(run.campaign, Owner.me(run.run), now=NOW + 60_000)
        journal.claim(run, epoch, [Candidate(2, 2)], now=NOW + 60_000)
        journal.record(
            run.id, epoch, [Outcome(2, Event.ACCEPT, NOW + 60_001, NOW + 60_000, "m")]
        )
        tile = tab.locator(".tile", has_text="taken by Bandwidth").locator("dd").first
        expect(tile).to_have_text("4", timeout=20_000)
        assert tab.evaluate("document.activeElement.id") == "failures-rows"
        assert table.evaluate("one => one.scrollLeft") == 40
        assert tab.evaluate("scrollY") == before

        journal.runs.finish(run.id, now=NOW + 70_000)
        journal.purges.run(run, now=NOW + 80_000)
        expect(tab.locator(".beat")).to_contain_text("was purged", timeout=20_000)
        with pytest.raises(Late):
            tab.wait_for_event("request", timeout=2_500)


def test_only_a_watch_that_has_ended_is_said_to_have(
    browser: Browser, everything: tuple[Plan, Journal, Run], tmp_path: Path
) -> None:
    """A journal that could not be read for once has old figures, and then new ones.

    One request that is lost on its way is asked again before the watch is given up.
    """
    home = Home(tmp_path / ".bulksend", tmp_path / "journal.sqlite")
    with live(home) as address:
        tab = browser.new_page()
        tab.goto(address)
        beat = tab.locator(".beat")
        tab.route("**/now.json", lambda route: route.fulfill(status=500, body="no"))
        expect(beat).to_have_text("the figures are old: the terminal says why")
        tab.unroute("**/now.json")
        expect(beat).to_contain_text("of 9")
        expect(beat).not_to_have_class("beat lost")
        beat.evaluate(
            """one => { window.told = new Promise(tell => new MutationObserver(() => {
                if (one.classList.contains("lost")) tell(one.textContent);
            }).observe(one, { attributes: true })); }"""
        )
        tab.route("**/now.json", lambda route: route.abort(), times=1)
        assert tab.evaluate("window.told") == "no answer: asking again"
        expect(beat).to_contain_text("of 9")
        expect(beat).not_to_have_class("beat lost")
    expect(beat).to_have_text("no connection: the watch has ended", timeout=10_000)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_arms_can_be_compared_by_everybody(
    browser: Browser,
    compared: tuple[Plan, Journal, Run],
    tmp_path: Path,
    width: int,
    scheme: Any,
) -> None:
    """Axe finds nothing in that part either, and it needs no scrolling sideways."""
    path = tmp_path / "arms.html"
    path.write_text(Page(count(*compared, now=NOW), UTC).html(), encoding="utf-8")
    look = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    tab = opened(browser, path.as_uri(), **look)
    part = tab.locator("section[aria-labelledby=arms]")
    found = Axe().run(tab, "section[aria-labelledby=arms]")
    assert found.violations_count == 0, found.generate_report()
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    wider = "one => [one.scrollWidth, one.clientWidth]"
    inside, room = part.locator(".scroll").first.evaluate(wider)
    assert inside <= room
    assert part.locator("svg:visible").count() == 1
