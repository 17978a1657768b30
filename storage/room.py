"""The room on the disk: what is free there, less what is kept so that everything that was accepted can be moved.

It does not know what is kept where.
"""

import time
from collections.abc import Callable
from pathlib import Path

from .errors import StorageError
from .files import Files

SPARE = 16 << 20
"""Octets that stay free beside those: for two more segments of the journal, and what mailboxes need beside the mail. Of a
small disk it is not more than a sixteenth."""

SCARCE = 128 << 20
"""Octets free beyond what is kept, below which nothing stays longer than it must."""

LOOK_EVERY = 1 << 20
LOOK_AFTER = 1.0
"""Octets, and seconds, after which it is looked again how much is free."""

_UNKNOWN = 1 << 62  # nothing is refused before it fails


class Room:
    """The room on the disk of an open directory, which so many processes `share`: each takes care of its part.

    `owed` says how many octets are still to be written for what was accepted.
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
        """So many octets are about to be written for something new; returns why that cannot be."""
        self._used += octets
        now = time.monotonic()
        if self._used >= LOOK_EVERY or now >= self._looked + LOOK_AFTER:
            self._look(now)
            self._used = octets
        if self._used <= self._left:
            return None
        words = "the disk is nearly full: what is left is for mail that was accepted before"
        return StorageError(f"{self._where}: {words}", "no room")

    @property
    def is_scarce(self) -> bool:
        """Whether there is so little that it matters how long something stays."""
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
