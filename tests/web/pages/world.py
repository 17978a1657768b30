"""What tests of the page use: a server, and mail to show."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from web.gate import Terms

from ...kit.inboxes import MemoryInbox
from ...kit.support import ROOT
from ...kit.web_server import Heard, WebServer

T = TypeVar("T")
MAILS = ROOT / "tests" / "inbox" / "mime" / "mails"


class World:
    """A server, and a browser without eyes."""

    def __init__(self, server: WebServer) -> None:
        self._server = server
        self.address = server.url

    @property
    def inbox(self) -> MemoryInbox:
        return self._server.inbox

    def add(self, octets: bytes, *mailboxes: str) -> str:
        """A message arrives; returns its id."""
        return self._server.add(octets, *mailboxes)

    def call(self, make: Callable[[], T]) -> T:
        """Makes a call in the loop; returns its result."""
        return self._server.call(make)

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **fields: str) -> Heard:
        """Asks for a path. A field's name has underscores for hyphens."""
        return self._server.ask(method, path, body, {name.replace("_", "-"): value for name, value in fields.items()})

    def post(self, path: str, form: str, **fields: str) -> Heard:
        """Sends a form, as a page of ours does."""
        own = {"Content_Type": "application/x-www-form-urlencoded", "Origin": self.address, **fields}
        return self.ask(path, "POST", form.encode(), **own)


@contextmanager
def world(terms: Terms | None = None, root: str = "", inbox: Any = None) -> Iterator[World]:
    """The page over an empty inbox, or over a given one."""
    with WebServer(terms, root, inbox=inbox) as server:
        yield World(server)


def mail(
    subject: str = "Hello", text: str = "Good day", sender: str = "Ana Prado <ana@example.org>", more: str = ""
) -> bytes:
    """A small message."""
    head = f"From: {sender}\r\nTo: rui@example.net\r\nSubject: {subject}\r\nDate: Sat, 28 Nov 2026 08:30:00 +0000\r\n{more}"
    return f"{head}\r\n{text}\r\n".encode()


def html_mail(html: str, subject: str = "Hello") -> bytes:
    """A small message in HTML."""
    return mail(subject, html, more="MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n")
