"""What a session needs of the outside world, stated as types; whoever starts the sessions passes it in.

It does not know who that is: a server with sockets and disks, or a test with neither.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

from .table import Dialect


class Fault(Protocol):
    """Why a message was not stored; as text it says so to people."""

    kind: Literal["no room", "for now", "for good"]
    """What is wrong, and thereby whether to try again."""


class Message(Protocol):
    """A message on its way into storage."""

    @property
    def id(self) -> str:
        """What the trace field and the log name it by."""

    def trace(self, fields: bytes) -> None:
        """Takes the header fields that go before the content."""

    def write(self, content: bytes) -> None:
        """Takes the next piece of content. Never fails: what goes wrong is answered after `commit`."""

    def commit(self, answer: Callable[[Fault | None], None]) -> None:
        """The content is complete. `answer` is called once, later: with None when it is on disk, else with the fault."""

    def abandon(self) -> None:
        """The message will not be completed; nothing of it is kept."""


class Store(Protocol):
    """Where accepted messages go."""

    def begin(self, reverse_path: bytes, recipients: Sequence[tuple[str, bytes]]) -> Message:
        """A new message for some mailboxes, each with its forward-path: for all of them or none.

        Never fails: what goes wrong is answered after `commit`.
        """


class Report(Protocol):
    """Takes one line for the log: words with `%` places, and what fills them (as `logging` does)."""

    def __call__(self, words: str, *values: object) -> None: ...


class Site(NamedTuple):
    """What is the same for all sessions of a server."""

    dialect: Dialect
    hostname: bytes
    find_mailbox: Callable[[bytes], str | None]
    """A lower-cased local-part to the name of its mailbox."""
    store: Store
    clock: Callable[[], float]
    """Seconds since the epoch."""
    max_message_size: int
    """Octets of mail data (RFC 1870 section 5: line ends as sent, transparency undone)."""
    max_refusals: int = 0
    """So many refused commands in a row close the connection; 0: never."""
