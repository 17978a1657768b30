"""Sending over Mailpit's API: to the SMTP side, as any client does; the answer is the id once it can be seen."""

import logging
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from web.environment import Outcome
from web.mailpit import composing, sending

from ...kit.web_server import WebServer

LEAST = {"From": {"Email": "from@example.com"}, "To": [{"Email": "jane@example.com"}]}
ALL = {
    "From": {"Email": "from@example.com", "Name": 'Fr\u00e0nk, the "First"'},
    "To": [{"Email": "jane@example.com", "Name": "Jane"}, {"Email": "j\u00fcrgen@ex\u00e4mple.com"}],
    "Cc": [{"Email": "cc@example.com", "Name": "C. C."}],
    "Bcc": ["bcc@example.com"],
    "ReplyTo": [{"Email": "reply@example.com"}],
    "Subject": "Ol\u00e1 " * 100,
    "Text": "The t\u00e9xt\n.\nof it",
    "HTML": '<p>Ol\u00e1 <img src="cid:pic"></p>',
    "Headers": {"X-Kind": "test \u20ac"},
    "Tags": ["one", "two"],
    "Attachments": [
        {"Content": b64encode(b"%PDF").decode(), "Filename": "\u20ac.pdf"},
        {"content": "data:image/png;base64," + b64encode(b"png").decode(), "FILENAME": 'a"b.png', "ContentID": "<pic>"},
        {"Content": "eA==", "ContentType": "message/rfc822"},
    ],
}


def test_a_mail_is_sent_and_its_id_is_answered(server: WebServer) -> None:
    heard = server.ask("POST", "/api/v1/send", ALL)
    assert heard.status == 200 and list(heard.json) == ["ID"]
    ((sender, recipients, octets),) = server.sent
    assert sender == "from@example.com"
    assert recipients == ["jane@example.com", "j\u00fcrgen@ex\u00e4mple.com", "cc@example.com", "bcc@example.com"]
    assert b"bcc@" not in octets and b"\n" not in octets.replace(b"\r\n", b"")
    assert max(len(line) for line in octets.split(b"\r\n")) < 998
    message = server.get(f"/api/v1/message/{heard.json['ID']}").json
    assert message["From"] == {"Name": 'Fr\u00e0nk, the "First"', "Address": "from@example.com"}
    assert message["To"][0] == {"Name": "Jane", "Address": "jane@example.com"}
    assert message["To"][1]["Address"] == "j\u00fcrgen@ex\u00e4mple.com"
    assert message["Cc"] == [{"Name": "C. C.", "Address": "cc@example.com"}]
    assert [person["Address"] for person in message["Bcc"]] == ["bcc@example.com"]
    assert message["Subject"] == ("Ol\u00e1 " * 100).strip() and message["Tags"] == ["one", "two"]
    assert message["Text"].strip() == "The t\u00e9xt\n.\nof it" and message["HTML"].strip() == ALL["HTML"]
    assert [part["FileName"] for part in message["Attachments"]] == ["\u20ac.pdf", ""]
    assert [part["ContentType"] for part in message["Attachments"]] == ["application/pdf", "application/octet-stream"]
    (inline,) = message["Inline"]
    assert (inline["ContentID"], inline["ContentType"], inline["Size"]) == ("pic", "image/png", 3)
    assert message["Date"] == "2026-11-28T09:30:00.000Z"


def test_little_is_needed(server: WebServer) -> None:
    assert server.ask("POST", "/api/v1/send", LEAST).status == 200
    only_html = {**LEAST, "HTML": "<p>x</p>", "Text": None, "Attachments": [{"Content": "eA==", "ContentID": "x"}]}
    id = server.ask("POST", "/mailbox/elsewhere/api/v1/send", only_html).json["ID"]
    message = server.get(f"/api/v1/message/{id}").json
    assert message["HTML"].strip() == "<p>x</p>" and message["Inline"][0]["ContentID"] == "x"
    without_html = {**LEAST, "Attachments": [{"Content": "eA==", "ContentID": "x", "Filename": "x.png"}]}
    id = server.ask("POST", "/api/v1/send", without_html).json["ID"]
    assert server.get(f"/api/v1/message/{id}").json["Attachments"][0]["FileName"] == "x.png"


def bad(**fields: Any) -> dict[str, Any]:
    return {**LEAST, **fields}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{", "no JSON"),
        ([], "no JSON object"),
        ({}, "From"),
        ({"From": "x@y"}, "From"),
        ({"From": {}}, "From"),
        ({"From": {"Email": "from@example.com"}}, "recipients"),
        (bad(To=[]), "recipients"),
        (bad(To={}), "To"),
        (bad(To=[{"Email": "a@b>, <c@d"}]), "To"),
        (bad(To=[{"Email": "a@b\r\nBcc: c@d"}]), "To"),
        (bad(Bcc=["x"]), "Bcc"),
        (bad(Bcc=[{"Email": "a@b"}]), "bcc"),
        (bad(Cc=[7]), "Cc"),
        (bad(ReplyTo=[{"Email": ""}]), "ReplyTo"),
        (bad(From={"Email": "a@b", "Name": "x\r\ny"}), "From"),
        (bad(Subject="a\nb"), "Subject"),
        (bad(Subject=7), "subject"),
        (bad(Subject="x" * 10_001), "Subject"),
        (bad(Text=["a", "b"]), "text"),
        (bad(HTML={}), "html"),
        (bad(Headers={"X": "a\r\nb"}), "X"),
        (bad(Headers={"X y": "a"}), "Headers"),
        (bad(Headers={"From": "a@b"}), "From"),
        (bad(Headers={"Content-Type": "x"}), "Content-Type"),
        (bad(Headers={"X": 7}), "X"),
        (bad(Headers=[]), "Headers"),
        (bad(Headers={f"X-{n}": "" for n in range(101)}), "Headers"),
        (bad(Headers={"X": "\ud800"}), "X"),
        (bad(Tags=["a,b"]), "tag"),
        (bad(Attachments={}), "Attachments"),
        (bad(Attachments=[7]), "Attachments"),
        (bad(Attachments=[{"Content": "%%%", "Filename": "x"}]), "base64"),
        (bad(Attachments=[{"Content": "\u20ac"}]), "base64"),
        (bad(Attachments=[{"Content": "", "Filename": "a\nb"}]), "file name"),
        (bad(Attachments=[{"Content": "", "ContentType": "x"}]), "ContentType"),
        (bad(Attachments=[{"Content": "", "ContentID": "a b"}]), "ContentID"),
        (bad(Attachments=[{"Content": ""}] * 201), "Attachments"),
        (bad(Text="\ud800"), "text"),
        (bad(Tekst="x"), "tekst"),
        (bad(To=[{"Email": f"a{n}@b"} for n in range(1_000)], Cc=[{"Email": "c@d"}]), "1,000"),
    ],
)
def test_what_cannot_be_sent_is_explained(server: WebServer, body: Any, why: str) -> None:
    heard = server.ask("POST", "/api/v1/send", body)
    assert heard.status == 400 and why in heard.json["Error"] and list(heard.json) == ["Error"]
    assert not server.sent


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome(550, "no such user"), 400),
        (Outcome(552, "too large"), 413),
        (Outcome(451, "try later"), 503),
        (Outcome(421, ""), 503),
    ],
)
def test_what_the_smtp_side_refuses_is_refused(server: WebServer, outcome: Outcome, status: int) -> None:
    server.outcome = outcome
    heard = server.ask("POST", "/api/v1/send", LEAST)
    assert heard.status == status and heard.json["Error"] == f"{outcome.code} {outcome.text}".strip()


def test_a_mail_that_is_not_seen_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "LONGEST_INDEX_WAIT", 0.05)

    def swallow(sender: str, recipients: Sequence[str], octets: bytes, answer: Callable[[Outcome], None]) -> None:
        answer(Outcome(250))

    with WebServer(submit=swallow) as server:
        heard = server.ask("POST", "/api/v1/send", LEAST)
    assert heard.status == 504 and "accepted" in heard.json["Error"]


def test_an_error_of_ours_costs_that_client_only(
    server: WebServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(composing, "letter", lambda *_: 1 / 0)
    heard = server.ask("POST", "/api/v1/send", LEAST)
    assert heard.status == 500 and server.get("/livez").status == 200
    assert [record.levelno for record in caplog.records if record.exc_info] == [logging.ERROR]
    caplog.clear()
