"""The content of a large message: in a file without a name while it waits, from which it goes to the database in pieces.

Knows nothing about messages. The file is in the system's directory for such files (TMPDIR), and is gone with the process.
"""

import tempfile
from collections.abc import Iterator

PIECE = 256 * 1024
"""Octets of a piece."""

MOST_OCTETS = 2 << 30
"""Of all such files of a process."""

MOST_FILES = 1000


class Room:
    """Counts what such files of a process take."""

    def __init__(self) -> None:
        self._octets = 0
        self._files = 0

    def open(self) -> "Content":
        """A new file. Raises OSError."""
        if self._files >= MOST_FILES:
            raise OSError("too many large messages are on their way")
        self._files += 1
        try:
            return Content(self)
        except OSError:
            self._files -= 1
            raise

    def take(self, octets: int) -> None:
        """So many octets are about to be written. Raises OSError if there is no room for them."""
        if self._octets + octets > MOST_OCTETS:
            raise OSError("large messages on their way take too much room")
        self._octets += octets

    def give_back(self, octets: int) -> None:
        """A file of so many octets is closed."""
        self._octets -= octets
        self._files -= 1


class Content:
    """Content in a file. Writing and reading raise OSError."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (closed with the message)
        self.length = 0

    def write(self, data: bytes) -> None:
        """Appends this."""
        self._room.take(len(data))
        self.length += len(data)
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) or 0 :]

    def pieces(self) -> Iterator[bytes]:
        """The content, from its beginning."""
        for place in range(0, self.length, PIECE):
            if self._file.closed:
                raise OSError("the message was given up")
            self._file.seek(place)
            yield self._file.read(PIECE)

    @property
    def is_open(self) -> bool:
        """Whether it is still there."""
        return not self._file.closed

    def close(self) -> None:
        """Gives the room back."""
        self._file.close()
        self._room.give_back(self.length)
