"""Notes of several processes that deliver to the same mailbox files: which one each is in the middle of writing to.

It does not know what is written. A process that is killed leaves its note: until its messages are recovered, the others keep
away from that mailbox, since half a message may be at its end. Notes are for processes that die; they need not be on disk,
since after a power cut all journals are recovered before anybody delivers.
"""

import os
from collections.abc import Iterable
from struct import Struct

from .files import Files, write_all

_INODE = Struct(">Q")
_PREFIX = b"writing-"
_ROOM = 4096
"""Octets that are read of a note: far more than there can be."""


class Notes:
    """The notes in an open directory, of which one is ours, called `name`.

    It begins with the inode of the mailbox that we are writing to, or 0. After it come those that we were writing to when we
    were killed, until `is_settled`. All methods raise OSError.
    """

    def __init__(self, files: Files, directory: int, name: str) -> None:
        self._files = files
        self._directory = directory
        self._name = _PREFIX + name.encode()
        self._file = files.open(self._name, os.O_RDWR | os.O_CREAT, directory)
        self._inherited = sorted(set(self._inodes(self._file)))
        self._write([0, *self._inherited])

    def begin(self, inode: int) -> None:
        """We are about to write to this mailbox, whose lock we hold; 0: what we wrote is whole, or gone."""
        self._write([inode])

    def settled(self) -> None:
        """What we were writing to when we were killed is as it should be."""
        if self._inherited:
            self._inherited = []
            self._files.truncate(self._file, _INODE.size)

    def is_torn(self, inode: int) -> bool:
        """Whether another one, which was killed, may have left half a message in a mailbox whose lock we hold."""
        return any(inode in self._inodes_of(name) for name in self._files.names(self._directory) if self._is_other(name))

    def close(self) -> None:
        """Gives back the descriptor."""
        self._files.close(self._file)

    def _is_other(self, name: bytes) -> bool:
        return name.startswith(_PREFIX) and name != self._name

    def _inodes_of(self, name: bytes) -> list[int]:
        file = self._files.open(name, os.O_RDONLY, self._directory)
        try:
            return self._inodes(file)
        finally:
            self._files.close(file)

    def _inodes(self, file: int) -> list[int]:
        data = self._files.read(file, _ROOM, 0)
        whole = len(data) - len(data) % _INODE.size
        return [inode for (inode,) in _INODE.iter_unpack(data[:whole]) if inode]

    def _write(self, inodes: Iterable[int]) -> None:
        write_all(self._files, self._file, b"".join(map(_INODE.pack, inodes)), 0)
