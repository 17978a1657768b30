"""Lists of messages over Mailpit's API: listing, searching, marking, deleting."""

import time
from typing import Any

import pytest

from ...kit.threads import meanwhile
from ...kit.web_server import WebServer, mail

ROW = {
    "ID", "MessageID", "Read", "From", "To", "Cc", "Bcc", "ReplyTo", "Subject", "Created", "Username", "Tags", "Size",
    "Attachments", "Snippet", "Mailboxes",
}  # fmt: skip


def fill(server: WebServer, count: int = 3) -> list[str]:
    """Mails `Number 0`, `Number 1` ... to mailboxes in turn; their ids, the newest first."""
    names = ("ana", "bob")
    return [server.add(mail(f"Number {n}", number=n), names[n % 2]) for n in range(count)][::-1]


def subjects(server: WebServer, path: str = "/api/v1/messages") -> list[str]:
    return [row["Subject"] for row in server.get(path).json["messages"]]


def test_a_list_has_all_fields_of_mailpit(server: WebServer) -> None:
    ids = fill(server)
    listed = server.get("/api/v1/messages").json
    (first, *_) = rows = listed.pop("messages")
    assert listed == {
        "total": 3, "unread": 3, "count": 3, "messages_count": 3, "messages_unread": 3, "start": 0, "tags": [],
    }  # fmt: skip
    assert [row["ID"] for row in rows] == ids and set(first) == ROW
    assert first["From"] == {"Name": "", "Address": "ana@example.org"} and first["Snippet"] == "Hello"
    assert (first["Created"], first["Attachments"], first["Mailboxes"]) == ("2026-11-28T09:00:02.000Z", 0, ["ana"])


def test_an_empty_list_has_no_null(server: WebServer) -> None:
    listed = server.get("/api/v1/messages").json
    assert listed["messages"] == listed["tags"] == [] and None not in listed.values()


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("start=1", ["Number 1", "Number 0"]),
        ("start=1&limit=1", ["Number 1"]),
        ("limit=0", ["Number 2", "Number 1", "Number 0"]),
        ("start=9", []),
        (f"limit={'9' * 30}", ["Number 2", "Number 1", "Number 0"]),
    ],
)
def test_a_part_of_a_list(server: WebServer, query: str, wanted: list[str]) -> None:
    fill(server)
    assert subjects(server, f"/api/v1/messages?{query}") == wanted


@pytest.mark.parametrize("query", ["start=-1", "limit=x", "limit=1.5", "start=%C2%B2"])
def test_what_is_no_number_is_explained(server: WebServer, query: str) -> None:
    heard = server.get(f"/api/v1/messages?{query}")
    assert heard.status == 400 and "is no whole number" in heard.text


def test_a_search_counts_what_it_finds(server: WebServer) -> None:
    ids = fill(server, 5)
    server.ask("PUT", "/api/v1/messages", {"IDs": ids[:1], "Read": True})
    found = server.get("/api/v1/search?query=subject:number&limit=2").json
    assert (found["total"], found["messages_count"], found["messages_unread"], found["count"]) == (5, 5, 4, 2)
    found = server.get("/api/v1/search?query=%22number%204%22").json
    assert (found["total"], found["unread"], found["messages_count"], found["messages_unread"]) == (5, 4, 1, 0)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(
    "query", ["", "query=", "query=%20", "query=before:soon", "query=larger:much", "query=x&tz=Mars/Olympus", "query=a%00b"]
)
def test_a_search_that_means_nothing_finds_and_deletes_nothing(server: WebServer, method: str, query: str) -> None:
    fill(server)
    heard = server.ask(method, f"/api/v1/search?{query}")
    assert heard.status == 400 and heard.fields["content-type"].startswith("text/plain")
    assert len(subjects(server)) == 3


@pytest.mark.parametrize("zone", ["UTC", "Europe/Lisbon", "America/Argentina/Buenos_Aires"])
def test_dates_are_in_a_time_zone(server: WebServer, zone: str) -> None:
    fill(server)
    assert len(subjects(server, f"/api/v1/search?query=after:2026-11-01&tz={zone}")) == 3


def test_a_search_waits_when_it_may(server: WebServer) -> None:
    began = time.monotonic()
    empty = server.get("/api/v1/search?query=number", Prefer="wait=0").json
    assert empty["messages"] == [] and time.monotonic() - began < 5

    def arrive() -> None:
        time.sleep(0.1)
        fill(server)

    with meanwhile(arrive):
        found = server.get("/api/v1/search?query=subject:number", Prefer='respond-async, wait="10"').json
    assert found["messages_count"] >= 1 and found["messages"][0]["Subject"].startswith("Number")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("body", "read"),
    [
        ({"Read": True}, [True, True, True]),
        ({"IDs": [], "Read": True}, [True, True, True]),
        ({"IDs": None, "Read": True, "Search": None}, [True, True, True]),
        ({"ids": [0], "read": True}, [True, False, False]),
        ({"Search": '"number 1"', "Read": True}, [False, True, False]),
        ({}, [False, False, False]),
        (b"", [False, False, False]),
    ],
)
def test_messages_are_marked(server: WebServer, body: Any, read: list[bool]) -> None:
    ids = fill(server)
    if isinstance(body, dict) and body.get("ids"):
        body = {**body, "ids": [ids[number] for number in body["ids"]]}
    heard = server.ask("PUT", "/api/v1/messages", body)
    assert (heard.status, heard.body) == (200, b"ok") and heard.fields["content-type"].startswith("text/plain")
    assert [row["Read"] for row in server.get("/api/v1/messages").json["messages"]] == read


FORM = {"Content-Type": "Application/x-www-form-urlencoded; charset=utf-8"}


@pytest.mark.parametrize("value", ["True", "true", "1"])
def test_forms_are_read_as_well(server: WebServer, value: str) -> None:
    ids = fill(server)
    body = f"ids={ids[0]}&ids={ids[1]}&Read={value}".encode()
    assert server.ask("PUT", "/api/v1/messages", body, FORM).status == 200
    assert [row["Read"] for row in server.get("/api/v1/messages").json["messages"]] == [True, True, False]
    assert server.ask("DELETE", "/api/v1/messages", f"ids={ids[0]}&ids={ids[1]}".encode(), FORM).status == 200
    assert subjects(server) == ["Number 0"]


def test_json_is_json_whatever_curl_says_of_it(server: WebServer) -> None:
    ids = fill(server)
    assert server.ask("DELETE", "/api/v1/messages", {"IDs": ids[:1]}, FORM).status == 200
    assert subjects(server) == ["Number 1", "Number 0"]


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"null", b"[]", b"7", b'"IDs"', b'{"IDs": "x"}', b'{"IDs": [1]}', b'{"IDs": [null]}', b'{"IDs": ["x"]}',
        b'{"ID": ["AAAAAAAAAAAAAAAAAAAAAA"]}', b'{"IDs": ["AAAAAAAAAAAAAAAAAAAAA\\ud800"]}', b"[" * 100_000, b"\xff",
        b'{"IDs": {}}', b'{"IDs": 1' + b"0" * 5000 + b"}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["DELETE", "PUT"])
def test_a_body_that_cannot_be_read_changes_nothing(server: WebServer, method: str, body: bytes) -> None:
    fill(server)
    assert server.ask(method, "/api/v1/messages", body).status == 400
    listed = server.get("/api/v1/messages").json
    assert (listed["total"], listed["unread"]) == (3, 3)


@pytest.mark.parametrize(
    "body",
    [
        {"IDs": ["A" * 22], "Search": "x", "Read": True}, {"Read": "perhaps"}, {"Read": 1}, {"Search": "before:soon"},
        {"Search": 7}, {"Search": [None, None]}, {"Search": "\ud800"}, {"Search": ["a", "b"]}, {"Seach": "x"},
        {"IDs": ["A" * 22] * 5_001},
    ],
)  # fmt: skip
def test_marking_wants_to_know_what_and_how(server: WebServer, body: object) -> None:
    fill(server)
    assert server.ask("PUT", "/api/v1/messages", body).status == 400
    assert server.get("/api/v1/messages").json["unread"] == 3


@pytest.mark.parametrize("body", [None, b"", {}, {"IDs": []}, {"IDs": None}, b" \r\n"])
def test_deleting_without_ids_deletes_all(server: WebServer, body: Any) -> None:
    fill(server)
    heard = server.ask("DELETE", "/api/v1/messages", body)
    assert (heard.status, heard.body) == (200, b"ok") and subjects(server) == []


def test_an_id_that_is_not_there_deletes_nothing(server: WebServer) -> None:
    fill(server)
    assert server.ask("DELETE", "/api/v1/messages", {"IDs": ["A" * 22]}).status == 200
    assert len(subjects(server)) == 3


def test_deleting_what_a_search_finds(server: WebServer) -> None:
    fill(server)
    heard = server.ask("DELETE", "/api/v1/search?query=%22number%201%22")
    assert (heard.status, heard.body) == (200, b"ok") and subjects(server) == ["Number 2", "Number 0"]


def test_in_the_sight_of_a_mailbox_there_is_nothing_else(server: WebServer) -> None:
    ids = fill(server, 4)
    assert subjects(server, "/mailbox/ana/api/v1/messages") == ["Number 2", "Number 0"]
    assert server.get("/mailbox/ana/api/v1/messages").json["total"] == 2
    assert subjects(server, "/mailbox/bob/api/v1/search?query=number") == ["Number 3", "Number 1"]
    server.ask("PUT", "/mailbox/ana/api/v1/messages", {"IDs": ids, "Read": True})
    server.ask("DELETE", "/mailbox/bob/api/v1/messages", {"IDs": [ids[1]]})
    listed = server.get("/api/v1/messages").json
    assert [row["Read"] for row in listed["messages"]] == [False, True, False, True]
    server.ask("DELETE", "/mailbox/ana/api/v1/messages")
    assert subjects(server) == ["Number 3", "Number 1"]
