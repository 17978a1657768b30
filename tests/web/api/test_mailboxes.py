"""Mailboxes, and deleting with a way back."""

from typing import Any

import pytest

from ...kit.web_server import WebServer, mail


def fill(server: WebServer) -> list[str]:
    return [server.add(mail(f"Number {n}", number=n), name) for n, name in enumerate(("ana", "bob", "ana"))]


def test_mailboxes_are_listed(server: WebServer) -> None:
    assert server.get("/api/mailboxes").json == []
    fill(server)
    server.get("/api/v1/message/latest")
    ana, bob = {"Name": "ana", "Total": 2, "Unread": 1}, {"Name": "bob", "Total": 1, "Unread": 1}
    assert server.get("/api/mailboxes").json == [ana, bob]
    assert server.get("/mailbox/ana/api/mailboxes").json == [ana]
    assert server.get("/mailbox/nobody/api/mailboxes").json == []


@pytest.mark.parametrize("wish", [{"ids": [0, 2]}, {"query": "subject:number"}, {"all": True}])
def test_a_deletion_can_be_taken_back(server: WebServer, wish: dict[str, Any]) -> None:
    ids = fill(server)
    if "ids" in wish:
        wish = {"ids": [ids[number] for number in wish["ids"]]}
    gone = server.ask("DELETE", "/mailbox/ana/api/messages?delay=10", wish).json["ids"]
    assert sorted(gone) == sorted([ids[0], ids[2]])
    assert server.get("/api/v1/messages").json["total"] == 1
    assert {delay for _, _, delay in server.inbox.deleted} == {10}
    assert server.ask("POST", "/mailbox/bob/api/restore", {"ids": gone}).json == {"restored": 0}
    assert server.ask("POST", "/mailbox/ana/api/restore", {"ids": gone}).json == {"restored": 2}
    assert server.get("/mailbox/ana/api/v1/messages").json["total"] == 2


def test_without_a_delay_it_is_gone(server: WebServer) -> None:
    ids = fill(server)
    assert server.ask("DELETE", "/api/messages", {"ids": ids[:1]}).json == {"ids": ids[:1]}
    assert server.ask("POST", "/api/restore", {"ids": ids[:1]}).json == {"restored": 0}


def test_a_delay_is_not_long(server: WebServer) -> None:
    fill(server)
    server.ask("DELETE", "/api/messages?delay=9999", {"all": True})
    assert {delay for _, _, delay in server.inbox.deleted} == {60}


@pytest.mark.parametrize(
    "body",
    [
        None, {}, {"ids": []}, {"all": False}, {"query": " "}, {"ids": ["A" * 22], "all": True}, {"query": "x", "all": True},
        {"query": "before:soon"}, {"id": ["A" * 22]}, {"ids": ["x"]}, {"all": "perhaps"}, b"{", b"[]",
    ],
)  # fmt: skip
def test_what_is_to_be_deleted_must_be_said(server: WebServer, body: Any) -> None:
    fill(server)
    assert server.ask("DELETE", "/api/messages?delay=5", body).status == 400
    assert server.get("/api/v1/messages").json["total"] == 3


@pytest.mark.parametrize("body", [None, {}, {"ids": []}, {"ids": ["x"]}, {"all": True}, b"["])
def test_what_is_to_be_restored_must_be_said(server: WebServer, body: Any) -> None:
    assert server.ask("POST", "/api/restore", body).status == 400
