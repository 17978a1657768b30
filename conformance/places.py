"""The rows and columns of the table of what is lawful: where a session can be, and what a client can say there.

Knows nothing about what is allowed (see `lawful`), or about how a session gets there (see `openings`).
"""

from enum import Enum


class Place(Enum):
    """What a server knows so far, as far as a client can tell. The value is the text for people."""

    START = "nobody known"
    HELO = "client known by HELO"
    EHLO = "client known"
    MAIL = "sender known"
    RCPT = "sender and recipients known"
    CONTENT = "mail data is coming"
    CHUNK = "the octets of a chunk are coming"
    CHUNKED = "a chunk came, the last did not"
    DONE = "a message was accepted"
    TLS = "encrypted, nobody known"
    TLS_EHLO = "encrypted, client known"
    TLS_RCPT = "encrypted, sender and recipients known"
    AUTHED = "client authenticated"
    # Where a command can lead, but that are no rows.
    TLS_MAIL = "encrypted, sender known"
    TLS_CHUNKED = "encrypted, a chunk came, the last did not"
    AUTHED_MAIL = "authenticated, sender known"
    ASKED = "a challenge was sent"
    VOID = "mail data for nobody is asked for, and then refused"
    CLOSED = "connection closed"

    __hash__ = object.__hash__


ROWS = tuple(Place)[:13]
"""The places that are rows of the table."""

_UNDER_TLS = {Place.MAIL: Place.TLS_MAIL, Place.RCPT: Place.TLS_RCPT, Place.CHUNKED: Place.TLS_CHUNKED}
UNDER = {
    **dict.fromkeys((Place.TLS, Place.TLS_EHLO, Place.TLS_RCPT), _UNDER_TLS),
    Place.AUTHED: {Place.MAIL: Place.AUTHED_MAIL},
}
"""What a place is called for a session that is encrypted or authenticated: it begins in one of these rows."""

OCTETS = b"X-Smtpcheck: a chunk\r\n"
"""The octets of a chunk."""


class Command(Enum):
    """What a client says. The value is the line as the matrix shows it."""

    EHLO = "EHLO"
    HELO = "HELO"
    EHLO_BARE = "EHLO-"
    NOOP = "NOOP"
    NOOP_SMALL = "noop"
    HELP = "HELP"
    VRFY = "VRFY"
    EXPN = "EXPN"
    RSET = "RSET"
    RSET_X = "RSET x"
    QUIT = "QUIT"
    QUIT_X = "QUIT x"
    UNKNOWN = "XYZZY"
    EMPTY = "(empty)"
    DOT = "."
    MAIL = "MAIL"
    MAIL_X = "MAIL x"
    MAIL_BAD = "MAIL-"
    RCPT = "RCPT"
    RCPT_NOBODY = "RCPT?"
    RCPT_BAD = "RCPT-"
    DATA = "DATA"
    DATA_X = "DATA x"
    BDAT = "BDAT"
    LAST = "LAST"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    AUTH_ASK = "AUTH+"
    AUTH_UNKNOWN = "AUTH?"

    __hash__ = object.__hash__


EXTENSIONS = {
    Command.BDAT: "CHUNKING",
    Command.LAST: "CHUNKING",
    Command.STARTTLS: "STARTTLS",
    Command.AUTH: "AUTH",
    Command.AUTH_ASK: "AUTH",
    Command.AUTH_UNKNOWN: "AUTH",
}
"""The commands that count when their extension was offered in the session."""

REMARKS = {
    Command.EHLO_BARE: "EHLO without an argument",
    Command.MAIL_X: "MAIL with a parameter that is not known",
    Command.AUTH_ASK: "AUTH that waits for a challenge, and then ends the attempt",
    Command.MAIL_BAD: "MAIL whose argument cannot be read",
    Command.RCPT_BAD: "RCPT whose argument cannot be read",
    Command.RCPT_NOBODY: "RCPT for a mailbox that is not there",
    Command.UNKNOWN: "a word that is no command",
    Command.EMPTY: "an empty line",
    Command.DOT: "a dot alone on its line",
    Command.LAST: "BDAT with LAST",
    Command.AUTH_UNKNOWN: "AUTH with a mechanism that is not known",
    Command.NOOP_SMALL: "NOOP in small letters",
}
"""What a column means, where its name does not say so."""
