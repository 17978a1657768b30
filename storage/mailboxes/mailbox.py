"""What a kind of mailbox does for whoever delivers to it, stated as types.

It does not know which kinds there are. Whatever fails raises OSError; a generator is one so that a delivery can be made a
little at a time: between two of its steps, others have their turn.
"""

from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import NamedTuple, Protocol

from ..files import Files
from .letter import Letter


class Extent(NamedTuple):
    """The end of a mailbox that is one file: its inode and size."""

    inode: int
    size: int


class Mailbox(Protocol):
    """A mailbox that is open and, where its kind has locks, locked."""

    @property
    def extent(self) -> Extent | None:
        """Where it ends now; None for a kind that needs no such extent to find out what is in it."""

    def append(self, letters: Iterable[Letter]) -> Generator[int, None, None]:
        """Puts the letters in the mailbox, in order. What it yields is how many are there and stay, whatever fails next."""

    def take_back(self, extent: Extent, letters: Iterable[Letter]) -> Generator[None, None, bool]:
        """Cuts off what is after `extent`, if it can be nothing but a beginning of `letters`, torn perhaps; else False."""

    def missing(self, letters: Iterable[Letter]) -> Generator[None, None, list[bool]]:
        """For each letter whether it is not in the mailbox, wherever that may be."""

    def sync(self) -> None:
        """What was put in it is on disk when this returns."""

    def close(self) -> None:
        """Gives back descriptors and locks."""


class Mailboxes(Protocol):
    """All mailboxes of a kind."""

    def check(self, mailbox: str) -> None:
        """Raises OSError when nothing could be put in this mailbox. One that does not exist yet is fine."""

    def open(self, mailbox: str) -> Mailbox:
        """Opens a mailbox, which is made when it is missing. Raises files.IsLocked, too."""

    def sync(self, mailbox: str) -> None:
        """What was put in this mailbox, with or without this name by now, is on disk when this returns."""

    def sync_names(self) -> None:
        """The names of mailboxes are on disk when this returns."""

    def clean(self) -> None:
        """Removes what processes that were killed left beside the mailboxes. No other one is at work now."""

    def close(self) -> None:
        """Gives back what was needed for all of them."""

    def path(self, mailbox: str) -> str:
        """What it is called when something is said of it."""


MailboxKind = Callable[[Files, int, Path], Mailboxes]
"""Makes the mailboxes of an open directory, which has this path."""
