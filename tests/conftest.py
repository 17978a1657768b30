"""Fixtures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .echo import Pair
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


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A connection that has greeted."""
    pair = Pair()
    assert pair.peer.recv(100) == b"hi\n"
    yield pair
    pair.close()
