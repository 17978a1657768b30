"""Makes standard input watchable by the loop: a script, or a person at a terminal.

Knows nothing about what is typed.
"""

import os
import sys
import termios
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from reactor.loop import READ, Reactor

GRACE = 0.5
"""Seconds to wait for line editing to begin, before the terminal is restored."""


class Keyboard:
    """Standard input. A thread copies it into a pipe, since line editing blocks."""

    def __init__(self, reactor: Reactor, is_script: bool) -> None:
        self._reactor = reactor
        self._typed, end = os.pipe()
        self._is_asked = False
        self.person = None if is_script else Person(end)
        threading.Thread(target=self.person.copy if self.person else partial(copy_script, end), daemon=True).start()

    def ask(self, typed: Callable[[bytes], None]) -> None:
        """Calls `typed` once with the next input; b"" means that there is no more."""
        if not self._is_asked:
            self._is_asked = True
            self._reactor.watch(self._typed, READ, lambda _: self._read(typed))

    def _read(self, typed: Callable[[bytes], None]) -> None:
        self._is_asked = False
        self._reactor.unwatch(self._typed)
        typed(os.read(self._typed, 4096))


def copy_script(end: int) -> None:
    """Copies standard input to the descriptor `end`, and closes it."""
    while sys.stdin and (data := os.read(sys.stdin.fileno(), 4096)):
        os.write(end, data)
    os.close(end)


class Person:
    """A person at a terminal: copies what is typed, with line editing and history."""

    def __init__(self, end: int) -> None:
        self._end = end
        self._terminal = termios.tcgetattr(sys.stdin)
        self._turn = threading.Lock()
        self._is_ready = threading.Event()
        self._is_leaving = False
        with suppress(ImportError):
            import readline  # importing it gives `input` line editing

            readline.set_startup_hook(self._is_ready.set)

    def copy(self) -> None:
        """Copies lines until the input ends or the program leaves."""
        try:
            while self._begins_a_line():
                os.write(self._end, os.fsencode(input()) + b"\n")
        except EOFError:
            os.close(self._end)

    def _begins_a_line(self) -> bool:
        with self._turn:
            self._is_ready.clear()
            return not self._is_leaving

    def leave(self) -> None:
        """Restores the terminal. First waits until line editing has changed it and will not change it again."""
        with self._turn:
            self._is_leaving = True
        self._is_ready.wait(GRACE)
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._terminal)
