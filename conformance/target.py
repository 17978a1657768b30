"""What is known of the server under test: what its tester says, and what it was seen to offer.

Knows nothing about what is right.
"""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from .places import OCTETS, Command, Place

PREPARED = (Place.MAIL, Place.RCPT, Place.CONTENT, Place.CHUNK, Place.CHUNKED, Place.DONE)
"""Places to which what a server asks for before a transaction leads."""

MARK = "X-Smtpcheck"
"""The header field that marks each message."""


class Tls(Enum):
    """When a session is encrypted. The value is the text for people."""

    NONE = "where STARTTLS is tested"
    WIRE = "from the first octet on"
    FIRST = "by STARTTLS, before anything else"


class Target(NamedTuple):
    """How the server is to be spoken to.

    `to`: a mailbox that takes mail; all messages go there. `unknown`: one that is not there. `sender`: the reverse-path.
    `me`: the client's name. `date`: for messages, as RFC 5322 writes it. `auth`: name and password. `is_lmtp`: LHLO in place
    of EHLO, and a reply for each recipient. `is_old`: HELO in place of EHLO, which this server does not know. `mechanism`:
    of AUTH.
    """

    to: str
    unknown: str
    sender: str = "smtpcheck@client.example"
    me: str = "client.example"
    date: str = "Sat, 28 Nov 2026 12:00:00 +0000"
    auth: tuple[str, str] | None = None
    tls: Tls = Tls.NONE
    is_lmtp: bool = False
    is_old: bool = False
    mechanism: str = "PLAIN"

    @property
    def hello(self) -> str:
        """The line by which the client makes itself known."""
        return f"HELO {self.me}" if self.is_old else self.ehlo

    @property
    def ehlo(self) -> str:
        """EHLO, or LHLO."""
        return f"LHLO {self.me}" if self.is_lmtp else f"EHLO {self.me}"

    @property
    def mail(self) -> str:
        """The line that begins a transaction."""
        return f"MAIL FROM:<{self.sender}>"

    @property
    def rcpt(self) -> str:
        """The line that names the mailbox."""
        return f"RCPT TO:<{self.to}>"

    def message(self, subject: str, text: str = "A message that smtpcheck leaves.") -> bytes:
        """A message that is marked, with CRLF at the end of each line, without the dot."""
        head = f"From: <{self.sender}>\r\nTo: <{self.to}>\r\nSubject: smtpcheck: {subject}\r\nDate: {self.date}\r\n"
        number = sum(subject.encode() + text.encode())
        return f"{head}Message-ID: <{number}.{len(subject)}@{self.me}>\r\n{MARK}: yes\r\n\r\n{text}\r\n".encode()

    def line(self, command: Command, offered: frozenset[str]) -> tuple[str, bytes]:
        """What stands for a command: the line, and the octets that follow it at once."""
        chunk = OCTETS if "CHUNKING" in offered else b""
        lines = {
            Command.EHLO: self.ehlo,
            Command.HELO: f"HELO {self.me}",
            Command.EHLO_BARE: self.ehlo.split()[0],
            Command.VRFY: f"VRFY {self.to}",
            Command.EXPN: "EXPN smtpcheck",
            Command.EMPTY: "",
            Command.MAIL: self.mail,
            Command.MAIL_X: f"{self.mail} XYZZY=1",
            Command.MAIL_BAD: "MAIL FROM:<@",
            Command.RCPT: self.rcpt,
            Command.RCPT_NOBODY: f"RCPT TO:<{self.unknown}>",
            Command.RCPT_BAD: "RCPT TO:<@",
            Command.BDAT: f"BDAT {len(chunk)}",
            Command.LAST: f"BDAT {len(chunk)} LAST",
            Command.AUTH: f"AUTH {self.mechanism}",
            Command.AUTH_ASK: f"AUTH {self.mechanism}",
            Command.AUTH_UNKNOWN: "AUTH XYZZY",
        }
        octets = chunk if command in (Command.BDAT, Command.LAST) else b""
        return lines.get(command, command.value), octets


class Profile(NamedTuple):
    """What the server was seen to do, before anything is judged.

    `greeting`: its first line. `offered`: the extensions, by the place in which they were offered. `mechanisms`: those of
    AUTH. `refusals`: how many commands it refuses before it closes, or as many as were tried. `prelude`: what it asks for
    before a transaction, of "TLS" and "AUTH". `size`: octets of a message, as SIZE has it; 0: not said. `is_old`:
    it knows no EHLO.
    """

    greeting: str
    offered: Mapping[Place, frozenset[str]]
    mechanisms: tuple[str, ...] = ()
    refusals: int = 0
    prelude: tuple[str, ...] = ()
    size: int = 0
    is_old: bool = False

    def offers(self, place: Place) -> frozenset[str]:
        """What counts for a session that has come to a place. Before EHLO, and after HELO, few extensions do."""
        is_secret = place in (Place.TLS, Place.TLS_EHLO, Place.TLS_RCPT) or ("TLS" in self.prelude and place in PREPARED)
        is_secret |= place is Place.AUTHED and "AUTH" not in self.offered.get(Place.EHLO, ())
        offered = self.offered.get(Place.TLS_EHLO if is_secret else Place.EHLO, frozenset())
        return offered & {"STARTTLS", "AUTH"} if place in (Place.START, Place.TLS, Place.HELO) else offered

    def has(self, extension: str) -> bool:
        """Whether EHLO offers it in any place."""
        return any(extension in words for words in self.offered.values())
