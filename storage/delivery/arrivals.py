"""Arrivals: large messages that were put in their mailboxes, and whose spool files may go once the journal says so.

It does not know how that is said.
"""

import time
from collections.abc import Callable, Iterable, Iterator

from ..journal.segments import Place, Segment


class Arrivals:
    """What has arrived since it was last said: so many `octets` of spool files, the first of them at `since`."""

    def __init__(self) -> None:
        self._of: dict[str, list[tuple[Place, str, int]]] = {}
        self.octets = 0
        self.since = 0.0

    def add(self, mailbox: str, place: Place, id: str, octets: int) -> None:
        """A mailbox has this message."""
        if not self._of:
            self.since = time.monotonic()
        self._of.setdefault(mailbox, []).append((place, id, octets))
        self.octets += octets

    def wait_again(self, mailbox: str, places: Iterable[Place]) -> None:
        """These have not arrived, after all."""
        if mailbox in self._of:
            those = set(places)
            self._keep(mailbox, lambda place: place not in those)

    def forget(self, segment: Segment) -> None:
        """A segment was freed, with all that it needed."""
        for mailbox in list(self._of):
            self._keep(mailbox, lambda place: place.segment is not segment)

    @property
    def mailboxes(self) -> list[str]:
        """Those that have something."""
        return list(self._of)

    def take(self, mailboxes: Iterable[str]) -> Iterator[tuple[Segment, str]]:
        """What these have, each in its segment with its id; it counts no more."""
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
