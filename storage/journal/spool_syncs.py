"""Syncs of spool files: made in another thread where possible; a callback is called when they are done.

Knows nothing about messages.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ..contract import Beside, at_once

if TYPE_CHECKING:
    from .spool import Spool, SpoolFile

AT_ONCE = 8
"""Files that are synced together, before any of their callbacks is called."""

Done = Callable[[OSError | None], None]
"""Called with None when a file's content and name are on disk, or with the error that prevented it."""


class SpoolSyncs:
    """The syncs of one spool. `beside` runs them, by default in the calling thread."""

    def __init__(self, spool: "Spool") -> None:
        self._spool = spool
        self.beside: Beside = at_once
        self._complete: list[tuple[SpoolFile, Done]] = []
        self._is_busy = False
        self._is_flushing = False

    def flush(self, file: "SpoolFile") -> None:
        """Syncs a file that is still being written, unless such a sync is already running; what is skipped is synced at the
        end.
        """
        if not self._is_flushing:
            self._is_flushing = True
            self._make(file.sync, self._flushed)

    def _make(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        try:
            self.beside(work, done)
        except RuntimeError:  # no thread can be started
            done(work())

    def _flushed(self, _: object) -> None:
        self._is_flushing = False

    def commit(self, file: "SpoolFile", done: Done) -> None:
        """Syncs a complete file, and its name; calls `done` with the outcome."""
        self._complete.append((file, done))
        if not self._is_busy:
            self._begin()

    def _begin(self) -> None:
        those, self._complete = self._complete[:AT_ONCE], self._complete[AT_ONCE:]
        self._is_busy = True
        self._make(partial(_sync, self._spool, [file for file, _ in those]), partial(self._end, [done for _, done in those]))

    def _end(self, waiting: Sequence[Done], errors: Sequence[OSError | None] | None) -> None:
        self._is_busy = False
        bug = OSError(0, "internal error")  # `beside` has logged it
        for done, error in zip(waiting, [bug] * len(waiting) if errors is None else errors, strict=True):
            done(error)
        if self._complete:
            self._begin()


def _sync(spool: "Spool", files: Sequence["SpoolFile"]) -> list[OSError | None]:
    """For each file, why it is not on disk, or None. May run in any thread."""
    errors: list[OSError | None] = []
    for file in files:
        try:
            file.finish()
            errors.append(None)
        except OSError as error:
            errors.append(error)
    try:
        spool.sync_names()
    except OSError as error:
        errors = [of_file or error for of_file in errors]
    return errors
