"""A connection to the database as a table: its states, what can happen to it, and what is done then.

Knows nothing about how that is done (see `link`).
"""

from collections.abc import Sequence
from enum import Enum
from typing import Literal

from .tables import NEVER, Cells, Never, total


class State(Enum):
    """How far a connection is."""

    DOWN = "there is no connection"
    CONNECTING = "libpq connects, and a limit of ours runs"
    CHECKING = "the host is asked who it is, and statements are prepared"
    READY = "nothing was sent that is not answered"
    BUSY = "something was sent, its sync is not answered"
    CLOSED = "the store is closed"


class Event(Enum):
    """What happens to it."""

    DUE = "the state's time is over"
    CONNECTED = "connected"
    CHECKED = "the host is a primary that may be used"
    UNFIT = "it is none"
    SENT = "something is to be sent"
    ANSWERED = "the sync is answered, and it is clear what that means"
    SPOILED = "the sync is answered, with a warning or an error that is not of what was sent"
    LOST = "the connection is lost"
    CLOSE = "the store closes"


class Act(Enum):
    """What is done after the move. At a state's beginning its time starts."""

    DIAL = "the next host is connected to"
    ASK = "questions and statements to prepare are sent"
    OFFER = "the store is told that the connection is free"
    BEAT = "the store is told that nothing was sent for long"
    SEND = "it is sent, with a sync"
    TELL = "who sent is told what became of it"
    DROP = "the connection is closed"
    DOUBT = "the connection is closed, and who sent is told that nobody knows"
    SPOIL = "the connection is closed, and who sent is told what became of it"
    END = "the connection is closed for good"


DOWN, CONNECTING, CHECKING, READY, BUSY, CLOSED = State
DIAL, ASK, OFFER, BEAT, SEND, TELL, DROP, DOUBT, SPOIL, END = Act
Cell = tuple[State, Act] | Literal[Never.NEVER]
EVENTS = tuple(Event)

# fmt: off
DIALS, ASKS, OFFERS, BEATS = (CONNECTING, DIAL), (CHECKING, ASK), (READY, OFFER), (READY, BEAT)
SENDS, TELLS, DROPS, ENDS = (BUSY, SEND), (READY, TELL), (DOWN, DROP), (CLOSED, END)
DOUBTS, SPOILS, CUTS, _____ = (DOWN, DOUBT), (DOWN, SPOIL), (CLOSED, DOUBT), NEVER

#             DUE     CONNECTED CHECKED UNFIT  SENT   ANSWERED SPOILED LOST    CLOSE
ROWS: dict[State, Sequence[Cell]] = {
    DOWN:       (DIALS,  _____, _____,  _____, _____, _____,   _____,  _____,  ENDS),
    CONNECTING: (DROPS,  ASKS,  _____,  _____, _____, _____,   _____,  DROPS,  ENDS),
    CHECKING:   (DROPS,  _____, OFFERS, DROPS, _____, _____,   _____,  DROPS,  ENDS),
    READY:      (BEATS,  _____, _____,  _____, SENDS, _____,   _____,  DROPS,  ENDS),
    BUSY:       (DOUBTS, _____, _____,  _____, _____, TELLS,   SPOILS, DOUBTS, CUTS),
    CLOSED:     (_____,  _____, _____,  _____, _____, _____,   _____,  _____,  ENDS),
}
# fmt: on

TABLE: Cells[State, Event, Act] = total("link", tuple(State), EVENTS, ROWS)
