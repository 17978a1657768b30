#!/usr/bin/env python3
"""A recording disk: a FUSE file that logs each write and flush, to be used under a loop device.

Knows nothing about what is on it. Run as `recording_disk.py MOUNTPOINT LOG OCTETS` (needs mfusepy); `entries` reads the log.
"""

import errno
import random
import stat
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

NAME = "disk"
SECTOR = 512
"""Octets that a disk writes atomically."""

_ENTRY = struct.Struct(">cQI")
_WRITE, _FLUSH = b"w", b"f"


class Write(NamedTuple):
    """A write to the disk. It is sure to survive a power cut once a flush has followed."""

    offset: int
    data: bytes


def entries(log: bytes) -> Iterator[tuple[int, Write | None]]:
    """Yields the writes, each with the position after it in the log. None: a flush."""
    at = 0
    while at + _ENTRY.size <= len(log):
        kind, offset, length = _ENTRY.unpack_from(log, at)
        at += _ENTRY.size
        if kind == _FLUSH:
            yield at, None
            continue
        yield at + length, Write(offset, log[at : at + length])
        at += length


class Cut(NamedTuple):
    """The result of a power cut: the disk's image, and the number of unflushed octets that are not on it."""

    image: bytearray
    lost: int


def cut(log: bytes, size: int, end: int, chance: random.Random) -> Cut:
    """The disk after a power cut at `end` octets of the log. Of the unflushed sectors, a random selection is on it."""
    image, waiting = bytearray(size), list[Write]()
    for at, entry in entries(log):
        if at > end:
            break
        if entry:
            waiting.append(entry)
        else:
            for write in waiting:
                image[write.offset : write.offset + len(write.data)] = write.data
            waiting.clear()
    lost = 0
    luck = chance.random()  # from a disk that has written almost nothing to one that has written almost everything
    for offset, data in waiting:
        is_whole = chance.random() < 0.5
        stays = chance.random() < luck
        for start in range(0, len(data), SECTOR):
            if stays if is_whole else chance.random() < luck:
                piece = data[start : start + SECTOR]
                image[offset + start : offset + start + len(piece)] = piece
            else:
                lost += len(data[start : start + SECTOR])
    return Cut(image, lost)


def serve(mountpoint: str, log: Path, size: int) -> None:
    """Serves the disk until it is unmounted."""
    import mfusepy  # type: ignore[import-not-found, import-untyped, unused-ignore]

    image, journal = bytearray(size), log.open("ab", buffering=0)
    attributes = {
        "/": {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2},
        f"/{NAME}": {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": size},
    }

    class Disk(mfusepy.Operations):  # type: ignore[misc, unused-ignore]
        """A file system with one file, the disk."""

        use_ns = True

        def getattr(self, path: str, _: Any = None) -> dict[str, Any]:
            if path not in attributes:
                raise mfusepy.FuseOSError(errno.ENOENT)
            return attributes[path]

        def readdir(self, path: str, _: Any) -> list[str]:
            return [".", "..", NAME]

        def read(self, path: str, length: int, offset: int, _: Any) -> bytes:
            return bytes(image[offset : offset + length])

        def write(self, path: str, data: bytes, offset: int, _: Any) -> int:
            journal.write(_ENTRY.pack(_WRITE, offset, len(data)) + data)
            image[offset : offset + len(data)] = data
            return len(data)

        def fsync(self, path: str, is_data_only: bool, _: Any) -> int:
            journal.write(_ENTRY.pack(_FLUSH, 0, 0))
            return 0

    mfusepy.FUSE(Disk(), mountpoint, foreground=True, nothreads=True)


if __name__ == "__main__":
    serve(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
