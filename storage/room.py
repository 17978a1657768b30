"""The room on the disk: free octets, less those reserved so that all accepted mail can be moved.

Knows nothing about the mail that they are reserved for.
"""

import time
from collections.abc import Callable
from pathlib import Path

from .errors import StorageError
from .files import Files

SPARE = 16 << 20
"""Octets that stay free beyond that reserve: for two more segments of the journal, and for what mailboxes need besides mail.
On a small disk, at most a sixteenth of it."""

SCARCE = 128 << 20
"""Octets free beyond the reserve, below which spool files are removed as soon as possible."""

LOOK_EVERY = 1 << 20
LOOK_AFTER = 1.0
"""Octets written, and seconds passed, after either of which the free room is measured again."""

_UNKNOWN = 1 << 62  # then nothing is refused before a write fails


class Room:
    """The room on the disk of an open directory. `shares` processes share it equally, each of them its own part.

    `owed` returns how many octets must still be written for accepted mail. `where` is the directory's path, used in
    messages.
    """

    def __init__(self, files: Files, directory: int, where: Path, owed: Callable[[], int], shares: int = 1) -> None:
        self._files = files
        self._directory = directory
        self._where = where
        self._owed = owed
        self._shares = shares
        self._left = 0
        self._used = LOOK_EVERY
        self._looked = 0.0

    def take(self, octets: int) -> StorageError | None:
        """Announces that this many octets are about to be written for new mail. Returns why they may not be, or None.

        Those that may not be written take no room from the next.
        """
        self._used += octets
        now = time.monotonic()
        if self._used >= LOOK_EVERY or now >= self._looked + LOOK_AFTER:
            self._look(now)
            self._used = octets
        if self._used <= self._left:
            return None
        self._used -= octets
        words = "the disk is nearly full: what is left is for mail that was accepted before"
        return StorageError(f"{self._where}: {words}", "no room")

    @property
    def is_scarce(self) -> bool:
        """Whether so little room is left that spool files must go as soon as possible. Measures it."""
        self._look(time.monotonic())
        return self._left < SCARCE

    def _look(self, now: float) -> None:
        room = self._files.room(self._directory)
        self._looked, self._used = now, 0
        if room is None:
            self._left = _UNKNOWN
        else:
            free, size = room
            self._left = free // self._shares - self._owed() - min(SPARE, size // 16)
