"""What it takes to read mailboxes, stated as types.

Knows nothing about the kinds there are.
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol


class Entry(NamedTuple):
    """A message in a mailbox: its place there, and its size in octets, 0 if that would have to be asked for. The last one in
    an mbox file may still grow.
    """

    place: str
    size: int


class News(NamedTuple):
    """What has been put in a mailbox since it had a state, and its state now."""

    entries: list[Entry]
    state: str
    is_all: bool
    """Whether nothing else can have changed; if not, all entries have to be looked at again."""


class Reader(Protocol):
    """The mailboxes of one kind in a directory. Every method raises OSError; a missing mailbox or message is not an
    error.
    """

    has_names: bool
    """Whether a place names a message for ever. If not, it is where the message stands now."""

    def states(self) -> dict[str, str]:
        """The states of all mailboxes, by their names."""

    def state(self, mailbox: str) -> str | None:
        """What changes whenever the mailbox does; None if it is missing."""

    def extent(self, state: str) -> int | None:
        """How much of a file there was in a state; None if the mailbox is no file."""

    def is_still(self, mailbox: str) -> bool:
        """Whether nobody has written to it within the last second, so that what is there is complete."""

    def news(self, mailbox: str, since: str, size: int | None = None) -> News | None:
        """What has been put in since it had that state. `size` is how much of a file is complete, for one that is written to
        now. None if this cannot be told: the mailbox is missing, or has changed in other ways. With "" for the state all of
        it is news, and None means that this is much.
        """

    def mailboxes(self) -> list[str]:
        """The names of the mailboxes that are there."""

    def entries(self, mailbox: str, newest_first: bool = False, size: int | None = None) -> Iterator[Entry]:
        """A mailbox's messages, in order; none if it is missing. `size` is how much of a file is complete."""

    def read(self, mailbox: str, place: str) -> bytes | None:
        """The octets of a message as the mailbox has them; None if it is not there."""

    def pieces(self, mailbox: str, place: str) -> Iterator[bytes]:
        """The same, PIECE octets at a time; nothing if it is not there. Close what was not read to its end."""

    def hold(self, mailbox: str) -> bool:
        """Keeps those away, until `close`, who hold the same mailbox in other processes; False: one of them has it. Where
        one process serves all of them, it need not do anything.
        """

    def close(self) -> None:
        """Closes the directory, and lets go what is held."""
