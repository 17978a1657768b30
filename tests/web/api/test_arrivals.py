"""Waiting for mail: nothing polls, nothing is missed, and nobody who has left is waited for."""

import http.client
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from web import waits

from ...kit.threads import meanwhile
from ...kit.web_server import WebServer, mail


def soon(call: Callable[[], object], seconds: float = 0.1) -> Callable[[], None]:
    def wait() -> None:
        time.sleep(seconds)
        call()

    return wait


def watchers(server: WebServer) -> int:
    return server.call(lambda: len(server.inbox._watchers))


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def subjects(heard: Any) -> list[str]:
    assert heard.status == 200 and heard.json["messages_count"] == len(heard.json["messages"])
    return [row["Subject"] for row in heard.json["messages"]]


def test_what_is_there_is_answered_at_once(server: WebServer) -> None:
    server.add(mail("One", number=1), "ana")
    server.add(mail("Two", number=2), "ana")
    assert subjects(server.get("/api/wait")) == ["Two", "One"]
    assert subjects(server.get("/api/wait?query=one&timeout=0")) == ["One"]


def test_what_comes_is_answered_when_it_comes(server: WebServer) -> None:
    began = time.monotonic()
    with meanwhile(soon(lambda: [server.add(mail("Other"), "ana"), server.add(mail("Wanted", number=1), "ana")])):
        assert subjects(server.get("/api/wait?query=subject:wanted&timeout=20")) == ["Wanted"]
    assert time.monotonic() - began < 5 and watchers(server) == 0


def test_nothing_is_204_when_the_time_is_over(server: WebServer) -> None:
    server.add(mail("Other"), "ana")
    for timeout in ("0", "1"):
        began = time.monotonic()
        heard = server.get(f"/api/wait?query=wanted&timeout={timeout}")
        assert (heard.status, heard.body) == (204, b"") and float(timeout) <= time.monotonic() - began < float(timeout) + 3
    assert watchers(server) == 0


def test_only_what_came_after_a_message_counts(server: WebServer) -> None:
    """Also what came in the same second."""
    ids = [server.add(mail(f"Number {n}", fields=(f"X: {n}",), number=7), "ana") for n in range(4)]
    assert subjects(server.get(f"/api/wait?after={ids[1]}&timeout=0")) == ["Number 3", "Number 2"]
    assert server.get(f"/api/wait?after={ids[3]}&timeout=0").status == 204
    assert server.get(f"/api/wait?after={ids[1]}&query=%22number%200%22&timeout=0").status == 204
    assert subjects(server.get(f"/api/wait?after={ids[0]}&query=%22number%202%22&timeout=0")) == ["Number 2"]
    with meanwhile(soon(lambda: server.add(mail("Number 4", fields=("X: 4",), number=7), "ana"))):
        assert subjects(server.get(f"/api/wait?after={ids[3]}&timeout=20")) == ["Number 4"]


@pytest.mark.parametrize(
    ("after", "found"),
    [
        ("2026-11-28T09:00:02Z", ["Number 3", "Number 2"]),
        ("2026-11-28T09:00:02.999Z", ["Number 3", "Number 2"]),
        ("2026-11-28T10:00:03%2B01:00", ["Number 3"]),
        ("2026-11-28T10:00:03+01:00", ["Number 3"]),
        ("2026-11-28T09:00:03", ["Number 3"]),
        ("2026-11-28", ["Number 3", "Number 2", "Number 1", "Number 0"]),
        ("2026-11-29T00:00:00Z", []),
    ],
)
def test_only_what_came_after_a_moment_counts(server: WebServer, after: str, found: list[str]) -> None:
    for number in range(4):
        server.add(mail(f"Number {number}", number=number), "ana")
    heard = server.get(f"/api/wait?after={after}&timeout=0")
    assert (subjects(heard) if found else heard.status) == (found or 204)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("query=before:soon", 400),
        ("timeout=x", 400),
        ("timeout=-1", 400),
        ("after=yesterday", 400),
        ("after=0001-01-01T00:00%2B14:00", 400),
        (f"after={'A' * 22}", 404),
        ("tz=Mars", 400),
        ("query=%00", 400),
    ],
)
def test_what_makes_no_sense_is_explained(server: WebServer, query: str, status: int) -> None:
    server.add(mail(), "ana")
    assert server.get(f"/api/wait?{query}").status == status
    assert watchers(server) == 0


def test_in_the_sight_of_a_mailbox_nothing_else_comes(server: WebServer) -> None:
    id = server.add(mail("Other"), "bob")
    assert server.get("/mailbox/ana/api/wait?timeout=0").status == 204
    assert server.get(f"/mailbox/ana/api/wait?timeout=0&after={id}").status == 404
    with meanwhile(soon(lambda: [server.add(mail(number=1), "bob"), server.add(mail("Own", number=2), "ana")])):
        assert subjects(server.get("/mailbox/ana/api/wait")) == ["Own"]


def test_deleting_and_marking_wake_nobody_in_vain(server: WebServer) -> None:
    server.add(mail("There"), "ana")
    with meanwhile(
        soon(lambda: [server.ask("PUT", "/api/v1/messages", {"Read": True}), server.ask("DELETE", "/api/v1/messages")])
    ):
        assert subjects(server.get("/api/wait?query=is:read&timeout=20")) == ["There"]


def test_who_has_left_is_forgotten(server: WebServer) -> None:
    for path in ("/api/wait?query=nothing&timeout=300", "/api/v1/search?query=nothing"):
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=300\r\n\r\n".encode())
        until(lambda: watchers(server) == 1)
        client.close()
        until(lambda: watchers(server) == 0)


def test_only_so_many_wait(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "MOST_WAITING", 2)
    path = "/api/wait?query=nothing&timeout=300"
    clients = [http.client.HTTPConnection("127.0.0.1", server.port) for _ in range(2)]
    for number, client in enumerate(clients):
        client.request("GET", path)
        until(lambda number=number: watchers(server) == number + 1)  # type: ignore[misc]
    assert server.get(path).status == 503
    clients[0].close()
    until(lambda: watchers(server) == 1)
    assert server.get("/api/wait?query=nothing&timeout=0").status == 204
    with meanwhile(soon(lambda: server.add(mail("nothing"), "ana"))):
        assert clients[1].getresponse().status == 200
    clients[1].close()


def test_a_request_behind_a_wait_is_answered_after_it(server: WebServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        wait = "GET /api/wait?query=subject:wanted HTTP/1.1\r\nHost: localhost\r\n\r\n"
        client.sendall(f"{wait}GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        until(lambda: watchers(server) == 1)
        client.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        server.add(mail("Wanted"), "ana")
        heard = b""
        while more := client.recv(65536):
            heard += more
    assert [heard.count(word) for word in (b"HTTP/1.1 200 OK", b"Wanted", b"\r\n\r\nok\n")] == [3, 1, 2]


def test_a_client_that_sends_without_end_is_read_no_further(server: WebServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET /api/wait?query=nothing HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(lambda: watchers(server) == 1)
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            for _ in range(1_000):
                client.sendall(b"x" * 65536)
    assert server.get("/livez").status == 200


def test_waits_end_when_the_server_ends(server: WebServer) -> None:
    client = http.client.HTTPConnection("127.0.0.1", server.port)
    client.request("GET", "/api/wait?query=nothing")
    until(lambda: watchers(server) == 1)
    server.call(lambda: server._server.drain(lambda: None))
    assert client.getresponse().status == 503
    until(lambda: watchers(server) == 0)
    client.close()
