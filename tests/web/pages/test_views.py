"""Messages in all their views: whatever a mail has in it, a page comes, and nothing of it is markup."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from web.contract import Away
from web.environment import ClientSession
from web.gate import Terms
from web.pages.reading import LONGEST_SHOWN, TABS

from ...kit.web_server import Heard, WebServer
from ...kit.web_server import mail as stored
from .world import MAILS, html_mail, mail, world

ATTACK = '<img src=x onerror="alert(1)">\'"&amp;</script><b id=planted>'


class Tags(HTMLParser):
    """Collects the tags of a page, and what stands in attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def planted(answer: Heard) -> list[str]:
    """What of the attack has become markup."""
    tags = Tags(answer.text).found
    found = [tag for tag, fields in tags if fields.get("id") == "planted" or fields.get("src") == "x"]
    return found + [name for _, fields in tags for name in fields if name.startswith("on")]


@pytest.mark.parametrize("path", sorted(MAILS.glob("*.eml")), ids=lambda path: path.stem)
def test_odd_mails_have_all_views(path: Path) -> None:
    with world() as here:
        id = here.add(path.read_bytes())
        for tab in (*TABS, "", "nonsense"):
            answer = here.ask(f"/view/{id}?tab={tab}", Accept_Language="pt")
            assert answer.status == 200 and "</html>" in answer.text and not planted(answer)
        assert here.ask(f"/view/{id}/html").status in (200, 404)
        assert here.ask("/").status == 200


def test_markup_in_a_mail_is_text_wherever_it_stands() -> None:
    calendar = f"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:{ATTACK}\r\nLOCATION:{ATTACK}\r\n"
    calendar += f"ORGANIZER:{ATTACK}\r\nSTATUS:{ATTACK}\r\nDTSTART:20261201T140000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    name = ATTACK.replace("\\", "").replace('"', '\\"')
    more = (
        f"Return-Path: <{ATTACK}>\r\nDelivered-To: {ATTACK}\r\n"
        f"Received: from {ATTACK} ([192.0.2.1]) by x with ESMTP id {ATTACK};"
        " Sat, 28 Nov 2026 08:31:02 +0000\r\n"
        f"To: {ATTACK} <a@b>\r\nCc: {ATTACK}\r\nBcc: {ATTACK}\r\nReply-To: {ATTACK}\r\nMessage-ID: <{ATTACK}>\r\n"
        f"X-{ATTACK.split()[0]}: {ATTACK}\r\nList-Unsubscribe: <https://x/{ATTACK}>, {ATTACK}\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
    )
    body = (
        f"--b\r\nContent-Type: text/plain; charset={ATTACK}\r\n\r\n\xe9 {ATTACK} https://x/{ATTACK}\r\n"
        f'--b\r\nContent-Type: image/png; name="{name}"\r\nContent-ID: <{ATTACK}>\r\n'
        "Content-Disposition: inline\r\n\r\nx\r\n"
        f'--b\r\nContent-Type: text/x-{ATTACK}\r\nContent-Disposition: attachment; filename="{name}"\r\n\r\nx\r\n'
        f"--b\r\nContent-Type: text/calendar\r\n\r\n{calendar}\r\n--b--\r\n"
    )
    with world() as here:
        id = here.add(mail(ATTACK, body, f'"{name}" <{ATTACK}>', more), "joe")
        here.call(lambda: here.inbox.tag(None, [id], [ATTACK], lambda _: None))
        pages = [here.ask(f"/view/{id}?tab={tab}") for tab in TABS]
        pages += [here.ask(path) for path in ("/", "/rows", "/mailbox/joe/", "/search?query=alert")]
        for answer in pages:
            assert answer.status == 200 and not planted(answer)
            assert "&lt;img src=x" in answer.text, "it is shown"


@pytest.mark.parametrize("name", ["query", "start", "tab", "notice", "undo", "number", "remote", "sent", "ids"])
def test_markup_in_an_address_is_text(name: str) -> None:
    with world() as here:
        id = here.add(mail())
        attack = "%3Cimg%20src%3Dx%20onerror%3D%22alert(1)%22%3E"
        for path in (
            "/",
            "/search",
            "/rows",
            f"/view/{id}",
            "/search?query=hello&",
            f"/mailbox/{attack}/",
            f"/nowhere{attack}",
        ):
            answer = here.ask(f"{path}{'' if path.endswith('&') else '?'}{name}={attack}")
            assert answer.status < 500
            assert "html" not in answer.fields.get("content-type", "") or not planted(answer)


def test_a_message_says_who_and_what() -> None:
    with world() as here:
        id = here.add((MAILS / "19-calendar-invite.eml").read_bytes(), "ana", "rui")
        text = here.ask(f"/view/{id}?tab=text").text
        for shown in (
            "Invitation: lecture",
            "Ana Prado",
            "Aula de redes — SMTP",
            "2026-12-01 14:00 Europe/Lisbon",
            "invite.ics",
        ):
            assert shown in text
        assert "Thursday, 26 November 2026 at 09:30:00 UTC" in text and "You are invited." in text
        assert f'href="/api/v1/message/{id}/part/' in text


def test_opening_marks_as_read_but_asking_for_the_head_does_not() -> None:
    with world() as here:
        id = here.add(mail())
        here.ask(f"/view/{id}", "HEAD")
        assert not here.inbox.copies[0].is_read
        answer = here.ask(f"/view/{id}")
        assert here.inbox.copies[0].is_read and "0 unread of 1" in answer.text


def test_the_latest_is_found() -> None:
    with world() as here:
        here.add(mail("First"))
        id = here.add(mail("Second"))
        answer = here.ask("/view/latest")
        assert answer.status == 303 and answer.fields["location"] == f"/view/{id}"
        answer = here.ask("/view/latest?query=subject:first&tab=source")
        assert answer.fields["location"] == f"/view/{here.inbox.copies[0].id}?tab=source"
        assert here.ask("/view/latest?query=subject:third").status == 404


def test_what_is_gone_is_said_to_be() -> None:
    with world() as here:
        answer = here.ask("/view/0000000000000000000000")
        assert answer.status == 404 and "This message is not here" in answer.text
        assert here.ask("/view/0000000000000000000000/html").status == 404


@pytest.mark.parametrize(("what", "words"), [(Away(True), "The database is away"), (Away(False), "This cannot be told now")])
def test_while_the_database_is_away_a_message_is_asked_for_again(what: Away, words: str) -> None:
    with world() as here:
        id = here.add(html_mail("<p>Hi"))
        here.inbox.away = what
        for path in ("", "?tab=source", "/html"):
            answer = here.ask(f"/view/{id}{path}")
            assert answer.status == 503 and answer.fields["retry-after"] == "2"
            if path != "/html":
                assert words in answer.text and '<meta http-equiv="refresh" content="2">' in answer.text
        assert not here.inbox.copies[0].is_read
        assert here.ask("/").status == here.ask("/search?query=hello").status == 200
        here.inbox.away = None
        answer = here.ask(f"/view/{id}")
        assert answer.status == 200 and "refresh" not in answer.text and "retry-after" not in answer.fields
        answer = here.ask("/view/0000000000000000000000")
        assert answer.status == 404 and "refresh" not in answer.text


def test_a_mailbox_has_pages_of_its_own() -> None:
    with world(root="/mail") as here:
        mine = here.add(mail("For Ana"), "ana")
        other = here.add(mail("For Rui"), "rui")
        text = here.ask("/mail/mailbox/ana/").text
        assert "For Ana" in text and "For Rui" not in text
        links = re.findall(r' (?:href|src|action|formaction)="([^"#]*)"', text)
        assert links and all(link.startswith(("/mail/", "data:")) for link in links)
        assert f"/mail/mailbox/ana/view/{mine}" in links and "/mail/mailbox/rui/" in links and "/mail/" in links
        assert here.ask(f"/mail/mailbox/ana/view/{other}").status == 404
        assert here.ask("/mail/mailbox/ana").fields["location"] == "/mail/mailbox/ana/"
        assert here.ask("/mail/mailbox?name=jos%C3%A9").fields["location"] == "/mail/mailbox/jos%C3%A9/"


def test_who_sees_one_mailbox_is_told_no_other_name() -> None:
    terms = Terms(authenticate=lambda name, password, answer: answer(password == "right"), admins={"root"})
    with world(terms) as here:
        id = here.add(mail("For both"), "ana", "rui")
        here.add(mail("For Rui"), "rui")
        ana, root = "Basic YW5hOnJpZ2h0", "Basic cm9vdDpyaWdodA=="
        for path in ("/", "/mailbox/ana/", "/rows", f"/view/{id}"):
            text = here.ask(path, Authorization=ana).text
            assert "rui</bdi>" not in text and "For Rui" not in text and "<bdi>ana</bdi>" in text
        assert "<bdi>rui</bdi>" in here.ask("/mailbox/ana/", Authorization=root).text
        assert here.ask("/mailbox/rui/", Authorization=ana).status == 401


def test_links_in_a_text_can_be_followed() -> None:
    with world() as here:
        id = here.add(mail(text='Confirm: https://shop.example/a?b=1&c="2". javascript:alert(1)'))
        text = here.ask(f"/view/{id}").text
        assert '<a href="https://shop.example/a?b=1&amp;c=" target="_blank" rel="noopener noreferrer nofollow">' in text
        assert 'href="javascript' not in text


def test_long_texts_are_cut_and_the_source_is_there() -> None:
    with world() as here:
        id = here.add(mail(text="wonder " * 200_000))
        answer = here.ask(f"/view/{id}")
        assert len(answer.body) < LONGEST_SHOWN + 50_000 and "Only the beginning is shown." in answer.text
        assert "Only the beginning" in here.ask(f"/view/{id}?tab=source").text


def test_the_document_of_a_mail_is_in_a_sandbox() -> None:
    with world() as here:
        id = here.add(html_mail('<p onclick=x>Hi</p><script>x</script><img src="https://x.example/1.png">'))
        frame = here.ask(f"/view/{id}/html")
        policy = frame.fields["content-security-policy"]
        assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'")
        assert "https:" not in policy and "script" not in frame.text and "onclick" not in frame.text
        assert (
            "img-src 'self' data: https: http:;" in here.ask(f"/view/{id}/html?remote=1").fields["content-security-policy"]
        )
        sent = here.ask(f"/view/{id}/html?sent=1")
        assert "<script>" in sent.text and sent.fields["content-security-policy"] == policy
        page = here.ask(f"/view/{id}").text
        assert "Content from elsewhere is not loaded" in page and "remote=1" in page and f'src="/view/{id}/html"' in page


def test_pictures_in_the_document_are_parts_of_the_mail() -> None:
    with world() as here:
        id = here.add((MAILS / "26-inline-cid.eml").read_bytes(), "ana")
        text = here.ask(f"/mailbox/ana/view/{id}/html").text
        parts = re.findall(rf"/mailbox/ana/api/v1/message/{id}/part/([\d.]+)", text)
        assert len(parts) == 5 and len(set(parts)) == 3 and "cid:missing@example.org" in text
        for part in parts:
            assert here.ask(f"/api/v1/message/{id}/part/{part}").fields["content-type"] == "image/png"


def policy_of(answer: Heard) -> dict[str, str]:
    directives = answer.fields["content-security-policy"].split("; ")
    return {name: rest for name, _, rest in (directive.partition(" ") for directive in directives)}


def test_pages_run_nothing_but_our_own_scripts() -> None:
    with world() as here:
        id = here.add(mail())
        for path in ("/", "/search?query=is:never", f"/view/{id}", "/view/0000000000000000000000", "/rows"):
            answer = here.ask(path)
            policy = policy_of(answer)
            assert policy["default-src"] == "'none'" and policy["script-src"] == policy["style-src"] == "'self'"
            assert policy["frame-ancestors"] == "'self'" and policy["base-uri"] == "'none'"
            assert answer.fields["x-content-type-options"] == "nosniff"
            assert answer.fields["referrer-policy"] == "same-origin"
            assert (
                answer.fields["cross-origin-opener-policy"] == answer.fields["cross-origin-resource-policy"] == "same-origin"
            )
            inline = [
                tag
                for tag, fields in Tags(answer.text).found
                if "style" in fields or (tag == "script" and "src" not in fields)
            ]
            assert not inline


def test_what_cannot_be_told_now_is_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    with world() as here:
        here.add(mail())
        monkeypatch.setattr(here.inbox, "page", lambda *values: values[-1](None))
        monkeypatch.setattr(here.inbox, "mailboxes", lambda answer: answer(None))
        answer = here.ask("/")
        assert answer.status == 503 and "This cannot be told now" in answer.text and 'http-equiv="refresh"' in answer.text
        lists = [here.ask(path) for path in ("/", "/rows", "/search?query=x", "/api/v1/messages", "/api/v1/search?query=x")]
        assert [(one.status, one.fields["retry-after"]) for one in lists] == [(503, "2")] * 5


def test_a_bug_in_a_late_answer_is_a_500(monkeypatch: pytest.MonkeyPatch) -> None:
    with world() as here:
        monkeypatch.setattr(here.inbox, "page", lambda *values: here.inbox._later(lambda: values[-1](0)))
        assert here.ask("/search?query=x").status == 500


def test_the_tab_smtp_says_what_the_client_broke() -> None:
    remark = {"Section": "RFC 5321 section 4.1.2", "Instead": "send <user@host>", "Times": 1, "Example": "MAIL FROM:a@b"}
    sessions: list[ClientSession] = [
        {"Ended": "", "Client": "192.0.2.1:1", "Name": "me", "Commands": 9, "Messages": 1, "Stored": ["2A"], "Remarks": [
            {"Rule": "5321-4.1.2-brackets", "Level": "MUST", "Words": "sent <b>", **remark}]},  # type: ignore[typeddict-item]
        {"Ended": "", "Client": "192.0.2.1:2", "Name": "me", "Commands": 9, "Messages": 1, "Stored": ["2B"], "Remarks": []},
    ]  # fmt: skip
    terms = Terms(authenticate=lambda name, password, answer: answer(True), admins=["root"])
    with WebServer(terms, clients=lambda most: sessions) as server:
        ids = [server.add(stored(number=number), "ana") for number in (42, 43, 44)]
        shown = [server.get(f"/view/{id}?tab=envelope", Authorization="Basic cm9vdDp4").text for id in ids]
        own = server.get(f"/view/{ids[0]}?tab=envelope", Authorization="Basic YW5hOng=")
    assert '<span title="sent &lt;b&gt;">5321-4.1.2-brackets (MUST)</span>' in shown[0]
    assert "no rule of the RFCs" in shown[1] and "Its client broke" not in shown[2]
    assert own.status == 200 and "Its client broke" not in own.text
