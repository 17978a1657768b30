"""The system calls that storage makes, a method each: tests put a disk in their place that fails, dies or forgets.

It does not know what is in a file. Names are octets and stand in a directory that is open; no link is followed. Every method
raises OSError when the call fails.
"""

import fcntl
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

AT_ONCE = 128 * 1024
"""Octets of many pieces that are written with one call, or a few more."""

SECOND = 1_000_000_000
"""In the unit of the times of files: some programs look at whole seconds only."""

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY


class IsLocked(Exception):  # noqa: N818 (a state, not an error)
    """Somebody else holds the lock now."""


class NotSynced(OSError):  # noqa: N818 (what a file is then)
    """A sync failed: whatever was written since the last one may be lost, even if a later one succeeds."""


class Files:
    """The file system. What was written is on disk only after `sync`, a name only after `sync_names` of its directory."""

    def open_top(self, path: Path) -> int:
        """A directory by its path, made for its owner only when it is missing; links are followed here."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            path.mkdir(0o700)
        return os.open(path, DIRECTORY | os.O_CLOEXEC)

    def find_top(self, path: Path) -> os.stat_result:
        """Which directory a path leads to now."""
        return path.stat()

    def open(self, name: bytes, flags: int, at: int) -> int:
        """A descriptor; with O_CREAT the file is made, for its owner only."""
        return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600, dir_fd=at)

    def close(self, descriptor: int) -> None:
        """Gives back a descriptor, and with it every record lock on its file."""
        os.close(descriptor)

    def status(self, descriptor: int) -> os.stat_result:
        """Kind, inode, size and number of names of an open file."""
        return os.fstat(descriptor)

    def find(self, name: bytes, at: int) -> os.stat_result:
        """The same of a name."""
        return os.stat(name, dir_fd=at, follow_symlinks=False)

    def may_write(self, name: bytes, at: int) -> bool:
        """Whether names can be made and removed in a directory."""
        return os.access(name, os.W_OK | os.X_OK, dir_fd=at, effective_ids=os.access in os.supports_effective_ids)

    def read(self, descriptor: int, length: int, offset: int) -> bytes:
        """At most `length` octets, fewer at the end of the file."""
        return os.pread(descriptor, length, offset)

    def write(self, descriptor: int, data: bytes | memoryview, offset: int) -> int:
        """The number of octets that were written, which may be fewer."""
        return os.pwrite(descriptor, data, offset)

    def append(self, descriptor: int, data: bytes | memoryview) -> int:
        """The same, at the end of a file that was opened with O_APPEND."""
        return os.write(descriptor, data)

    def allocate(self, descriptor: int, size: int) -> None:
        """The file has `size` octets, zeros at first, and writing in them will not lack room."""
        os.posix_fallocate(descriptor, 0, size)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cuts off what is beyond `size`."""
        os.ftruncate(descriptor, size)

    def sync(self, descriptor: int) -> None:
        """Returns when the content of a file is on disk. After a failure it may not be, whatever a later call says."""
        os.fdatasync(descriptor)

    def sync_names(self, descriptor: int) -> None:
        """Returns when the names in an open directory are on disk."""
        os.fsync(descriptor)

    def make_directory(self, name: bytes, at: int) -> None:
        """A new directory, for its owner only."""
        os.mkdir(name, 0o700, dir_fd=at)

    def names(self, descriptor: int) -> list[bytes]:
        """The names in an open directory, in no order."""
        return [os.fsencode(name) for name in os.listdir(descriptor)]

    def rename(self, name: bytes, at: int, new_name: bytes, to: int) -> None:
        """Moves a name, over another one if there is one, at once."""
        os.rename(name, new_name, src_dir_fd=at, dst_dir_fd=to)

    def link(self, name: bytes, at: int, new_name: bytes, to: int) -> None:
        """Another name for a file. Raises FileExistsError when there is such a name."""
        os.link(name, new_name, src_dir_fd=at, dst_dir_fd=to, follow_symlinks=False)

    def touch(self, name: bytes, at: int) -> None:
        """The file of a name was written to now, as far as its times say."""
        os.utime(name, dir_fd=at, follow_symlinks=False)

    def show_as_unread(self, descriptor: int) -> None:
        """A file was read before it was last written to, as far as its times say, where we may say so."""
        status = os.fstat(descriptor)
        if status.st_atime_ns > status.st_mtime_ns - SECOND:
            with suppress(PermissionError):
                os.utime(descriptor, ns=(status.st_mtime_ns - SECOND, status.st_mtime_ns))

    def remove(self, name: bytes, at: int) -> None:
        """Removes the name of a file."""
        os.unlink(name, dir_fd=at)

    def remove_directory(self, name: bytes, at: int) -> None:
        """Removes a directory in which there is nothing."""
        os.rmdir(name, dir_fd=at)

    def room(self, descriptor: int) -> tuple[int, int] | None:
        """Octets that are free on the disk of an open directory, and all of its own; None where the system does not tell."""
        try:
            system = os.fstatvfs(descriptor)
        except OSError:
            return None
        octets = system.f_bavail * system.f_frsize, system.f_blocks * system.f_frsize
        return octets if system.f_blocks else None

    def lock(self, descriptor: int) -> None:
        """Takes the record lock that mail programs honour (fcntl, the whole file), or raises IsLocked at once."""
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            raise IsLocked from error

    def claim(self, descriptor: int) -> None:
        """Takes the whole-file lock that only one opening of a file or directory can have, or raises IsLocked at once."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise IsLocked from error


def write_all(files: Files, descriptor: int, data: bytes, offset: int) -> None:
    """Writes all of it, in as many calls as it takes."""
    written = files.write(descriptor, data, offset)
    while written < len(data):
        written += files.write(descriptor, memoryview(data)[written:], offset + written)


def write_pieces(files: Files, descriptor: int, pieces: Iterable[bytes], offset: int) -> None:
    """Writes them one after the other, in parts: memory that is used again costs less than as much as all of them are."""
    part: list[bytes] = []
    octets = 0
    for piece in pieces:
        part.append(piece)
        octets += len(piece)
        if octets >= AT_ONCE:
            write_all(files, descriptor, b"".join(part), offset)
            offset += octets
            part, octets = [], 0
    if part:
        write_all(files, descriptor, b"".join(part), offset)


def append_all(files: Files, descriptor: int, data: bytes) -> None:
    """Appends all of it, in as many calls as it takes."""
    written = files.append(descriptor, data)
    while written < len(data):
        written += files.append(descriptor, memoryview(data)[written:])


def sync_or_doubt(files: Files, descriptor: int) -> None:
    """Syncs a file that is to be repaired when that fails: raises NotSynced."""
    try:
        files.sync(descriptor)
    except OSError as error:
        raise NotSynced(error.errno, error.strerror) from error


def open_directory(files: Files, name: bytes, at: int) -> int:
    """A directory, made when it is missing, and then its name is on disk. Raises OSError."""
    try:
        return files.open(name, DIRECTORY, at)
    except FileNotFoundError:
        with suppress(FileExistsError):  # another process was faster
            files.make_directory(name, at)
        files.sync_names(at)
        return files.open(name, DIRECTORY, at)
