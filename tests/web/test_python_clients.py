"""The published clients for Python, unchanged: mailpit-api-client 1.0.0 and mailhog 0.1.1, which `dev` installs."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ..kit.web_server import WebServer, mail

HTML = """\
--b
Content-Type: text/html; charset=utf-8

<p>Ol\u00e1</p>
--b
Content-Type: text/plain; name=a.txt
Content-Disposition: attachment; filename=a.txt

attached
--b--
"""
FIELDS = ("Cc: cc@example.com", "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b")


def fill(server: WebServer) -> list[str]:
    """Three mails; their ids, the newest first."""
    ids = [server.add(mail("First", HTML, fields=FIELDS, number=1), "johndoe")]
    ids.append(server.add(mail("Second", number=2), "johndoe"))
    ids.append(server.add(mail("Third", number=3), "johndoe"))
    return ids[::-1]


@pytest.fixture(params=["", "/mailbox/johndoe"])
def mailpit(request: pytest.FixtureRequest, server: WebServer) -> Any:
    """mailpit-api-client's API, for all mail and for one mailbox."""
    api = pytest.importorskip("mailpit.client.api", reason="mailpit-api-client is not installed: pip install '.[dev]'")
    return api.API(server.url + request.param, 10)


@pytest.fixture
def mailhog(server: WebServer) -> Any:
    """mailhog's client. It takes no path, so it sees all mail."""
    package = pytest.importorskip("mailhog", reason="mailhog is not installed: pip install '.[dev]'")
    return package.Mailhog("127.0.0.1", server.port)


def test_mailpit_lists_messages(mailpit: Any, server: WebServer) -> None:
    ids = fill(server)
    listed = mailpit.get_messages(limit=2, start=1)
    assert (listed.total, listed.unread, listed.count, listed.start) == (3, 3, 2, 1)
    assert [row.id for row in listed.messages] == ids[1:]
    row = listed.messages[1]
    assert (row.subject, row.message_id, row.read, row.attachments) == ("First", "1@example.org", False, 1)
    assert (row.from_.address, [to.address for to in row.to]) == ("ana@example.org", ["johndoe@example.org"])
    assert ([cc.address for cc in row.cc], row.bcc) == (["cc@example.com"], [])
    assert row.created == datetime(2026, 11, 28, 9, 0, 1, tzinfo=UTC) and row.size > 0


def test_mailpit_reads_a_message(mailpit: Any, server: WebServer) -> None:
    ids = fill(server)
    message = mailpit.get_message(ids[2])
    assert (message.id, message.subject, message.read) == (ids[2], "First", True)
    assert message.html.strip() == "<p>Ol\u00e1</p>" and message.text.strip() == "Ol\u00e1"
    assert message.date == datetime(2026, 11, 27, 9, tzinfo=UTC)
    (attachment,) = message.attachments
    assert (attachment.file_name, attachment.content_type, attachment.size) == ("a.txt", "text/plain", 8)
    assert mailpit.get_message_attachment(ids[2], attachment.part_id) == "attached"
    assert mailpit.get_messages().unread == 2
    assert mailpit.get_message("latest").id == ids[0]


def test_mailpit_reads_header_fields(mailpit: Any, server: WebServer) -> None:
    headers = mailpit.get_message_headers(fill(server)[2])
    assert headers.from_ == ["ana@example.org"] and headers.message_id == ["<1@example.org>"]
    assert headers.delivered_to == ["johndoe@example.org"] and headers.content_type == ["multipart/mixed; boundary=b"]
    assert headers.additional["Subject"] == ["First"]


def test_mailpit_marks_messages(mailpit: Any, server: WebServer) -> None:
    ids = fill(server)
    mailpit.put_messages(ids[:2], "Read", True)
    assert [row.read for row in mailpit.get_messages().messages] == [True, True, False]
    mailpit.put_messages(ids[:1], "Read", False)
    assert [row.read for row in mailpit.get_messages().messages] == [False, True, False]


def test_mailpit_deletes_the_messages_that_it_names_and_no_others(mailpit: Any, server: WebServer) -> None:
    ids = fill(server)
    mailpit.delete_messages(ids[:2])
    assert [row.id for row in mailpit.get_messages().messages] == ids[2:]
    mailpit.delete_messages([])
    assert mailpit.get_messages().total == 0


def test_mailpit_deletes_a_large_page(mailpit: Any, server: WebServer) -> None:
    for number in range(300):
        server.add(mail(number=number), "johndoe")
    mailpit.delete_messages([row.id for row in mailpit.get_messages(limit=299).messages])
    assert mailpit.get_messages().total == 1


def test_mailhog_lists_messages(mailhog: Any, server: WebServer) -> None:
    ids = fill(server)
    listed = mailhog.messages(start=1, limit=5)
    assert (listed.total, listed.start, listed.count) == (3, 1, 2)
    first = listed.items[1]
    assert first.id == ids[2] and first.get_subject() == "First"
    assert first.get_sender() == "ana@example.org" and first.get_recipients() == ["johndoe@example.org"]
    assert first.created == "2026-11-28T09:00:01.000Z" and "Ol\u00e1" in first.content.body
    assert first.raw is not None and len(first.mime.parts) == 2


def test_mailhog_searches(mailhog: Any, server: WebServer) -> None:
    ids = fill(server)
    assert [found.id for found in mailhog.search("attached").items] == []
    assert [found.id for found in mailhog.search("Second").items] == [ids[1]]
    assert mailhog.search("cc@example.com", "to").total == 1
    assert mailhog.search("ana@example.org", kind="from", start=1, limit=1).count == 1


def test_mailhog_deletes(mailhog: Any, server: WebServer) -> None:
    ids = fill(server)
    mailhog.delete(mailhog.messages().items[0])
    assert [item.id for item in mailhog.messages().items] == ids[1:]
    mailhog.delete_all()
    assert mailhog.messages().total == 0
