"""A file as a stream of blocks: hashed, unpacked, decoded and kept on the way.

Every byte of a recipient file passes through here once.
"""

from __future__ import annotations

import bz2
import codecs
import lzma
import re
import shutil
import tempfile
import weakref
import zlib
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from zipfile import BadZipFile, ZipFile

from bulksend.define.document import clipped
from bulksend.errors import InputError, Problem
from bulksend.whole import room_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

BLOCK = 1 << 21
TEXTS = {".csv", ".tsv", ".tab", ".txt"}
SAMPLE = 1 << 17  # also the longest cell that Python's csv module takes


class Scratch:
    """A folder for converted files, made at first use, gone with its last holder."""

    def __init__(self) -> None:
        self._names = count()
        self._folder: Path | None = None
        self._end: Callable[[], object] = lambda: None

    def new(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix=f"{room_name()}bulksend-"))
            self._end = weakref.finalize(
                self, shutil.rmtree, self._folder, ignore_errors=True
            )
        return self._folder / f"{next(self._names)}.csv"

    def close(self) -> None:
        self._end()


class Digest:
    """A file's bytes in big blocks, hashed on the way.

    By SHA-256, which processors have had instructions for since 2016: BLAKE2b takes two
    to three times as long.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hash = sha256()

    def blocks(self) -> Iterator[bytes]:
        with self._path.open("rb", buffering=0) as file, ThreadPoolExecutor(1) as pool:
            block = file.read(BLOCK)
            while block:
                hashed = pool.submit(self._hash.update, block)
                # Reading lets go of the interpreter's lock, so the thread can begin.
                ahead = file.read(BLOCK)
                yield block
                hashed.result()
                block = ahead

    def whole(self) -> bytes:
        """The digest, once all of `blocks` was taken."""
        return self._hash.digest()


def whole_digest(path: Path) -> bytes:
    digest = Digest(path)
    for _ in digest.blocks():
        pass
    return digest.whole()


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def _zstd() -> _Unpacker:
    from backports.zstd import ZstdDecompressor

    return ZstdDecompressor()


_UNPACKERS: dict[str, Callable[[], _Unpacker]] = {
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lzma.LZMADecompressor,
    "zstd": _zstd,
}
_DAMAGED = (zlib.error, OSError, lzma.LZMAError, EOFError)


def unpacked(blocks: Iterable[bytes], packing: str, file: str) -> Iterator[bytes]:
    from backports.zstd import ZstdError

    unpacker = None
    try:
        for block in blocks:
            data = block
            while data:
                unpacker = unpacker or _UNPACKERS[packing]()
                yield from _expanded(unpacker, data)
                data = unpacker.unused_data
                if unpacker.eof:
                    unpacker = None
    except (*_DAMAGED, ZstdError) as error:
        what = f"this is not a whole {packing} file ({error})"
        raise InputError(Problem("E213", what, file=file)) from error
    if unpacker is not None:
        what = f"this {packing} file ends too early"
        raise InputError(Problem("E213", what, file=file))


def _expanded(unpacker: _Unpacker, data: bytes) -> Iterator[bytes]:
    """In blocks: a few bytes can stand for gigabytes."""
    while True:
        block = unpacker.decompress(data, BLOCK)
        yield block
        data = getattr(unpacker, "unconsumed_tail", b"")  # zlib's own way
        is_done = not data and len(block) < BLOCK
        if unpacker.eof or getattr(unpacker, "needs_input", is_done):
            return


def unzipped(digest: Digest, path: Path, file: str) -> Iterator[bytes]:
    """The one list in a ZIP archive, after all of its bytes were hashed.

    Raises:
        InputError: E202, where it holds something else, or several; E213, where it is
            damaged or locked.
    """
    for _ in digest.blocks():
        pass
    try:
        with ZipFile(path) as archive:
            member = _member(archive, file)
            with archive.open(member) as stream:
                while block := stream.read(BLOCK):
                    yield block
    except (BadZipFile, *_DAMAGED, NotImplementedError, RuntimeError) as error:
        what = f"this ZIP archive is damaged, or locked by a password ({error})"
        raise InputError(Problem("E213", what, file=file)) from error


def _member(archive: ZipFile, file: str) -> str:
    names = [
        name
        for name in archive.namelist()
        if name[-1:] != "/" and not re.search(r"(^|/)(\.|__MACOSX/)", name)
    ]
    if len(names) == 1 and Path(names[0]).suffix.lower() in TEXTS:
        return names[0]
    holds = ", ".join(f"`{clipped(name)}`" for name in names[:3]) or "nothing"
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    what = f"this ZIP archive holds {holds}{more}"
    fix = "Unpack it first."
    raise InputError(Problem("E202", what, "one CSV file", fix, file=file))


def decoded(blocks: Iterable[bytes], encoding: str, file: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    try:
        for block in chain(blocks, (b"",)):
            text = decoder.decode(block, final=not block)
            line += text.count("\n")
            yield text.encode()
    except UnicodeError as error:
        if isinstance(error, UnicodeDecodeError):
            line += error.object[: error.start].count(b"\n")
        what = f"the file is not {encoding}"
        fix = "Set `recipients.encoding` to the file's encoding, or save it as UTF-8."
        problem = Problem("E205", what, fix=fix, file=file, line=line)
        raise InputError(problem) from error


def peek(blocks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, enough for a judgement, and all bytes."""
    taken, size = [], 0
    for block in blocks:
        taken.append(block)
        size += len(block)
        if size >= SAMPLE:
            break
    return b"".join(taken)[:SAMPLE], chain(taken, blocks)


def kept(blocks: Iterable[bytes], path: Path) -> Iterator[bytes]:
    with path.open("wb") as out:
        for block in blocks:
            out.write(block)
            yield block
