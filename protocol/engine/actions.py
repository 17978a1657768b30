"""What a session needs of whoever carries out the commands of its dialect, stated as types.

It does not know any event.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple, Protocol

from .replies import Reply
from .table import Event

Pending = Callable[[Callable[[Reply], None]], None]
"""Begins something outside, and has what it is given called with the reply once it is known."""

Outcome = Reply | Pending | None
"""What an event comes to: a reply; one that comes later; or nothing to say yet, which accepts."""


class Chunk(NamedTuple):
    """The argument of BDAT (RFC 3030 section 2): so many octets follow the line, even when there is a flaw in the rest."""

    size: int
    flaw: Reply | None = None


class Actions(Protocol):
    """The state of one session beside its place in the table, and what each command does with it.

    An action is called only where the table allows its event, and its reply says whether it accepts.
    """

    by_event: ClassVar[Mapping[Event, Callable[[Any, Any], Outcome]]]

    @property
    def is_coded(self) -> bool:
        """Whether replies carry enhanced status codes (RFC 2034)."""

    @property
    def greeting(self) -> Reply:
        """The first words."""

    def write(self, piece: bytes) -> None:
        """Some mail data came."""

    def end(self, is_whole: bool) -> Outcome:
        """The mail data has ended; or, when the message is not whole, a chunk of it."""

    def take_response(self, line: bytes) -> tuple[Event, Outcome]:
        """The answer to a challenge: AUTH when there is another one, PROOF when that was the last."""

    def secured(self) -> Reply | None:
        """The connection is encrypted: whatever was known is forgotten."""

    def abandon(self) -> None:
        """The session is over."""
