"""A browser for all tests of the page that want one."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from ...kit.browser import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """One for all tests of a process."""
    with chromium() as started:
        yield started
