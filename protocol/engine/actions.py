"""What a session needs from the actions of its dialect, stated as types.

Knows nothing about any particular event.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple, Protocol

from .replies import Reply
from .table import Event

Pending = Callable[[Callable[[Reply], None]], None]
"""Starts outside work; calls the given callback with the reply when it is known. The session calls it after it has moved to
the state that waits for the answer."""

Outcome = Reply | Pending | None
"""The result of an action: a reply; work whose reply comes later; or None, which accepts without a reply."""


class Chunk(NamedTuple):
    """The argument of BDAT (RFC 3030 section 2): `size` octets follow the line, even if the line has a flaw after it."""

    size: int
    flaw: Reply | None = None


class Actions(Protocol):
    """What each command does, and the data of one session that the commands work on; its state is in the table.

    The session calls an action only where the table allows its event. The code of the reply says whether the action accepts.
    """

    by_event: ClassVar[Mapping[Event, Callable[[Any, Any], Outcome]]]

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

    def secured(self) -> Reply | None:
        """The connection is now encrypted. Forgets everything that the client has said so far."""

    def abandon(self) -> None:
        """The session is over: drops an unfinished message."""
