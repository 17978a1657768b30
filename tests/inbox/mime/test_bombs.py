"""Mails that are made to take long are read in time, in a process that may not have much memory."""

import subprocess
import sys

import pytest

from ...kit.bombs import BOMBS
from ...kit.support import ROOT

SECONDS = 12
"""Of the processor; how long it takes is for the machine to say."""


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_read(name: str) -> None:
    command = [sys.executable, "-m", "tests.kit.bombs", name]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=300)
    seconds, mebibytes, *_ = done.stdout.split()
    assert float(seconds) < SECONDS and int(mebibytes) > 8, "it was measured"
