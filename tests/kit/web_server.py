"""The web side on a port of loopback: a reactor in a thread of the test, with an inbox in memory. And a client."""

import http.client
import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from reactor.loop import READ, Reactor
from reactor.offload import Offload
from reactor.stream.server import Server
from web.api.table import routes
from web.application import Application
from web.connection import HttpConnection
from web.environment import Figures, LatestClients, Outcome, Tools, Watch
from web.gate import Gate, Terms
from web.pages.routes import pages

from .inboxes import MemoryInbox

T = TypeVar("T")
NOW = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
FIGURES = Figures("1.2.3", "index", 4096, uptime=17, memory=1 << 20, deleted=3, accepted=5, accepted_size=999, rejected=2)


def mail(
    subject: str = "Welcome",
    text: str = "Hello",
    sender: str = "ana@example.org",
    to: Sequence[str] = ("johndoe@example.org",),
    fields: Iterable[str] = (),
    envelope: Sequence[str] | None = None,
    number: int = 0,
) -> bytes:
    """A mail as the server stores it. `number` makes another one of the same."""
    delivered = "".join(f"Delivered-To: {address}\n" for address in (to if envelope is None else envelope))
    return (
        f"Return-Path: <{sender}>\n{delivered}"
        f"Received: from client.example ([192.0.2.1]) by mx.example (carteiro) with ESMTP id {number:X};"
        f" Sat, 28 Nov 2026 09:{number // 60 % 60:02}:{number % 60:02} +0000\n"
        f"From: {sender}\nTo: {', '.join(to)}\nSubject: {subject}\n"
        f"Date: Fri, 27 Nov 2026 10:00:00 +0100\nMessage-ID: <{number}@example.org>\n"
        f"{''.join(f'{field}{chr(10)}' for field in fields)}\n{text}\n"
    ).encode()


class Heard(NamedTuple):
    """A response."""

    status: int
    fields: Mapping[str, str]
    """By their names in lower case."""
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        assert self.fields["content-type"] == "application/json", self
        return json.loads(self.body)


class WebServer:
    """The page and all API routes over an inbox. Its thread alone touches the inbox: `call` makes a call there."""

    def __init__(
        self,
        terms: Terms | None = None,
        root: str = "",
        submit: Any = None,
        inbox: Any = None,
        clients: LatestClients | None = None,
    ) -> None:
        self.reactor = Reactor()
        self.inbox: MemoryInbox = inbox or MemoryInbox(self.reactor.call_soon)
        self.outcome = Outcome(250)
        """What the SMTP side says."""
        self.trouble = ""
        """Why the server is not ready."""
        self.sent: list[tuple[str, list[str], bytes]] = []
        self._offload = Offload(self.reactor)
        self.tools = Tools(
            self.reactor.call_later,
            self._offload.beside,
            submit or self._submit,
            lambda: FIGURES,
            lambda: NOW,
            Watch(lambda: self.trouble, lambda: b"# none\n"),
            clients,
        )
        self.routes = routes(self.inbox, self.tools)
        """Those of the API."""
        own = [*self.routes, *pages(self.inbox, self.tools)]
        self.application = Application(own, Gate(terms or Terms(), lambda: self.reactor.now), root)
        self._server = Server(self.reactor, 300, 3600.0)
        address = self._server.listen("127.0.0.1", 0, self._open)
        self.port = int(address.rpartition(":")[2])
        self.url = f"http://127.0.0.1:{self.port}"
        self._calls: deque[Callable[[], None]] = deque()
        self._ours, self._theirs = socket.socketpair()
        self.reactor.watch(self._theirs, READ, self._called)
        self._thread = threading.Thread(target=self.reactor.run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.call(self._server.close)
        self.call(self.reactor.stop)
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._offload.close()
        self.reactor.close()
        self._ours.close()
        self._theirs.close()

    def call(self, make: Callable[[], T]) -> T:
        """Makes a call in the loop, and waits for its result."""
        done, results = threading.Event(), []

        def wrapped() -> None:
            try:
                results.append(make())
            finally:
                done.set()

        self._calls.append(wrapped)
        self._ours.send(b"\0")
        assert done.wait(10)
        return results[0]

    def add(self, octets: bytes, *mailboxes: str) -> str:
        """A message arrives; returns its id."""
        return self.call(partial(self.inbox.add, octets, *mailboxes))

    def ask(
        self, method: str, path: str, body: object = None, fields: Mapping[str, str] | None = None, root: str = ""
    ) -> Heard:
        """Sends a request and reads the response. A body that is no octets is sent as JSON."""
        encoded = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, root + path, encoded, {"Accept": "*/*", **(fields or {})})
            response = connection.getresponse()
            read = response.read()
            return Heard(response.status, {name.lower(): value for name, value in response.getheaders()}, read)
        finally:
            connection.close()

    def get(self, path: str, **fields: str) -> Heard:
        """A GET."""
        return self.ask("GET", path, None, {name.replace("_", "-"): value for name, value in fields.items()})

    def _open(self, peer: str, wake: Callable[[], None]) -> HttpConnection:
        return HttpConnection(self.application, peer, wake, lambda: self.reactor.now, self.application.longest_body)

    def _called(self, _: int) -> None:
        self._theirs.recv(4096)
        while self._calls:
            self._calls.popleft()()

    def _submit(self, sender: str, recipients: Sequence[str], octets: bytes, answer: Callable[[Outcome], None]) -> None:
        """Stores it as the server does, a moment after the answer."""
        self.sent.append((sender, list(recipients), octets))
        answer(self.outcome)
        if self.outcome.code == 250:
            delivered = "".join(f"Delivered-To: {address}\n" for address in recipients)
            received = f"from web ([127.0.0.1]) by mx (carteiro) with ESMTP id {len(self.sent)}"
            trace = f"Return-Path: <{sender}>\n{delivered}Received: {received}; Sat, 28 Nov 2026 09:30:00 +0000\n"
            stored = trace.encode() + octets.replace(b"\r\n", b"\n")
            names = list(dict.fromkeys(address.partition("@")[0].lower() for address in recipients))

            def arrive() -> None:
                self.inbox.add(stored, *names)

            self.reactor.call_later(0.02, arrive)


class Listener:
    """A client that watches a stream of events."""

    def __init__(self, server: WebServer, path: str, **fields: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        self._connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in fields.items()})
        self.response = self._connection.getresponse()

    def next(self) -> tuple[str, Any]:
        """The name and the data of the next event."""
        name = ""
        while line := self.response.readline().decode():
            if line.startswith("event: "):
                name = line[7:-1]
            elif line.startswith("data: "):
                return name, json.loads(line[6:])
        raise EOFError("the stream has ended")

    def close(self) -> None:
        self.response.close()
        self._connection.close()
