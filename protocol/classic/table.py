"""The classic dialect: the strict order of the student prototype, as one table.

It does not know what an event does; the actions are in `actions`, the syntax is in `grammar`.
"""

from ..engine.dialect import Dialect
from ..engine.ends import ENDS, End, Ending
from ..engine.replies import UNRECOGNIZED
from ..engine.table import Event, Mark, Patience, State, Table, Written
from .actions import ClassicActions
from .grammar import parse_classic


class Classic(State):
    """What is known so far."""

    START = "nobody known"
    CLIENT = "client known"
    SERVED = "client known, a message was accepted"
    REVERSE = "reverse-path known"
    FORWARD = "reverse-path and forward-path known"
    CONTENT = "mail data is coming"
    STORING = "mail data ended, storage has not answered"
    CLOSED = "connection closing"


START, CLIENT, SERVED, REVERSE, FORWARD, CONTENT, STORING, CLOSED = Classic
TEXT, HELD, GONE, NEVER, BACK = Mark.TEXT, Mark.HELD, Mark.GONE, Mark.NEVER, Mark.BACK
HELO, MAIL, RCPT, DATA, QUIT = Event.HELO, Event.MAIL, Event.RCPT, Event.DATA, Event.QUIT
END, OTHER, STORED = Event.END, Event.OTHER, Event.STORED
NO = UNRECOGNIZED

Cells = tuple[Written, Written, Written, Written, Written, Written, Written, Written]

# fmt: off
# A cell is the state that follows; X|Y: X when the action accepts, Y when it refuses; NO: refused, nothing changes.
# BACK: to that one of HOMES in which the transaction began.
HOMES = (CLIENT, SERVED)
EVENTS = (     HELO,   MAIL,    RCPT,         DATA,    QUIT,   END,          OTHER, STORED)
ROWS: dict[State, Cells] = {
    START:   (CLIENT, NO,      NO,           NO,      NO,     NO,           NO,    NEVER),
    CLIENT:  (NO,     REVERSE, NO,           NO,      NO,     NO,           NO,    NEVER),
    SERVED:  (NO,     REVERSE, NO,           NO,      CLOSED, NO,           NO,    NEVER),
    REVERSE: (NO,     NO,      FORWARD|BACK, NO,      NO,     NO,           NO,    NEVER),
    FORWARD: (NO,     NO,      NO,           CONTENT, NO,     NO,           NO,    NEVER),
    CONTENT: (TEXT,   TEXT,    TEXT,         TEXT,    TEXT,   STORING|BACK, TEXT,  NEVER),
    STORING: (HELD,   HELD,    HELD,         HELD,    HELD,   HELD,         HELD,  SERVED|BACK),
    CLOSED:  (GONE,   GONE,    GONE,         GONE,    GONE,   GONE,         GONE,  NEVER),
}
# fmt: on

PATIENCE: Patience = {HELD: 600.0}
"""Who waits for storage waits for 10 minutes at most (RFC 5321 section 4.5.3.2.6 gives a client as many)."""

CLASSIC_ENDS = {**ENDS, Ending.FOREIGN: End(UNRECOGNIZED)}
"""There is no 421 for who speaks another protocol: the prototype knows one refusal."""

CLASSIC = Dialect(Table("classic", EVENTS, ROWS, HOMES, PATIENCE, CLASSIC_ENDS), parse_classic, ClassicActions)
