"""The counting checker, run beside a test: sends while the test does harm, and counts at the end."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from .support import ROOT, wait_until

PROGRAM = (sys.executable, str(ROOT / "bin" / "smtpcount"))


def counted(history: Path, *arguments: object) -> tuple[int, dict[str, Any]]:
    """Counts: the exit code and the figures."""
    command = [*PROGRAM, str(history), "--json", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode != 2, ended.stderr
    return ended.returncode, json.loads(ended.stdout)


FIRST_PORT, PORTS = 20_000, 12_000
"""Below those that Linux gives by itself, to who listens anywhere and to who connects: none of them takes such a port while
its owner is not there, as a node that was killed.
"""

_ports = count(os.getpid() * 97)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, and that this process has not given before."""
    while True:
        with suppress(OSError), socket.create_server(("127.0.0.1", FIRST_PORT + next(_ports) % PORTS)) as found:
            return int(found.getsockname()[1])


class Storm:
    """`bin/smtpcount` while it sends, through servers at HOST:PORT, or at ports of 127.0.0.1."""

    def __init__(self, history: Path, servers: Sequence[int | str], *arguments: object) -> None:
        self.history = history
        self._read = self._acknowledged = 0
        places = [f"127.0.0.1:{place}" if isinstance(place, int) else place for place in servers]
        sends = [word for place in places for word in ("--send", place)]
        command = [*PROGRAM, str(history), *sends, "--seconds", "300", *map(str, arguments)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def acknowledged(self) -> int:
        """How many messages have been answered 250 so far. Only what has been written since the last question is read."""
        if self.history.exists():
            with self.history.open("rb") as file:
                file.seek(self._read)
                lines = file.read().rpartition(b"\n")[0]
            self._read += len(lines) + bool(lines)
            self._acknowledged += lines.count(b'"code": 250,')
        return self._acknowledged

    def acknowledge(self, more: int, patience: float = 120) -> None:
        """Returns when so many more have been."""
        least = self.acknowledged() + more
        wait_until(lambda: self.acknowledged() >= least or self.process.poll() is not None, patience)
        assert self.process.poll() is None, self.process.communicate()

    def stop(self, patience: float = 60) -> str:
        """Ends the sending; returns what the program says of it."""
        self.process.send_signal(signal.SIGTERM)
        said, trouble = self.process.communicate(timeout=patience)
        assert self.process.returncode == 0, trouble
        return said

    def kill(self) -> None:
        """Ends it at once, if it runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
