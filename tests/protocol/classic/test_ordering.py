"""The classic dialect keeps the order of commands: by enumeration, and in random histories."""

import pytest
from hypothesis import given

from protocol.classic.table import CLASSIC

from ...kit.histories import Ordering
from ...kit.ordering import check_every_step, check_waiting_for_storage
from ...kit.walks import HISTORY, walk, wander

pytestmark = pytest.mark.no_cover  # which would take most of its time


def test_every_line_in_every_situation() -> None:
    check_every_step(CLASSIC)


def test_every_line_while_storage_has_not_answered() -> None:
    check_waiting_for_storage(CLASSIC)


@given(HISTORY)
def test_short_histories(seeds: list[int]) -> None:
    walk(Ordering(CLASSIC), seeds)


def test_random_histories(seed: int) -> None:
    wander(lambda: Ordering(CLASSIC), 200, seed)
