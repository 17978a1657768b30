"""A template of a node, made once; and one scenario at a time, whatever else runs: each fills a processor."""

import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .nodes import Place


@pytest.fixture(scope="session")
def made() -> "Iterator[tuple[Place, Path]]":
    """A place for clusters, and the template."""
    from .stage import workshop  # it needs psycopg, without which the tests here are skipped

    with workshop() as place_and_node:
        yield place_and_node


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    with (Path(tempfile.gettempdir()) / "carteiro-cluster.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
