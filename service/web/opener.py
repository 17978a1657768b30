"""The other end of a process that opens messages (opening.py): asks it, and kills it when it takes too long.

Everything here blocks: it is for a thread of its own.
"""

import json
import logging
import os
import select
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

log = logging.getLogger("carteiro")

PATIENCE = 8.0
"""Seconds that an answer may take. Then a page still has to read the source that it shows instead."""

IDLE = 60.0
"""Seconds without a request after which the process ends, and gives back its memory."""

LONGEST_HEAD = 64 << 10
"""Octets of the first line of an answer."""


class Answer(NamedTuple):
    """What a process has answered."""

    head: dict[str, Any]
    body: bytes

    @property
    def status(self) -> str:
        """`ok`, `moved`, `away`, `missing`, or `unread`: it cannot be read in the time and room that it may take."""
        return str(self.head["status"])


UNREAD = Answer({"status": "unread"}, b"")


class Opener:
    """One process, started when it is asked. For one thread, but for `close` and `rest`."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = 0.0

    def ask(self, request: dict[str, Any]) -> Answer:
        """Asks the process, which is killed when it does not answer in time."""
        self._asked = time.monotonic()
        for _ in range(2):
            process = self._started()
            try:
                return self._exchange(process, json.dumps(request).encode() + b"\n", self._asked + PATIENCE)
            except BrokenPipeError:  # it has ended since it was asked last
                self._kill()
            except (OSError, ValueError) as error:
                log.warning("message %s cannot be read: %s", request.get("id"), error)
                self._kill()
                break
        return UNREAD

    def rest(self) -> None:
        """Ends a process that was not asked for long. Only while no `ask` runs."""
        if time.monotonic() > self._asked + IDLE:
            self._kill()

    def close(self) -> None:
        """Ends the process."""
        self._kill()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._kill()
            self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        return self._process

    def _exchange(self, process: subprocess.Popen[bytes], line: bytes, until: float) -> Answer:
        assert process.stdin and process.stdout
        process.stdin.write(line)
        descriptor = process.stdout.fileno()
        data = bytearray()
        while b"\n" not in data:
            if len(data) > LONGEST_HEAD:
                raise ValueError("the answer makes no sense")
            data += _more(descriptor, 64 << 10, until)
        head, _, rest = bytes(data).partition(b"\n")
        said = json.loads(head)
        body = bytearray(rest)
        while len(body) < said["length"]:
            body += _more(descriptor, min(1 << 20, said["length"] - len(body)), until)
        return Answer(said, bytes(body))

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process:
            process.kill()
            with suppress(OSError):
                process.wait()
            for stream in (process.stdin, process.stdout):
                if stream:
                    stream.close()


def _more(descriptor: int, most: int, until: float) -> bytes:
    """The next octets. Raises TimeoutError, and OSError at the end."""
    if not select.select([descriptor], [], [], max(0.0, until - time.monotonic()))[0]:
        raise TimeoutError(f"it takes more than {PATIENCE:.0f} s")
    data = os.read(descriptor, most)
    if not data:
        raise OSError(0, "the process that was reading it has ended")
    return data
