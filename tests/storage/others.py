"""Google's and Azure's stores, as far as bulksend speaks to them: a stand-in for each.

Written from their own descriptions of the XML API and of the Blob service: what a
conditional put says and what it is answered, versions, ranges, metadata, listings.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

DATE = "Thu, 26 Nov 2026 12:00:00 GMT"
META = {"gs": "x-goog-meta-", "az": "x-ms-meta-"}
ACCOUNT = "crmdata"


class Kept(NamedTuple):
    content: bytes
    generation: int
    metadata: dict[str, str]

    @property
    def tag(self) -> str:
        return f'"{self.generation:x}"'


@dataclass
class Store:
    """One bucket of one kind; every request that came, for who wants to look."""

    kind: str
    bucket: str = "crm"
    kept: dict[str, Kept] = field(default_factory=dict)
    conditions: list[str] = field(default_factory=list)
    url: str = ""
    _generations: count[int] = field(default_factory=lambda: count(1_000))

    @property
    def environment(self) -> dict[str, str]:
        if self.kind == "gs":
            return {"GOOGLE_BASE_URL": self.url, "GOOGLE_BEARER_TOKEN": "t0ken"}
        return {
            "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
            "AZURE_STORAGE_ENDPOINT": f"{self.url}/{ACCOUNT}",
            "AZURE_SKIP_SIGNATURE": "true",
        }

    def put(self, key: str, content: bytes, said: dict[str, str]) -> tuple[int, str]:
        """The status, and the error's code."""
        there = self.kept.get(key)
        wanted = said.get("x-goog-if-generation-match")
        if wanted is not None:
            self.conditions.append(f"generation {wanted}")
            if wanted != str(there.generation if there else 0):
                return 412, "PreconditionFailed"
        if said.get("if-none-match") == "*":
            self.conditions.append("if-none-match *")
            if there is not None:
                return 409, "BlobAlreadyExists"
        if (tag := said.get("if-match")) is not None:
            self.conditions.append(f"if-match {tag}")
            if there is None or there.tag != tag:
                return 412, "ConditionNotMet"
        prefix = META[self.kind]
        metadata = {
            name.removeprefix(prefix): value
            for name, value in said.items()
            if name.startswith(prefix)
        }
        self.kept[key] = Kept(content, next(self._generations), metadata)
        return 201 if self.kind == "az" else 200, ""

    def listed(self, prefix: str, delimiter: str) -> str:
        keys = [
            key
            for key in sorted(self.kept)
            if key.startswith(prefix)
            and not (delimiter and delimiter in key.removeprefix(prefix))
        ]
        if self.kind == "gs":
            rows = "".join(
                f"<Contents><Key>{escape(key)}</Key><Size>{len(one.content)}</Size>"
                "<LastModified>2026-11-26T12:00:00.000Z</LastModified>"
                f"<ETag>{escape(one.tag)}</ETag></Contents>"
                for key in keys
                for one in [self.kept[key]]
            )
            return f"<ListBucketResult>{rows}</ListBucketResult>"
        rows = "".join(
            f"<Blob><Name>{escape(key)}</Name><Properties>"
            f"<Last-Modified>{DATE}</Last-Modified><Etag>{one.tag.strip(chr(34))}</Etag>"
            f"<Content-Length>{len(one.content)}</Content-Length>"
            "<Content-Type>text/csv</Content-Type>"
            "<BlobType>BlockBlob</BlobType></Properties></Blob>"
            for key in keys
            for one in [self.kept[key]]
        )
        return (
            f"<EnumerationResults><Prefix>{escape(prefix)}</Prefix>"
            f"<Blobs>{rows}</Blobs><NextMarker/></EnumerationResults>"
        )


@contextmanager
def standing_in(kind: str) -> Iterator[Store]:
    """A store of *kind* (``gs`` or ``az``) on the loopback."""
    store = Store(kind)

    class Handler(_Handler):
        there = store

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    store.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    there: Store

    def _asked(self) -> tuple[str, str, dict[str, str]]:
        parts = urlsplit(self.path)
        path = unquote(parts.path).lstrip("/").removeprefix(f"{ACCOUNT}/")
        bucket, _, key = path.partition("/")
        return (
            bucket,
            key,
            {name: some[0] for name, some in parse_qs(parts.query).items()},
        )

    def do_PUT(self) -> None:
        _, key, _ = self._asked()
        content = self.rfile.read(int(self.headers["content-length"]))
        said = {name.lower(): value for name, value in self.headers.items()}
        status, code = self.there.put(key, content, said)
        if code:
            self._refuse(status, code)
            return
        self._answer(status, b"", self._about(self.there.kept[key]))

    def do_GET(self) -> None:
        bucket, key, query = self._asked()
        if bucket != self.there.bucket:
            codes = {"gs": "NoSuchBucket", "az": "ContainerNotFound"}
            self._refuse(404, codes[self.there.kind])
            return
        if not key:
            listed = self.there.listed(
                query.get("prefix", ""), query.get("delimiter", "")
            )
            self._answer(200, listed.encode(), {"content-type": "application/xml"})
            return
        one = self.there.kept.get(key)
        if one is None:
            self._refuse(
                404, {"gs": "NoSuchKey", "az": "BlobNotFound"}[self.there.kind]
            )
        elif self.headers.get("if-match") not in (None, one.tag):
            self._refuse(412, "ConditionNotMet")
        else:
            self._content(one)

    do_HEAD = do_GET  # noqa: N815

    def _content(self, one: Kept) -> None:
        about = self._about(one) | {"content-type": "text/csv"}
        wanted = self.headers.get("range") or self.headers.get("x-ms-range")
        if wanted is None:
            self._answer(200, one.content, about)
            return
        first, last = map(int, wanted.removeprefix("bytes=").split("-"))
        last = min(last, len(one.content) - 1)
        about["content-range"] = f"bytes {first}-{last}/{len(one.content)}"
        self._answer(206, one.content[first : last + 1], about)

    def _about(self, one: Kept) -> dict[str, str]:
        metadata = {
            META[self.there.kind] + name: value for name, value in one.metadata.items()
        }
        return metadata | {
            "etag": one.tag,
            "last-modified": DATE,
            "x-goog-generation": str(one.generation),
        }

    def _refuse(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code></Error>".encode(), {})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
