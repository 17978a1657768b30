"""What a session needs from the actions of its dialect, stated as types.

Knows nothing about any particular event.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, ClassVar, NamedTuple, Protocol, Union

from .events import Event
from .replies import Reply
from .table import Row


class Said(Enum):
    """How a speech has ended. The value is the text for the log."""

    ALL = "all was said"
    CUT = "what was being sent could not be read to its end"


class Speech(NamedTuple):
    """A reply, and what goes to the client behind it, as fast as the client reads.

    The session calls `piece` when there is room for more. It returns octets; b"" if there are none yet, and then calls the
    given function once there are; or how the speech has ended.
    """

    reply: Reply
    piece: Callable[[Callable[[], None]], bytes | Said]


Outcome = Union[Reply, "Pending", Speech, None]
"""The result of an action: a reply; work whose outcome comes later; a speech, which accepts and leads to the state that
sends it; or None, which accepts without a reply."""

Pending = Callable[[Callable[[Outcome], None]], None]
"""Starts outside work; calls the given callback with the outcome when it is known, which is not None. The session calls it
after it has moved to the state that waits for the answer."""


class Chunk(NamedTuple):
    """The argument of BDAT (RFC 3030 section 2): `size` octets follow the line, even if the line has a flaw after it."""

    size: int
    flaw: Reply | None = None


class Actions(Protocol):
    """What each command does, and the data of one session that the commands work on; its state is in the table.

    The session calls an action only where the table allows its event. The code of the reply says whether the action accepts.
    A dialect that takes no mail data needs neither `write` nor `end`.
    """

    by_event: ClassVar[Mapping[Event, Callable[[Any, Any], Outcome]]]

    home: Row
    """The home that the session was in last: it says whether the connection is encrypted, and the client authenticated.

    The session sets it, at first and whenever that is another home."""

    @property
    def is_coded(self) -> bool:
        """Whether replies carry enhanced status codes (RFC 2034)."""

    @property
    def greeting(self) -> Reply:
        """The first reply on the connection."""

    def write(self, piece: bytes) -> None:
        """Takes a piece of mail data."""

    def end(self, is_whole: bool) -> Outcome:
        """Ends the message; or, if `is_whole` is false, one chunk of it."""

    def take_response(self, line: bytes) -> tuple[Event, Outcome]:
        """Takes the response to a challenge. The event is PROOF when all answers are there, else AUTH."""

    def secured(self) -> None:
        """The connection is now encrypted. Forgets everything that the client has said so far."""

    def abandon(self) -> None:
        """The session is over: drops an unfinished message."""
