"""Every reply of POP3, one per line, named after the situation.

A reply begins with +OK, -ERR or, to ask for more of an authentication, +. The numbers say what a reply means to the session,
as `engine.replies` has them, and are never sent: 2yz is done; 3yz is accepted too, but does not end a row of refusals, so
that nobody can guess passwords for ever; 4yz may succeed later; 5yz is refused, 503 for its place in the order.

A word in brackets is a response code (RFC 2449 section 8, RFC 3206). Knows nothing about when each reply is sent.
"""

from functools import partial

from ..engine.replies import INTERMEDIATES, REFUSALS, Reply

CHALLENGED = 334
"""The number of a reply that asks for a response."""


def spoken(code: int, _: bytes, text: bytes) -> bytes:
    """The form of POP3: a text of several lines is followed by a line with a dot (RFC 1939 section 3)."""
    word = b"-ERR" if code >= REFUSALS else b"+" if code == CHALLENGED else b"+OK"
    lines = text.split(b"\n")
    end = b"\r\n.\r\n" if len(lines) > 1 else b"\r\n"
    return b"%b %b%b" % (word, b"\r\n".join(lines), end)


_reply = partial(Reply, form=spoken)
assert INTERMEDIATES <= CHALLENGED < REFUSALS

GREETING = _reply(200, b"%b carteiro POP3")
CAPABILITIES = _reply(300, b"What this server can do:\n%b")
SAY_PASS = _reply(300, b"Send PASS")
CHALLENGE = _reply(CHALLENGED, b"%b")
BEGIN_TLS = _reply(200, b"Begin the TLS handshake")
OPENED = _reply(200, b"%d messages (%d octets)")
STATUS = _reply(200, b"%d %d")
SCANNED = _reply(200, b"%d %d")
UNIQUE_ID = _reply(200, b"%d %b")
LISTING = _reply(200, b"%d messages (%d octets)")
UNIQUE_IDS = _reply(200, b"Unique ids follow")
OCTETS_FOLLOW = _reply(200, b"%d octets")
TOP_FOLLOWS = _reply(200, b"Header and first lines follow")
MARKED = _reply(200, b"Message %d is deleted at QUIT")
UNMARKED = _reply(200, b"%d messages (%d octets)")
NOTHING_DONE = _reply(200, b"Ok")
CLOSING = _reply(221, b"%b closing connection")

SHUTTING_DOWN = _reply(421, b"[SYS/TEMP] The server is shutting down")
NO_ANSWER = _reply(421, b"[SYS/TEMP] There was no answer in time, try again later")
TOO_MANY_CONNECTIONS = _reply(421, b"[SYS/TEMP] Too many connections, try again later")
TOO_MANY_REFUSALS = _reply(421, b"Too many commands were refused")
NOT_POP = _reply(421, b"Only POP3 is spoken here")
OUR_BUG = _reply(421, b"[SYS/TEMP] Internal error")

IN_USE = _reply(450, b"[IN-USE] The mailbox is open in another session, try again later")
NOT_READ = _reply(451, b"[SYS/TEMP] The mailbox cannot be read now, try again later")
TOO_BUSY = _reply(451, b"[SYS/TEMP] Too many mailboxes are open, try again later")
GONE = _reply(451, b"This message is not in the mailbox any more")
NOT_REMOVED = _reply(451, b"[SYS/TEMP] Some deleted messages were not removed, try again later")
AUTH_UNAVAILABLE = _reply(454, b"[SYS/TEMP] Authentication is not possible now")

UNRECOGNIZED = _reply(500, b"Unknown command")
SYNTAX = _reply(501, b"Syntax error, write %b")
NOT_ENCODED = _reply(501, b"This is not what was asked for, in base64")
AUTH_CANCELLED = _reply(501, b"Authentication cancelled")
NOT_OFFERED = _reply(502, b"Command not offered")
LOG_IN_FIRST = _reply(503, b"Log in first")
USER_FIRST = _reply(503, b"Send USER first")
PASS_DUE = _reply(503, b"Send PASS")
TLS_ALREADY = _reply(503, b"TLS is already in use")
KNOWN_ALREADY = _reply(503, b"You are logged in")
UNKNOWN_MECHANISM = _reply(504, b"Authentication mechanism not offered")
WRONG_CREDENTIALS = _reply(535, b"[AUTH] Name or password is wrong")
TLS_FIRST = _reply(538, b"No password is taken without TLS, send STLS first")
NO_SUCH_MESSAGE = _reply(550, b"No such message")
DELETED_ALREADY = _reply(550, b"This message is deleted")
