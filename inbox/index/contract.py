"""What the index needs from mailboxes, stated as types. `storage/mailboxes/` fulfils it.

Every method raises OSError; a mailbox or message that is not there is no error.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Protocol


class Entry(Protocol):
    """A message in a mailbox."""

    @property
    def place(self) -> str:
        """Where it is."""

    @property
    def size(self) -> int:
        """Its size in octets."""


class News(Protocol):
    """What has been put in a mailbox since it had a state."""

    @property
    def entries(self) -> Sequence[Entry]:
        """The messages."""

    @property
    def state(self) -> str:
        """The state now."""

    @property
    def is_all(self) -> bool:
        """Whether nothing else can have changed."""


class Mailboxes(Protocol):
    """Mailboxes that are read without a lock."""

    @property
    def has_names(self) -> bool:
        """Whether a place names a message for ever."""

    def states(self) -> dict[str, str]:
        """The states of those that are there, by their names."""

    def state(self, mailbox: str) -> str | None:
        """What changes whenever the mailbox does; None if it is missing."""

    def extent(self, state: str) -> int | None:
        """How much of a file there was in a state; None if a mailbox is no file."""

    def is_still(self, mailbox: str) -> bool:
        """Whether nobody has written to it within the last second, so that what is there is complete."""

    def news(self, mailbox: str, since: str, size: int | None = None) -> News | None:
        """What has been put in since; None if this cannot be told. `size` is how much of a file is complete.

        Since "" is all of it, and None if that is much.
        """

    def entries(self, mailbox: str, newest_first: bool = False, size: int | None = None) -> Iterator[Entry]:
        """The messages of a mailbox, in order. `size` is how much of a file is complete."""

    def read(self, mailbox: str, place: str) -> bytes | None:
        """The octets of a message as the mailbox has them."""

    def pieces(self, mailbox: str, place: str) -> Iterator[bytes]:
        """The same, in pieces; nothing if it is not there."""


class Remover(Protocol):
    """Removes messages, under the mailbox's locks."""

    def remove(self, mailbox: str, places: Collection[str], is_meant: Callable[[bytes], bool]) -> int:
        """Removes what is meant; returns how many. Raises an error of its own if another program has the mailbox."""

    def complete(self, mailbox: str) -> str | None:
        """Its state at a moment when nobody writes to it; None if it is missing. Raises like `remove`."""
