"""Results as parts in a folder of objects, and the manifest that says which they are.

Theory of operation
-------------------
Each shard puts a part of its own under a name that nobody else has, so no part is ever
overwritten, and then looks which parts are there.  Whoever finds one of every shard puts
the manifest, create-only: of two that end at once both may find them all, and one is
first.  A store's listing is of the moment, so the last one to put its part finds them all.
Whoever reads goes by the manifest: it is one object, so a reader sees all parts or none.

Results that are written again are one part and a manifest that replaces the one that was
seen.  The parts that a manifest replaced stay until the next one, for whoever reads them
just now; what no manifest names goes when it is a day old.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from bulksend.send.clocks import wall_ms
from bulksend.storage.ours import put_ours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from bulksend.storage.found import Found
    from bulksend.storage.location import Location
    from bulksend.storage.objects import Objects

MANIFEST = "manifest.json"
FORMAT = 1
FORGOTTEN = timedelta(days=1)
"""After which a part that no manifest names is nobody's any more."""

SAID = "bulksendpart"
"""A part's metadata: what the manifest will say of it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The results of one run in a folder of objects."""

    folder: Location
    run: str
    objects: Objects

    @property
    def manifest(self) -> Location:
        return self.folder / MANIFEST

    def put_shard(self, shard: int, of: int, path: Path) -> bool:
        """Put a shard's part, and the manifest where it was the last.

        Returns:
            False where there is a manifest already, without this part: then the results
            are to be written again, by `put_all`.

        Raises:
            InputError: E693 to E695.
            Stopped: E698.
        """
        own = self._put(shard, of, path)
        if self.objects.look(self.manifest) is None:
            newest = self._newest(of)
            if len(newest) < of:
                return True
            if self._create(newest):
                return True
        return own.name in {part["name"] for part in self.said().get("parts", ())}

    def put_all(self, make: Callable[[], Path]) -> bool:
        """Put everything as one part, and a manifest of it; False: the folder is another's.

        Args:
            make: Writes the results as they are now; again, where another was faster.

        Raises:
            InputError: E693 to E695.
            Stopped: E697, E698.
        """

        def manifest() -> bytes:
            before = [part["name"] for part in self.said().get("parts", ())]
            return self._manifest([self._put(0, 1, make())], before)

        if not put_ours(self.objects, self.manifest, manifest, owner=self.run):
            return False
        self._tidy()
        return True

    def said(self) -> dict[str, Any]:
        """The manifest as it is now; empty where there is none."""
        found = self.objects.look(self.manifest)
        return {} if found is None else dict(json.loads(self.objects.read(found)))

    def all(self) -> list[Found]:
        """Every object of this run in the folder, the manifest among them."""
        return [
            one
            for one in self.objects.inside(self.folder, deep=False)
            if one.place.name.startswith(f"{self.run}-part-")
            or (one.place == self.manifest and self._is_ours())
        ]

    def _is_ours(self) -> bool:
        return self.objects.owner(self.manifest) == self.run

    def _put(self, shard: int, of: int, path: Path) -> Location:
        stamp = f"{wall_ms():013}-{secrets.token_hex(4)}"
        name = f"{self.run}-part-{shard:05}-of-{of:05}-{stamp}.parquet"
        place = self.folder / name
        said = json.dumps(_counted(path), separators=(",", ":"))
        self.objects.upload(path, place, owner=self.run, more={SAID: said})
        return place

    def _newest(self, of: int) -> list[Location]:
        """The newest part of each shard, in order."""
        named = re.compile(
            rf"{re.escape(self.run)}-part-(\d{{5}})-of-{of:05}-[\da-f-]+\.parquet"
        )
        found: dict[str, Location] = {}
        names = sorted(one.place.name for one in self.objects.inside(self.folder))
        for name in names:  # by shard, then by time
            if fits := named.fullmatch(name):
                found[fits[1]] = self.folder / name
        return list(found.values())

    def _create(self, parts: Sequence[Location]) -> bool:
        content = self._manifest(parts, [])
        return self.objects.create(content, self.manifest, owner=self.run)

    def _manifest(self, parts: Iterable[Location], before: Iterable[str]) -> bytes:
        listed = [
            {"name": part.name, "uri": str(part)}
            | json.loads(self.objects.metadata(part).get(SAID, "{}"))
            for part in parts
        ]
        counts: dict[str, int] = {}
        for part in listed:
            for status, count in part["counts"].items():
                counts[status] = counts.get(status, 0) + count
        said = {
            "format": FORMAT,
            "run": self.run,
            "written_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "rows": sum(part["rows"] for part in listed),
            "counts": counts,
            "parts": listed,
            "before": list(before),
        }
        return json.dumps(said, indent=1).encode()

    def _tidy(self) -> None:
        """Remove parts that no manifest names, once nobody can be about to name them."""
        said = self.said()
        kept = {*said["before"], *(part["name"] for part in said["parts"]), MANIFEST}
        old = datetime.now(UTC) - FORGOTTEN
        self.objects.delete(
            [
                one.place
                for one in self.all()
                if one.place.name not in kept and one.modified < old
            ]
        )


def _counted(path: Path) -> dict[str, Any]:
    """How many rows a part has, and by what became of them."""
    statuses = pl.scan_parquet(path).group_by("status").len().sort("status").collect()
    counts = {status: count for status, count in statuses.rows() if status is not None}
    return {
        "rows": sum(statuses["len"]),
        "bytes": path.stat().st_size,
        "counts": counts,
    }
