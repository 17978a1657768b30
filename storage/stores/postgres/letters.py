"""Messages as the database has them, made into letters: so they read as those do that are delivered into a mailbox file.

Knows nothing about which messages are in a mailbox.

`raw` begins with the Received field that the server put in front, in a form of its own (`trace`, in the room of the
protocol), which tells where the content begins. Other trace fields there are none.
"""

import re
import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import count
from uuid import UUID

from ...mailboxes.fields import headed, unix_pieces
from ...mailboxes.letter import Letter
from .desk import Away
from .direct import Direct

PIECE = 128 * 1024
"""Octets of a message that readers get at a time, at most."""

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TRACE = re.compile(rb"Received: from [^\r\n]*\r\n\tby [^\r\n]*;(?: [^\r\n]*|\r\n\tfor [^\r\n]*)\r\n")
_PATH = re.compile(rb'(?:"(?:[^"\\]|\\.)*"|[^",]|,(?! ))+')
_NUMBER = struct.Struct(">i")

_MESSAGE = """
SELECT message.reverse_path, delivery.forward_path, message.verbatim, message.size, message.raw
FROM delivery JOIN message ON message.id = delivery.message
WHERE delivery.message = $1::uuid AND delivery.uid IS NOT NULL
    AND delivery.mailbox = (SELECT id FROM mailbox WHERE name = $2)
"""
_PIECE_OF = "SELECT data FROM piece WHERE message = $1::uuid AND n = $2::int"


Turn = Callable[[], AbstractContextManager[Direct]]
"""Gives the connection to the primary, for a while."""


class Letters:
    """Reads letters by the ids of messages. `turn` is the desk's, or one that checks something before. Raises Away."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    def find(self, mailbox: str, id: str) -> Letter | None:
        """The letter of a message in a mailbox; None if it is not there. Its content is read while it is used."""
        if not _ID.fullmatch(id):
            return None
        with self._turn() as database:
            rows = database.octets(_MESSAGE, id, mailbox)
        if not rows:
            return None
        reverse_path, forward_path, verbatim, size, raw = rows[0]
        assert reverse_path is not None and forward_path is not None and size is not None
        (octets,) = _NUMBER.unpack(size)
        first = self._piece(id, 0) if raw is None else raw
        trace = match[0] if (match := _TRACE.match(first or b"")) else b""

        def content() -> Iterator[bytes]:
            pieces = self._pieces(id, octets) if raw is None else iter((raw,))
            return _behind(len(trace), pieces)

        paths = [path.strip() for path in _PATH.findall(forward_path)]
        came = (UUID(id).int >> 80) / 1000
        return Letter(id, came, reverse_path, paths, trace, content, raw is None, verbatim == b"\1")

    def _pieces(self, id: str, octets: int) -> Iterator[bytes]:
        """The pieces of a large message, of so many octets together."""
        for number in count():
            piece = self._piece(id, number)
            if piece is None:
                break
            octets -= len(piece)
            yield piece
        if octets:
            raise Away(f"message {id}: {octets} octets of it are not there any more")

    def _piece(self, id: str, number: int) -> bytes | None:
        with self._turn() as database:
            rows = database.octets(_PIECE_OF, id, str(number))
        return rows[0][0] if rows else None


def written(letter: Letter) -> Iterator[bytes]:
    """A letter as a Maildir has it, in pieces of PIECE octets at most."""
    pieces = letter.content() if letter.is_verbatim else unix_pieces(letter.content())
    for piece in headed(letter, pieces):
        for place in range(0, len(piece), PIECE):
            yield piece[place : place + PIECE]


def _behind(octets: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces without so many octets at the beginning of the first one."""
    first = next(pieces, b"")[octets:]
    if first:
        yield first
    yield from pieces
