"""The classic dialect: the strict order of the student prototype, as one table.

Knows nothing about syntax (see `grammar`) or about what an event does (see `actions`).
"""

from ..engine.dialect import Dialect
from ..engine.ends import ENDS, End, Ending
from ..engine.events import Event
from ..engine.replies import UNRECOGNIZED
from ..engine.table import Mark, Patience, State, Table, Written
from .actions import ClassicActions
from .grammar import parse_classic


class Classic(State):
    """What the session knows so far."""

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
# A cell is the state that follows; X|Y: X if the action accepts, Y if it refuses; NO: refused,
# the state stays.
# BACK: to the one of HOMES in which the transaction began.
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
"""A client waits for storage for 10 minutes at most, as long as RFC 5321 section 4.5.3.2.6 makes clients wait."""

CLASSIC_ENDS = {**ENDS, Ending.FOREIGN: End(UNRECOGNIZED)}
"""A line of another protocol gets no 421: the prototype had one refusal, the 500."""

CLASSIC = Dialect(Table("classic", EVENTS, ROWS, HOMES, PATIENCE, CLASSIC_ENDS), parse_classic, ClassicActions)
