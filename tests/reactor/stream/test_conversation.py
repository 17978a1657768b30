"""A conversation that has only what each needs is served as any other: here one of HTTP."""

import socket
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from reactor.loop import Reactor
from reactor.stream.addresses import parse
from reactor.stream.conversation import Completed
from reactor.stream.server import Server

from ...kit.http import Page
from ...kit.threads import meanwhile


class Web:
    """A server of pages, which runs while a client does something."""

    def __init__(self) -> None:
        self.reactor = Reactor()
        self.server = Server(self.reactor, 10, 300)
        self.host, self.port = parse(
            self.server.listen("127.0.0.1", 0, lambda peer, wake: Completed(Page()), b"HTTP/1.0 503 Busy\r\n\r\n")
        )

    def status(self, method: str, path: str) -> tuple[int, bytes]:
        found: list[tuple[int, bytes]] = []

        def ask() -> None:
            try:
                client = HTTPConnection(self.host, self.port, timeout=10)
                client.request(method, path)
                response = client.getresponse()
                found.append((response.status, response.read()))
                client.close()
            finally:
                self.stop()

        with meanwhile(ask):
            self.reactor.run()
        return found[0]

    def stop(self) -> None:
        """From any thread: a client comes, and in its turn the loop is stopped."""
        self.reactor.call_soon(self.reactor.stop)
        with socket.create_connection((self.host, self.port), 10):
            pass

    def close(self) -> None:
        self.server.close()
        self.reactor.close()


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    yield web
    web.close()


def test_a_page_is_served_over_a_socket(web: Web) -> None:
    assert web.status("GET", "/a/page") == (200, b"/a/page")
    assert web.status("BREW", "/coffee") == (400, b"/coffee")


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (lambda page: page.end_of_input(), b"400"),
        (lambda page: page.time_out(), b"408"),
        (lambda page: page.shut_down(False), b"503"),
        (lambda page: page.break_down(), b"500"),
        (lambda page: page.receive(b"x" * 2000), b"200"),
    ],
)
def test_it_always_ends_with_an_answer(end: "object", status: bytes) -> None:
    page = Page()
    page.receive(b"GET / HT")
    assert callable(end) and not page.outgoing
    end(page)
    assert page.is_finished and page.outgoing.startswith(b"HTTP/1.0 " + status)
