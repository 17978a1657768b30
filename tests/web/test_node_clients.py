"""The published clients for Node, unchanged: every call that they have, for the whole and for one mailbox.

`tests/check` installs them into the virtual environment; the scripts that use them are in `clients/`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..kit.node import FIELDS, FLAT, SCRIPTS, calls_of
from ..kit.web_server import WebServer, mail


@pytest.fixture(params=["", "/mailbox/jane"])
def base(request: pytest.FixtureRequest, server: WebServer) -> Iterator[str]:
    """The address that a client is told: of all mail, and of one mailbox. In other mailboxes something is left."""
    if request.param:
        server.add(mail("Of another"), "other")
    yield server.url + request.param
    if request.param:
        assert [row["Subject"] for row in server.get("/mailbox/other/api/v1/messages").json["messages"]] == ["Of another"]


def calls_in(script: str) -> list[str]:
    """The calls that stand in a script."""
    return re.findall(r'call\("([^"]+)"', (SCRIPTS / script).read_text())


def fill(server: WebServer) -> None:
    """Two mails: one with everything, then a plain one."""
    to, envelope = ("jane@example.com", "john@example.com"), ("jane@example.com", "john@example.com", "cc@example.com")
    server.add(mail("=?utf-8?b?T2zDoSwgSmFuZQ==?=", FLAT, to=to, fields=FIELDS, envelope=envelope), "jane", "john")
    server.add(mail("Plain", "Only text", to=("bob@example.com",), fields=("Content-Type: text/plain",), number=1), "jane")


@pytest.mark.parametrize(
    ("script", "package", "count"),
    [("mailpit-api.mjs", "mailpit-api", 34), ("cypress-mailpit.mjs", "cypress-mailpit", 26)],
)
def test_mailpit_clients(script: str, package: str, count: int, base: str, clients: Path) -> None:
    assert (clients / "node_modules" / package).is_dir()
    calls = calls_of(script, base, clients)
    assert calls == calls_in(script) and len(calls) == count


@pytest.mark.parametrize(
    ("script", "package", "count"),
    [("mailhog.mjs", "mailhog", 12), ("cypress-mailhog.mjs", "cypress-mailhog", 22)],
)
def test_mailhog_clients(script: str, package: str, count: int, base: str, clients: Path, server: WebServer) -> None:
    assert (clients / "node_modules" / package).is_dir()
    fill(server)
    calls = calls_of(script, base, clients)
    assert calls == calls_in(script) and len(calls) == count
