"""What is written into the index of a message: made of its octets, before the database is touched.

Knows nothing about mailboxes.
"""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from ..mime.addresses import Address
from ..mime.envelope import envelope_of
from ..mime.header import header_at
from ..mime.message import Message, message
from ..mime.shown import moment, row_of
from ..search.matching import folded
from .compiling import microseconds

SEARCHED = 16 << 10
"""Characters of a message's text in which words are found."""

SEARCHED_OF_A_FIELD = 16 << 10
"""The same of a field, or of all addresses of a kind."""

HALF = 500_000
"""Microseconds of a message whose second only is known: others may go before and behind it."""

_NUMBERED = re.compile(r"[0-9a-f]{1,20}\.[0-9a-f]{1,10}\.([0-9a-f]{1,12})")

UNREAD_TEXT = "(This message could not be read; its source is there.)"


class Entry(NamedTuple):
    """A message as the index has it."""

    id: str
    key: int
    """Microseconds from the epoch until it was received, as far as is known; others may have the same."""
    row: str
    size: int
    attachments: int
    inlines: int
    searched: tuple[str, ...]
    """Folded texts, in the order of the columns of the table `searched`."""
    delivered: tuple[str, ...] = ()
    """The forward-paths that led to the mailbox that has these octets."""


def entry_of(octets: bytes, id: str, came: datetime | None = None) -> Entry:
    """A message as the index has it. `id` is its own; `came` is when it was received, if it cannot tell."""
    read = message(octets, came)
    row = row_of(read, came, id)
    received = read.envelope.came or came or read.date or datetime.fromtimestamp(0, UTC)
    return Entry(
        id,
        max(0, microseconds(received) + (0 if received.microsecond else _within_a_second(read.envelope.id))),
        json.dumps(row, ensure_ascii=False, separators=(",", ":")),
        read.size,
        len(read.attachments),
        len(read.inline),
        _searched(read),
        read.envelope.delivered_to,
    )


def entry_now(octets: bytes, id: str) -> Entry:
    """A message that has come just now, unless it says when."""
    return entry_of(octets, id, datetime.now(UTC))


def entry_unread(id: str, octets: bytes, came: datetime) -> Entry:
    """The same for a message that cannot be read in the time or room that it may take."""
    row: dict[str, object] = {
        "ID": id, "MessageID": "", "From": None, "To": [], "Cc": [], "Bcc": [], "ReplyTo": [], "Subject": "",
        "Created": moment(came), "Username": "", "Size": len(octets), "Attachments": 0, "Snippet": UNREAD_TEXT,
    }  # fmt: skip
    delivered = envelope_of(octets, header_at(octets, 0)).delivered_to
    return Entry(id, max(0, microseconds(came)), json.dumps(row), len(octets), 0, 0, ("",) * 9, delivered)


def _within_a_second(id: str) -> int:
    """Microseconds that give an order to messages of the same second: those of one process of the server are numbered."""
    match = _NUMBERED.fullmatch(id)
    return int(match[1], 16) % 1_000_000 if match else HALF


def _searched(read: Message) -> tuple[str, ...]:
    files = " ".join(part.file_name for part in (*read.inline, *read.attachments) if part.file_name)
    texts = (
        *(_written(kind) for kind in (read.sender, read.to, read.cc, read.bcc, read.reply_to)),
        read.subject,
        read.message_id,
        read.text[:SEARCHED],
        files,
    )
    return tuple(folded(text[:SEARCHED_OF_A_FIELD]) for text in texts)


def _written(addresses: Iterable[Address]) -> str:
    return "\n".join(f"{name} <{address}>" if name else address for name, address in addresses)
