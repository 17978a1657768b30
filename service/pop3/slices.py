"""Work in a thread that takes long: in slices, so that others have their turn, and so that it can be given up.

Knows nothing about what the work is.
"""

import time
from collections.abc import Callable, Generator
from typing import TypeVar

from reactor.offload import Job, Offload

T = TypeVar("T")

SLICE = 0.02
"""Seconds after which others have their turn."""

Work = Generator[None, None, T]
"""It yields wherever it may be interrupted. What it returns is the result."""


class Task:
    """A piece of work that is being done; `cancel` gives it up."""

    def __init__(self, offload: Offload, work: Work[T], done: Callable[[T | None], None]) -> None:
        self._offload = offload
        self._work = work
        self._done = done
        self._job: Job | None = None
        self._is_cancelled = False
        self._submit()

    def cancel(self) -> None:
        """Goes on no further; `done` is not called. A slice that has begun is done to its end."""
        self._is_cancelled = True

    def _submit(self) -> None:
        self._job = self._offload.submit(self._slice, self._made)

    def _slice(self) -> tuple[bool, T | None]:
        """In the thread: goes on for a while. Returns whether it was the end, and the result."""
        until = time.monotonic() + SLICE
        try:
            while time.monotonic() < until and not self._is_cancelled:
                next(self._work)
        except StopIteration as end:
            return True, end.value
        return False, None

    def _made(self, result: tuple[bool, T | None] | None) -> None:
        """In the loop; None if it has failed, which is logged."""
        is_over, value = result or (True, None)
        if self._is_cancelled:
            self._work.close()
        elif is_over:
            self._done(value)
        else:
            self._submit()
