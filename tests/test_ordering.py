"""The classic dialect keeps the order of commands: by enumeration, and in random histories."""

import pytest
from hypothesis import settings

from protocol.classic import CLASSIC

from .histories import ordering_of
from .ordering import check_every_step, check_waiting_for_storage

pytestmark = pytest.mark.no_cover  # which would take most of its time


def test_every_line_in_every_situation() -> None:
    check_every_step(CLASSIC)


def test_every_line_while_storage_has_not_answered() -> None:
    check_waiting_for_storage(CLASSIC)


TestOrdering = ordering_of(CLASSIC).TestCase
TestOrdering.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
