#!/usr/bin/env python3
"""Runs `bin/smtpd` and prints at the end how long its longest turn was, in CPU time of the loop and in syncs.

Arguments: milliseconds by which each sync is delayed, then those of bin/smtpd.
"""

import json
import os
import runpy
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

SMTPD = Path(__file__).resolve().parent.parent / "bin" / "smtpd"
sys.path.insert(0, str(SMTPD.parent.parent))

from reactor.loop import Reactor  # noqa: E402


class Turns:
    """The maximum over all turns."""

    def __init__(self, delay: float) -> None:
        self.cpu = 0.0
        self.syncs = self.turns = self._syncs = 0
        self._delay = delay
        self._loop = threading.get_ident()

    def turn(self, turn: Callable[[Reactor], None], reactor: Reactor) -> None:
        """Makes one turn and measures it."""
        began, self._syncs = time.thread_time(), 0
        turn(reactor)
        self.cpu = max(self.cpu, time.thread_time() - began)
        self.syncs = max(self.syncs, self._syncs)
        self.turns += 1

    def sync(self, sync: Callable[[int], None], descriptor: int) -> None:
        """Makes one sync, in the loop or in a thread beside it."""
        self._syncs += threading.get_ident() == self._loop
        time.sleep(self._delay)
        sync(descriptor)


def main() -> None:
    """Runs the server as bin/smtpd does."""
    turns, sys.argv = Turns(float(sys.argv[1]) / 1000), [str(SMTPD), *sys.argv[2:]]
    one_turn = Reactor.turn
    Reactor.turn = lambda self: turns.turn(one_turn, self)  # type: ignore[method-assign]
    for name in ("fsync", "fdatasync"):
        setattr(os, name, partial(turns.sync, getattr(os, name)))
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        print(json.dumps({"cpu": turns.cpu, "syncs": turns.syncs, "turns": turns.turns}), flush=True)


if __name__ == "__main__":
    main()
