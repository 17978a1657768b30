"""Refused commands of a session: how many in a row there were, and what the log may show of them.

It does not know why a command is refused, nor what too many lead to.
"""

from .outside import Report
from .replies import Reply
from .table import Verb

LOGGED_REFUSALS = 10
"""Refused commands in a row that are logged."""

_SHOWN = 100
"""Octets of a refused line that the log shows."""

OF_AUTH = frozenset((Verb.AUTH, Verb.PROOF, Verb.CHECKED))


class Refusals:
    """So many as `most` in a row are too many; 0: never.

    `keeps_secrets`: the client tries to authenticate, and what it says may be a secret, which is not for the log. Where one
    `is_wary`, since clients can authenticate, a line that is no command may be one, too.
    """

    __slots__ = ("_is_wary", "_most", "_report", "count", "keeps_secrets")

    def __init__(self, report: Report, most: int, is_wary: bool) -> None:
        self._report = report
        self._most = most
        self._is_wary = is_wary
        self.count = 0
        self.keeps_secrets = False

    def add(self, reply: Reply, verb: Verb, line: bytes) -> bool:
        """One more in a row, but for a message, which is no command; whether these are too many."""
        if verb in (Verb.END, Verb.STORED):
            self._report("message refused with %s", words(reply))
            return False
        self.count += 1
        shown = self._shown(verb, line)
        if self.count <= LOGGED_REFUSALS:
            more = " (more in a row are not logged)" if self.count == LOGGED_REFUSALS else ""
            self._report("refused with %s: %r%s", words(reply), shown, more)
        return self.count == self._most

    def _shown(self, verb: Verb, line: bytes) -> bytes:
        """Who was refused to authenticate may send a secret as the next line."""
        if verb in OF_AUTH:
            return b"AUTH"
        if verb is not Verb.OTHER:
            return line[:_SHOWN]
        self.keeps_secrets = self.keeps_secrets or b"AUTH" in line.upper()
        return b"..." if self.keeps_secrets or self._is_wary else line[:_SHOWN]


def words(reply: Reply) -> str:
    """A reply as the log shows it."""
    return reply.line.decode("ascii", "replace").rstrip()
