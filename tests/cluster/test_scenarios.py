"""Nodes are killed under load, and each 250 is counted: acknowledged is there once, whole; refused is nowhere."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("psycopg", reason="the package psycopg is not installed: no cluster is tested", exc_type=ImportError)

from .nodes import Place
from .scenarios import ON_EACH_CHANGE, Scenario
from .stage import Outcome, Stage, staged

DOUBTED = ("primary_killed_in_doubt", "waits_cancelled_then_failover", "waits_cancelled")
"""In these, commits are in doubt."""

REFUSED = ("no_standby", "disk_full")
"""In these, mail is refused."""


def played(made: tuple[Place, Path], directory: Path, scenario: Scenario, mistake: str = "", wait: float = 20) -> Outcome:
    """Plays a scenario and counts."""
    if scenario.needs.limit and not can_mount():
        pytest.skip("a disk cannot be mounted here (that needs root): nothing is tested with a full one")
    with staged(*made, directory, scenario.needs, mistake) as stage:
        scenario.play(stage)
        outcome = stage.count(wait)
        if not mistake:
            fine(stage)
    return outcome


def fine(stage: Stage) -> None:
    """Both front ends have got through it."""
    for port, front_end in zip(stage.ports, stage.front_ends, strict=True):
        assert front_end.poll() is None and "Traceback" not in stage.log(port), stage.log(port)


def can_mount() -> bool:
    """Whether a disk can be mounted here. That needs root."""
    can = os.getuid() == 0 and all(map(shutil.which, ("unshare", "setpriv")))
    return can and not subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode


@pytest.mark.parametrize("scenario", ON_EACH_CHANGE, ids=lambda scenario: scenario.name)
def test_each_250_counts(made: tuple[Place, Path], tmp_path: Path, scenario: Scenario) -> None:
    outcome = played(made, tmp_path, scenario)
    figures = outcome.figures
    print(scenario.name, {name: value for name, value in figures.items() if value and name != "faults"}, outcome.doubts)
    assert (outcome.code, figures["faults"]) == (0, [])
    assert figures["acknowledged"] >= 600 and figures["unanswered"] == 0
    assert outcome.doubts > 0 or scenario.name not in DOUBTED
    assert (figures["refused"] > 0) == (scenario.name in REFUSED)
