"""The stream of changes."""

import socket
import time

import pytest

from web import events
from web.api import changes

from ...kit.web_server import Listener, WebServer, mail


def test_a_stream_tells_what_came_and_went(server: WebServer) -> None:
    everything, own = Listener(server, "/api/stream"), Listener(server, "/mailbox/ana/api/stream")
    evil = "<img src=x onerror=alert(1)>\u2028"
    ids = [server.add(mail("Other"), "bob"), server.add(mail(evil, number=1), "ana")]
    assert everything.response.getheader("content-type") == "text/event-stream"
    assert everything.response.getheader("cache-control") == "no-store"
    assert [[row["ID"] for row in everything.next()[1]["messages"]] for _ in ids] == [[id] for id in ids]
    name, data = own.next()
    assert name == "came" and [row["ID"] for row in data["messages"]] == ids[1:]
    server.ask("DELETE", "/api/v1/messages", {"IDs": ids[1:]})
    assert everything.next() == own.next() == ("gone", {"ids": ids[1:]})
    server.ask("PUT", "/api/v1/messages", {"Read": True})
    assert everything.next() == ("reset", {})
    for listener in (everything, own):
        listener.close()


def test_who_comes_back_asks_again(server: WebServer) -> None:
    listener = Listener(server, "/api/stream", Last_Event_ID="7")
    assert listener.next() == ("reset", {})
    listener.close()


def test_too_much_at_once_is_a_reset(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MOST_AT_ONCE", 1)
    ids = [server.add(mail(number=number), "ana") for number in range(2)]
    listener = Listener(server, "/api/stream")
    server.ask("DELETE", "/api/v1/messages")
    assert listener.next() == ("reset", {}) and len(ids) == 2
    listener.close()


def test_a_stream_gives_signs_of_life(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT", 0.05)
    listener = Listener(server, "/api/stream")
    lines = [listener.response.readline() for _ in range(6)]
    assert lines == [b"retry: 2000\n", b"\n", b":\n", b"\n", b":\n", b"\n"]
    listener.close()


def test_only_so_many_streams_and_none_for_who_has_left(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_STREAMS", 2)
    listeners = [Listener(server, path) for path in ("/api/stream", "/api/v1/events")]
    assert server.get("/api/stream").status == server.get("/api/v1/events").status == 503
    listeners[0].close()
    end = time.monotonic() + 5
    while True:
        last = Listener(server, "/api/stream")
        if last.response.status == 200:
            break
        last.close()
        assert time.monotonic() < end
    for listener in (*listeners, last):
        listener.close()


@pytest.mark.parametrize("path", ["/api/stream", "/api/v1/events"])
def test_a_head_has_no_stream(server: WebServer, path: str) -> None:
    heard = server.ask("HEAD", path)
    assert (heard.status, heard.body, heard.fields["content-type"]) == (200, b"", "text/event-stream")
    assert server.call(lambda: len(server.inbox._watchers)) == 0


def test_who_does_not_read_is_left(server: WebServer) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", server.port))
        client.sendall(b"GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 200"
        for number in range(2_000):
            server.add(mail("x" * 15_000, number=number), "ana")
            if server.call(lambda: len(server.inbox._watchers)) == 0:
                return
    pytest.fail("it was not left")


@pytest.mark.parametrize("path", ["/api/stream", "/api/v1/events"])
@pytest.mark.parametrize(
    "fields", [{"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}, {"Origin": "null"}]
)
def test_a_stream_is_not_for_other_origins(server: WebServer, path: str, fields: dict[str, str]) -> None:
    assert server.get(path, **fields).status == 403
