"""Whether the server lives, and can show mail."""

from collections.abc import Callable

import pytest

from web.api import health
from web.contract import Mailbox
from web.gate import Terms

from ...kit.web_server import WebServer


def test_it_lives_and_is_ready(server: WebServer) -> None:
    for path in ("/livez", "/readyz"):
        assert (server.get(path).status, server.get(path).text) == (200, "ok\n")


def test_it_is_not_ready_when_the_index_cannot_tell(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(answer: Callable[[list[Mailbox] | None], None]) -> None:
        answer(None)

    monkeypatch.setattr(server.inbox, "mailboxes", cannot)
    assert server.get("/readyz").text == "503 Service Unavailable: the index cannot be read\n"
    assert server.get("/livez").status == 200
    assert server.get("/api/mailboxes").status == 503


def test_it_is_not_ready_when_the_index_is_silent(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.05)
    monkeypatch.setattr(server.inbox, "mailboxes", lambda answer: None)
    assert server.get("/readyz").status == 503


def test_nobody_is_asked_for_a_name() -> None:
    with WebServer(Terms(authenticate=lambda name, password, answer: answer(False))) as server:
        assert server.get("/livez").status == server.get("/readyz").status == 200
        assert server.get("/api/mailboxes").status == 401


def test_it_says_what_is_wrong_on_the_smtp_side(server: WebServer) -> None:
    server.trouble = "the SMTP side was not heard for 7 s"
    assert server.get("/readyz").text == "503 Service Unavailable: the SMTP side was not heard for 7 s\n"
    assert server.get("/livez").status == 200


def test_figures_are_told_to_those_who_may_read(server: WebServer) -> None:
    heard = server.get("/metrics")
    assert heard.body == b"# none\n" and heard.fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    with WebServer(Terms(authenticate=lambda name, password, answer: answer(False))) as other:
        assert other.get("/metrics").status == 401
