"""What is to be taken back: the ids of messages that were refused and may be stored all the same.

Knows nothing about why they were refused.
"""

import logging
from collections import deque

from ...errors import StorageError
from . import ids, statements
from .answers import Outcome, Verdict, Work
from .direct import Direct
from .hosts import Host

log = logging.getLogger("carteiro.storage")

MOST = 100_000
"""Ids that are kept, of 16 octets each. Beyond that the oldest are forgotten: they may be in their mailboxes."""

LAST_SECONDS = 1.0
"""For taking back what is left when the store is closed."""

AT_ONCE = 1000
"""Messages that are taken back in one transaction."""


class Withdrawals:
    """The list. What is sent goes from it, and comes back to it unless that was stored."""

    def __init__(self) -> None:
        self._ids: deque[bytes] = deque()
        self._is_turn = True
        self._rests = False
        self.made = 0
        """How many were taken back."""

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, id: bytes) -> None:
        """Puts an id on the list."""
        if len(self._ids) == MOST:
            log.error("message %s was refused, and is perhaps in its mailboxes", ids.text(self._ids.popleft()))
        self._ids.append(id)

    def is_due(self, others_wait: bool) -> bool:
        """Whether some of the list is to be sent now: if others wait, every other time."""
        if not self._ids or self._rests:
            return False
        self._is_turn = not self._is_turn
        return self._is_turn or not others_wait

    def wake(self) -> None:
        """After a failure nothing is sent until this is called."""
        self._rests = False

    def work(self) -> Work:
        """The next of the list, as one transaction."""
        batch = [self._ids.popleft() for _ in range(min(AT_ONCE, len(self._ids)))]

        def done(outcome: Outcome) -> None:
            if outcome.verdict is Verdict.CLEAN:
                self.made += len(batch)
                log.info("%d refused message%s taken back", len(batch), "s" * (len(batch) > 1))
            else:
                self._ids.extendleft(reversed(batch))
                self._rests = True

        return Work(statements.taking_back(batch), done)

    def finish(self, host: Host) -> None:
        """At the end: takes back what it can in LAST_SECONDS, over a connection of its own."""
        if not self._ids:
            return
        try:
            database = Direct(host, LAST_SECONDS)
            with database.transaction():
                for name in statements.TAKING_BACK:
                    database.ask(statements.PREPARED[name].decode(), "{" + ",".join(map(ids.text, self._ids)) + "}")
            database.close()
        except StorageError as error:
            log.error("%d refused messages may be in their mailboxes: %s", len(self._ids), error)
