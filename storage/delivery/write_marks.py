"""Write marks: each of several processes that deliver to the same mailbox files marks those in which it may leave half a
message.

Knows nothing about what is written.

The theory. A process appends to a mailbox file under its lock. If it is killed in the middle, the lock is gone and half a
message stays. Only the journal of the killed process tells how much of the file's end to cut off, so no other process may
append before that is done: then nothing could be cut off any more.

So before a process appends, it writes the mailbox into a file of its own, which all the others can read. It clears that mark
when the message is whole or gone again. A process that finds a mailbox other than it left it reads the marks of the others,
with the lock in hand. If one of them names the mailbox, it treats the mailbox as locked. A killed process is started again,
finds its own mark, recovers its journal, cuts off the half message, and clears the mark.

A mark also stays for what could not be put right at once: a truncate or sync that failed, or a mailbox that was locked when
the server started. So a file has one place for the mailbox being written to, and one for each mailbox in doubt.

A mark is never synced. It serves for processes that die while the system lives on, and the page cache survives them. After a
power cut, all journals are recovered before anything is delivered, and a mark counts only for a mailbox that has an intent
in the journal, too. Maildirs need no marks: half a message is in tmp/ only.
"""

import os
from collections.abc import Iterable
from hashlib import blake2b

from ..files import Files, write_all

_PREFIX = b"writing-"
_SIZE = 8
_NOTHING = bytes(_SIZE)


class WriteMarks:
    """The mark files in an open directory. Ours is called `name`; the others are only read.

    Its first place is for the mailbox that we are writing to, the following ones are for mailboxes in doubt. A place is 8
    octets of a hash of the mailbox's name (its file may be replaced meanwhile, so an inode would not do), and zeros when it
    is free. A place is written as a whole, so others can read it at any time. Methods that use a file raise OSError.
    """

    def __init__(self, files: Files, directory: int, name: str) -> None:
        self._files = files
        self._directory = directory
        self._name = _PREFIX + name.encode()
        self._file = files.open(self._name, os.O_RDWR | os.O_CREAT, directory)
        self._places = self._all(self._file) or [_NOTHING]
        if self._places[0] != _NOTHING:
            self._doubt(self._places[0])
        self._put(0, _NOTHING)

    def begin(self, mailbox: str) -> None:
        """Marks a mailbox, whose lock we hold, as being written to."""
        self._put(0, _key(mailbox))

    def end(self) -> None:
        """Clears that mark: our mail there is whole, or gone, or the mailbox is marked as in doubt."""
        if self._places[0] != _NOTHING:
            self._put(0, _NOTHING)

    def doubt(self, mailbox: str) -> None:
        """Marks a mailbox as in doubt: it may have half a message of ours until `settle`."""
        self._doubt(_key(mailbox))

    def settle(self, mailbox: str) -> None:
        """Clears the doubt about a mailbox: it has nothing half-written of ours."""
        key = _key(mailbox)
        if key in self._places[1:]:
            self._put(self._places.index(key, 1), _NOTHING)

    @property
    def has_doubts(self) -> bool:
        """Whether any mailbox is marked as in doubt."""
        return any(place != _NOTHING for place in self._places[1:])

    def settle_all_but(self, mailboxes: Iterable[str]) -> None:
        """Clears the marks of all other mailboxes: they are out of date."""
        keys = {_key(mailbox) for mailbox in mailboxes}
        for number, place in enumerate(self._places[1:], 1):
            if place != _NOTHING and place not in keys:
                self._put(number, _NOTHING)

    def is_torn(self, mailbox: str) -> bool:
        """Whether another process may have left half a message in a mailbox whose lock we hold."""
        key = _key(mailbox)
        return any(key in self._all_of(name) for name in self._files.names(self._directory) if self._is_other(name))

    def remove(self) -> None:
        """Removes our file: this process has nothing in doubt, and does not come back."""
        self._files.remove(self._name, self._directory)

    def close(self) -> None:
        """Closes our file."""
        self._files.close(self._file)

    def _is_other(self, name: bytes) -> bool:
        return name.startswith(_PREFIX) and name != self._name

    def _all_of(self, name: bytes) -> list[bytes]:
        file = self._files.open(name, os.O_RDONLY, self._directory)
        try:
            return self._all(file)
        finally:
            self._files.close(file)

    def _all(self, file: int) -> list[bytes]:
        data = self._files.read(file, self._files.status(file).st_size, 0)
        return [data[at : at + _SIZE] for at in range(0, len(data) - _SIZE + 1, _SIZE)]

    def _doubt(self, place: bytes) -> None:
        if place not in self._places[1:]:
            free = self._places.index(_NOTHING, 1) if _NOTHING in self._places[1:] else len(self._places)
            self._put(free, place)

    def _put(self, number: int, place: bytes) -> None:
        write_all(self._files, self._file, place, number * _SIZE)
        self._places[number:] = [place, *self._places[number + 1 :]]


def _key(mailbox: str) -> bytes:
    return blake2b(mailbox.encode(), digest_size=_SIZE).digest()
