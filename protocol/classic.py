"""The classic dialect: the strict order of the student prototype, as one table.

It does not know what a verb does; the actions are in `session`, the syntax is in `commands`.
"""

from .commands import parse_classic
from .dialect import Dialect
from .replies import UNRECOGNIZED
from .table import Mark, Patience, State, Table, Verb, Written


class Classic(State):
    """What is known so far. The second half says the same with one message of this connection accepted."""

    START = "nobody known"
    CLIENT = "client known"
    REVERSE = "reverse-path known"
    FORWARD = "reverse-path and forward-path known"
    CONTENT = "mail data is coming"
    STORING = "mail data ended, storage has not answered"
    SERVED = "client known, a message was accepted"
    REVERSE2 = "reverse-path known, a message was accepted"
    FORWARD2 = "reverse-path and forward-path known, a message was accepted"
    CONTENT2 = "mail data is coming, a message was accepted"
    STORING2 = "mail data ended, storage has not answered, a message was accepted"
    CLOSED = "connection closing"


START, CLIENT, REVERSE, FORWARD, CONTENT, STORING, SERVED, REVERSE2, FORWARD2, CONTENT2, STORING2, CLOSED = Classic
TEXT, HELD, GONE, NEVER = Mark.TEXT, Mark.HELD, Mark.GONE, Mark.NEVER
NO = UNRECOGNIZED
V = Verb

Row = tuple[Written, Written, Written, Written, Written, Written, Written, Written]

# fmt: off
# A cell is the state that follows; (X, Y): X when the action accepts, Y when it refuses; NO: refused, nothing changes.
VERBS = (      V.HELO, V.MAIL,    V.RCPT,             V.DATA,   V.QUIT, V.END,              V.OTHER, V.STORED)
ROWS: dict[State, Row] = {
    START:    (CLIENT, NO,        NO,                 NO,       NO,     NO,                 NO,      NEVER),
    CLIENT:   (NO,     REVERSE,   NO,                 NO,       NO,     NO,                 NO,      NEVER),
    REVERSE:  (NO,     NO,        (FORWARD, CLIENT),  NO,       NO,     NO,                 NO,      NEVER),
    FORWARD:  (NO,     NO,        NO,                 CONTENT,  NO,     NO,                 NO,      NEVER),
    CONTENT:  (TEXT,   TEXT,      TEXT,               TEXT,     TEXT,   (STORING, CLIENT),  TEXT,    NEVER),
    STORING:  (HELD,   HELD,      HELD,               HELD,     HELD,   HELD,               HELD,    (SERVED, CLIENT)),

    SERVED:   (NO,     REVERSE2,  NO,                 NO,       CLOSED, NO,                 NO,      NEVER),
    REVERSE2: (NO,     NO,        (FORWARD2, SERVED), NO,       NO,     NO,                 NO,      NEVER),
    FORWARD2: (NO,     NO,        NO,                 CONTENT2, NO,     NO,                 NO,      NEVER),
    CONTENT2: (TEXT,   TEXT,      TEXT,               TEXT,     TEXT,   (STORING2, SERVED), TEXT,    NEVER),
    STORING2: (HELD,   HELD,      HELD,               HELD,     HELD,   HELD,               HELD,    (SERVED, SERVED)),
    CLOSED:   (GONE,   GONE,      GONE,               GONE,     GONE,   GONE,               GONE,    NEVER),
}
# fmt: on

PATIENCE: Patience = {HELD: 600.0}
"""Who waits for storage waits for 10 minutes at most (RFC 5321 section 4.5.3.2.6 gives a client as many)."""

CLASSIC = Dialect(Table("classic", VERBS, ROWS, patience=PATIENCE), parse_classic, not_smtp=UNRECOGNIZED)
