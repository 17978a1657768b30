"""The statements that the store prepares, and their values for messages.

Knows nothing about when they are sent. Each statement that puts a message in place writes in any case: if the row is there
already, it is written again. A commit that has written nothing is not waited for: it would be answered while the row that is
there is on no second disk.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .answers import Statement
from .wire import Kind, array, number

PREPARED = {
    b"mailboxes": b"""INSERT INTO mailbox (name) SELECT name FROM unnest($1::text[]) AS name ORDER BY name
        ON CONFLICT (name) DO NOTHING""",
    b"messages": b"""INSERT INTO message (id, reverse_path, size, raw)
        SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::int[], $4::bytea[])
        ON CONFLICT (id) DO UPDATE SET tries = message.tries + 1""",
    b"verbatim": b"UPDATE message SET verbatim = true WHERE id = ANY ($1::uuid[])",
    b"deliveries": b"""INSERT INTO delivery (message, mailbox, forward_path)
        SELECT message, mailbox.id, path FROM unnest($1::uuid[], $2::text[], $3::bytea[]) AS row (message, name, path)
        LEFT JOIN mailbox ON mailbox.name = row.name
        ON CONFLICT (message, mailbox) DO UPDATE SET forward_path = excluded.forward_path""",
    b"piece": b"""INSERT INTO piece (message, n, data) VALUES ($1::uuid, $2::int, $3::bytea)
        ON CONFLICT (message, n) DO UPDATE SET data = excluded.data""",
    b"beat": b"""INSERT INTO heartbeat (front_end) VALUES (convert_from($1::bytea, 'UTF8'))
        ON CONFLICT (front_end) DO UPDATE SET beaten = now()""",
    b"holds": b"""INSERT INTO message (id, reverse_path, size, tries)
        SELECT id, '', 0, 0 FROM unnest($1::uuid[]) AS id ON CONFLICT (id) DO UPDATE SET tries = message.tries + 1""",
    b"no deliveries": b"DELETE FROM delivery WHERE message = ANY ($1::uuid[])",
    b"no pieces": b"DELETE FROM piece WHERE message = ANY ($1::uuid[])",
    b"no messages": b"DELETE FROM message WHERE id = ANY ($1::uuid[])",
}

TAKING_BACK = (b"holds", b"no deliveries", b"no pieces", b"no messages")
"""To take a message back, in this order. The first one waits for a commit of the message that is still under way; a deletion
alone would not see it, and would leave it to appear afterwards.
"""

ENDING = b"""SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid = $1::int AND usename = current_user AND application_name = current_setting('application_name')"""
"""Ends a process of the database's that still waits for a standby, for a connection that was given up. It would not notice,
and after some hours without standbys there would be no room for new connections. What it has committed stays in doubt.
"""


class Row(NamedTuple):
    """A message as the database takes it. Each of the `recipients` is a mailbox and a forward-path. `raw` is None if the
    content is in pieces. Of one that `is_verbatim` readers leave the line ends as they are.
    """

    id: bytes
    reverse_path: bytes
    recipients: Sequence[tuple[bytes, bytes]]
    size: int
    raw: bytes | None
    is_verbatim: bool = False


def storing(rows: Sequence[Row], new_mailboxes: Iterable[bytes] = (), pieces: Iterable[bytes] = ()) -> Iterator[Statement]:
    """Puts these messages in place, in mailboxes of which some are made before. `pieces` are those of a single message."""
    names = list(new_mailboxes)
    if names:
        yield b"mailboxes", [array(Kind.TEXT, names)]
    for place, piece in enumerate(pieces):
        yield b"piece", [rows[0].id, number(place), piece]
    yield (
        b"messages",
        [
            array(Kind.ID, [row.id for row in rows]),
            array(Kind.OCTETS, [row.reverse_path for row in rows]),
            array(Kind.INTEGER, [number(row.size) for row in rows]),
            array(Kind.OCTETS, [row.raw for row in rows]),
        ],
    )
    verbatim = [row.id for row in rows if row.is_verbatim]
    if verbatim:
        yield b"verbatim", [array(Kind.ID, verbatim)]
    deliveries = [(row.id, mailbox, path) for row in rows for mailbox, path in row.recipients]
    kinds = Kind.ID, Kind.TEXT, Kind.OCTETS
    yield b"deliveries", [array(kind, column) for kind, column in zip(kinds, zip(*deliveries, strict=True), strict=True)]


def taking_back(messages: Sequence[bytes]) -> Iterator[Statement]:
    """Leaves nothing of the messages with these ids, whether they are there, are coming, or never were."""
    value = array(Kind.ID, messages)
    return ((name, [value]) for name in TAKING_BACK)


def beat(front_end: str) -> Iterator[Statement]:
    """Writes something, to find out whether it is answered."""
    return iter([(b"beat", [front_end.encode()])])
