"""Fixtures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .post import Post
from .tls import Pem, make_pem


@pytest.fixture(scope="session")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Pem:
    """A certificate for localhost and its key."""
    return make_pem(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    """A store in a directory of its own."""
    post = Post(tmp_path / "mail")
    yield post
    post.store.close()
