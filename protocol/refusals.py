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

_OF_AUTH = (Verb.AUTH, Verb.PROOF, Verb.CHECKED)


class Refusals:
    """`keeps_secrets`: what the client says may be a secret, which is not for the log."""

    __slots__ = ("_report", "count", "keeps_secrets")

    def __init__(self, report: Report, keeps_secrets: bool) -> None:
        self._report = report
        self.count = 0
        self.keeps_secrets = keeps_secrets

    def add(self, reply: Reply, verb: Verb, line: bytes) -> None:
        """One more in a row."""
        self.count += 1
        shown = self._shown(verb, line)
        if self.count <= LOGGED_REFUSALS:
            more = " (more in a row are not logged)" if self.count == LOGGED_REFUSALS else ""
            self._report("refused with %s: %r%s", words(reply), shown, more)

    def _shown(self, verb: Verb, line: bytes) -> bytes:
        """Who was refused to authenticate may send a secret as the next line."""
        if verb in _OF_AUTH:
            self.keeps_secrets = True
            return b"AUTH"
        if verb is not Verb.OTHER:
            return line[:_SHOWN]
        self.keeps_secrets = self.keeps_secrets or b"AUTH" in line.upper()
        return b"..." if self.keeps_secrets else line[:_SHOWN]


def words(reply: Reply) -> str:
    """A reply as the log shows it."""
    return reply.line.decode("ascii", "replace").rstrip()
