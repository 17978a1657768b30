"""Mailboxes that tell when mail was put in them: once none is open any more, of all of them together.

So whoever follows them sees a message in the mailboxes of all its recipients at once. Whoever is told must not take long,
nor fail. Knows nothing about who wants to know.
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from functools import partial

from .letter import Letter
from .mailbox import Extent, Mailbox, Mailboxes

Tell = Callable[[Mapping[str, int | None]], None]
"""Gets the names of mailboxes, and for each the size of its file if it is one."""


class ToldMailboxes:
    """Other mailboxes, of any kind, of which `tell` hears."""

    def __init__(self, mailboxes: Mailboxes, tell: Tell) -> None:
        self._tell = tell
        self._open_count = 0
        self._changed: dict[str, int | None] = {}
        self.check = mailboxes.check
        self.sync = mailboxes.sync
        self.sync_names = mailboxes.sync_names
        self.clean = mailboxes.clean
        self.close = mailboxes.close
        self.path = mailboxes.path
        self._open = mailboxes.open

    def open(self, mailbox: str) -> Mailbox:
        """Opens a mailbox; raises what that raises."""
        opened = ToldMailbox(self._open(mailbox), partial(self._closed, mailbox))
        self._open_count += 1
        return opened

    def _closed(self, mailbox: str, has_changed: bool, extent: Extent | None) -> None:
        self._open_count -= 1
        if has_changed:
            self._changed[mailbox] = extent.size if extent else None
        if self._changed and not self._open_count:
            changed, self._changed = self._changed, {}
            self._tell(changed)


class ToldMailbox:
    """A mailbox that is open. When it is closed, it is told whether mail was put in it, and where it ends then."""

    def __init__(self, mailbox: Mailbox, closed: Callable[[bool, Extent | None], None]) -> None:
        self._mailbox = mailbox
        self._closed = closed
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
        """Closes it, and tells. Of one that cannot be closed nothing is told, and the others do not wait for it."""
        has_changed, extent = False, None
        try:
            extent = self._mailbox.extent if self._has_changed else None
            self._mailbox.close()
            has_changed = self._has_changed
        finally:
            self._closed(has_changed, extent)
