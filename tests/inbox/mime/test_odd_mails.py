"""Odd mail, as it was reported to public projects, each with its right reading. No public mail is in it.

Each file is the smallest that shows one oddity.
"""

from datetime import UTC, datetime
from pathlib import Path

from inbox.mime.addresses import Address
from inbox.mime.message import Message, Note, message

MAILS = Path(__file__).parent / "mails"
CAME = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
ANA = (Address("Ana Prado", "ana@example.org"),)


def read(number: int) -> Message:
    (path,) = MAILS.glob(f"{number:02}-*.eml")
    return message(path.read_bytes(), CAME)


def names(found: Message) -> list[str]:
    return [part.file_name for part in found.attachments]


def contents(found: Message) -> list[bytes]:
    return [found.content(part) for part in found.attachments]


def test_the_good_part_of_each_is_read() -> None:
    for path in sorted(MAILS.glob("*.eml")):
        found = message(path.read_bytes(), CAME)
        assert found.octets == path.read_bytes()
        if path.name[:2] not in ("04", "12", "21", "31"):
            assert found.sender == ANA and found.to == (Address("Rui Melo", "rui@example.net"),), path
        if path.name[:2] not in ("21", "22", "23", "31"):
            assert found.date == datetime(2026, 11, 26, 9, 30, tzinfo=UTC), path


def test_01_an_unknown_charset() -> None:
    assert read(1).text == "Café com açúcar\n" and Note("charset", "uft-8") in read(1).notes


def test_03_utf_8_said_to_be_ascii() -> None:
    assert read(3).text == "Olá, João — tudo bem?\n" and Note("charset", "us-ascii") in read(3).notes


def test_04_raw_octets_in_fields() -> None:
    found = read(4)
    assert found.subject == "Encomenda nº 42 está aí" and found.sender == (Address("José Conceição", "jose@example.org"),)
    assert found.field_text("x-latin") == "café"


def test_05_junk_in_base64() -> None:
    assert names(read(5)) == ["fox.txt", "cut.bin", "footer.txt"]
    assert contents(read(5)) == [b"The quick brown fox jumps over the lazy dog.\n", b"012345678", b"signed contract"]


def test_06_no_closing_boundary() -> None:
    found = read(6)
    assert found.text == "See the file." and names(found) == ["report.pdf"]
    assert contents(found)[0].startswith(b"%PDF-1.4 not really\n") and len(contents(found)[0]) == 114


def test_07_a_boundary_that_never_comes() -> None:
    assert read(7).text == "This text was meant to be read.\n" and Note("no parts", "") in read(7).notes


def test_09_a_letter_in_two_encoded_words() -> None:
    assert read(9).subject == "Feliz Natal para a senhora Conceição e família!"


def test_11_names_of_files() -> None:
    *good, none, bad = names(read(11))
    assert good == ["snow☃-man.txt", "relatório de novembro.docx", "orçamento.xls", "uma factura com espaços.pdf"]
    assert none == "" and bad == "abrnimg src=x onerror=alert(1).svg"
    assert contents(read(11)) == [b"1", b"2", b"3", b"4", b"5", b"6"]


def test_12_addresses_that_are_none() -> None:
    found = read(12)
    assert found.text == "the message itself is fine\n" and found.subject == "addresses that are none"
    assert found.sender == (Address('"', ""),) and found.to == (Address("(c):", ""),)
    assert found.cc == (Address("", "a@example.org"),)
    assert [address.address for address in found.reply_to] == [".ana.@example.org", "ana@example..org"]
    assert found.message_id == "[0f1e2d3c4b5a@mail.example.org]"


def test_14_long_fields() -> None:
    found = read(14)
    assert found.text == "short\n" and Note("cut", "Cc") in found.notes and len(found.cc) > 400


def test_16_flowed_text() -> None:
    quote, paragraph, stuffed, signature, *_ = read(16).text.split("\n")
    assert quote == "> quoted text that is bro ken in the middle"
    assert paragraph == "One paragraph that was sent on two lines." and stuffed == "From the start of a line, stuffed."
    assert signature == "-- "


def test_17_mails_in_a_mail() -> None:
    found = read(17)
    assert (
        found.text == "see below" and found.html == "" and [part.type for part in found.parts[1:]] == ["message/rfc822"] * 2
    )
    first, second = (message(content) for content in contents(found))
    assert first.subject == "relatório" and (first.text, first.html) == ("inner text", "<b>inner html</b>")
    assert second.subject == "in base64" and second.text == "hello\n"


def test_19_an_invitation() -> None:
    found = read(19)
    assert found.html == "<p>You are <i>invited</i>.</p>" and found.text == "You are invited."
    assert [part.type for part in found.attachments] == ["text/calendar", "application/ics"]
    (event,) = found.events
    assert (event.method, event.summary) == ("REQUEST", "Aula de redes — SMTP")
    assert event.start == "2026-12-01 14:00 Europe/Lisbon" and read(1).events == ()


def test_21_fields_that_occur_twice() -> None:
    found = read(21)
    assert (found.subject, found.message_id) == ("first subject", "21a@example.org")
    assert found.date == datetime(2026, 11, 25, 15, tzinfo=UTC)
    assert found.sender == (Address("First", "first@example.org"),) and found.html == ""
    assert [address.address for address in found.to] == ["one@example.net", "two@example.net"]
    assert {note.about for note in found.notes if note.kind == "twice"} >= {"from", "to", "subject", "date", "content-type"}


def test_22_no_date() -> None:
    assert read(22).date == CAME and Note("date", "") in read(22).notes


def test_23_a_date_that_nobody_can_read() -> None:
    found = read(23)
    assert found.date == CAME and found.date_field == "Quinta-feira, 26 de Novembro de 2026 às 9:30"


def test_25_nul() -> None:
    found = read(25)
    assert found.subject == "before and after" and found.html == "<p>hello world</p>\n" and found.text == "hello world"
    assert b"\0" in found.octets


def test_26_pictures_inline_and_not() -> None:
    found = read(26)
    assert names(found) == ["second.png"] and [part.id for part in found.inline] == ["2", "4"]
    links = ("logo@example.org", "Second%20One@example.org", "third", "missing@example.org")
    assert [part and part.id for part in map(found.part_of_content_id, links)] == ["2", "3", "4", None]


def test_27_html_that_attacks() -> None:
    found = read(27)
    assert (
        found.html.startswith("<!doctype html>") and found.text == "ok\nabcd\n\nstyled\n\nclobber" and not found.attachments
    )


def test_29_attachments_that_a_browser_would_run() -> None:
    found = read(29)
    assert found.text == "open them" and found.html == ""
    types = [(part.type, part.file_name) for part in (*found.inline, *found.attachments)]
    assert types == [("image/svg+xml", "pic.svg"), ("text/html", "page.html"), ("application/octet-stream", "x.html")]


def test_30_a_very_long_subject() -> None:
    found = read(30)
    assert found.subject.startswith("Re: Re: ") and "\U0001f469\u200d\U0001f469\u200d\U0001f467" in found.subject
    assert "\u202e" in found.subject and "\n" not in found.subject and found.text == "must not break the layout\n"


def test_31_no_header() -> None:
    found = read(31)
    assert found.text == "just a line of text without any header\nand another: with a colon\n\nbody\n" and found.header == ()
