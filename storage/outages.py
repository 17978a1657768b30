"""What keeps messages from being accepted now: said once when it begins, and once when it is over.

It does not know how to mend it, but for what it tells the operator.
"""

import logging
import time

from .errors import StorageError

log = logging.getLogger("carteiro.storage")

_ADVICE = {"no room": "make room on its disk", "for now": "look there what is wrong"}


class Outages:
    """Those that go on, by what they are of: the path of a mailbox, the journal, or the spool."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    @property
    def has_any(self) -> bool:
        """False: there is none that could be over."""
        return bool(self._since)

    def look(self, what: str, fault: StorageError | None) -> None:
        """Something of that failed, so that messages are refused; or it worked."""
        if fault is None:
            since = self._since.pop(what, None)
            if since is not None:
                log.error("%s: mail is accepted again, after %.0f s", what, time.monotonic() - since)
        elif fault.kind != "for good" and what not in self._since:  # which is of one message only
            self._since[what] = time.monotonic()
            log.error("%s: mail is refused until that is over: %s", fault, _ADVICE[fault.kind])
