"""A server for each test; whatever clients send, nothing in its log is an error."""

import logging
from collections.abc import Iterator

import pytest

from ..kit.web_server import WebServer


@pytest.fixture
def server(caplog: pytest.LogCaptureFixture) -> Iterator[WebServer]:
    """All API routes over an inbox in memory."""
    with WebServer() as server:
        yield server
    assert not [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
