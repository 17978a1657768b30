"""What is in a mailbox, as POP3 tells it: each message's unique id and its size as sent, in order.

Both follow from a message's octets, so each message is read once. What is known of a mailbox is kept, and only what has
come since is read for the next session. An id is that of the page (`inbox/mime/identity.py`), so it is the same for ever:
it rests on what the message is, not on where it stands. Knows nothing about sessions, or threads.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from inbox.mime.identity import Digest
from protocol.pop3.content import Size
from storage.mailboxes.reading import Reader

from ..kinds import Content
from .slices import Work

MOST_MESSAGES = 100_000
"""Messages of a mailbox that a session sees: the first ones. Others follow when some of them are deleted."""

MOST_KNOWN = 500_000
"""Messages of all mailboxes that are remembered between sessions: 150 MB at most."""


class Entry(NamedTuple):
    """A message: its unique id, its size in octets as sent, and where it was."""

    id: str
    size: int
    place: str


class _Known(NamedTuple):
    state: str
    entries: tuple[Entry, ...]


class Gathering:
    """Remembers what is in mailboxes. `gather` runs in one thread at a time."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def gather(self, reader: Reader, mailbox: str, state: str | None) -> Work[tuple[Entry, ...]]:
        """A mailbox's messages, as they were in this state. Yields between two pieces. Raises OSError."""
        known = self._known.pop(mailbox, None)
        if state is None:
            return ()
        size = reader.extent(state)
        if known and not reader.has_names and (news := reader.news(mailbox, known.state, size)):
            entries, state = list(known.entries), news.state
            places = [entry.place for entry in news.entries]
        else:
            entries = []
            places = [entry.place for entry in reader.entries(mailbox, size=size)]
        by_place = {entry.place: entry for entry in known.entries} if known and reader.has_names else {}
        for place in places[: max(0, MOST_MESSAGES - len(entries))]:
            entry = by_place.get(place) or (yield from self._entry(reader, mailbox, place))
            if entry:
                entries.append(entry)
        self._remember(mailbox, _Known(state, tuple(entries)))
        return tuple(entries)

    def _entry(self, reader: Reader, mailbox: str, place: str) -> Work[Entry | None]:
        """Reads a message; None if it is gone by now."""
        digest, size, is_there = Digest(), Size(), False
        for piece in self._content(fed(reader.pieces(mailbox, place), digest)):
            is_there = True
            size.add(piece)
            yield
        yield
        return Entry(digest.id, size.octets, place) if is_there else None

    def _remember(self, mailbox: str, known: _Known) -> None:
        if len(known.entries) < MOST_MESSAGES:  # else what comes next would not be what comes behind them
            self._known[mailbox] = known
        while sum(len(known.entries) for known in self._known.values()) > MOST_KNOWN:
            self._known.popitem(last=False)


def fed(pieces: Iterator[bytes], digest: Digest) -> Iterator[bytes]:
    """The same pieces; the digest gets each on the way."""
    for piece in pieces:
        digest.add(piece)
        yield piece
