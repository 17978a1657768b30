"""Arrivals: large messages that are in a mailbox, and whose spool files may be removed once the journal says so.

Knows nothing about how the journal says it.
"""

import time
from collections.abc import Callable, Iterable, Iterator

from ..journal.segments import Place, Segment


class Arrivals:
    """Messages that have arrived since the journal last said so.

    `octets` counts their spool files, one for each mailbox. `since` is when the first of them arrived (`time.monotonic`).
    """

    def __init__(self) -> None:
        self._of: dict[str, list[tuple[Place, str, int]]] = {}
        self.octets = 0
        self.since = 0.0

    def add(self, mailbox: str, place: Place, id: str, octets: int) -> None:
        """Adds a message that this mailbox has; its spool file has this many octets."""
        if not self._of:
            self.since = time.monotonic()
        self._of.setdefault(mailbox, []).append((place, id, octets))
        self.octets += octets

    def wait_again(self, mailbox: str, places: Iterable[Place]) -> None:
        """Drops messages that may not be in this mailbox after all."""
        if mailbox in self._of:
            those = set(places)
            self._keep(mailbox, lambda place: place not in those)

    def forget(self, segment: Segment) -> None:
        """Drops messages whose records are in a segment that was freed."""
        for mailbox in list(self._of):
            self._keep(mailbox, lambda place: place.segment is not segment)

    @property
    def mailboxes(self) -> list[str]:
        """The mailboxes that messages have arrived in."""
        return list(self._of)

    def take(self, mailboxes: Iterable[str]) -> Iterator[tuple[Segment, str]]:
        """Removes and yields the messages that have arrived in these mailboxes: each record's segment, and the id."""
        for mailbox in mailboxes:
            while arrivals := self._of.get(mailbox):
                place, id, octets = arrivals.pop()
                if not arrivals:
                    del self._of[mailbox]
                self.octets -= octets
                yield place.segment, id

    def _keep(self, mailbox: str, is_kept: Callable[[Place], bool]) -> None:
        kept = [arrival for arrival in self._of[mailbox] if is_kept(arrival[0])]
        self.octets -= sum(octets for _, _, octets in self._of[mailbox]) - sum(octets for _, _, octets in kept)
        if kept:
            self._of[mailbox] = kept
        else:
            del self._of[mailbox]
