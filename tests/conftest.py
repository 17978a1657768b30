"""Fixtures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .post import Post


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    """A store in a directory of its own."""
    post = Post(tmp_path / "mail")
    yield post
    post.store.close()
