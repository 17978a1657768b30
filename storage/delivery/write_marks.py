"""Write marks of several processes that deliver to the same mailbox files: in which ones each may have left half a message.

It does not know what is written. A process that is killed leaves its marks: until its messages are recovered, the others
keep away from those mailboxes. Marks are for processes that die; they need not be on disk, since after a power cut all
journals are recovered before anybody delivers.
"""

import os
from collections.abc import Iterable
from hashlib import blake2b

from ..files import Files, write_all

_PREFIX = b"writing-"
_SIZE = 8
_NOTHING = bytes(_SIZE)


class WriteMarks:
    """The marks in an open directory, of which one is ours, called `name`.

    It has a place for the mailbox that we are writing to, and one for each that is in doubt: what we were writing to when we
    were killed, or what could not be put right at once. A place is written as a whole, so that it can be read at any time. A
    mailbox is noted by a hash of its name, since its file may be replaced meanwhile. All methods raise OSError.
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
        """We are about to write to a mailbox, whose lock we hold."""
        self._put(0, _key(mailbox))

    def end(self) -> None:
        """What we wrote is whole, or gone, or in doubt."""
        if self._places[0] != _NOTHING:
            self._put(0, _NOTHING)

    def doubt(self, mailbox: str) -> None:
        """There may be half a message of ours in a mailbox, until it is settled."""
        self._doubt(_key(mailbox))

    def settle(self, mailbox: str) -> None:
        """Nothing half-written of ours, that we could cut off, is in a mailbox."""
        key = _key(mailbox)
        if key in self._places[1:]:
            self._put(self._places.index(key, 1), _NOTHING)

    @property
    def has_doubts(self) -> bool:
        """Whether there are mailboxes that are not settled."""
        return any(place != _NOTHING for place in self._places[1:])

    def settle_all_but(self, mailboxes: Iterable[str]) -> None:
        """What is noted of others is out of date."""
        keys = {_key(mailbox) for mailbox in mailboxes}
        for number, place in enumerate(self._places[1:], 1):
            if place != _NOTHING and place not in keys:
                self._put(number, _NOTHING)

    def is_torn(self, mailbox: str) -> bool:
        """Whether another one may have left half a message in a mailbox whose lock we hold."""
        key = _key(mailbox)
        return any(key in self._all_of(name) for name in self._files.names(self._directory) if self._is_other(name))

    def remove(self) -> None:
        """Nobody needs to know anything of us any more."""
        self._files.remove(self._name, self._directory)

    def close(self) -> None:
        """Gives back the descriptor."""
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
