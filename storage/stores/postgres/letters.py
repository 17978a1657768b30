"""Messages as the database has them, made into letters: so they read as those do that are delivered into a mailbox file.

Knows nothing about which messages are in a mailbox.

`raw` begins with the Received field that the server put in front, in a form of its own (`trace`, in the room of the
protocol), which tells where the content begins. Other trace fields there are none.
"""

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import count
from typing import NamedTuple
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

AHEAD = 64
AHEAD_OCTETS = 256 * 1024
"""Messages that are read at once when a mailbox is read in order, and octets of all of them. Larger ones are left out."""

_GAP = 16
"""Numbers that may be missing between two messages that are read in order."""

_COLUMNS = """
SELECT delivery.uid, delivery.message, message.reverse_path, delivery.forward_path, message.verbatim, message.size,
    message.raw {}
FROM delivery JOIN message ON message.id = delivery.message
WHERE delivery.mailbox = (SELECT id FROM mailbox WHERE name = $1)
"""
_MESSAGE = _COLUMNS.format("") + "AND delivery.uid IS NOT NULL AND delivery.message = $2::uuid"
_TOTAL = ", sum(message.size) OVER (ORDER BY delivery.uid {0}) AS total"
_MESSAGES = f"""SELECT uid, message, reverse_path, forward_path, verbatim, size, raw FROM (
    {_COLUMNS.format(_TOTAL)} AND delivery.uid BETWEEN $2::int AND $3::int AND message.size < {AHEAD_OCTETS // 4}
) AS found WHERE total <= {AHEAD_OCTETS} ORDER BY uid {{0}}"""
_PIECE_OF = "SELECT data FROM piece WHERE message = $1::uuid AND n = $2::int"


class Row(NamedTuple):
    """A message as the database has it. Of a large one there is no `raw`."""

    reverse_path: bytes
    forward_path: bytes
    verbatim: bytes
    octets: int
    raw: bytes | None


def _parsed(columns: Sequence[bytes | None]) -> tuple[int, str, Row]:
    """Uid, id, and the rest."""
    uid, id, reverse_path, forward_path, verbatim, size, raw = columns
    assert uid and id and verbatim and size and reverse_path is not None and forward_path is not None
    row = Row(reverse_path, forward_path, verbatim, _NUMBER.unpack(size)[0], raw)
    return _NUMBER.unpack(uid)[0], str(UUID(bytes=id)), row


Turn = Callable[[], AbstractContextManager[Direct]]
"""Gives the connection to the primary, for a while."""


class Letters:
    """Reads letters by the ids of messages. `turn` is the desk's, or one that checks something before. Raises Away.

    Who reads a mailbox in order, or from behind, gets the next ones without asking the database for each.
    """

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._mailbox = ""
        self._uid = self._direction = 0
        self._ahead: dict[str, Row] = {}

    def find(self, mailbox: str, id: str) -> Letter | None:
        """The letter of a message in a mailbox; None if it is not there. Its content is read while it is used."""
        if not _ID.fullmatch(id):
            return None
        row = self._row(mailbox, id)
        if row is None:
            return None
        reverse_path, forward_path, verbatim, octets, raw = row
        first = self._piece(id, 0) if raw is None else raw
        trace = match[0] if (match := _TRACE.match(first or b"")) else b""

        def content() -> Iterator[bytes]:
            pieces = self._pieces(id, octets) if raw is None else iter((raw,))
            return _behind(len(trace), pieces)

        paths = [path.strip() for path in _PATH.findall(forward_path)]
        came = (UUID(id).int >> 80) / 1000
        return Letter(id, came, reverse_path, paths, trace, content, raw is None, verbatim == b"\1")

    def _row(self, mailbox: str, id: str) -> Row | None:
        if mailbox != self._mailbox:
            self._mailbox, self._uid, self._direction = mailbox, 0, 0
            self._ahead.clear()
        elif row := self._ahead.pop(id, None):
            return row
        with self._turn() as database:
            rows = [_parsed(columns) for columns in database.octets(_MESSAGE, mailbox, id)]
            if not rows:
                return None
            ((uid, _, row),) = rows
            step, direction = uid - self._uid, self._direction
            if -AHEAD < step * direction < 0:  # one that was left out
                return row
            self._uid, self._direction = uid, (0 < step <= _GAP) - (0 < -step <= _GAP)
            self._ahead.clear()
            if direction and direction == self._direction:
                self._look_ahead(database)
        return row

    def _look_ahead(self, database: Direct) -> None:
        """Reads messages that come next in this direction."""
        first, last = sorted((self._uid + self._direction, self._uid + self._direction * AHEAD))
        statement = _MESSAGES.format("" if self._direction > 0 else "DESC")
        for uid, id, row in map(_parsed, database.octets(statement, self._mailbox, str(first), str(last))):
            self._uid = uid
            if row.raw is not None:
                self._ahead[id] = row

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
