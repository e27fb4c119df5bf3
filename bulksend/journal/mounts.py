"""Whether a folder is on a network file system, where SQLite's locks prove nothing.

WAL mode needs memory that all processes share, which two machines do not have, and the
locks of NFS and SMB are as good as their servers are (sqlite.org: "WAL does not work over
a network filesystem").  Two senders with one such journal could both believe that a
message is theirs.
"""

from __future__ import annotations

import os
from pathlib import Path

NETWORK = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "coda", "ncpfs"),
        *("ceph", "lustre", "beegfs", "glusterfs", "gpfs", "ocfs2", "gfs2", "orangefs"),
    }
)
LOCAL_FUSE = frozenset({"fuseblk", "fuse.ntfs-3g", "fuse.portal", "fuse.lxcfs"})
"""Of those in user space most are a bucket or another machine (s3fs, gcsfuse, sshfs)."""


def network_file_system(folder: Path) -> str | None:
    """Its kind, such as ``nfs4``; None where it is a local one, or nobody can say."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
        device = os.stat(folder).st_dev  # noqa: PTH116  (the device, whatever it is)
    except OSError:
        return None
    kind = kind_of(mounts, f"{os.major(device)}:{os.minor(device)}")
    return kind if kind and is_network(kind) else None


def kind_of(mounts: str, device: str) -> str | None:
    """The file system's kind of *device* (``major:minor``) in a mountinfo text."""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) > 2 and fields[2] == device and after:
            return after.split()[0]
    return None


def is_network(kind: str) -> bool:
    if kind.startswith("fuse"):
        return kind not in LOCAL_FUSE
    return kind in NETWORK
