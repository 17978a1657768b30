"""Fixtures."""

from pathlib import Path

import pytest

from .post import Post


@pytest.fixture
def post(tmp_path: Path) -> Post:
    """A store in a directory of its own."""
    return Post(tmp_path / "mail")
