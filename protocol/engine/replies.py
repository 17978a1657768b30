"""Every reply that the server can send, one per line, named after the situation.

Knows nothing about when each is sent: the dialects' tables and actions decide that.
"""

from collections.abc import Callable
from functools import lru_cache

INTERMEDIATES = 300
REFUSALS = 400
PERMANENT = 500
"""Ranges of reply codes (RFC 5321 section 4.2.1): below INTERMEDIATES the command is completed, from REFUSALS on it is
refused, from PERMANENT on it would be refused again."""

BAD_SEQUENCE = 503
"""The reply code for a command out of order."""


Form = Callable[[int, bytes, bytes], bytes]
"""Makes the lines of a reply, CRLF included, of its code, what stands before each line of its text, and its text."""


def numbered(code: int, status: bytes, text: bytes) -> bytes:
    """The form of SMTP: each line begins with the code (RFC 5321 section 4.2.1)."""
    if b"\n" not in text:
        return b"%d %b%b\r\n" % (code, status, text)
    *lines, last = text.split(b"\n")
    return b"".join(b"%d-%b%b\r\n" % (code, status, line) for line in lines) + b"%d %b%b\r\n" % (code, status, last)


class Reply:
    """A reply code, its text (RFC 5321 section 4.2), and its enhanced status code (RFC 3463), if it has one.

    `about` fills in `%b` and `%d` in the text. A text that contains LF makes a reply of several lines. `line` is the reply
    as it is sent, CRLF included; `coded_line` has the enhanced status code as well (RFC 2034 section 4). A protocol whose
    replies look otherwise has another `form`; the code then tells the session only what the reply means.
    """

    __slots__ = ("_form", "code", "coded_line", "line", "status", "text")

    def __init__(self, code: int, text: bytes, status: bytes = b"", form: Form = numbered) -> None:
        self.code = code
        self.text = text
        self.status = status
        self._form = form
        self.line = form(code, b"", text)
        self.coded_line = form(code, status + b" ", text) if status else self.line

    @lru_cache(maxsize=1024)  # noqa: B019 (replies live for ever, and the same addresses recur)
    def about(self, *words: bytes | int) -> "Reply":
        """Returns this reply with the placeholders in its text filled in."""
        return Reply(self.code, self.text % words, self.status, self._form)

    @property
    def is_about(self) -> bool:
        """Whether the text has placeholders to fill in."""
        return b"%" in self.text

    @property
    def word(self) -> str:
        """The word that it begins with, for people: `250` or `-ERR`."""
        return self._form(self.code, b"", b"").decode().strip()


# Replies of both dialects

CLOSING = Reply(221, b"%b closing connection", b"2.0.0")
MESSAGE_ACCEPTED = Reply(250, b"Message accepted for delivery", b"2.0.0")
START_MAIL_INPUT = Reply(354, b'Enter mail, end with "." on a line by itself')

IDLE_TOO_LONG = Reply(421, b"%b closing connection, idle for too long", b"4.4.2")
NO_ANSWER = Reply(421, b"%b closing connection, there was no answer in time, try again later", b"4.3.0")
SHUTTING_DOWN = Reply(421, b"%b closing connection, the server is shutting down", b"4.3.2")
TOO_MANY_CONNECTIONS = Reply(421, b"%b closing connection, too many connections, try again later", b"4.3.2")
TOO_MANY_REFUSALS = Reply(421, b"%b closing connection, too many commands were refused", b"4.7.0")
NOT_SMTP = Reply(421, b"%b closing connection, only SMTP is spoken here", b"4.7.0")
OUR_BUG = Reply(421, b"%b closing connection, internal error", b"4.3.0")

NOT_STORED = Reply(451, b"Message not stored, try again later", b"4.3.0")
NO_ROOM = Reply(452, b"Message not stored, there is no room, try again later", b"4.3.1")
TOO_MANY_MAILBOXES = Reply(452, b"Too many mailboxes, the limit is %d", b"4.3.1")
UNRECOGNIZED = Reply(500, b"Syntax error, command unrecognized", b"5.5.2")
MESSAGE_TOO_LARGE = Reply(552, b"Message larger than %d octets", b"5.3.4")
NEVER_STORED = Reply(554, b"Message cannot be stored", b"5.3.0")

# Replies of the classic dialect

GREETING = Reply(220, b"%b carteiro SMTP at your service")
HELLO = Reply(250, b"Hello %b, pleased to meet you")
SENDER_OK = Reply(250, b"%b Sender ok")
RECIPIENT_OK = Reply(250, b"%b Recipient ok")
ADDRESS_UNKNOWN = Reply(550, b"Address unknown")

# Replies of the dialect of RFC 5321

READY = Reply(220, b"%b ESMTP carteiro")
GREETS = Reply(250, b"%b greets you")
OFFERS = Reply(250, b"%b greets you\n%b")
SENDER_TAKEN = Reply(250, b"Sender ok", b"2.1.0")
RECIPIENT_TAKEN = Reply(250, b"Recipient ok", b"2.1.5")
CHUNK_TAKEN = Reply(250, b"%d octets received", b"2.0.0")
RESET_DONE = Reply(250, b"Nothing is under way", b"2.0.0")
NOTHING_DONE = Reply(250, b"Ok", b"2.0.0")
HELP_TEXT = Reply(214, b"Commands of RFC 5321 and its extensions:\n%b", b"2.0.0")
MAILBOX_EXISTS = Reply(250, b"<%b@%b>", b"2.1.5")
CANNOT_VERIFY = Reply(252, b"Not disclosed; mail is accepted for existing mailboxes", b"2.1.5")
START_TLS = Reply(220, b"Begin the TLS handshake", b"2.0.0")
CHALLENGE = Reply(334, b"%b")
AUTHENTICATED = Reply(235, b"Authentication succeeded", b"2.7.0")

AUTH_UNAVAILABLE = Reply(454, b"Authentication is not possible now", b"4.7.0")
TOO_MANY_RECIPIENTS = Reply(452, b"Too many recipients, the limit is %d", b"4.5.3")
TOO_MANY_MESSAGES = Reply(452, b"Too many messages on this connection, the limit is %d", b"4.3.2")

SYNTAX = Reply(501, b"Syntax error, write %b", b"5.5.4")
SENDER_SYNTAX = Reply(501, b"Syntax error in the reverse-path: %b", b"5.1.7")
RECIPIENT_SYNTAX = Reply(501, b"Syntax error in the forward-path: %b", b"5.1.3")
PARAMETER_SYNTAX = Reply(501, b"Syntax error in a parameter, or it is there twice", b"5.5.4")
NOT_ENCODED = Reply(501, b"This is not what was asked for, in base64", b"5.5.2")
AUTH_CANCELLED = Reply(501, b"Authentication cancelled", b"5.7.0")
NOT_OFFERED = Reply(502, b"Command not offered", b"5.5.1")
HELLO_FIRST = Reply(503, b"Send EHLO or HELO first", b"5.5.1")
MAIL_FIRST = Reply(503, b"Send MAIL first", b"5.5.1")
RCPT_FIRST = Reply(503, b"No valid recipients, send RCPT first", b"5.5.1")
NESTED_MAIL = Reply(503, b"A mail transaction is under way, RSET ends it", b"5.5.1")
CONTENT_BEGUN = Reply(503, b"Content is under way, send BDAT, or RSET to give up", b"5.5.1")
BINARY_NEEDS_BDAT = Reply(503, b"A BINARYMIME message is sent with BDAT", b"5.5.1")
TLS_ALREADY = Reply(503, b"TLS is already in use", b"5.5.1")
AUTH_ALREADY = Reply(503, b"You are already authenticated", b"5.5.1")
UNKNOWN_MECHANISM = Reply(504, b"Authentication mechanism not offered", b"5.5.4")
TLS_FIRST = Reply(530, b"Send STARTTLS first", b"5.7.0")
AUTH_FIRST = Reply(530, b"Authentication required", b"5.7.0")
WRONG_CREDENTIALS = Reply(535, b"Authentication failed", b"5.7.8")
ENCRYPTION_REQUIRED = Reply(538, b"Authentication only under TLS, send STARTTLS first", b"5.7.11")
MAILBOX_UNKNOWN = Reply(550, b"No such mailbox here", b"5.1.1")
BARE_NEWLINE = Reply(550, b"Message has a CR or LF that is no line end", b"5.6.0")
NO_RELAY = Reply(550, b"No mail is accepted for this domain", b"5.7.1")
NEEDS_UTF = Reply(553, b"An address that is not ASCII needs SMTPUTF8", b"5.6.7")
MAIL_LOOP = Reply(554, b"Message has more than %d Received fields", b"5.4.6")
UNKNOWN_PARAMETER = Reply(555, b"Parameter not offered", b"5.5.4")
