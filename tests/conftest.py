"""Fixtures, and how Hypothesis is used: as it is everywhere, CI included, so that CI tries other examples each time.

There is no deadline: on a busy machine an example takes as long as it takes. The seed is printed, and
`--hypothesis-seed=N` tries the same examples again. `HYPOTHESIS="at once"` looks for no smaller example of what fails.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, core, settings

from .kit.echo import Pair
from .kit.locks import lock
from .kit.node import clients
from .kit.post import Post
from .kit.postgres import Postgres, postgres
from .kit.tls import Pem, make_pem

__all__ = ["clients", "lock"]

settings.register_profile("carteiro", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("at once", settings.get_profile("carteiro"), phases=[Phase.explicit, Phase.generate])
settings.load_profile(os.environ.get("HYPOTHESIS", "carteiro"))


def pytest_configure(config: pytest.Config) -> None:
    """Picks the seed, unless one was given."""
    if config.getoption("hypothesis_seed", None) is None:
        seed = random.getrandbits(32)
        config.option.hypothesis_seed = str(seed)  # which pytest-xdist hands to its workers
        core.global_force_seed = seed  # type: ignore[assignment]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says it."""
    terminalreporter.write_line(f"examples of Hypothesis: --hypothesis-seed={core.global_force_seed}")


@pytest.fixture
def seed(pytestconfig: pytest.Config) -> int:
    """That of all random choices of this run."""
    return int(pytestconfig.option.hypothesis_seed)


@pytest.fixture(scope="session")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Pem:
    """A certificate for localhost and its key."""
    return make_pem(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def postgres_node() -> Iterator[Postgres]:
    """A PostgreSQL for all tests that only need one; each makes a database of its own (kit/postgres_mail.py)."""
    with TemporaryDirectory() as directory, postgres(Path(directory)) as server:
        yield server


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
