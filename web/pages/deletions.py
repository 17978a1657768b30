"""Deletions that can be taken back: which ids they were about, for as long as the inbox waits.

Knows nothing about the inbox.
"""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from ..contract import Sight

DELAY = 10.0
"""Seconds in which a deletion can be taken back."""

SLACK = 2.0
"""Seconds for which it is remembered longer: whether it is too late, the inbox says."""

MOST_KEPT = 1_000
"""Deletions that are remembered; of more, the oldest cannot be taken back."""


class Deletion(NamedTuple):
    """Messages that were deleted together."""

    sight: Sight
    ids: Sequence[str]
    until: datetime


class Deletions:
    """The latest ones, each with a name that nobody can guess."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._kept: dict[str, Deletion] = {}

    def keep(self, sight: Sight, ids: Sequence[str]) -> str:
        """Remembers a deletion; returns its name."""
        self._forget()
        name = secrets.token_urlsafe(16)
        self._kept[name] = Deletion(sight, ids, self._now() + timedelta(seconds=DELAY + SLACK))
        return name

    def find(self, sight: Sight, name: str) -> Sequence[str]:
        """The ids of a deletion; none if it is forgotten, or was made in the sight of somebody else."""
        self._forget()
        found = self._kept.get(name)
        return found.ids if found and found.sight == sight else ()

    def drop(self, name: str) -> None:
        """Forgets a deletion: it was taken back."""
        self._kept.pop(name, None)

    def _forget(self) -> None:
        while self._kept and (len(self._kept) >= MOST_KEPT or next(iter(self._kept.values())).until <= self._now()):
            del self._kept[next(iter(self._kept))]
