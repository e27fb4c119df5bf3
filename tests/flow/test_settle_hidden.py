"""A search that hides messages until their callbacks are answered."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

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
    """Whoever takes callbacks, and answers none about the numbers that begin so."""

    def __init__(self, *numbers: str) -> None:
        self.refused = numbers

        class Handler(BaseHTTPRequestHandler):
            def do_POST(handler) -> None:  # noqa: N805
                said = handler.rfile.read(int(handler.headers["Content-Length"]))
                to = json.loads(said)[0]["to"]
                handler.send_response(503 if to.startswith(self.refused) else 204)
                handler.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def hidden(
    desk: Desk, bandwidth: Bandwidth, clock: Clock
) -> Iterator[tuple[Refusing, Simulator, str, list[str]]]:
    """A search that shows no message before its callback is answered, a wait later.

    Yields who takes the callbacks, the stand-in, the run, and its unknown numbers.
    """
    with Refusing("+19192") as listener:
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
