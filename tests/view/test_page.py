"""The report: one page, whole in itself, that gives away nobody's number or text."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import UTC
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from bulksend.codes import table
from bulksend.errors import InputError
from bulksend.home import Home
from bulksend.journal.canaries import Halt
from bulksend.kinds import KINDS
from bulksend.prepare.reasons import REASONS
from bulksend.settle.proving import NOT_SENT
from bulksend.settle.results import OUTCOMES
from bulksend.settle.standing import IN_FLIGHT
from bulksend.view.causes import cause
from bulksend.view.figures import Fate, Figures, Slot, count
from bulksend.view.page import Page
from bulksend.view.report import report_run
from bulksend.view.state import state_of
from bulksend.view.tables import MEANINGS
from bulksend.view.words import between, period, rate, share, span
from tests.prepare.planning import number
from tests.settle.test_results import NOW
from tests.view.test_figures import everything

if TYPE_CHECKING:
    from pathlib import Path

    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.prepare.plan import Plan

__all__ = ["everything"]  # a fixture of the neighbour's


@pytest.fixture
def figures(everything: tuple[Plan, Journal, Run]) -> Figures:
    return count(*everything, now=NOW)


OPT_OUTS = [
    # opted out of a thousand that were taken · what the report says of it
    (5, "0.5 % of those taken<"),
    (6, "over 0.5 % in a day Bandwidth asks for consent"),
    (40, "over 0.5 % in a day Bandwidth asks for consent"),
    (41, "over 4 % Bandwidth may suspend a campaign"),
]


@pytest.mark.parametrize(("count", "said"), OPT_OUTS)
def test_opt_outs_are_held_against_bandwidths_lines(
    figures: Figures, count: int, said: str
) -> None:
    """The halves of a percent of which it asks; nothing is said where nobody left."""
    counts = dict.fromkeys(OUTCOMES, 0) | {"accepted": 400, "delivered": 600}
    seen = replace(figures, opted_out=count, counts=counts)
    assert said in Page(seen, UTC).main()
    assert "opted out" not in Page(figures, UTC).main()


class Outline(HTMLParser):
    """Headings in order, addresses, ids, and the tags left open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.named: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag in ("h1", "h2", "h3"):
            self.headings.append(tag)
        self.addresses += [said[name] or "" for name in ("href", "src") if name in said]
        self.ids += [said["id"] or ""] if "id" in said else []
        self.named += [said["aria-label"] or ""] if tag == "svg" else []
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_in_itself(figures: Figures) -> None:
    """Well formed; one title, a heading for each part; nothing comes from elsewhere."""
    page = Page(figures, UTC).html()
    seen = Outline(page)
    assert not seen.open
    assert seen.headings[0] == "h1"
    assert set(seen.headings[1:]) == {"h2"}
    assert len(seen.ids) == len(set(seen.ids))
    assert set(seen.addresses) == {"#main", "data:,"}
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/)", page)
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert seen.named
    assert all(seen.named), "a chart without words"


def test_the_page_gives_nobody_away(figures: Figures) -> None:
    """No number of the list, no text, no name, no words of an answer."""
    page = Page(figures, UTC).html()
    for row in range(2, 12):
        assert number(row) not in page
        assert f"n{row}x" not in page
    assert "Hi " not in page
    assert "It did not work" not in page


def test_every_outcome_is_there_with_its_count(figures: Figures) -> None:
    """In words and numbers, not by colour alone; and what to do about each code."""
    page = Page(figures, UTC).main()
    for name, rows in figures.counts.items():
        assert f"</span>{name.replace('_', ' ')}</th>" in page
        assert f'<td class="count">{rows}</td>' in page
    assert set(MEANINGS) == {*OUTCOMES, IN_FLIGHT}
    assert "number_too_short" in page
    assert REASONS["number_too_short"].fix in page
    assert "$0.06" in page


def test_what_a_stranger_wrote_stays_text(figures: Figures) -> None:
    """An error code is whatever a server said: it never becomes markup."""
    hostile = Fate("refused", "<script>alert(1)</script>", 3, 3, 0)
    page = Page(replace(figures, fates=(*figures.fates, hostile)), UTC).html()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("live", [False, True])
def test_a_run_that_has_not_begun_has_a_page_too(figures: Figures, live: bool) -> None:
    """No chart of nothing, no division by nothing."""
    counts = dict.fromkeys(figures.counts, 0) | {"not_sent": 12}
    empty = replace(figures, counts=counts, fates=(), sizes=(), pace=())
    page = Page(empty, UTC, live=live).main()
    assert "not begun" in page
    assert "<svg" not in page.partition('id="answers"')[0]


@pytest.mark.parametrize(
    ("apart", "bars", "is_drawn"),
    [(1, "10 bars of 1 s", True), (200_000, "42 bars of 12 h", False)],
)
def test_bars_that_the_rate_would_flatten_are_drawn_without_it(
    figures: Figures, apart: int, bars: str, is_drawn: bool
) -> None:
    """A run of weeks stands still most of the time: its bars are seen, and not called 0."""
    slots = tuple(Slot(NOW // 1000 + apart * n, 20, 0, 0) for n in range(10))
    page = Page(replace(figures, pace=slots), UTC)
    chart = page.pace_chart.chart
    assert bars in chart.summary
    assert "at most 0 " not in chart.summary
    assert page.shows_rate is is_drawn is (len(chart.specify(700)["layer"]) == 2)
    assert ("The dashed line is" in page.main()) is is_drawn


def test_small_numbers_of_a_chart_keep_their_digits(figures: Figures) -> None:
    """Coordinates are cut to two decimals, and no axis, sum or tooltip with them."""
    slots = tuple(Slot(NOW // 1000 + 200_000 * n, 1, 0, 0) for n in range(10))
    drawn = Page(replace(figures, pace=slots), UTC).pace_chart
    for one in (drawn.wide, drawn.narrow):
        written = re.findall(r"<text[^>]*>([0-9.]+)</text>", one)
        assert len(set(written)) == len(written) > 2
        assert f'aria-label="{drawn.chart.summary}"' in one
        assert not re.findall(r' d="[^"]*\.\d{3}', one)


def test_a_table_of_codes_ends_somewhere(figures: Figures) -> None:
    """The hundred with most rows, and how many more there are."""
    many = tuple(Fate("refused", str(n), 5_000 - n, 0, 0) for n in range(1_000, 1_250))
    page = Page(replace(figures, fates=many), UTC).main()
    assert "<code>1099</code>" in page
    assert "<code>1100</code>" not in page
    assert (
        f"And 150 codes more, of {sum(one.rows for one in many[100:]):,} rows" in page
    )


# what is not sent, of that: proven absent; unknown; aborted; paused; held; the word
STATES = (
    (0, 0, 0, False, False, False, "done"),
    (0, 0, 2, False, False, False, "open"),
    (3, 3, 0, False, False, False, "open"),
    (3, 3, 0, True, False, True, "open"),
    (4, 3, 0, False, False, False, "unfinished"),
    (4, 0, 2, False, False, True, "under way"),
    (4, 0, 2, False, True, True, "paused"),
    (4, 0, 2, False, True, False, "paused"),
    (4, 0, 2, True, False, True, "aborted"),
)


@pytest.mark.parametrize("case", STATES)
def test_the_state_says_what_to_do(figures: Figures, case: tuple[Any, ...]) -> None:
    """What is proven not to be sent is no reason to run it again, nor is an abort."""
    left, absent, unknown, is_aborted, is_paused, is_held, word = case
    counts = figures.counts | {"not_sent": left, "unknown": unknown}
    fates = (Fate("not_sent", NOT_SENT, absent, absent, 0),)
    order = {"is_aborted": is_aborted, "is_paused": is_paused, "is_held": is_held}
    said = state_of(replace(figures, counts=counts, fates=fates, **order))
    assert said.word == word
    assert ("run it again" in said.said) is (
        word in {"unfinished", "paused"} and not is_held
    )


def test_what_stopped_a_run_says_what_to_do(figures: Figures) -> None:
    """Not to run it again at once; and where it went on, nothing."""
    halt = Halt(NOW, "E514", "20 texts were stopped as spam", False, None)
    counts = figures.counts | {"not_sent": 5}
    for lifted_at, word, is_told in (
        (None, "stopped", True),
        (NOW, "unfinished", False),
    ):
        halts = (halt._replace(lifted_at=lifted_at),)
        page = Page(replace(figures, counts=counts, halts=halts), UTC).main()
        assert f">{word}</span>" in page
        assert (KINDS["E514"].fix in page) is is_told


FATES = [
    *(Fate("failed", str(code), 1, 1, 0) for code in table()),
    *(Fate("excluded", code, 1, 0, 0) for code in REASONS),
    *(Fate(name, code, 1, 1, 0) for name in OUTCOMES if name not in ("accepted", "delivered")
      for code in (None, "no_answer", "400", "403", "404", "429", "500", "9998", "x²")),
]  # fmt: skip


@pytest.mark.parametrize("fate", FATES, ids=lambda fate: f"{fate.status} {fate.code}")
def test_every_code_has_a_cause_and_a_way_out(fate: Fate) -> None:
    """Whole sentences, whatever the code is; no detail is left to be filled in."""
    found = cause(fate)
    for sentence in found:
        assert sentence.endswith(".")
        assert "{" not in sentence.replace("{{", "")


def test_amounts_are_said_as_people_say_them() -> None:
    """Two digits that count; no 0 % of something, no 100 % with something missing."""
    assert [rate(one) for one in (1329.4, 300, 49.84, 2, 0.021)] == [
        "1,329", "300", "49.8", "2", "0.02"
    ]  # fmt: skip
    assert [span(ms) for ms in (3, 999, 1000, 1540, 60_000, 5_400_000, 86_400_000)] == [
        "3 ms", "999 ms", "1 s", "1.5 s", "1 min", "1.5 h", "1 d",
    ]  # fmt: skip
    assert [between(*pair) for pair in ((0, 10), (20, 50), (500, 1000), (900_000, None))] == [
        "under 10 ms", "20–50 ms", "500 ms – 1 s", "over 15 min",
    ]  # fmt: skip
    assert [share(*pair) for pair in ((0, 9), (1, 10**6), (10**6 - 1, 10**6), (9, 9), (1, 3), (0, 0))] == [
        "0 %", "< 0.1 %", "> 99.9 %", "100 %", "33.3 %", "–",
    ]  # fmt: skip


def test_a_period_says_the_day_once() -> None:
    """And seconds only where it is short."""
    assert [period(NOW, NOW + ms, UTC) for ms in (1_000, 3_600_000, 86_400_000)] == [
        "2 Jan 2026, 03:04:05 to 03:04:06",
        "2 Jan 2026, 03:04 to 04:04",
        "2 Jan 2026, 03:04 to 3 Jan 2026, 03:04",
    ]


def test_a_report_replaces_only_a_report(
    everything: tuple[Plan, Journal, Run], tmp_path: Path
) -> None:
    """It appears whole or not at all, and no other file is ever lost."""
    home = Home(tmp_path / ".bulksend", tmp_path / "journal.sqlite")
    path = tmp_path / "new" / "a.html"
    assert report_run(home=home, output=path) == path
    assert report_run(everything[2].run, home=home, output=path) == path
    assert list(path.parent.iterdir()) == [path]

    mine = tmp_path / "mine.html"
    mine.write_text("<p>mine</p>")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for output, code in (
        (mine, "E670"),
        (tmp_path, "E671"),
        (mine / "a.html", "E671"),
        (pipe, "E671"),  # to look whether it is a report would wait for ever
    ):
        with pytest.raises(InputError, match=code):
            report_run(home=home, output=output)
    assert mine.read_text() == "<p>mine</p>"
    with pytest.raises(InputError, match="E630"):
        report_run("nope", home=home)
