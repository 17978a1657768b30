"""What is shown of a mail."""

import json
from datetime import UTC, datetime
from email.message import EmailMessage
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.mime import message as module
from inbox.mime import parts
from inbox.mime.addresses import Address
from inbox.mime.message import LONGEST_SNIPPET, Message, Note, message

MIXED = b"Content-Type: multipart/mixed; boundary=b\n\n"
ODD = [path.read_bytes() for path in sorted((Path(__file__).parent / "mails").glob("*.eml"))]
CAME = datetime(2026, 11, 27, tzinfo=UTC)


def part(header: str, content: bytes = b"x") -> bytes:
    return b"--b\n%b\n\n%b\n" % (header.encode(), content)


def places(octets: bytes) -> dict[str, list[str]]:
    """The ids of the parts, by where they are shown."""
    found = message(octets)
    return {"inline": [part.id for part in found.inline], "attachments": [part.id for part in found.attachments]}


def test_a_mail_that_the_standard_library_makes_is_read() -> None:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "José <jose@example.org>", "rui@example.net, Eva <eva@example.net>", "Olá ☃"
    made.set_content("Plain text\n")
    made.add_alternative("<p>HTML</p>", subtype="html")
    made.add_attachment(b"\0\1\2", maintype="application", subtype="pdf", filename="relatório.pdf")
    found = message(made.as_bytes())
    assert found.sender == (Address("José", "jose@example.org"),) and found.subject == "Olá ☃"
    assert found.to == (Address("", "rui@example.net"), Address("Eva", "eva@example.net"))
    assert (found.text, found.html, found.has_text) == ("Plain text\n", "<p>HTML</p>\n", True) or found.text == "Plain text"
    (attachment,) = found.attachments
    assert attachment[:2] == ("2", "application/pdf") and (attachment.file_name, attachment.size) == ("relatório.pdf", 3)
    assert found.content(attachment) == b"\0\1\2" and found.part("2") == found.parts[2] and found.part("9") is None


@pytest.mark.parametrize(
    ("header", "place"),
    [
        ("Content-Type: text/plain", None),
        ("Content-Type: text/html", None),
        ("Content-Type: text/plain\nContent-Disposition: inline", None),
        ("Content-Type: text/plain; name=a.txt", "attachments"),
        ("Content-Type: text/plain\nContent-Disposition: attachment", "attachments"),
        ("Content-Type: text/plain\nContent-Disposition: inline; filename=a.txt", "inline"),
        ("Content-Type: text/calendar", "attachments"),
        ("Content-Type: image/png", "attachments"),
        ("Content-Type: image/png\nContent-ID: <x>", "inline"),
        ("Content-Type: image/png\nContent-Disposition: inline", "inline"),
        ("Content-Type: image/png\nContent-ID: <x>\nContent-Disposition: attachment", "attachments"),
        ("Content-Type: image/png\nContent-Disposition: nonsense", "attachments"),
        ("Content-Type: message/rfc822", "attachments"),
        ("Content-Type: nonsense", "attachments"),
    ],
)
def test_where_a_part_is_shown(header: str, place: str | None) -> None:
    expected: dict[str, list[str]] = {"inline": [], "attachments": []}
    assert places(MIXED + part(header)) == (expected | {place: ["1"]} if place else expected)


def test_the_text_of_a_mail_without_parts_is_shown_whatever_it_is_called() -> None:
    for type in ("text/plain; name=a.txt", "text/markdown", "nonsense", "text"):
        assert message(b"Content-Type: %b\n\nread me" % type.encode()).text == "read me"
    assert message(b"Content-Type: application/pdf\n\nx").attachments[0].id == "0"


def test_texts_beside_one_another_are_one() -> None:
    found = message(
        MIXED + part("Content-Type: text/plain", b"one") + part("A: b", b"two") + part("Content-Type: text/html", b"<p>")
    )
    assert (found.text, found.html) == ("one\n\ntwo", "<p>\n")


def test_text_is_made_of_html_when_there_is_none() -> None:
    found = message(b"Content-Type: text/html\n\n<p>a<p>b")
    assert found.text == "a\n\nb" and not found.has_text and found.snippet == "a b"


def test_lines_end_in_lf() -> None:
    assert message(b"A: b\r\n\r\nc\r\nd\r\n").text == "c\nd\n"
    assert message(b"A: b\n\nc\rd\r\r\n").text == "c\nd\n\n"


def test_a_document_may_name_its_charset_if_its_part_does_not() -> None:
    document = "<meta http-equiv=Content-Type content='text/html; charset=iso-8859-2'>żółw".encode("iso-8859-2")
    assert message(b"Content-Type: text/html\n\n" + document).html.endswith("żółw")
    assert message(b"Content-Type: text/html; charset=windows-1252\n\n" + document).html.endswith("¿ó³w")


def test_the_snippet_is_short_and_of_one_line() -> None:
    found = message(b"A: b\n\n" + b"word \n\t " * 1_000)
    assert found.snippet == ("word " * 50).strip() and len(message(b"A: b\n\n" + b"x" * 1_000).snippet) == LONGEST_SNIPPET


def test_what_is_too_large_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_OCTETS", 20)
    found = message(b"Subject: x\n\n" + b"y" * 100)
    assert found.size == 112 and found.text == "y" * 8 and Note("cut", "mail") in found.notes


def test_the_date_is_that_of_the_field_or_of_reception() -> None:
    received = b"Received: x; Thu, 26 Nov 2026 09:30:00 +0000\n"
    assert message(received + b"Date: 1 Jan 2020 00:00:00 +0000\n\n", CAME).date == datetime(2020, 1, 1, tzinfo=UTC)
    assert message(received + b"\n", CAME).date == datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
    assert message(b"\n", CAME).date == CAME and message(b"").date is None


def test_a_mail_that_is_as_it_should_be_has_no_notes() -> None:
    assert message(b"Date: 1 Jan 2020 00:00:00 +0000\nContent-Type: text/plain; charset=utf-8\n\nx").notes == ()
    assert Note("too many parts", "") not in message(MIXED + part("")).notes


def test_what_is_left_out_or_guessed_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MOST_PARTS", 2)
    assert Note("too many parts", "") in message(MIXED + part("") * 3).notes
    for charset, is_guessed in (("us-ascii", True), ("", True), ("nobody-knows", True), ("utf-8", False)):
        header = b"Content-Type: text/plain; charset=%b\n\n" % charset.encode()
        assert (Note("charset", charset) in message(header + "é".encode()).notes) == is_guessed
        assert Note("charset", charset) not in message(header + b"e").notes


def written(found: Message) -> str:
    """All that is told of a mail, as an answer to a request would have it."""
    told = [found.subject, found.text, found.html, found.snippet, found.message_id, found.date_field, found.notes, found.to]
    described = [value[:8] for value in chain(found.parts, found.inline, found.attachments)]
    return json.dumps(
        [told, found.sender, found.cc, found.bcc, found.reply_to, described, found.envelope[:6]], ensure_ascii=False
    )


FRAGMENTS = st.sampled_from(
    [
        *(b"--b", b"--b--", b"\n", b"\r\n", b"\n\n", b"\xe9", b"\0", b"<p>", b"&#", b"=?utf-8?q?", b"?="),
        *(b"Content-Type: ", b"text/html", b"multipart/mixed; boundary=b", b"; charset=", b"utf-8", b"iso-2022-jp"),
        *(b"Content-Transfer-Encoding: base64", b"From: ", b"Subject: "),
    ]
)


@given(octets=st.one_of(st.binary(max_size=400), st.lists(FRAGMENTS, max_size=30).map(b"".join)))
def test_any_octets_are_a_message(octets: bytes) -> None:
    found = message(octets, CAME)
    assert "\0" not in written(found) and "\\u0000" not in written(found)
    written(found).encode("utf-8")
    assert found.octets == octets and len(found.snippet) <= LONGEST_SNIPPET and found.parts


@given(octets=st.sampled_from(ODD), end=st.floats(0, 1))
def test_a_mail_may_be_cut_anywhere(octets: bytes, end: float) -> None:
    """What stood before the cut is told as before: of fields at least all but the last."""
    whole, found = message(octets), message(octets[: int(end * len(octets))])
    written(found).encode("utf-8")
    assert found.header[:-1] == whole.header[: len(found.header)][:-1]
    assert len(found.parts) <= len(whole.parts)


@given(first=st.sampled_from(ODD), second=st.sampled_from(ODD))
def test_a_mail_behind_another_changes_nothing_of_its_header(first: bytes, second: bytes) -> None:
    assert (
        message(first + second).header == message(first).header and message(first + second).subject == message(first).subject
    )


@given(mails=st.lists(st.sampled_from(ODD), min_size=1, max_size=3))
def test_mails_within_a_mail_are_read_alike(mails: list[bytes]) -> None:
    octets = b"Content-Type: multipart/digest; boundary=outer-most\r\n"
    octets += b"".join(b"\r\n--outer-most\r\n\r\n" + mail for mail in mails) + b"\r\n--outer-most--\r\n"
    found = message(octets)
    assert [found.content(part) for part in found.attachments] == mails
