"""No turn of the loop takes long, whatever others do: in CPU time, with wide bounds, and fewer clients than in bench/."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.attacks import ATTACKS, Attack

from ..kit.support import ROOT, program


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_no_turn_takes_long(attack: Attack) -> None:
    program("openssl")
    if attack.needs and "CI" not in os.environ:
        pytest.importorskip(attack.needs)
    bounds = ("--check", "--clients", "300", "--seconds", "1.5")
    command: list[str | Path] = [sys.executable, ROOT / "bench" / "attacks.py", *bounds, attack.name]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    assert len(ended.stdout.splitlines()) == 2
