"""Work in a thread that takes long: in slices, so that others have their turn.

Knows nothing about what the work is.
"""

import time
from collections.abc import Callable, Generator
from typing import TypeVar

from reactor.offload import Offload

T = TypeVar("T")

SLICE = 0.02
"""Seconds after which others have their turn."""

Work = Generator[None, None, T]
"""It yields wherever it may be interrupted. What it returns is the result."""


def in_slices(offload: Offload, work: Work[T], done: Callable[[T | None], None]) -> None:
    """Does the work in the thread, a slice after each that others wait for. Then calls `done` in the loop; with None if it
    has failed, which is logged.
    """

    def go_on() -> tuple[bool, T | None]:
        until = time.monotonic() + SLICE
        try:
            while time.monotonic() < until:
                next(work)
        except StopIteration as end:
            return True, end.value
        return False, None

    def made(result: tuple[bool, T | None] | None) -> None:
        is_over, value = result or (True, None)
        if is_over:
            done(value)
        else:
            offload.submit(go_on, made)

    offload.submit(go_on, made)
