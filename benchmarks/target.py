"""The cheapest server that can answer a client: for rates that the stand-in cannot take.

    python -m benchmarks.target [LATENCY]

It says where it listens, answers every POST with a 202 after LATENCY seconds, and notes
when each came; it checks nothing.  ``GET /_log`` lists the arrivals: a JSON line of
``mono`` (seconds) and ``units`` (segments, counted only now) for each.
"""

from __future__ import annotations

import asyncio
import sys
import time

import orjson
import uvloop

from bulksend.simulator.segments import segment_count

ANSWER = (
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 55\r\n"
    b'\r\n{"id":"%029d","segmentCount":1}'
)
END = b"\r\n\r\n"
LENGTH = b"Content-Length: "


class Target(asyncio.Protocol):
    """One connection; *arrivals* are shared by all."""

    def __init__(self, arrivals: list[tuple[float, bytes]], latency: float) -> None:
        self._arrivals = arrivals
        self._latency = latency
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
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
            if request.startswith(b"GET"):
                self._tell()
            else:
                self._accept(request[head + len(END) :])

    def _accept(self, body: bytes) -> None:
        self._arrivals.append((time.monotonic(), body))
        answer = ANSWER % len(self._arrivals)
        if self._latency:
            loop = asyncio.get_running_loop()
            loop.call_later(self._latency, self._transport.write, answer)
        else:
            self._transport.write(answer)

    def _tell(self) -> None:
        lines = b"".join(
            orjson.dumps(
                {"mono": at, "units": segment_count(orjson.loads(body)["text"])}
            )
            + b"\n"
            for at, body in self._arrivals
        )
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        self._transport.write(head % len(lines) + lines)
        self._transport.close()


async def main(latency: float) -> None:
    arrivals: list[tuple[float, bytes]] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Target(arrivals, latency), "127.0.0.1", 0, backlog=2_000
    )
    port = server.sockets[0].getsockname()[1]
    print(f"BW_MESSAGING_URL=http://127.0.0.1:{port}/api/v2", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0))
