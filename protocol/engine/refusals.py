"""The refused commands of a session: counts them, and decides what the log may show of them.

Knows nothing about why a command is refused, nor about what happens at the limit.
"""

from .environment import Report
from .events import Event
from .replies import BAD_SEQUENCE, PERMANENT, Reply
from .shown import shown

LOGGED_REFUSALS = 10
"""Only this many refused commands in a row are logged."""

EXCUSED = 1001
"""Out-of-order commands after a refused MAIL that are not counted: 1,000 recipients and DATA."""

_BEHIND_MAIL = frozenset((Event.RCPT, Event.DATA, Event.BDAT, Event.LAST))

_SHOWN = 100
"""Octets of a refused line that the log shows."""

_MECHANISMS = frozenset((b"PLAIN", b"LOGIN", b"CRAM-MD5", b"XOAUTH2", b"OAUTHBEARER"))
"""Words after AUTH that are not secret."""

_FREE = frozenset((Event.NOOP, Event.HELP, Event.VRFY, Event.EXPN))
"""Commands that take any text as their argument."""

OF_AUTH = frozenset((Event.AUTH, Event.PROOF, Event.PASS, Event.CHECKED))
"""Events with a secret."""

_WORDS_OF_AUTH = frozenset((b"AUTH", b"PASS"))


class Refusals:
    """`most` refusals in a row are too many; 0: no limit.

    Only the client's own mistakes count. A 4yz reply does not: the command was right and the client is to try again, which
    a 421 would prevent (RFC 5321 section 4.5.3.1.10: after a 452 for one recipient too many, the client sends the message to
    those that were accepted). RCPT and DATA after a refused MAIL do not count either, up to EXCUSED: a client that pipelines
    sent them before it knew (RFC 2920 section 3.1).

    `keeps_secrets`: the client has tried to authenticate, so unknown lines may hold a secret and are not logged. `is_wary`:
    the server offers authentication, so any unknown line may hold one.
    """

    __slots__ = ("_counted", "_excused", "_has_told_of_lf", "_is_wary", "_most", "_report", "in_a_row", "keeps_secrets")

    def __init__(self, report: Report, most: int, is_wary: bool) -> None:
        self._report = report
        self._most = most
        self._is_wary = is_wary
        self.in_a_row = self._counted = 0
        self._excused = 0
        self.keeps_secrets = False
        self._has_told_of_lf = False

    def notice_bare_lf(self) -> None:
        """Logs, once a session, that a bare LF ends no line: such a client gets no reply, so its user sees no error."""
        if not self._has_told_of_lf:
            self._has_told_of_lf = True
            self._report("ends its lines with LF alone, which ends no line here (RFC 5321 section 2.3.8)")

    def end_the_row(self) -> None:
        """Resets the counters: a command was accepted."""
        self.in_a_row = self._counted = self._excused = 0

    def add(self, reply: Reply, event: Event, line: bytes) -> bool:
        """Counts a refused command (not a refused message); returns whether the limit is reached."""
        if b"\n" in line:
            self.notice_bare_lf()
        if event in (Event.END, Event.STORED):
            self._report("message refused with %s", words(reply))
            return False
        self.in_a_row += 1
        line_shown = self._shown(event, line)
        if self.in_a_row <= LOGGED_REFUSALS:
            more = " (more in a row are not logged)" if self.in_a_row == LOGGED_REFUSALS else ""
            told = f": {line_shown!r}" if line_shown else ""  # a late answer refuses what came with an earlier line
            self._report("refused with %s%s%s", words(reply), told, more)
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
        """Logs a line of another protocol, which ends the session."""
        self._report("speaks another protocol: %r", line[:_SHOWN])

    def _shown(self, event: Event, line: bytes) -> bytes:
        """What the log shows of a line. A client whose AUTH was refused may send a secret on the next line."""
        if event in OF_AUTH:
            return b"PASS" if event is Event.PASS else b"AUTH"
        return b"..." if self._may_be_secret(event, line) else line[:_SHOWN]

    def _may_be_secret(self, event: Event, line: bytes) -> bool:
        if event is not Event.OTHER:
            return False
        self.keeps_secrets = self.keeps_secrets or b"AUTH" in line.upper()
        return self.keeps_secrets or self._is_wary

    def transcribed(self, event: Event, line: bytes) -> str:
        """A line for a transcript, in full length. If it may hold a secret, only its command is shown."""
        if event in OF_AUTH:
            word, _, rest = line.partition(b" ")
            mechanism = rest.lstrip(b" ").partition(b" ")[0]
            known = f"{shown(mechanism)} " if mechanism.upper() in _MECHANISMS else ""
            return f"{shown(word)} {known}..." if word.upper() in _WORDS_OF_AUTH else "..."
        if self._may_be_secret(event, line):
            return "..."
        if self.keeps_secrets and event in _FREE:
            return f"{event.name} ..." if b" " in line else event.name
        return shown(line)


def words(reply: Reply) -> str:
    """The reply as the log shows it."""
    return reply.line.decode("ascii", "replace").rstrip()
