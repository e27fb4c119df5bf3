"""When requests came, by the kernel's clock: however late a busy server reads them.

A relay on the loopback in front of a server.  The kernel stamps each packet as it comes
(SO_TIMESTAMPNS, man 7 socket), so neither the relay nor the server, waiting for a
processor, is taken for a sender that sends late and then much at once.
"""

from __future__ import annotations

import selectors
import socket
import struct
import threading
from bisect import bisect_left
from contextlib import contextmanager
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SO_TIMESTAMPNS = 35
_STAMP = struct.Struct("ll")
_ROOM = socket.CMSG_SPACE(_STAMP.size)
_MOST = 1 << 16


class Arrivals:
    """Requests with *mark* in their first line; seconds since 1970, in order."""

    def __init__(self, server: tuple[str, int], mark: bytes) -> None:
        self._server = server
        self._mark = mark
        self._posts: list[tuple[float, bytes]] = []
        self._selector = selectors.DefaultSelector()
        self._over = False
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        listener.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)  # connections inherit
        self.origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._watch(listener, partial(self._meet, listener))
        self._wake, waking = socket.socketpair()
        self._watch(waking, self._end)

    @property
    def moments(self) -> list[float]:
        return sorted(at for at, _ in self._posts)

    @property
    def posts(self) -> list[tuple[float, bytes]]:
        """When each came, and what it was; a short one is there in one piece."""
        return sorted(self._posts)

    def run(self) -> None:
        while not self._over:
            for key, _ in self._selector.select():
                act: Callable[[], None] = key.data
                act()
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._selector.close()

    def stop(self) -> None:
        self._wake.close()

    def _end(self) -> None:
        self._over = True

    def _watch(self, link: socket.socket, act: Callable[[], None]) -> None:
        self._selector.register(link, selectors.EVENT_READ, act)

    def _meet(self, listener: socket.socket) -> None:
        client, _ = listener.accept()
        server = socket.create_connection(self._server)
        for link in (client, server):
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._watch(client, partial(self._forward, client, server))
        self._watch(server, partial(self._forward, server, client))

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        if source.fileno() < 0:  # closed with the other one, in this very round
            return
        try:
            data, said, _, _ = source.recvmsg(_MOST, _ROOM)
            if self._mark in data.partition(b"\r\n")[0]:
                self._posts.append((_seconds(said), data))
            if data:
                target.sendall(data)
        except OSError:
            data = b""
        if not data:
            for link in (source, target):
                self._selector.unregister(link)
                link.close()


def _seconds(said: list[tuple[int, int, bytes]]) -> float:
    (stamp,) = (data for level, kind, data in said if kind == SO_TIMESTAMPNS)
    seconds, nanoseconds = _STAMP.unpack(stamp)
    return float(seconds + nanoseconds / 1e9)


@contextmanager
def watched(origin: str, mark: bytes = b"/messages") -> Iterator[Arrivals]:
    """A relay to ``http://HOST:PORT`` while the block runs."""
    host, _, port = origin.removeprefix("http://").partition(":")
    arrivals = Arrivals((host, int(port)), mark)
    thread = threading.Thread(target=arrivals.run)
    thread.start()
    try:
        yield arrivals
    finally:
        arrivals.stop()
        thread.join()


def densest(moments: list[float], seconds: float = 1.0) -> int:
    """The most that came within any *seconds*, of moments in order."""
    return max(
        bisect_left(moments, at + seconds) - place for place, at in enumerate(moments)
    )


Segments = tuple[float, int] | tuple[float, int, str]
"""Of a message: its moment, how many, and perhaps the sender."""


def fullest(posts: Iterable[Segments]) -> int:
    """The most segments that came within any second, without the message that ends it.

    A message cannot be cut: so it is this that a rate bounds, however long the texts are.
    """
    found = sorted(posts, key=itemgetter(0))
    most = first = inside = 0
    for one in found:
        while found[first][0] + 1.0 <= one[0]:
            inside -= found[first][1]
            first += 1
        most = max(most, inside)
        inside += one[1]
    return most


def most_in_a_second(posts: Iterable[Segments]) -> int:
    """The same with all of the segments of each message that is in it."""
    found = sorted(posts, key=itemgetter(0))
    moments = [one[0] for one in found]
    return max(
        sum(one[1] for one in found[place : bisect_left(moments, at + 1.0)])
        for place, at in enumerate(moments)
    )
