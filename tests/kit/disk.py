"""Disks to put below a store: one that counts calls and can fail or die at any of them, and one in memory that loses data.

`Watched` makes real calls. `Forgetful` is a disk in memory that knows what was synced, and what a power cut may leave of the
rest.
"""

import errno
import os
import stat
import time
from collections.abc import Callable
from copy import deepcopy
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from storage.files import Files, IsLocked

SECTOR = 512

CALLS = tuple(name for name in vars(Files) if not name.startswith("_"))
"""The names of all calls that a store makes."""

CHANGES = (
    "open",
    "write",
    "append",
    "allocate",
    "truncate",
    "sync",
    "sync_names",
    "make_directory",
    "rename",
    "link",
    "remove",
    "remove_directory",
)
"""The calls that can change something on the disk."""


class Watched(Files):
    """The real file system. Before each call, it calls `before` with the call's number, from 1, and its name.

    If `before` returns a number of octets, a write stops after that many.
    """

    def __init__(self, before: Callable[[int, str], int | None]) -> None:
        numbers = count(1)

        def watched(name: str) -> Callable[..., Any]:
            real = getattr(Files, name)

            def call(*arguments: Any) -> Any:
                limit = before(next(numbers), name)
                if limit is not None and name in ("write", "append") and len(arguments[1]) > limit:
                    arguments = arguments[0], bytes(arguments[1][:limit]), *arguments[2:]
                return real(self, *arguments)

            return call

        for name in CALLS:
            setattr(self, name, watched(name))


class Change(NamedTuple):
    """A change to a file: octets written at an offset, and the file's size after it."""

    offset: int
    data: bytes
    size: int


class Node:
    """A file or directory: the part of it that is on disk, and the changes since."""

    def __init__(self, number: int, is_directory: bool) -> None:
        self.number = number
        self.is_directory = is_directory
        self.now = bytearray()
        self.on_disk = b""
        self.changes: list[Change] = []
        self.since_a_failure: list[tuple[Change, bool]] = []
        self.names: dict[bytes, Node] = {}
        self.names_on_disk: dict[bytes, Node] = {}

    def change(self, offset: int, data: bytes, size: int) -> None:
        """Makes a change that is visible at once, but perhaps not on disk."""
        if len(self.now) < size:
            self.now += bytes(size - len(self.now))
        del self.now[size:]
        self.now[offset : offset + len(data)] = data
        self.changes.append(Change(offset, data, size))


class Forgetful(Files):
    """A disk in memory. `crash` returns what a power cut leaves of it: everything synced, and of the rest what `choose`
    picks.

    `choose(n)` returns a number below n. Each sector written after the last sync is on disk or not, independently; so is
    each name, but a renamed file keeps at least one of its names. Data written before a sync that failed stays in doubt.
    """

    def __init__(self) -> None:
        self._numbers = count(1)
        self._descriptors = count(1000)
        self.top = self._node(True)
        self.open_files: dict[int, tuple[Node, int]] = {}
        self.claimed: set[Node] = set()
        self.failing: set[str] = set()
        self.locked: set[bytes] = set()
        self.calls = 0
        self.power_fails_at = 0

    def _node(self, is_directory: bool) -> Node:
        return Node(next(self._numbers), is_directory)

    def _call(self, name: str) -> None:
        self.calls += 1
        if 0 < self.power_fails_at <= self.calls:
            raise PowerCut
        if name in self.failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def _at(self, descriptor: int) -> Node:
        return self.open_files[descriptor][0]

    def _open(self, node: Node, flags: int) -> int:
        descriptor = next(self._descriptors)
        self.open_files[descriptor] = node, flags
        return descriptor

    def open_top(self, path: Path) -> int:
        return self._open(self.top, 0)

    def find_top(self, path: Path) -> os.stat_result:
        return self._status(self.top)

    def open(self, name: bytes, flags: int, at: int) -> int:
        self._call("open")
        names = self._at(at).names
        node = names.get(name)
        if node is None:
            if not flags & os.O_CREAT:
                raise FileNotFoundError(errno.ENOENT, "No such file or directory")
            node = names[name] = self._node(False)
        elif flags & os.O_EXCL:
            raise FileExistsError(errno.EEXIST, "File exists")
        if flags & os.O_TRUNC:
            node.change(0, b"", 0)
        return self._open(node, flags)

    def close(self, descriptor: int) -> None:
        node, _ = self.open_files.pop(descriptor)
        self.claimed.discard(node)

    def status(self, descriptor: int) -> os.stat_result:
        return self._status(self._at(descriptor))

    def find(self, name: bytes, at: int) -> os.stat_result:
        if name not in self._at(at).names:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        return self._status(self._at(at).names[name])

    def _status(self, node: Node) -> os.stat_result:
        mode = stat.S_IFDIR if node.is_directory else stat.S_IFREG
        return os.stat_result((mode, node.number, 0, 1, 0, 0, len(node.now), int(time.time()), int(time.time()), 0))

    def may_write(self, name: bytes, at: int) -> bool:
        return True

    def read(self, descriptor: int, length: int, offset: int) -> bytes:
        return bytes(self._at(descriptor).now[offset : offset + length])

    def write(self, descriptor: int, data: bytes | memoryview, offset: int) -> int:
        self._call("write")
        node = self._at(descriptor)
        node.change(offset, bytes(data), max(len(node.now), offset + len(data)))
        return len(data)

    def append(self, descriptor: int, data: bytes | memoryview) -> int:
        self._call("append")
        node = self._at(descriptor)
        node.change(len(node.now), bytes(data), len(node.now) + len(data))
        return len(data)

    def room(self, descriptor: int) -> tuple[int, int] | None:
        return None

    def allocate(self, descriptor: int, size: int) -> None:
        self._call("allocate")
        self._at(descriptor).change(0, b"", size)

    def truncate(self, descriptor: int, size: int) -> None:
        self._call("truncate")
        self._at(descriptor).change(size, b"", size)

    def sync(self, descriptor: int) -> None:
        node = self._at(descriptor)
        try:
            self._call("sync")
        except OSError:  # the kernel takes the data that it could not write for written
            node.since_a_failure += [(change, False) for change in node.changes]
            node.changes.clear()
            raise
        if node.since_a_failure:
            node.since_a_failure += [(change, True) for change in node.changes]
        else:
            node.on_disk = bytes(node.now)
        node.changes.clear()

    def sync_names(self, descriptor: int) -> None:
        self._call("sync_names")
        node = self._at(descriptor)
        node.names_on_disk = dict(node.names)

    def make_directory(self, name: bytes, at: int) -> None:
        self._call("make_directory")
        self._at(at).names[name] = self._node(True)

    def names(self, descriptor: int) -> list[bytes]:
        return list(self._at(descriptor).names)

    def rename(self, name: bytes, at: int, new_name: bytes, to: int) -> None:
        self._call("rename")
        if name not in self._at(at).names:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        self._at(to).names[new_name] = self._at(at).names.pop(name)

    def link(self, name: bytes, at: int, new_name: bytes, to: int) -> None:
        self._call("link")
        if name not in self._at(at).names:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        if new_name in self._at(to).names:
            raise FileExistsError(errno.EEXIST, "File exists")
        self._at(to).names[new_name] = self._at(at).names[name]

    def touch(self, name: bytes, at: int) -> None:
        self._call("touch")

    def show_as_unread(self, descriptor: int) -> None:
        self._call("show_as_unread")

    def remove(self, name: bytes, at: int) -> None:
        self._call("remove")
        if name not in self._at(at).names:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        del self._at(at).names[name]

    def remove_directory(self, name: bytes, at: int) -> None:
        self._call("remove_directory")
        node = self._at(at).names.get(name)
        if node is None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        if node.names:
            raise OSError(errno.ENOTEMPTY, "Directory not empty")
        del self._at(at).names[name]

    def lock(self, descriptor: int) -> None:
        if any(self.top.names.get(name) is self._at(descriptor) for name in self.locked):
            raise IsLocked

    def claim(self, descriptor: int) -> None:
        node = self._at(descriptor)
        if node in self.claimed:
            raise IsLocked
        self.claimed.add(node)

    def seen(self) -> "Forgetful":
        """This disk as another process sees it, with nothing lost."""
        copy = Forgetful()
        copy._numbers, copy.calls, copy.power_fails_at = self._numbers, self.calls, self.power_fails_at
        copy.failing, copy.locked = self.failing, self.locked
        copy.top = deepcopy(self.top)
        return copy

    # After a power cut

    def crash(self, choose: Callable[[int], int]) -> "Forgetful":
        """The disk as the next run finds it."""
        left = Forgetful()
        left._numbers = self._numbers
        nodes: dict[Node, Node] = {}
        self._leave(self.top, choose, nodes)
        left.top = nodes[self.top]
        for node in nodes.values():
            node.names_on_disk = dict(node.names)
        return left

    def _leave(self, node: Node, choose: Callable[[int], int], nodes: dict[Node, Node]) -> None:
        """Leaves part of a node, and of everything below it."""
        found = nodes[node] = Node(node.number, node.is_directory)
        found.on_disk = node.on_disk if not (node.changes or node.since_a_failure) else _torn(node, choose)
        found.now = bytearray(found.on_disk)
        for name in sorted({*node.names, *node.names_on_disk}):
            before, after = node.names_on_disk.get(name), node.names.get(name)
            kept = after if before is after or choose(2) else before
            if kept is not None:
                if kept not in nodes:
                    self._leave(kept, choose, nodes)
                found.names[name] = nodes[kept]
        for name, renamed in node.names.items():  # a renamed file keeps its old name or its new one
            if renamed not in nodes and _was_on_disk(self.top, renamed):
                self._leave(renamed, choose, nodes)
                found.names[name] = nodes[renamed]


def _was_on_disk(node: Node, sought: Node) -> bool:
    return any(below is sought or _was_on_disk(below, sought) for below in node.names_on_disk.values())


def _torn(node: Node, choose: Callable[[int], int]) -> bytes:
    """A file's content after a power cut: each sector, and the size, as they were at some time since they were last
    synced.
    """
    versions: dict[int, list[bytes]] = {}
    now = bytearray(node.on_disk)
    sizes = [len(now)]
    for (offset, data, size), is_certain in [*node.since_a_failure, *((change, False) for change in node.changes)]:
        touched = {*range(offset // SECTOR, -(-(offset + len(data)) // SECTOR))}
        if size < len(now):
            touched |= {*range(size // SECTOR, -(-len(now) // SECTOR))}
        for sector in touched:
            versions.setdefault(sector, [bytes(now[sector * SECTOR :][:SECTOR])])
        now += bytes(max(0, size - len(now)))
        del now[size:]
        now[offset : offset + len(data)] = data
        sizes = [size] if is_certain else [*sizes, size]
        for sector in touched:
            version = bytes(now[sector * SECTOR :][:SECTOR])
            versions[sector] = [version] if is_certain else [*versions[sector], version]
    left = bytearray(node.on_disk.ljust(max(len(node.on_disk), *sizes), b"\0"))
    for sector, candidates in versions.items():
        data = candidates[choose(len(candidates))].ljust(SECTOR, b"\0")
        left[sector * SECTOR : (sector + 1) * SECTOR] = data
    size = sizes[choose(len(sizes))]
    return bytes(left[:size])


class PowerCut(BaseException):
    """The power has failed. Every later call fails, too."""
