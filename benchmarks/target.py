"""The cheapest server that can answer a client: for rates that the stand-in cannot take.

    python -m benchmarks.target [LATENCY]

It says where it listens, answers every POST with a 202 after LATENCY seconds, and notes
when each came; it checks nothing.  ``GET /_log`` lists the arrivals: a JSON line of
``mono`` (seconds), ``to`` and ``units`` (segments, counted only now) for each.

When a message came is what the kernel says (SO_TIMESTAMPNS, man 7 socket), not when this
process got a processor to look: that would be its own lateness, counted as the sender's.
``seen`` is that moment, to tell how much it would have been.
"""

from __future__ import annotations

import heapq
import selectors
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

import orjson

from bulksend.simulator.segments import segment_count

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER = (
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 55\r\n"
    b'\r\n{"id":"%029d","segmentCount":1}'
)
END = b"\r\n\r\n"
LENGTH = b"Content-Length: "
SO_TIMESTAMPNS = 35
STAMP = struct.Struct("ll")
ROOM = socket.CMSG_SPACE(STAMP.size)
MOST = 1 << 16


class Arrival(NamedTuple):
    """A message: when it came, and when it was looked at."""

    at: float
    seen: float
    body: bytes


class Link:
    """One connection, and what of a request it has not all of yet."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._waiting = b""

    def requests(self, data: bytes) -> Iterator[bytes]:
        """Those that are whole now: the head's first bytes, and the body."""
        self._waiting += data
        while (head := self._waiting.find(END)) >= 0:
            at = self._waiting.find(LENGTH, 0, head)
            size = 0
            if at >= 0:
                line = self._waiting.find(b"\r\n", at)
                size = int(self._waiting[at + len(LENGTH) : line])
            end = head + len(END) + size
            if len(self._waiting) < end:
                return
            request, self._waiting = self._waiting[:end], self._waiting[end:]
            yield request if request.startswith(b"GET") else request[head + len(END) :]


class Target:
    """The server; runs until it is killed."""

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._arrivals: list[Arrival] = []
        self._due: list[tuple[float, int, Link, bytes]] = []
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=2_000)
        self._listener.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)  # and its links
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._ahead = time.time() - time.monotonic()
        self.port = self._listener.getsockname()[1]

    def serve(self) -> None:
        while True:
            wait = self._due[0][0] - time.monotonic() if self._due else None
            for key, _ in self._selector.select(wait and max(0.0, wait)):
                if isinstance(key.data, Link):
                    self._hear(key.data)
                else:
                    self._meet()
            while self._due and self._due[0][0] <= time.monotonic():
                _, _, link, answer = heapq.heappop(self._due)
                self._say(link, answer)

    def _meet(self) -> None:
        connection, _ = self._listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(connection, selectors.EVENT_READ, Link(connection))

    def _hear(self, link: Link) -> None:
        try:
            data, said, _, _ = link.socket.recvmsg(MOST, ROOM)
        except OSError:
            data = b""
        if not data:
            self._part(link)
            return
        for request in link.requests(data):
            if request.startswith(b"GET"):
                self._say(link, self._log())
                self._part(link)
            else:
                self._accept(link, request, said[0][2])

    def _accept(self, link: Link, body: bytes, stamp: bytes) -> None:
        seconds, nanoseconds = STAMP.unpack(stamp)
        now = time.monotonic()
        at = seconds + nanoseconds / 1e9 - self._ahead
        self._arrivals.append(Arrival(at, now, body))
        answer = ANSWER % len(self._arrivals)
        if self._latency:
            turn = len(self._arrivals)
            heapq.heappush(self._due, (now + self._latency, turn, link, answer))
        else:
            self._say(link, answer)

    def _say(self, link: Link, answer: bytes) -> None:
        try:
            link.socket.sendall(answer)
        except OSError:
            self._part(link)

    def _part(self, link: Link) -> None:
        if link.socket.fileno() >= 0:
            self._selector.unregister(link.socket)
            link.socket.close()

    def _log(self) -> bytes:
        lines = b"".join(map(_line, self._arrivals))
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        return head % len(lines) + lines


def _line(one: Arrival) -> bytes:
    body = orjson.loads(one.body)
    units = segment_count(body["text"])
    said = {"mono": one.at, "seen": one.seen, "to": body["to"], "units": units}
    return orjson.dumps(said) + b"\n"


if __name__ == "__main__":
    target = Target(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0)
    print(f"BW_MESSAGING_URL=http://127.0.0.1:{target.port}/api/v2", flush=True)
    target.serve()
