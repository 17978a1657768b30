"""Every reply that a server can give, one a line, named after the situation.

It does not know when a reply is given: that stands in a dialect's table.
"""

from typing import NamedTuple


class Reply(NamedTuple):
    """A reply code and its words (RFC 5321 section 4.2); `%b` and `%d` in the words are filled by `about`."""

    code: int
    text: bytes

    @property
    def accepts(self) -> bool:
        """True for a positive reply (2yz, 3yz), false for a negative one (4yz, 5yz): RFC 5321 section 4.2.1."""
        return self.code < 400

    @property
    def line(self) -> bytes:
        """The reply as it is sent, CRLF included."""
        return b"%d %b\r\n" % self

    def about(self, *words: bytes | int) -> "Reply":
        """This reply with its words filled in."""
        return Reply(self.code, self.text % words)


GREETING = Reply(220, b"%b carteiro SMTP at your service")
CLOSING = Reply(221, b"%b closing connection")
HELLO = Reply(250, b"Hello %b, pleased to meet you")
SENDER_OK = Reply(250, b"%b Sender ok")
RECIPIENT_OK = Reply(250, b"%b Recipient ok")
MESSAGE_ACCEPTED = Reply(250, b"Message accepted for delivery")
START_MAIL_INPUT = Reply(354, b'Enter mail, end with "." on a line by itself')

IDLE_TOO_LONG = Reply(421, b"%b closing connection, idle for too long")
SHUTTING_DOWN = Reply(421, b"%b closing connection, the server is shutting down")
TOO_MANY_CONNECTIONS = Reply(421, b"%b closing connection, too many connections, try again later")
TOO_MANY_REFUSALS = Reply(421, b"%b closing connection, too many commands were refused")
OUR_BUG = Reply(421, b"%b closing connection, internal error")

NOT_STORED = Reply(451, b"Message not stored, try again later")
NO_ROOM = Reply(452, b"Message not stored, there is no room, try again later")
UNRECOGNIZED = Reply(500, b"Syntax error, command unrecognized")
ADDRESS_UNKNOWN = Reply(550, b"Address unknown")
MESSAGE_TOO_LARGE = Reply(552, b"Message larger than %d octets")
NEVER_STORED = Reply(554, b"Message cannot be stored")
