"""A message on its way into the database as a table: its states, what can happen to it, and what is done then.

Knows nothing about how that is done (see `message` and `store`).
"""

from collections.abc import Sequence
from enum import Enum
from typing import Literal

from .tables import NEVER, Cells, Never, total


class State(Enum):
    """What is known of a message."""

    ARRIVING = "its content is coming"
    WAITING = "complete; nothing was sent that could be stored"
    SUSPECT = "the same, and it goes alone, since a group that it was in was not taken"
    FLYING = "sent, not answered"
    DOUBT = "perhaps stored: it is sent again, under the same id"
    DOUBTED_SUSPECT = "the same, and it goes alone"
    RETRIED = "sent again, not answered"
    FORSAKEN = "sent, not answered, and its client was told to try later"
    STORED = "on two disks"
    REFUSED = "not stored"
    UNDONE = "perhaps stored, and its client was told otherwise: its id is kept, and it is taken back"


class Event(Enum):
    """What happens to it."""

    COMPLETE = "its end came"
    CROWDED = "its end came, and too much waits already"
    AWAY = "its end came, and the database has not answered anybody for long"
    ABANDON = "it is given up before its end"
    SENT = "it is sent"
    CLEAN = "stored, without an error or a warning"
    FULL = "not stored: there is no room"
    GROUP_FLAWED = "not stored: the database does not take one of its group"
    FLAWED = "not stored: the database does not take it"
    FAILED = "not stored: another error"
    UNSURE = "a warning, no answer, or the connection is lost"
    LATE = "its client has waited long enough"


class Act(Enum):
    """What is done after the move."""

    QUEUE = "it is the last to be sent"
    AGAIN = "it is the next to be sent"
    SEND = "its rows are sent"
    ACCEPT = "the client hears that it is stored"
    TRY_LATER = "the client hears that it may try again"
    NO_ROOM = "the client hears that there is no room"
    NEVER_TRY = "the client hears that it cannot be stored"
    TAKE_BACK = "its id is put on the list of what is taken back"
    TRY_LATER_BACK = "the client hears that it may try again, and its id is put on that list"
    NO_ROOM_BACK = "the client hears that there is no room, and its id is put on that list"
    NEVER_TRY_BACK = "the client hears that it cannot be stored, and its id is put on that list"
    DROP = "it is dropped"


ARRIVING, WAITING, SUSPECT, FLYING, DOUBT, DOUBTED_SUSPECT, RETRIED, FORSAKEN, STORED, REFUSED, UNDONE = State
Cell = tuple[State, Act] | Literal[Never.NEVER]
EVENTS = tuple(Event)
ENDS = (STORED, REFUSED, UNDONE)
TO_BE_SENT = (WAITING, SUSPECT, DOUBT, DOUBTED_SUSPECT)

# fmt: off
QUEUES, LATER, FULL = (WAITING, Act.QUEUE), (REFUSED, Act.TRY_LATER), (REFUSED, Act.NO_ROOM)
NEVER_, DROPS = (REFUSED, Act.NEVER_TRY), (REFUSED, Act.DROP)
FLIES, RETRY, GOOD = (FLYING, Act.SEND), (RETRIED, Act.SEND), (STORED, Act.ACCEPT)
ALONE, AGAIN, UNSURE, UN_AL = (SUSPECT, Act.QUEUE), (WAITING, Act.AGAIN), (DOUBT, Act.AGAIN), (DOUBTED_SUSPECT, Act.QUEUE)
UNDO, LEAVES, _____ = (UNDONE, Act.TAKE_BACK), (FORSAKEN, Act.TRY_LATER), NEVER
LATER_, FULL_, REFUSE_ = (UNDONE, Act.TRY_LATER_BACK), (UNDONE, Act.NO_ROOM_BACK), (UNDONE, Act.NEVER_TRY_BACK)

#                   COMPLETE CROWDED AWAY   ABANDON SENT   CLEAN  FULL   GROUP_F FLAWED   FAILED UNSURE  LATE
ROWS: dict[State, Sequence[Cell]] = {
    ARRIVING:        (QUEUES, FULL,  LATER, DROPS,  _____, _____, _____, _____,  _____,   _____, _____,  _____),
    WAITING:         (_____,  _____, _____, _____,  FLIES, _____, _____, _____,  _____,   _____, _____,  LATER),
    SUSPECT:         (_____,  _____, _____, _____,  FLIES, _____, _____, _____,  _____,   _____, _____,  LATER),
    FLYING:          (_____,  _____, _____, _____,  _____, GOOD,  FULL,  ALONE,  NEVER_,  AGAIN, UNSURE, LEAVES),
    DOUBT:           (_____,  _____, _____, _____,  RETRY, _____, _____, _____,  _____,   _____, _____,  LATER_),
    DOUBTED_SUSPECT: (_____,  _____, _____, _____,  RETRY, _____, _____, _____,  _____,   _____, _____,  LATER_),
    RETRIED:         (_____,  _____, _____, _____,  _____, GOOD,  FULL_, UN_AL,  REFUSE_, UNSURE, UNSURE, LEAVES),
    FORSAKEN:        (_____,  _____, _____, _____,  _____, UNDO,  UNDO,  UNDO,   UNDO,    UNDO,  UNDO,   _____),
    STORED:          (_____,  _____, _____, _____,  _____, _____, _____, _____,  _____,   _____, _____,  _____),
    REFUSED:         (_____,  _____, _____, _____,  _____, _____, _____, _____,  _____,   _____, _____,  _____),
    UNDONE:          (_____,  _____, _____, _____,  _____, _____, _____, _____,  _____,   _____, _____,  _____),
}
# fmt: on

TABLE: Cells[State, Event, Act] = total("message", tuple(State), EVENTS, ROWS)
