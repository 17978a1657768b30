"""Mailboxes that tell when mail was put in them. Whoever is told must not take long, nor fail.

Knows nothing about who wants to know.
"""

from collections.abc import Callable, Generator, Iterable

from .letter import Letter
from .mailbox import Extent, Mailbox, Mailboxes

Tell = Callable[[str, int | None], None]
"""Gets the name of a mailbox, and the size of its file if it is one."""


class ToldMailboxes:
    """Other mailboxes, of any kind, of which `tell` hears."""

    def __init__(self, mailboxes: Mailboxes, tell: Tell) -> None:
        self._tell = tell
        self.check = mailboxes.check
        self.sync = mailboxes.sync
        self.sync_names = mailboxes.sync_names
        self.clean = mailboxes.clean
        self.close = mailboxes.close
        self.path = mailboxes.path
        self._open = mailboxes.open

    def open(self, mailbox: str) -> Mailbox:
        """Opens a mailbox; raises what that raises."""
        return ToldMailbox(self._open(mailbox), mailbox, self._tell)


class ToldMailbox:
    """A mailbox that is open. When it is closed, it is told whether mail was put in it."""

    def __init__(self, mailbox: Mailbox, name: str, tell: Tell) -> None:
        self._mailbox = mailbox
        self._name = name
        self._tell = tell
        self._has_changed = False
        self.take_back = mailbox.take_back
        self.missing = mailbox.missing
        self.sync = mailbox.sync

    @property
    def extent(self) -> Extent | None:
        """Where it ends now."""
        return self._mailbox.extent

    def append(self, letters: Iterable[Letter]) -> Generator[int, None, None]:
        """Puts letters in it, as the mailbox does."""
        self._has_changed = True
        return self._mailbox.append(letters)

    def close(self) -> None:
        """Closes it, and tells."""
        extent = self._mailbox.extent if self._has_changed else None
        self._mailbox.close()
        if self._has_changed:
            self._tell(self._name, extent.size if extent else None)
