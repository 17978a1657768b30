"""Which inputs are worth keeping: a few that reach, together, every step of our code that all of them reach.

It does not know what they are for.
"""

import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any

from ..kit.support import ROOT
from .targets import TARGETS

ROOMS = tuple(str(ROOT / room) for room in ("protocol", "reactor", "storage", "inbox"))

Step = tuple[str, int, int]
"""From one line of a file to another."""


def further(name: str, before: Iterable[bytes], inputs: Iterable[bytes]) -> list[bytes]:
    """Those that reach something that none `before` does, nor a shorter one."""
    reached: set[Step] = set().union(*(reach(name, data) for data in before))
    chosen = []
    for data in sorted(set(inputs), key=lambda data: (len(data), data)):
        steps = reach(name, data)
        if not steps <= reached:
            reached |= steps
            chosen.append(data)
    return chosen


def reach(name: str, data: bytes) -> set[Step]:
    """The steps that a target makes with an input, whether it holds or not."""
    steps: set[Step] = set()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(ROOMS):
            return None
        before = frame.f_code.co_firstlineno

        def step(frame: FrameType, event: str, _: object) -> Any:
            nonlocal before
            if event == "line":
                steps.add((file, before, frame.f_lineno))
                before = frame.f_lineno
            return step

        return step

    sys.settrace(trace)
    try:
        TARGETS[name](data)
    except Exception:  # noqa: BLE001 (who fuzzes has said it)
        pass
    finally:
        sys.settrace(None)
    return steps
