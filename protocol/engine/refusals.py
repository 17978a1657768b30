"""Refused commands of a session: how many in a row there were, and what the log may show of them.

It does not know why a command is refused, nor what too many lead to.
"""

from .environment import Report
from .replies import BAD_SEQUENCE, PERMANENT, Reply
from .shown import shown
from .table import Event

LOGGED_REFUSALS = 10
"""Refused commands in a row that are logged."""

EXCUSED = 1001
"""Commands behind a MAIL that was refused which are not counted: recipients as many as there may be, and DATA."""

_BEHIND_MAIL = frozenset((Event.RCPT, Event.DATA, Event.BDAT, Event.LAST))

_SHOWN = 100
"""Octets of a refused line that the log shows."""

_MECHANISMS = frozenset((b"PLAIN", b"LOGIN", b"CRAM-MD5", b"XOAUTH2", b"OAUTHBEARER"))
"""What is no secret behind AUTH."""

_FREE = frozenset((Event.NOOP, Event.HELP, Event.VRFY, Event.EXPN))
"""Behind these a client may say anything."""

OF_AUTH = frozenset((Event.AUTH, Event.PROOF, Event.CHECKED))


class Refusals:
    """So many as `most` in a row are too many; 0: never.

    Only what the client could do better counts. A 4yz does not: the command was right, and the client is told to try again,
    which a 421 would keep it from (RFC 5321 section 4.5.3.1.10: who gets a 452 for a recipient too many is to send the
    message for those that were accepted). Nor do recipients and DATA that come behind a MAIL that was refused, as many as a
    message may have: a client that pipelines has sent them before it could know (RFC 2920 section 3.1).

    `keeps_secrets`: the client tries to authenticate, and what it says may be a secret, which is not for the log. Where one
    `is_wary`, since clients can authenticate, a line that is no command may be one, too.
    """

    __slots__ = ("_counted", "_excused", "_is_wary", "_most", "_report", "in_a_row", "keeps_secrets")

    def __init__(self, report: Report, most: int, is_wary: bool) -> None:
        self._report = report
        self._most = most
        self._is_wary = is_wary
        self.in_a_row = self._counted = 0
        self._excused = 0
        self.keeps_secrets = False

    def end_the_row(self) -> None:
        """A command was accepted."""
        self.in_a_row = self._counted = self._excused = 0

    def add(self, reply: Reply, event: Event, line: bytes) -> bool:
        """One more in a row, but for a message, which is no command; whether these are too many."""
        if event in (Event.END, Event.STORED):
            self._report("message refused with %s", words(reply))
            return False
        self.in_a_row += 1
        line_shown = self._shown(event, line)
        if self.in_a_row <= LOGGED_REFUSALS:
            more = " (more in a row are not logged)" if self.in_a_row == LOGGED_REFUSALS else ""
            self._report("refused with %s: %r%s", words(reply), line_shown, more)
        is_out_of_order = reply.code == BAD_SEQUENCE
        if event is Event.MAIL and not is_out_of_order:
            self._excused = EXCUSED
        elif is_out_of_order and self._excused and event in _BEHIND_MAIL:
            self._excused -= 1
            return False
        if reply.code < PERMANENT:
            return False
        self._counted += 1
        return self._counted == self._most

    def foreign(self, line: bytes) -> None:
        """A line of another protocol, which ends the session."""
        self._report("speaks another protocol than SMTP: %r", line[:_SHOWN])

    def _shown(self, event: Event, line: bytes) -> bytes:
        """Who was refused to authenticate may send a secret as the next line."""
        if event in OF_AUTH:
            return b"AUTH"
        return b"..." if self._may_be_secret(event, line) else line[:_SHOWN]

    def _may_be_secret(self, event: Event, line: bytes) -> bool:
        if event is not Event.OTHER:
            return False
        self.keeps_secrets = self.keeps_secrets or b"AUTH" in line.upper()
        return self.keeps_secrets or self._is_wary

    def transcribed(self, event: Event, line: bytes) -> str:
        """A line for a transcript, whole: of what may hold a secret, only which command it is."""
        if event in OF_AUTH:
            word, _, rest = line.partition(b" ")
            mechanism = rest.lstrip(b" ").partition(b" ")[0]
            known = f"{shown(mechanism)} " if mechanism.upper() in _MECHANISMS else ""
            return f"{shown(word)} {known}..." if word.upper() == b"AUTH" else "..."
        if self._may_be_secret(event, line):
            return "..."
        if self.keeps_secrets and event in _FREE:
            return f"{event.name} ..." if b" " in line else event.name
        return shown(line)


def words(reply: Reply) -> str:
    """A reply as the log shows it."""
    return reply.line.decode("ascii", "replace").rstrip()
