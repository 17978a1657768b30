"""The system calls that storage makes, a method each, so that tests can put a disk in their place that fails, dies or
forgets.

Knows nothing about what is in a file. A name is octets, relative to an open directory, and a link is never followed; only
`open_top` and `find_top` take a path, and follow links. Every method raises OSError if its call fails, except `may_write`
and `room`.
"""

import fcntl
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

AT_ONCE = 128 * 1024
"""Octets that `write_pieces` collects before it writes them."""

SECOND = 1_000_000_000
"""In nanoseconds, the unit of file times. Some programs compare whole seconds only."""

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY


class IsLocked(Exception):  # noqa: N818 (a state, not an error)
    """Another process holds the lock now."""


class NotSynced(OSError):  # noqa: N818 (what a file is then)
    """A sync failed: data written since the last one may be lost, even if a later one succeeds."""


class Files:
    """The file system. Written octets are on disk only after `sync`, and names only after `sync_names` of their
    directory.
    """

    def open_top(self, path: Path) -> int:
        """Opens a directory by its path, and makes it for its owner only if it is missing. Follows links."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            path.mkdir(0o700)
        return os.open(path, DIRECTORY | os.O_CLOEXEC)

    def find_top(self, path: Path) -> os.stat_result:
        """The status of what a path leads to now. Follows links."""
        return path.stat()

    def open(self, name: bytes, flags: int, at: int) -> int:
        """Opens a file and returns its descriptor. O_CREAT makes a file for its owner only."""
        return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600, dir_fd=at)

    def close(self, descriptor: int) -> None:
        """Closes a descriptor. This also gives up every record lock that the process has on its file."""
        os.close(descriptor)

    def status(self, descriptor: int) -> os.stat_result:
        """Kind, inode, size, times and number of names of an open file."""
        return os.fstat(descriptor)

    def find(self, name: bytes, at: int) -> os.stat_result:
        """The status of the file that has a name."""
        return os.stat(name, dir_fd=at, follow_symlinks=False)

    def may_write(self, name: bytes, at: int) -> bool:
        """Whether we can make and remove names in a directory."""
        return os.access(name, os.W_OK | os.X_OK, dir_fd=at, effective_ids=os.access in os.supports_effective_ids)

    def read(self, descriptor: int, length: int, offset: int) -> bytes:
        """Reads at most `length` octets; fewer at the end of the file."""
        return os.pread(descriptor, length, offset)

    def write(self, descriptor: int, data: bytes | memoryview, offset: int) -> int:
        """Writes octets, perhaps not all; returns how many."""
        return os.pwrite(descriptor, data, offset)

    def append(self, descriptor: int, data: bytes | memoryview) -> int:
        """Writes octets at the end of a file opened with O_APPEND, perhaps not all; returns how many."""
        return os.write(descriptor, data)

    def allocate(self, descriptor: int, size: int) -> None:
        """Gives a file `size` octets, zeros where it had none, so that writes within them never lack room."""
        os.posix_fallocate(descriptor, 0, size)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cuts off what is beyond `size`."""
        os.ftruncate(descriptor, size)

    def sync(self, descriptor: int) -> None:
        """Returns when a file's content is on disk. After a failure it may not be, even if a later call succeeds."""
        os.fdatasync(descriptor)

    def sync_names(self, descriptor: int) -> None:
        """Returns when the names in an open directory are on disk."""
        os.fsync(descriptor)

    def make_directory(self, name: bytes, at: int) -> None:
        """Makes a directory, for its owner only."""
        os.mkdir(name, 0o700, dir_fd=at)

    def names(self, descriptor: int) -> list[bytes]:
        """The names in an open directory, in no order."""
        return [os.fsencode(name) for name in os.listdir(descriptor)]

    def rename(self, name: bytes, at: int, new_name: bytes, to: int) -> None:
        """Renames a file, perhaps into another directory, in one step. A file that has the new name loses it."""
        os.rename(name, new_name, src_dir_fd=at, dst_dir_fd=to)

    def link(self, name: bytes, at: int, new_name: bytes, to: int) -> None:
        """Gives a file another name. Raises FileExistsError if that name is taken."""
        os.link(name, new_name, src_dir_fd=at, dst_dir_fd=to, follow_symlinks=False)

    def touch(self, name: bytes, at: int) -> None:
        """Sets a file's times to now."""
        os.utime(name, dir_fd=at, follow_symlinks=False)

    def show_as_unread(self, descriptor: int) -> None:
        """Makes a file's access time at least a second older than its modification time, so that mail programs see unread
        mail. Does nothing if the file is not ours.
        """
        status = os.fstat(descriptor)
        if status.st_atime_ns > status.st_mtime_ns - SECOND:
            with suppress(PermissionError):
                os.utime(descriptor, ns=(status.st_mtime_ns - SECOND, status.st_mtime_ns))

    def make_alike(self, descriptor: int, other: int) -> None:
        """Gives another open file this one's owner, mode and times. An owner that we may not set stays."""
        status = os.fstat(descriptor)
        with suppress(PermissionError):
            os.fchown(other, status.st_uid, status.st_gid)
        os.fchmod(other, stat.S_IMODE(status.st_mode))
        os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))

    def remove(self, name: bytes, at: int) -> None:
        """Removes the name of a file."""
        os.unlink(name, dir_fd=at)

    def remove_directory(self, name: bytes, at: int) -> None:
        """Removes an empty directory."""
        os.rmdir(name, dir_fd=at)

    def room(self, descriptor: int) -> tuple[int, int] | None:
        """Octets free for us on the disk of an open directory, and the disk's size; None if the system does not tell."""
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
        """Takes the flock on a file or directory, which only one opening of it can have, or raises IsLocked at once."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise IsLocked from error


def read_all(files: Files, descriptor: int, length: int, offset: int) -> bytes:
    """Reads `length` octets, in as many calls as it takes; fewer only at the end of the file."""
    pieces = []
    while length > 0 and (piece := files.read(descriptor, length, offset)):
        pieces.append(piece)
        length, offset = length - len(piece), offset + len(piece)
    return b"".join(pieces)


def write_all(files: Files, descriptor: int, data: bytes, offset: int) -> None:
    """Writes all of `data`, in as many calls as it takes."""
    written = files.write(descriptor, data, offset)
    while written < len(data):
        written += files.write(descriptor, memoryview(data)[written:], offset + written)


def write_pieces(files: Files, descriptor: int, pieces: Iterable[bytes], offset: int) -> None:
    """Writes pieces one after the other, collected into parts of about `AT_ONCE` octets: joining all would need fresh
    memory.
    """
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
    """Appends all of `data`, in as many calls as it takes."""
    written = files.append(descriptor, data)
    while written < len(data):
        written += files.append(descriptor, memoryview(data)[written:])


def sync_or_doubt(files: Files, descriptor: int) -> None:
    """Syncs a file that must be repaired if the sync fails: raises NotSynced."""
    try:
        files.sync(descriptor)
    except OSError as error:
        raise NotSynced(error.errno, error.strerror) from error


def open_directory(files: Files, name: bytes, at: int) -> int:
    """Opens a directory. If it is missing, makes it and syncs its name. Raises OSError."""
    try:
        return files.open(name, DIRECTORY, at)
    except FileNotFoundError:
        with suppress(FileExistsError):  # another process was faster
            files.make_directory(name, at)
        files.sync_names(at)
        return files.open(name, DIRECTORY, at)
