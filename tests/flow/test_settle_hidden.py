"""A search that hides messages until their callbacks are answered."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Self

import pytest

from bulksend.home import Home
from bulksend.settle.evidence import ALONE_MS
from bulksend.settle.receipts import read
from bulksend.settle.taking import Taking
from tests.flow.desk import counts
from tests.flow.settling import RUN, WAIT_SECONDS, clock, crowd, later, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bulksend.simulator.server import Simulator
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk
    from tests.flow.elsewhen import Clock

__all__ = ["clock"]


def awaited(is_so: Callable[[], bool]) -> None:
    """Wait for what a thread of this process does."""
    give_up = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < give_up
        time.sleep(0.01)


class Refusing:
    """Whoever takes callbacks, and answers none about the numbers that begin so.

    Args:
        journal: Of whom it keeps what it answers, as `bulksend listen` does; None: it is
            another program, and bulksend hears of none.
    """

    def __init__(self, *numbers: str, journal: Desk | None = None) -> None:
        self.refused = numbers
        home = Home.find(journal.folder, {}) if journal else None
        self._taking = (
            Taking(home, lambda: time.time_ns() // 1_000_000) if home else None
        )

        class Handler(BaseHTTPRequestHandler):
            def do_POST(handler) -> None:  # noqa: N805
                said = handler.rfile.read(int(handler.headers["Content-Length"]))
                is_refused = json.loads(said)[0]["to"].startswith(self.refused)
                if self._taking is not None and not is_refused:
                    self._taking(read(said))
                handler.send_response(503 if is_refused else 204)
                handler.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve).start()
        return self

    def _serve(self) -> None:
        self._server.serve_forever()
        if self._taking is not None:
            self._taking.close()  # in the thread that opened the journal

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def hidden(
    desk: Desk, bandwidth: Bandwidth, clock: Clock, *, is_heard: bool = False
) -> Iterator[tuple[Refusing, Simulator, str, list[str]]]:
    """A search that shows no message before its callback is answered, a wait later.

    Args:
        is_heard: Whether what is answered is taken into the journal.

    Yields who takes the callbacks, the stand-in, the run, and its unknown numbers.
    """
    with Refusing("+19192", journal=desk if is_heard else None) as listener:
        simulator = bandwidth(
            lost_after=0.3,
            search_after_callback=True,
            callback_url=listener.url,
            callback_retry=0.02,
        )
        crowd(desk, 40)
        desk.campaign()
        run = desk.call(*RUN).json["run"]
        people = desk.results()
        unknown = people.filter(people["status"] == "unknown")["to"].to_list()
        later(desk, clock)
        clock.seconds += WAIT_SECONDS
        assert len(unknown) > 1
        witness = simulator.bandwidth.witness
        shown = {
            one.id
            for one in witness.accepted
            if not one.to[0].startswith(listener.refused)
        }
        awaited(lambda: shown <= witness.answered)
        yield listener, simulator, run, unknown


def test_what_is_hidden_for_its_callbacks_is_not_absent(
    desk: Desk, bandwidth: Bandwidth, clock: Clock
) -> None:
    """Others' later messages are shown, and it is not: that proves nothing."""
    with hidden(desk, bandwidth, clock) as (listener, simulator, run, unknown):
        said = settle(desk, run)
        assert (said["absent"], said["hidden"]) == (0, len(unknown))

        listener.refused = ("nobody",)
        awaited(lambda: simulator.callbacks.waiting == 0)
        assert settle(desk, run)["accepted"] == len(unknown)


def test_what_the_search_shows_by_now_is_not_sent_again(
    desk: Desk, bandwidth: Bandwidth, clock: Clock
) -> None:
    """Proven absent, and found when it is to be sent again: it is accepted."""
    with hidden(desk, bandwidth, clock) as (listener, simulator, run, unknown):
        listener.refused = tuple(unknown)  # now the others are shown, and these are not
        awaited(lambda: simulator.callbacks.waiting == len(unknown))
        assert settle(desk, run)["absent"] == len(unknown)

        listener.refused = (unknown[0],)
        awaited(lambda: simulator.callbacks.waiting == 1)
        ran = desk.call("settle", run, "--resend", "--json")
        assert (ran.json["planned_again"], ran.json["left_not_sent"]) == (1, 0)
    status = dict(desk.results().select("to", "status").iter_rows())
    found = [status[to] for to in unknown]
    assert found == ["not_sent"] + ["accepted"] * (len(unknown) - 1)


@pytest.mark.parametrize(
    ("silent", "why"),
    [(0, "alone"), (1, "hidden")],
    ids=["theirs", "a known one's too"],
)
def test_an_outage_that_loses_answers_and_callbacks_hides_them_together(
    desk: Desk, bandwidth: Bandwidth, clock: Clock, silent: int, why: str
) -> None:
    """All that is known has had its callback answered, and is shown: it proves nothing."""
    with hidden(desk, bandwidth, clock, is_heard=True) as (
        listener,
        simulator,
        run,
        lost,
    ):
        people = desk.results()
        known = people.filter(people["status"] == "accepted")["to"].to_list()
        listener.refused = (*lost, *known[:silent])
        awaited(lambda: simulator.callbacks.waiting == len(lost) + silent)
        said = settle(desk, run)
        assert (said["absent"], said[why]) == (0, len(lost))
        assert settle(desk, run, "--resend")["planned_again"] == 0

        listener.refused = ("nobody",)
        awaited(lambda: simulator.callbacks.waiting == 0)
    assert counts(desk.call(*RUN)) == {"delivered": 40}
    ours = [
        one.to
        for one in simulator.bandwidth.witness.accepted
        if one.to[0].startswith("+19192")
    ]
    assert len(ours) == len(set(ours)) == 40


# what a known message without a callback has come to, and what then is absent
TELLING = (
    pytest.param(({}, 1, "absent"), id="delivered, and no callback of it has come"),
    pytest.param(({"dropped": 1.0}, 1, "alone"), id="not over: it has no callback yet"),
    pytest.param(({}, 0, "alone"), id="there is none"),
)


@pytest.mark.parametrize("telling", TELLING)
def test_one_without_a_callback_that_is_shown_tells_of_the_others(
    desk: Desk,
    bandwidth: Bandwidth,
    clock: Clock,
    telling: tuple[dict[str, float], int, str],
) -> None:
    """A search that does not wait for callbacks; else nothing is absent for a day."""
    fate, silent, why = telling
    with Refusing("+1919", journal=desk) as listener:
        simulator = bandwidth(
            lost_before=0.3, callback_url=listener.url, callback_retry=0.02, **fate
        )
        crowd(desk, 40)
        desk.campaign()
        run = desk.call(*RUN).json["run"]
        frame = desk.results()
        lost = frame.filter(frame["status"] == "unknown").height
        known = frame.filter(frame["status"] == "accepted")["to"].to_list()
        listener.refused = tuple(known[:silent]) or ("nobody",)
        later(desk, clock)
        due = 0 if fate else silent
        awaited(lambda: simulator.callbacks.waiting == due)
        clock.seconds += WAIT_SECONDS
        assert settle(desk, run)[why] == lost > 0
        if why == "alone":
            assert "--decide" in desk.call("settle", run).out
            clock.seconds += ALONE_MS / 1000
            later(desk, clock)
            assert settle(desk, run)["absent"] == lost
