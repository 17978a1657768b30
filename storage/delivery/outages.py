"""What keeps messages from being accepted now: said once when it begins, and once when it is over.

It does not know how to mend it, but for what it tells the operator.
"""

import logging
import time

from ..errors import StorageError

log = logging.getLogger("carteiro.storage")

_ADVICE = {"no room": "make room on its disk", "for now": "look there what is wrong"}


class Outages:
    """Those that go on, by what they are of: the path of a mailbox, the journal, or the spool."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self.are_of_the_past = False
        """Nothing is accepted any more in any case: what is met is no reason for a refusal."""

    def go_on(self) -> "Outages":
        """The same for who accepts from now on: what has begun is over when it works there."""
        others = Outages()
        others._since, self._since = self._since, {}
        return others

    @property
    def has_any(self) -> bool:
        """False: there is none that could be over."""
        return bool(self._since)

    def look(self, what: str, fault: StorageError | None) -> None:
        """Something of that failed, so that messages are refused; or it worked."""
        if fault is None:
            since = self._since.pop(what, None)
            if since is not None:
                so = "it works" if self.are_of_the_past else "mail is accepted"
                log.error("%s: %s again, after %.0f s", what, so, time.monotonic() - since)
        elif fault.kind != "for good" and what not in self._since:  # which is of one message only
            self._since[what] = time.monotonic()
            so = "what was accepted for it waits" if self.are_of_the_past else "mail is refused until that is over"
            log.error("%s: %s: %s", fault, so, _ADVICE[fault.kind])
