"""Signals that a test has turned into calls are what they were before."""

import signal
from collections.abc import Iterator

import pytest

TAKEN = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    handlers = {signum: signal.getsignal(signum) for signum in TAKEN}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    for signum, handler in handlers.items():
        signal.signal(signum, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
