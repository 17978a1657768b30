"""A program beside the loop: it is started, started again when it ends, and told to end with us. Lines go to and fro.

It inherits nothing but its standard streams, and the descriptors that it is given: a descriptor of a client, or a lock, must
not live on in it. It sees that we are gone when its standard input ends. Knows nothing about what the program does.
"""

import logging
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from .loop import READ, Reactor, Timer

log = logging.getLogger("carteiro.reactor")

FIRST_DELAY = 0.1
LAST_DELAY = 5.0
"""Seconds until a program that has ended is started again: FIRST_DELAY, then twice as long each time, up to LAST_DELAY."""

STEADY = 10.0
"""A program that has run for so many seconds is started again after FIRST_DELAY."""

LOOK = 0.05
"""Seconds between two looks at a program that has closed its output, until it has ended."""

PATIENCE = 3.0
"""Seconds that a program has to end, when it is told to, until it is killed; unless it has a `patience` of its own."""

LONGEST_LINE = 1 << 20
"""Octets of a line that a program may write. One that writes more is not understood, and killed."""


class Companion:
    """Runs `command` until `close`. `heard` gets the lines that it writes, without their ends; `began` is called each time
    it was started. `descriptors` have the same numbers in it. It has `patience` seconds to end.
    """

    def __init__(
        self,
        reactor: Reactor,
        name: str,
        command: Sequence[str],
        heard: Callable[[bytes], None] = lambda line: None,
        began: Callable[[], None] = lambda: None,
        descriptors: Sequence[int] = (),
        patience: float = PATIENCE,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._reactor = reactor
        self._name = name
        self._command = list(command)
        self._heard = heard
        self._began = began
        self._descriptors = tuple(descriptors)
        self._patience = patience
        self._environment = environment or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._delay = FIRST_DELAY
        self._started = 0.0
        self._timer: Timer | None = None
        self._line = b""
        self._is_closed = False
        self.starts = 0
        """How often it was started."""

    @property
    def pid(self) -> int | None:
        """Its process id, while it runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Starts the program. One that cannot be started is tried again."""
        self._timer = None
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                pass_fds=self._descriptors,
                env={**self._environment, **os.environ},
                process_group=0,  # Ctrl-C is for us; in another session its niceness would not count (sched(7), autogroups)
            )
        except OSError as error:
            log.error("%s: cannot be started: %s", self._name, error)
            self._again()
            return
        self.starts += 1
        self._started = self._reactor.now
        self._line = b""
        assert self._process.stdin and self._process.stdout
        os.set_blocking(self._process.stdin.fileno(), False)
        os.set_blocking(self._process.stdout.fileno(), False)
        self._reactor.watch(self._process.stdout.fileno(), READ, self._read)
        self._began()

    def say(self, line: bytes) -> bool:
        """Writes a line to the program; False if it does not run, or does not read."""
        if not self._process or not self._process.stdin:
            return False
        try:
            return os.write(self._process.stdin.fileno(), line + b"\n") == len(line) + 1
        except OSError:
            return False

    def close(self) -> None:
        """Ends the program, by the end of its input, and then by force. Waits for it `patience` seconds at most."""
        self._is_closed = True
        if self._timer:
            self._timer.cancel()
        process = self._process
        if process and process.stdin and process.stdout:
            self._unwatch()
            process.stdin.close()
            process.terminate()
            try:
                process.wait(self._patience)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
            self._process = None

    def _read(self, _: int) -> None:
        process = self._process
        if not process or not process.stdout:
            return
        try:
            data = os.read(process.stdout.fileno(), 64 * 1024)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data or len(self._line) > LONGEST_LINE:
            process.kill()  # it has closed its output, so it ends, or should
            self._unwatch()
            self._reap()
            return
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            self._heard(line)

    def _unwatch(self) -> None:
        if self._process and self._process.stdout:
            with suppress(KeyError, ValueError):
                self._reactor.unwatch(self._process.stdout.fileno())

    def _reap(self) -> None:
        process = self._process
        if self._is_closed or not process:
            return
        code = process.poll()
        if code is None:
            self._timer = self._reactor.call_later(LOOK, self._reap)
            return
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()
        self._process = None
        how = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
        level = logging.WARNING if code else logging.INFO  # it may end to begin anew
        log.log(level, "%s (process %d) %s: started again", self._name, process.pid, how)
        if self._reactor.now > self._started + STEADY:
            self._delay = FIRST_DELAY
        self._again()

    def _again(self) -> None:
        if not self._is_closed:
            self._timer = self._reactor.call_later(self._delay, self.start)
            self._delay = min(LAST_DELAY, self._delay * 2)
