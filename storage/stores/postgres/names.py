"""Who has a mailbox, as the table `address` says: a copy in memory, which follows the table.

Knows nothing about what an address looks like.

Changes are numbered (`schema`), so what is new is asked for by the last number seen, a slice at a time: a million
names must not hold up anybody. A notification says only that there is something new. What comes before it can be
heard is found by asking after listening was answered; what comes while there is no connection, by asking again over
the next one. After a failover all is asked for: what was seen may have been lost.
"""

import logging
import struct

from .answers import Outcome, Verdict, Work
from .link import Link, Setting

log = logging.getLogger("carteiro.storage")

SLICE = 5000
"""Names that are asked for at once."""

ALL_OTHERS = b"*"
"""The name that stands for all that have none."""

_PREPARED = {
    b"listen": b"LISTEN carteiro_address",
    b"slice": b"""SELECT address.name, mailbox.name, version FROM address LEFT JOIN mailbox ON mailbox.id = address.mailbox
        WHERE version > $1::bigint ORDER BY version LIMIT %d"""
    % SLICE,
}
_VERSION = struct.Struct(">q")


class Names:
    """The copy. It is of use once it `is_loaded`; then it stays so, also while the database is away."""

    def __init__(self) -> None:
        self._names: dict[bytes, str] = {}
        self._coming: dict[bytes, str] = self._names
        self._seen = 0
        self._timeline = 0
        self._connection = 0
        self._is_stale = True
        self.is_loaded = False

    def join(self, setting: Setting) -> Link:
        """From now on follows the table, over a link of its own."""
        return Link(setting, self, _PREPARED)

    def find(self, name: bytes) -> str | None:
        """The mailbox for a name in lower case, or else that of all other names; None if there is none."""
        return self._names.get(name) or self._names.get(ALL_OTHERS)

    def __len__(self) -> int:
        return len(self._names)

    def free(self, link: Link) -> None:
        """Listens over a new connection; then asks for what is new, if anything may be."""
        if link.connection != self._connection:
            self._connection = link.connection
            self._is_stale = True
            link.send(Work(iter([(b"listen", [])]), lambda outcome: None))
        elif self._is_stale:
            self.beat(link)

    def notified(self, link: Link) -> None:
        """Something is new."""
        self._is_stale = True
        if link.is_free:
            self.beat(link)

    def beat(self, link: Link) -> None:
        """Asks for what is new."""
        self._is_stale = False
        if link.timeline != self._timeline:
            self._timeline = link.timeline
            self._seen = 0
            self._coming = {}
        link.send(Work(iter([(b"slice", [_VERSION.pack(self._seen)])]), self._take))

    def _take(self, outcome: Outcome) -> None:
        if outcome.verdict is not Verdict.CLEAN:
            self._is_stale = True
            return
        for name, mailbox, version in outcome.rows:
            assert name is not None and version is not None
            (self._seen,) = _VERSION.unpack(version)
            if mailbox is None:
                self._coming.pop(name, None)
            else:
                self._coming[name] = mailbox.decode()
        if len(outcome.rows) == SLICE:
            self._is_stale = True
            return
        if self._coming is not self._names or not self.is_loaded:
            self._names = self._coming
            self.is_loaded = True
            log.info("%d names in the database's table of addresses", len(self._names))
