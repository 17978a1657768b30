"""Other programs that have locked a mailbox."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

HOLD_LOCK = """
import fcntl, sys
box = open(sys.argv[1], "r+b")
fcntl.lockf(box, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def lock() -> Iterator[Callable[[Path], subprocess.Popen[bytes]]]:
    """Starts other programs that have locked a mailbox, until their input is closed."""
    with ExitStack() as programs:

        def start(path: Path) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-c", HOLD_LOCK, str(path)]
            program = programs.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
            programs.callback(program.kill)
            assert program.stdout and program.stdout.readline() == b"locked\n"
            return program

        yield start
