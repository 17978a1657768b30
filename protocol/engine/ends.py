"""What ends a session, whatever its state is: beside the table of a dialect one more literal, drawn with it.

It does not know how it is noticed that something has happened.
"""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from .replies import (
    IDLE_TOO_LONG,
    NO_ANSWER,
    NOT_SMTP,
    OUR_BUG,
    SHUTTING_DOWN,
    TOO_MANY_REFUSALS,
    Reply,
)


class Ending(Enum):
    """What can happen in any state. The value is for people, and for the log."""

    GONE = "the connection was lost"
    ENDED = "the client ended"
    SILENT = "idle for too long"
    UNANSWERED = "it waited for an answer of ours for too long"
    REFUSED = "too many commands were refused"
    FOREIGN = "another protocol than SMTP"
    DRAINED = "shutting down"
    STOPPED = "shutting down at once"
    BROKEN = "internal error"

    __hash__ = object.__hash__


class Wait(Enum):
    """What may go on before a session ends. The value is for people."""

    CONTENT = "mail data has ended"
    STORED = "storage has answered"
    COMMANDS = "all that came is answered"


class End(NamedTuple):
    """What the client hears last, if anything, and what is waited for before. The state is the table's last one then."""

    says: Reply | None
    waits: tuple[Wait, ...] = ()


# fmt: off
ENDS: Mapping[Ending, End] = {
    Ending.GONE:       End(None),
    Ending.ENDED:      End(None,              (Wait.COMMANDS, Wait.STORED)),
    Ending.SILENT:     End(IDLE_TOO_LONG),
    Ending.UNANSWERED: End(NO_ANSWER),
    Ending.REFUSED:    End(TOO_MANY_REFUSALS),
    Ending.FOREIGN:    End(NOT_SMTP),
    Ending.DRAINED:    End(SHUTTING_DOWN,     (Wait.CONTENT, Wait.STORED)),
    Ending.STOPPED:    End(SHUTTING_DOWN),
    Ending.BROKEN:     End(OUR_BUG),
}
# fmt: on
