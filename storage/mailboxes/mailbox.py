"""What a kind of mailbox does for delivery, stated as types.

Knows nothing about the kinds there are. Every method raises OSError on failure, except `path`. Methods that may take long
are generators: between two steps, other work has its turn.
"""

from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import NamedTuple, Protocol

from ..files import Files
from .letter import Letter


class Extent(NamedTuple):
    """Where a mailbox that is one file ends: its inode, and its size in octets."""

    inode: int
    size: int


class Mailbox(Protocol):
    """A mailbox that is open and, if its kind has locks, locked."""

    @property
    def extent(self) -> Extent | None:
        """Where it ends now. None for a kind whose content can be found out without an extent."""

    def append(self, letters: Iterable[Letter]) -> Generator[int, None, None]:
        """Puts the letters in the mailbox, in order. Yields how many are in it to stay, even if a later step fails."""

    def take_back(self, extent: Extent, letters: Iterable[Letter]) -> Generator[None, None, bool]:
        """Cuts off everything behind `extent` if it can only be a beginning of `letters`, perhaps torn; returns whether it
        did.
        """

    def missing(self, letters: Iterable[Letter]) -> Generator[None, None, list[bool]]:
        """For each letter, whether it is nowhere in the mailbox."""

    def sync(self) -> None:
        """Returns when everything that was put in it is on disk."""

    def close(self) -> None:
        """Closes its descriptors and gives up its locks."""


class Mailboxes(Protocol):
    """All mailboxes of one kind in a directory."""

    def check(self, mailbox: str) -> None:
        """Raises OSError if nothing could be put in this mailbox. A missing one is fine."""

    def open(self, mailbox: str) -> Mailbox:
        """Opens a mailbox, and makes it if it is missing. Raises files.IsLocked, too."""

    def sync(self, mailbox: str) -> None:
        """Returns when everything that was put in this mailbox is on disk. If another program removed it, nothing is left to
        sync.
        """

    def sync_names(self) -> None:
        """Returns when the names of all mailboxes are on disk."""

    def clean(self) -> None:
        """Removes what killed processes left beside the mailboxes. Call it only while no other process delivers."""

    def close(self) -> None:
        """Gives back what all of them share."""

    def path(self, mailbox: str) -> str:
        """The mailbox's path, used in messages."""


MailboxKind = Callable[[Files, int, Path], Mailboxes]
"""Makes the mailboxes of an open directory, which has this path."""
