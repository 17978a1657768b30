"""The syncs of spool files: made beside whoever has them made, where that can be, and then told.

It does not know messages.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ..contract import Beside, at_once

if TYPE_CHECKING:
    from .spool import Spool, SpoolFile

AT_ONCE = 8
"""Files that are synced before the first of them is told."""

Done = Callable[[OSError | None], None]
"""Is told that the content and the name of a file are on disk, or why not."""


class SpoolSyncs:
    """Those of one spool. `beside` is where they are made."""

    def __init__(self, spool: "Spool") -> None:
        self._spool = spool
        self.beside: Beside = at_once
        self._complete: list[tuple[SpoolFile, Done]] = []
        self._is_busy = False
        self._is_flushing = False

    def flush(self, file: "SpoolFile") -> None:
        """Some of a file that is still written is synced, if that has not enough to do: else at the end all is."""
        if not self._is_flushing:
            self._is_flushing = True
            self._make(file.sync, self._flushed)

    def _make(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        try:
            self.beside(work, done)
        except RuntimeError:  # there can be no thread
            done(work())

    def _flushed(self, _: object) -> None:
        self._is_flushing = False

    def commit(self, file: "SpoolFile", done: Done) -> None:
        """A file is complete: tells `done` when it is on disk."""
        self._complete.append((file, done))
        if not self._is_busy:
            self._begin()

    def _begin(self) -> None:
        those, self._complete = self._complete[:AT_ONCE], self._complete[AT_ONCE:]
        self._is_busy = True
        self._make(partial(_sync, self._spool, [file for file, _ in those]), partial(self._end, [done for _, done in those]))

    def _end(self, waiting: Sequence[Done], errors: Sequence[OSError | None] | None) -> None:
        self._is_busy = False
        bug = OSError(0, "internal error")  # it is logged
        for done, error in zip(waiting, [bug] * len(waiting) if errors is None else errors, strict=True):
            done(error)
        if self._complete:
            self._begin()


def _sync(spool: "Spool", files: Sequence["SpoolFile"]) -> list[OSError | None]:
    """For each file why it is not on disk. In any thread."""
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
