"""What fuzzing has come to is tried again: `python -m tests.fuzz` looks for more."""

import pytest

from .finds import kept
from .targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_holds(name: str) -> None:
    found = kept(name)
    for data in found:
        TARGETS[name](data)
    assert found
