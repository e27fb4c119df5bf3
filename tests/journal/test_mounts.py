"""A journal file on a network file system is refused before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bulksend.errors import InputError
from bulksend.journal import mounts, sqlite_faults
from bulksend.journal.store import Journal

if TYPE_CHECKING:
    from pathlib import Path

MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:26 / /mnt/team rw,relatime shared:15 - nfs4 fs-1.efs:/ rw,vers=4.1
31 22 0:27 / /mnt/share\\040one rw - cifs //server/share rw
33 22 0:31 / /mnt/bucket rw - fuse.s3fs s3fs rw
34 22 0:33 / /mnt/usb rw - fuseblk /dev/sdb1 rw
broken line
35 22 0:34 / /tmp rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("device", "kind", "refused"),
    [
        ("254:0", "ext4", False),
        ("0:26", "nfs4", True),
        ("0:27", "cifs", True),
        ("0:31", "fuse.s3fs", True),
        ("0:33", "fuseblk", False),
        ("0:34", "tmpfs", False),
    ],
)
def test_the_kind_of_a_file_system_decides(
    device: str, kind: str, refused: bool
) -> None:
    """As the kernel lists it, by the device a folder is on."""
    assert mounts.kind_of(MOUNTS, device) == kind
    assert mounts.is_network(kind) == refused


def test_a_device_that_is_not_listed_is_left_alone() -> None:
    """Where the kernel does not say, nothing is refused."""
    assert mounts.kind_of(MOUNTS, "9:9") is None


def test_a_journal_on_a_network_file_system_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E564 names the kind and the way out; no file is made, reading is refused too."""
    assert mounts.network_file_system(tmp_path) is None
    monkeypatch.setattr(sqlite_faults, "network_file_system", lambda _: "nfs4")

    with pytest.raises(InputError, match=r"E564 .*nfs4.*postgresql://"):
        Journal.open(tmp_path / "home" / "journal.db")

    assert not list(tmp_path.rglob("*.db"))
