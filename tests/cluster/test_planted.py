"""The count is not blind: each mistake that a store could make is found by it, in the scenario that is for it."""

from pathlib import Path

import pytest

pytest.importorskip("psycopg", reason="the package psycopg is not installed: no cluster is tested", exc_type=ImportError)

from .mistakes import MISTAKES
from .nodes import Place
from .scenarios import ON_EACH_CHANGE
from .test_scenarios import played

ALL = {scenario.name: scenario for scenario in ON_EACH_CHANGE}
FOUND_BY = {
    "warning_is_a_success": ("waits_cancelled_then_failover", "lost"),
    "retry_does_nothing": ("waits_cancelled_then_failover", "lost"),
    "early_answer_is_a_success": ("primary_killed_in_doubt", "lost"),
    "nothing_is_taken_back": ("no_standby", "refused but found"),
    "retry_has_a_new_id": ("waits_cancelled", "twice"),
}
"""The scenario that finds a mistake, and as what."""


@pytest.mark.parametrize("mistake", FOUND_BY)
def test_a_planted_mistake_is_found(made: tuple[Place, Path], tmp_path: Path, mistake: str) -> None:
    scenario, kind = FOUND_BY[mistake]
    outcome = played(made, tmp_path, ALL[scenario], mistake, wait=0)
    assert outcome.code == 1 and outcome.figures[kind] > 0, outcome.figures


def test_all_mistakes_are_planted() -> None:
    assert FOUND_BY.keys() == MISTAKES.keys()
