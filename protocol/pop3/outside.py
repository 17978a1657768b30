"""What a POP3 session needs from the outside world, stated as types. The caller passes these in: a server, or a test."""

from collections.abc import Callable, Collection, Sequence
from enum import Enum
from typing import NamedTuple, Protocol

from ..engine.dialect import Dialect
from ..engine.environment import Authenticate


class Entry(Protocol):
    """A message in a mailbox, as it was when the mailbox was opened."""

    @property
    def id(self) -> str:
        """Its unique id (RFC 1939 section 7, UIDL): 1 to 70 characters from `!` to `~`."""

    @property
    def size(self) -> int:
        """Its size in octets as sent: lines end with CRLF (RFC 1939 section 11)."""


class Message(Protocol):
    """A message that is being read."""

    def read(self, answer: Callable[[bytes | None], None]) -> None:
        """Answers with the next piece, b"" at the end, or None if it cannot be read to its end. One question at a time."""


class Maildrop(Protocol):
    """A mailbox that is locked for this session. Answers come later or at once; one question at a time."""

    @property
    def entries(self) -> Sequence[Entry]:
        """Its messages, in order. None comes in while it is open."""

    def fetch(self, index: int, answer: Callable[[Message | None], None]) -> None:
        """Answers with a message that begins to be read, or None if it is not there any more."""

    def remove(self, indices: Collection[int], answer: Callable[[bool], None]) -> None:
        """Removes messages; answers whether none of them is there any more. It goes on even after `close`."""

    def close(self) -> None:
        """Unlocks the mailbox. Nothing is answered any more."""


class Unopened(Enum):
    """Why a mailbox was not opened. The value is the text for the log."""

    IN_USE = "it is open in another session"
    FAILED = "it cannot be read"
    BUSY = "too many are open, or being opened"


OpenMaildrop = Callable[[bytes, Callable[[Maildrop | Unopened], None]], Callable[[], None]]
"""Locks the mailbox of a name and reads what is in it. Calls the given callback later or at once, and returns a function
that cancels this."""


class PopSite(NamedTuple):
    """Everything that all sessions of a POP3 server share."""

    dialect: Dialect
    hostname: bytes
    open_maildrop: OpenMaildrop
    authenticate: Authenticate
    max_refusals: int = 0
    """This many refused commands in a row close the connection; 0: no limit."""
    has_tls: bool = False
    authenticates_in_clear: bool = False
    accepts_any: bool = False
    """Whether `authenticate` accepts any name and secret."""
    share: Callable[[int], int] = lambda most: most
    """How many commands one client may run now; never more than the argument."""

    @property
    def is_wary(self) -> bool:
        """Whether an unknown line may hold a secret: always, here."""
        return True
