"""What a session is told: what the client does, and the answers from outside.

Knows nothing about what an event does, or where it leads.
"""

from enum import Enum


class Event(Enum):
    """An input to a session: a command line, the end of mail data, or (the last ones) an answer from outside.

    The value is the text for people. A dialect has columns for the events that it needs.
    """

    HELO = "helo X"
    EHLO = "ehlo X"
    MAIL = "mail from: A"
    RCPT = "rcpt to: B"
    DATA = "data"
    BDAT = "bdat N"
    LAST = "bdat N last"
    RSET = "rset"
    NOOP = "noop"
    HELP = "help"
    VRFY = "vrfy A"
    EXPN = "expn L"
    STARTTLS = "starttls"
    AUTH = "auth M"
    PROOF = "auth M X"
    QUIT = "quit"
    CAPA = "capa"
    STLS = "stls"
    USER = "user N"
    PASS = "pass S"
    STAT = "stat"
    LIST = "list"
    SCAN = "list N"
    UIDL = "uidl"
    UNIQUE = "uidl N"
    RETR = "retr N"
    TOP = "top N L"
    DELE = "dele N"
    END = "."
    OTHER = "other"
    STORED = "stored?"
    CHECKED = "checked?"
    FOUND = "found?"
    SECURED = "secured?"
    FETCHED = "fetched?"
    SENT = "sent?"
    REMOVED = "removed?"
    OPENED = "opened"
    """The client has connected and is greeted. No dialect has a column for it."""

    __hash__ = object.__hash__  # members are singletons; Enum's hash is a slow Python function, needed often for each line


ANSWERS = (
    Event.STORED, Event.CHECKED, Event.FOUND, Event.SECURED, Event.FETCHED, Event.SENT, Event.REMOVED,
)  # fmt: skip
"""The events that are answers from outside, not input from the client. SENT: what the server says is said to its end."""
