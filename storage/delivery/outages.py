"""Outages: what keeps messages from being accepted now. The log tells of each once when it begins, and once when it ends.

Knows nothing about how to mend one, except the advice to the operator.
"""

import logging
import time

from ..errors import StorageError

log = logging.getLogger("carteiro.storage")

_ADVICE = {"no room": "make room on its disk", "for now": "look there to see what is wrong"}


class Outages:
    """The outages that go on, each by the thing that fails: the path of a mailbox or the disk, the journal, or the spool."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self.are_of_the_past = False
        """Whether nothing is accepted any more in any case, so that a failure refuses no mail."""

    def go_on(self) -> "Outages":
        """Hands the outages over to whoever accepts from now on; each is over when the thing works there."""
        others = Outages()
        others._since, self._since = self._since, {}
        return others

    @property
    def has_any(self) -> bool:
        """Whether there is an outage that could end."""
        return bool(self._since)

    def look(self, what: str, fault: StorageError | None) -> None:
        """Notes that `what` failed, so that messages are refused; or, with no fault, that it worked."""
        if fault is None:
            since = self._since.pop(what, None)
            if since is not None:
                so = "it works" if self.are_of_the_past else "mail is accepted"
                log.error("%s: %s again, after %.0f s", what, so, time.monotonic() - since)
        elif fault.kind != "for good" and what not in self._since:  # a fault for good concerns one message only
            self._since[what] = time.monotonic()
            so = "what was accepted for it waits" if self.are_of_the_past else "mail is refused until that is over"
            log.error("%s: %s: %s", fault, so, _ADVICE[fault.kind])
