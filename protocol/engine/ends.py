"""Everything that ends a session in any state: one more literal beside a dialect's table, printed and drawn with it.

Knows nothing about how the session finds out that one of these has happened.
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
    """An event that ends a session in any state. The value is the text for people and for the log."""

    GONE = "the connection was lost"
    ENDED = "the client ended"
    SILENT = "idle for too long"
    UNANSWERED = "it waited for an answer of ours for too long"
    REFUSED = "too many commands were refused"
    FOREIGN = "another protocol"
    DRAINED = "shutting down"
    STOPPED = "shutting down at once"
    BROKEN = "internal error"

    __hash__ = object.__hash__


class Wait(Enum):
    """Something that a session completes before it ends. The value is the text for people."""

    CONTENT = "mail data has ended"
    STORED = "storage has answered"
    ANSWER = "what was asked of others is answered, and said"
    COMMANDS = "all that came is answered"


class End(NamedTuple):
    """How a session ends: the last reply to the client, if any, and what the session waits for before.

    Its state is then the table's last one.
    """

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
