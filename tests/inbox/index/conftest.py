"""Worlds of each kind of mailbox."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .world import World


@pytest.fixture(params=["mbox", "maildir"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, request.param)
    yield world
    world.end()


@pytest.fixture
def mbox(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, "mbox")
    yield world
    world.end()
