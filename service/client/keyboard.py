"""Standard input as something that the loop can watch: a script, or a person at a terminal.

It does not know what is typed.
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
"""Seconds that line editing has to begin, before the terminal is given back."""


class Keyboard:
    """Standard input: a thread copies it, since line editing blocks."""

    def __init__(self, reactor: Reactor, is_script: bool) -> None:
        self._reactor = reactor
        self._typed, end = os.pipe()
        self._is_asked = False
        self.person = None if is_script else Person(end)
        threading.Thread(target=self.person.copy if self.person else partial(copy_script, end), daemon=True).start()

    def ask(self, typed: Callable[[bytes], None]) -> None:
        """Calls `typed` once, with what was typed; with b"" when nothing more will be."""
        if not self._is_asked:
            self._is_asked = True
            self._reactor.watch(self._typed, READ, lambda _: self._read(typed))

    def _read(self, typed: Callable[[bytes], None]) -> None:
        self._is_asked = False
        self._reactor.unwatch(self._typed)
        typed(os.read(self._typed, 4096))


def copy_script(end: int) -> None:
    """Copies standard input."""
    while sys.stdin and (data := os.read(sys.stdin.fileno(), 4096)):
        os.write(end, data)
    os.close(end)


class Person:
    """Copies what is typed on the terminal, with line editing and history."""

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
        """Until it ends."""
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
        """Gives the terminal back as it was, when line editing has changed it and will not do so again."""
        with self._turn:
            self._is_leaving = True
        self._is_ready.wait(GRACE)
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._terminal)
