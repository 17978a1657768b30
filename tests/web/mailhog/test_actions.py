"""MailHog's API: items, searches, deleting, files, and the stream."""

import http.client
import time
from base64 import b64encode

import pytest

from web.contract import Away
from web.mailhog import actions
from web.mailhog.items import item

from ...kit.web_server import Listener, WebServer, mail

BODY = f"""\
--b
Content-Type: text/plain; charset=iso-8859-1

Ol\u00e1
--b
Content-Type: text/html
Content-Disposition: attachment; filename=x.html
Content-Transfer-Encoding: base64

{b64encode(b"<script>alert(1)</script>").decode()}
--b--
"""
FIELDS = ("Cc: cc@example.com", "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b")


def add(server: WebServer) -> list[str]:
    """Two mails; their ids, the newest first."""
    envelope = ("johndoe@example.org", "hidden@example.org", "postmaster")
    first = server.add(mail("First", BODY, fields=FIELDS, envelope=envelope), "johndoe", "hidden")
    return [server.add(mail("Second", "Plain text", number=1), "johndoe"), first]


def test_an_item_has_all_that_mailhog_has(server: WebServer) -> None:
    ids = add(server)
    listed = server.get("/api/v2/messages").json
    assert (listed["total"], listed["count"], listed["start"]) == (2, 2, 0) and len(listed) == 4
    assert [item["ID"] for item in listed["items"]] == ids
    item = listed["items"][1]
    assert set(item) == {"ID", "From", "To", "Content", "Created", "MIME", "Raw"}
    assert item["From"] == {"Relays": None, "Mailbox": "ana", "Domain": "example.org", "Params": ""}
    people = [(path["Mailbox"], path["Domain"]) for path in item["To"]]
    assert people == [("johndoe", "example.org"), ("hidden", "example.org"), ("postmaster", "")]
    content = item["Content"]
    assert set(content) == {"Headers", "Body", "Size", "MIME"} and content["MIME"] is None
    assert content["Headers"]["Subject"] == ["First"] and content["Headers"]["Message-ID"] == ["<0@example.org>"]
    assert item["Created"] == "2026-11-28T09:00:00.000Z"
    text, page = item["MIME"]["Parts"]
    assert "Ol\u00e1" in text["Body"] and page["Headers"]["Content-Disposition"] == ["attachment; filename=x.html"]
    assert item["Raw"]["From"] == "ana@example.org" and item["Raw"]["To"][1] == "hidden@example.org"
    assert item["Raw"]["Helo"] == "client.example" and "\r\n\r\n--b\r\n" in item["Raw"]["Data"]
    assert item["Raw"]["Data"].endswith(content["Body"]) and content["Size"] == len(item["Raw"]["Data"].encode())
    assert listed["items"][0]["MIME"] is None and listed["items"][0]["Content"]["Body"] == "Plain text\r\n"
    assert server.get(f"/api/v1/messages/{ids[1]}").json == item
    assert server.get("/api/v1/messages/latest").json == listed["items"][0]


@pytest.mark.parametrize(
    ("query", "subjects"),
    [
        ("", ["Second", "First"]),
        ("start=1", ["First"]),
        ("limit=1", ["Second"]),
        ("start=7", []),
        ("limit=999", ["Second", "First"]),
    ],
)
def test_a_part_of_a_list(server: WebServer, query: str, subjects: list[str]) -> None:
    add(server)
    listed = server.get(f"/api/v2/messages?{query}").json
    assert [item["Content"]["Headers"]["Subject"][0] for item in listed["items"]] == subjects
    assert listed["total"] == 2 and listed["count"] == len(subjects)


def test_a_list_has_at_most_250_and_what_fits(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(260):
        server.add(mail(text="x" * 100, number=number), "ana")
    assert server.get("/api/v2/messages?limit=1000").json["count"] == 250
    monkeypatch.setattr(actions, "MOST_OCTETS", 1_500)
    assert 2 <= server.get("/api/v2/messages").json["count"] <= 4
    monkeypatch.setattr(actions, "MOST_OCTETS", 1)
    listed = server.get("/api/v2/messages").json
    assert (listed["count"], listed["total"]) == (1, 260)


@pytest.mark.parametrize(
    ("query", "subjects"),
    [
        ("kind=from&query=ANA@", ["Second", "First"]), ("kind=to&query=cc@example.com", ["First"]),
        ("kind=to&query=ana@", []), ("kind=to&query=CC@", ["First"]), ("kind=containing&query=plain%20text", ["Second"]),
        ("kind=containing&query=%22quoted%22", []), ("kind=to&query=johndoe&start=1&limit=1", ["First"]),
        ("kind=containing&query=from:ana", []), ("kind=containing&query=%5C", []),
    ],
)  # fmt: skip
def test_searches(server: WebServer, query: str, subjects: list[str]) -> None:
    add(server)
    listed = server.get(f"/api/v2/search?{query}").json
    assert [item["Content"]["Headers"]["Subject"][0] for item in listed["items"]] == subjects


@pytest.mark.parametrize(
    "query",
    ["", "kind=from", "kind=from&query=", "kind=x&query=y", "query=y", f"kind=to&query={'x' * 3000}", "kind=to&query=%00"],
)
def test_a_search_that_means_nothing(server: WebServer, query: str) -> None:
    add(server)
    assert server.get(f"/api/v2/search?{query}").status == 400


def test_one_is_deleted_then_all(server: WebServer) -> None:
    ids = add(server)
    heard = server.ask("DELETE", f"/api/v1/messages/{ids[0]}")
    assert (heard.status, heard.body) == (200, b"")
    assert server.ask("DELETE", f"/api/v1/messages/{ids[0]}").status == 404
    assert server.ask("DELETE", f"/mailbox/elsewhere/api/v1/messages/{ids[1]}").status == 404
    assert server.get("/api/v2/messages").json["total"] == 1
    assert server.ask("DELETE", "/api/v1/messages").status == 200
    assert server.get("/api/v2/messages").json["total"] == 0


def test_in_the_sight_of_a_mailbox_there_is_nothing_else(server: WebServer) -> None:
    ids = add(server)
    assert server.get("/mailbox/hidden/api/v2/messages").json["total"] == 1
    assert server.get("/mailbox/hidden/api/v2/search?kind=from&query=ana").json["total"] == 1
    assert server.get(f"/mailbox/hidden/api/v1/messages/{ids[0]}").status == 404
    server.ask("DELETE", f"/mailbox/hidden/api/v1/messages/{ids[1]}")
    assert server.get("/api/v2/messages").json["total"] == 2


def test_files(server: WebServer) -> None:
    _, id = add(server)
    source = server.get(f"/api/v1/messages/{id}/download")
    assert source.fields["content-type"] == "message/rfc822" and b"Subject: First\r\n" in source.body
    assert source.fields["content-disposition"] == f"attachment; filename*=UTF-8''{id}.eml"
    part = server.get(f"/api/v1/messages/{id}/mime/part/1/download")
    assert part.body == b"<script>alert(1)</script>" and part.fields["content-type"] == "text/html"
    assert part.fields["content-disposition"] == f"attachment; filename*=UTF-8''{id}-part-1"
    assert part.fields["x-content-type-options"] == "nosniff" and "sandbox" in part.fields["content-security-policy"]
    assert server.get(f"/api/v1/messages/{id}/mime/part/2/download").status == 404
    for number in ("x", "-1", "\u00b2".encode().hex() + "%C2%B2", "9" * 9):
        assert server.get(f"/api/v1/messages/{id}/mime/part/{number}/download").status == 400


def test_while_the_database_is_away_nothing_is_left_out(server: WebServer) -> None:
    ids = add(server)
    server.inbox.away = Away(is_database=True)
    paths = ("v2/messages", f"v1/messages/{ids[1]}", f"v1/messages/{ids[1]}/download", "v2/search?kind=to&query=john")
    for path in (*paths, f"v1/messages/{ids[1]}/mime/part/0/download"):
        answer = server.get(f"/api/{path}")
        assert (answer.status, answer.fields["retry-after"]) == (503, "2"), path
        assert answer.text == "503 Service Unavailable: the database is away: try again\n"
    server.inbox.away = None
    assert all(server.get(f"/api/{path}").status == 200 for path in paths)


def test_the_rest_of_mailhog_is_off(server: WebServer) -> None:
    id = add(server)[0]
    for method in ("GET", "POST", "PUT", "DELETE"):
        assert server.ask(method, "/api/v2/jim").status == 404
    assert server.get("/api/v2/outgoing-smtp").status == 404
    assert server.ask("POST", f"/api/v1/messages/{id}/release", {}).status == 404


def test_deleting_all_has_no_body_for_who_accepts_nothing(server: WebServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("DELETE", "/api/v1/messages")
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b"")
    connection.close()


def test_a_stream_tells_of_each_message_in_its_order(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "LARGEST_TOLD", 1_000)
    listener = Listener(server, "/api/v1/events")
    assert listener.response.getheader("content-type") == "text/event-stream"
    own = Listener(server, "/mailbox/bob/api/v1/events")
    for number in range(3):
        server.add(mail(f"Number {number}", number=number), ("ana", "bob")[number % 2])
        server.add(mail(text="x" * 2_000, number=100 + number), "ana")
    told = [listener.next() for _ in range(3)]
    assert [(name, item["Content"]["Headers"]["Subject"]) for name, item in told] == [
        ("", [f"Number {n}"]) for n in range(3)
    ]
    assert own.next()[1] == told[1][1]
    listener.close()
    own.close()
    while server.call(lambda: len(server.inbox._watchers)):
        time.sleep(0.01)


def test_a_mail_that_cannot_be_shown_costs_itself_only(
    server: WebServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ids = add(server)
    monkeypatch.setattr(actions, "item", lambda mail, octets: item(mail, octets) if mail["ID"] == ids[0] else 1 / 0)
    assert [item["ID"] for item in server.get("/api/v2/messages").json["items"]] == ids[:1]
    assert server.get(f"/api/v1/messages/{ids[1]}").status == 404
    caplog.clear()
