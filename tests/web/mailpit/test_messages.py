"""One message over Mailpit's API: what is in it, its header, source, parts, HTML and text."""

from base64 import b64encode
from urllib.parse import urljoin

import pytest

from web.contract import Away

from ...kit.web_server import WebServer, mail

PICTURE = b"\x89PNG\r\n" + bytes(range(100))
HTML = '<p>Ol\u00e1 <img src="cid:pic%40x"> <a href="https://example.org/">x</a> <img src=cid:none> url(cid:pic@x)</p>'
WHOLE = f"""\
--b
Content-Type: text/html; charset=utf-8

{HTML}
--b
Content-Type: image/png; name=p.png
Content-Disposition: inline; filename=p.png
Content-ID: <pic@x>
Content-Transfer-Encoding: base64

{b64encode(PICTURE).decode()}
--b
Content-Type: text/html; charset=iso-8859-1
Content-Disposition: attachment; filename*=utf-8''%E2%82%AC%22.html

<script>alert(1)</script>
--b
Content-Type: image/svg+xml
Content-Disposition: attachment; filename=x.svg

<svg onload="alert(1)"/>
--b--
"""
FIELDS = (
    "Cc: Cc One <cc@example.com>",
    "Reply-To: reply@example.com",
    "List-Unsubscribe: <mailto:leave@example.com>, <https://example.com/leave>",
    "X-Twice: one",
    "x-TWICE: two",
    "MIME-Version: 1.0",
    "Content-Type: multipart/mixed; boundary=b",
)


def add(server: WebServer, *mailboxes: str) -> str:
    envelope = ("johndoe@example.org", "hidden@example.org")
    return server.add(mail("=?utf-8?q?Ol=C3=A1?=", WHOLE, fields=FIELDS, envelope=envelope), *mailboxes or ("johndoe",))


def test_a_message_has_all_fields_of_mailpit(server: WebServer) -> None:
    id = add(server)
    message = server.get(f"/api/v1/message/{id}").json
    assert {
        "ID", "MessageID", "Read", "From", "To", "Cc", "Bcc", "ReplyTo", "ReturnPath", "Subject", "ListUnsubscribe", "Date",
        "Tags", "Username", "Text", "HTML", "Size", "Inline", "Attachments",
    } <= set(message)  # fmt: skip
    assert (message["ID"], message["MessageID"], message["Read"]) == (id, "0@example.org", True)
    assert message["Subject"] == "Ol\u00e1" and message["Date"] == "2026-11-27T09:00:00.000Z"
    assert message["Cc"] == [{"Name": "Cc One", "Address": "cc@example.com"}]
    assert message["Bcc"] == [{"Name": "", "Address": "hidden@example.org"}]
    assert message["ReturnPath"] == "ana@example.org" and message["Tags"] == []
    assert message["ListUnsubscribe"]["Links"] == ["mailto:leave@example.com", "https://example.com/leave"]
    assert message["HTML"].strip() == HTML and "Ol\u00e1" in message["Text"]
    (inline,), (page, drawing) = message["Inline"], message["Attachments"]
    assert (inline["ContentID"], inline["FileName"], inline["Size"]) == ("pic@x", "p.png", len(PICTURE))
    assert len(inline["Checksums"]["SHA256"]) == 64
    assert drawing["ContentType"] == "image/svg+xml" and page["ContentType"] == "text/html"


def test_opening_a_message_marks_it_as_read_and_looking_for_it_does_not(server: WebServer) -> None:
    add(server)
    for path in ("/api/v1/message/latest", "/view/latest.html", "/view/latest.txt"):
        server.ask("PUT", "/api/v1/messages", {"Read": False})
        assert server.ask("HEAD", path).status == 200
        for other in ("headers", "raw"):
            server.get(f"/api/v1/message/latest/{other}")
        assert server.get("/api/v1/messages").json["unread"] == 1
        assert server.get(path).status == 200
        assert server.get("/api/v1/messages").json["unread"] == 0


def test_the_latest_is_that_which_a_search_finds(server: WebServer) -> None:
    ids = [server.add(mail(f"Number {n}", number=n), "ana") for n in range(3)]
    assert server.get("/api/v1/message/latest").json["ID"] == ids[2]
    assert server.get("/api/v1/message/latest?query=%22number%201%22").json["ID"] == ids[1]
    assert server.get("/api/v1/message/latest?query=nothing").status == 404
    assert server.get("/api/v1/message/latest?query=before:soon").status == 400


PATHS = [
    "/api/v1/message/{}", "/api/v1/message/{}/headers", "/api/v1/message/{}/raw", "/api/v1/message/{}/part/1",
    "/view/{}.html", "/view/{}.txt", "/api/v1/messages/{}", "/api/v1/messages/{}/download",
    "/api/v1/messages/{}/mime/part/0/download",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("id", ["A" * 22, "latest"])
def test_what_is_not_there_is_404(server: WebServer, path: str, id: str) -> None:
    assert server.get(path.format(id)).status == 404


def test_what_cannot_be_read_now_is_503(server: WebServer) -> None:
    id = server.add(mail("First"))
    for server.inbox.away in (Away(is_database=True), Away(is_database=False)):
        for path in PATHS:
            answer = server.get(path.format(id))
            assert (answer.status, answer.fields["retry-after"]) == (503, "2"), path
            assert answer.text.count("\n") == 1 and "try again" in answer.text
    server.inbox.away = None
    assert server.get(f"/api/v1/message/{id}").json["Subject"] == "First"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("id", ["A" * 21, "A" * 23, "last", "..", "%2e%2e%2f", "A%00", "\u00e1".encode().hex(), "Latest"])
def test_what_is_no_id_is_404(server: WebServer, path: str, id: str) -> None:
    add(server)
    assert server.get(path.format(id)).status == 404


@pytest.mark.parametrize("path", PATHS)
def test_in_the_sight_of_another_mailbox_it_is_not_there(server: WebServer, path: str) -> None:
    id = add(server, "ana")
    assert server.get("/mailbox/bob" + path.format(id)).status == 404
    assert server.get("/mailbox/bob" + path.format("latest")).status == 404


def test_header_fields_have_gos_names_and_raw_values(server: WebServer) -> None:
    add(server)
    headers = server.get("/api/v1/message/latest/headers").json
    assert headers["Message-Id"] == ["<0@example.org>"] and headers["Mime-Version"] == ["1.0"]
    assert headers["X-Twice"] == ["one", "two"] and headers["Subject"] == ["=?utf-8?q?Ol=C3=A1?="]
    assert headers["Delivered-To"] == ["johndoe@example.org", "hidden@example.org"]


def test_the_source_is_what_is_stored(server: WebServer) -> None:
    id = add(server)
    heard = server.get(f"/api/v1/message/{id}/raw")
    assert heard.body == server.call(lambda: server.inbox.copies[0].message.octets)
    assert (
        heard.fields["content-type"] == "text/plain; charset=utf-8" and heard.fields["x-content-type-options"] == "nosniff"
    )
    assert "content-disposition" not in heard.fields
    saved = server.get(f"/api/v1/message/{id}/raw?dl=1")
    assert saved.fields["content-disposition"] == f"attachment; filename*=UTF-8''{id}.eml" and saved.body == heard.body
    part = server.get(f"/api/v1/message/{id}/raw", Range="bytes=10-19")
    assert (part.status, part.body) == (206, heard.body[10:20])


def test_a_picture_is_shown_and_anything_else_is_to_be_saved(server: WebServer) -> None:
    add(server)
    message = server.get("/api/v1/message/latest").json
    (picture,), (page, drawing) = message["Inline"], message["Attachments"]
    shown = server.get(f"/api/v1/message/latest/part/{picture['PartID']}")
    assert shown.body == PICTURE and shown.fields["content-type"] == "image/png"
    assert shown.fields["content-disposition"] == "inline; filename*=UTF-8''p.png"
    ranged = server.get(f"/api/v1/message/latest/part/{picture['PartID']}", Range="bytes=-4")
    assert (ranged.status, ranged.body) == (206, PICTURE[-4:])
    saved = server.get(f"/api/v1/message/latest/part/{page['PartID']}")
    assert saved.fields["content-type"] == "text/html; charset=iso-8859-1"
    assert saved.fields["content-disposition"].startswith("attachment; filename*=UTF-8''%E2%82%AC")
    svg = server.get(f"/api/v1/message/latest/part/{drawing['PartID']}")
    assert svg.fields["content-disposition"] == "attachment; filename*=UTF-8''x.svg"
    for heard in (shown, saved, svg):
        assert heard.fields["x-content-type-options"] == "nosniff"
        assert heard.fields["content-security-policy"].startswith("sandbox; default-src 'none'")


@pytest.mark.parametrize("part", ["9", "1.99", "x", "1" * 7, "-1"])
def test_a_part_that_is_not_there(server: WebServer, part: str) -> None:
    add(server)
    assert server.get(f"/api/v1/message/latest/part/{part}").status == 404


def test_html_is_as_sent_in_a_sandbox_with_our_links(server: WebServer) -> None:
    id = add(server)
    part = server.get(f"/api/v1/message/{id}").json["Inline"][0]["PartID"]
    for base, root in (("/view", ""), ("//view", ""), ("/view", "/mailbox/johndoe")):
        heard = server.get(f"{root}{base}/{id}.html")
        link = f"../api/v1/message/{id}/part/{part}"
        assert heard.text.strip() == HTML.replace("cid:pic%40x", link).replace("cid:pic@x", link)
        assert heard.fields["content-type"] == "text/html; charset=utf-8"
        policy = heard.fields["content-security-policy"]
        assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'")
        assert "script" not in policy and heard.fields["x-content-type-options"] == "nosniff"
        assert server.get(urljoin(f"{root}/view/{id}.html", link)).body == PICTURE


def test_frames_are_empty_for_a_browser_that_shows_it_and_as_sent_for_programs(server: WebServer) -> None:
    frame = '<p>x</p><iframe src="https://evil.example/"></iframe><link href=//evil.example rel=preconnect>'
    id = server.add(mail("Frames", frame, fields=("Content-Type: text/html",)))
    for accept in ("*/*", "application/json, text/plain, */*"):
        assert server.ask("GET", f"/view/{id}.html", None, {"Accept": accept}).text.strip() == frame
    shown = server.ask("GET", f"/view/{id}.html", None, {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}).text
    assert '<iframe srcdoc="" src=' in shown and '<link rel="left-out" href=' in shown and shown.startswith("<p>x</p>")


def test_embedded_html_opens_new_windows(server: WebServer) -> None:
    add(server)
    assert '<base target="_blank">' in server.get("/view/latest.html?embed=1").text
    assert '<base target="_blank">' not in server.get("/view/latest.html?embed=0").text


def test_there_may_be_no_html(server: WebServer) -> None:
    server.add(mail(text="Just text"), "ana")
    heard = server.get("/view/latest.html")
    assert heard.status == 404 and "HTML" in heard.text
    text = server.get("/view/latest.txt")
    assert text.text.strip() == "Just text" and text.fields["content-type"] == "text/plain; charset=utf-8"


def test_nothing_is_sent_on_and_nothing_is_checked(server: WebServer) -> None:
    id = add(server)
    heard = server.ask("POST", f"/api/v1/message/{id}/release", {"To": ["x@example.com"]})
    assert heard.status == 400 and "not enabled" in heard.text
    for check in ("html-check", "link-check", "sa-check", "part/2/thumb"):
        assert server.get(f"/api/v1/message/{id}/{check}").status == 404


EVIL = "<img src=x onerror=alert(1)>"


def test_markup_in_any_field_is_data(server: WebServer) -> None:
    """JSON and text are never taken for HTML; file names stay in their field."""
    fields = (
        f"Cc: {EVIL} <cc@example.com>",
        f"X-{EVIL}: {EVIL}",
        f'Content-Disposition: attachment; filename="{EVIL}"',
        f"Content-Type: text/html; charset={EVIL}",
        f"List-Unsubscribe: <https://x/{EVIL}>",
    )
    id = server.add(mail(f"{EVIL}", EVIL, sender=f"{EVIL}@x", to=(f'"{EVIL}" <a@b>',), fields=fields), "ana")
    server.ask("PUT", "/api/v1/tags", {"IDs": [id], "Tags": [EVIL]})
    for path in ("messages", "search?query=img", f"message/{id}", f"message/{id}/headers", f"messages/{id}", "tags", "info"):
        heard = server.get(f"/api/v1/{path}")
        assert heard.status == 200 and heard.fields["content-type"] == "application/json", path
    for part in server.get(f"/api/v1/message/{id}").json["Attachments"]:
        heard = server.get(f"/api/v1/message/{id}/part/{part['PartID']}")
        assert heard.fields["content-disposition"].startswith("attachment") and EVIL not in str(heard.fields)
        assert heard.fields["content-type"] == "text/html"
    assert server.get(f"/view/{id}.txt").fields["content-type"].startswith("text/plain")
    for wrong in ("/api/v1/search?query=is:%3Cimg%3E", "/api/v1/messages?limit=%3Cimg%3E"):
        heard = server.get(wrong)
        assert heard.status == 400 and heard.fields["content-type"].startswith("text/plain") and "<img>" in heard.text
