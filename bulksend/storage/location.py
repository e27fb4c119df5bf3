"""An address in object storage, and what it may look like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from bulksend.errors import InputError, Problem

SCHEMES = ("s3", "gs", "az")
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://")
_MEANT = {
    "s3a": "s3",
    "s3n": "s3",
    "gcs": "gs",
    "azure": "az",
    "abfs": "az",
    "abfss": "az",
    "wasb": "az",
    "wasbs": "az",
}
"""What other programs call the same."""

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}")
_MAGIC = re.compile(r"[*?\[]")


def is_gone(path: Path) -> bool:
    """Whether there is nothing by that name, not even a link.

    What may not be looked at, or cannot be, is not known to be gone.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


@dataclass(frozen=True, slots=True)
class Location:
    """An object, or a folder of objects where the key ends in a slash.

    It answers what a `Path` answers to, under the same names.
    """

    scheme: str
    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.key}"

    @property
    def is_folder(self) -> bool:
        return not self.key or self.key.endswith("/")

    @property
    def has_magic(self) -> bool:
        """Whether it is a pattern: ``*``, ``**``, ``?`` or ``[`` in its key."""
        return _MAGIC.search(self.key) is not None

    @property
    def fixed(self) -> str:
        """A pattern's key up to where it begins to be one."""
        found = _MAGIC.search(self.key)
        return self.key[: found.start()] if found else self.key

    @property
    def name(self) -> str:
        return PurePosixPath(self.key).name

    @property
    def stem(self) -> str:
        path = PurePosixPath(self.key)
        return path.name if self.is_folder else path.stem

    @property
    def suffix(self) -> str:
        return "" if self.is_folder else PurePosixPath(self.key).suffix

    @property
    def parent(self) -> Location:
        """The folder that it is in; a folder's own is the one above."""
        above = self.key.rstrip("/").rpartition("/")[0]
        return Location(self.scheme, self.bucket, f"{above}/" if above else "")

    def with_name(self, name: str) -> Location:
        slash = "/" if self.is_folder else ""
        return Location(self.scheme, self.bucket, f"{self.parent.key}{name}{slash}")

    def __truediv__(self, name: str) -> Location:
        folder = self.key if self.is_folder else f"{self.key}/"
        return Location(self.scheme, self.bucket, folder + name)

    def absolute(self) -> Location:
        return self

    def fits(self, key: str) -> bool:
        """Whether *key* is what this pattern means, as a shell has it."""
        return key == self.key or re.fullmatch(_pattern(self.key), key) is not None


Where: TypeAlias = Path | Location
"""A place to read from or to write to."""


def holds_parts(place: Where) -> bool:
    """Whether it is a folder of objects."""
    return isinstance(place, Location) and place.is_folder


def is_address(text: str) -> bool:
    return _ADDRESS.match(text) is not None


def where(said: str | Where) -> Where:
    """A path, or an address.

    Raises:
        InputError: E692, where it is an address that is not understood.
    """
    if isinstance(said, str):
        return located(said) if is_address(said) else Path(said)
    return said


def located(said: str) -> Location:
    """Read an address.

    Raises:
        InputError: E692; what may be a secret in it is not shown.
    """
    marked = _ADDRESS.match(said)
    scheme = marked[1].lower() if marked else ""
    bucket, _, key = said[marked.end() if marked else 0 :].partition("/")
    shown = _without_secrets(said)
    if scheme not in SCHEMES:
        meant = _MEANT.get(scheme)
        fix = f"Write {meant}://…" if meant else ""
        raise _refused(f"{scheme}:// is not read", shown, fix)
    if shown != said:
        fix = "Take the credentials out, and set them in the environment."
        raise _refused("credentials are in the address", shown, fix)
    if not _BUCKET.fullmatch(bucket):
        found = f"`{bucket}` is no bucket's name" if bucket else "it names no bucket"
        raise _refused(found, shown)
    parts = key.removesuffix("/").split("/") if key else []
    if any(part in {"", ".", ".."} for part in parts):
        raise _refused("a part of its path is empty, `.` or `..`", shown)
    return Location(scheme, bucket, key)


def _without_secrets(said: str) -> str:
    """Without what stands before an @ in the bucket's place, and without signatures."""
    said = re.sub(r"(://)[^/]*@", r"\1…@", said)
    return re.sub(r"(?i)[?&][^/]*\b(sig|signature|x-amz-[a-z-]+|token)=.*", "?…", said)


def _refused(found: str, shown: str, fix: str = "") -> InputError:
    return InputError(Problem("E692", found, fix=fix, file=shown))


def _pattern(key: str) -> str:
    """A regular expression: ``*`` stays within a folder, ``**`` stands for any number."""
    parts = []
    for part in key.split("/"):
        if part == "**":
            parts.append("(?:[^/]+/)*")
        else:
            inside = translate(part).removeprefix("(?s:").removesuffix(r")\Z")
            inside = re.sub(r"(?<!\\)\.", "[^/]", inside)
            parts.append(inside + "/")
    return "".join(parts).removesuffix("/")
