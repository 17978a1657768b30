"""What the grammar forbids and real clients send: by default it is taken and said in the log, strictly it is refused."""

from time import process_time

import pytest

from protocol.engine.replies import Reply
from protocol.esmtp.grammar import Client, Envelope, parse_esmtp, parse_strictly
from protocol.esmtp.tolerance import Tolerance

from ...kit.esmtp import EHLO, FROM, EsmtpClient

SENT = {
    Tolerance.BLANKS: (
        b"MAIL FROM:   <a@b.example>",
        b"RCPT TO: \t<a@b.example>",
        b"RCPT TO:<a@b.example >",
        b"EHLO\tme",
        b"MAIL  FROM:<a@b>",
        b"EHLO  me",
        b"MAIL FROM:<a@b>  SIZE=5",
        b"MAIL FROM:<a@b>\tSIZE=5",
    ),
    Tolerance.NO_BRACKETS: (b"MAIL FROM:a@b.example", b"RCPT TO:a@b.example", b"MAIL FROM:a@b.example SIZE=5"),
    Tolerance.NO_DOMAIN: (b"MAIL FROM:<root>", b"RCPT TO:<johndoe>", b'MAIL FROM:<"a@b">'),
    Tolerance.DOTS: (b"MAIL FROM:<a..b@docomo.test>", b"RCPT TO:<.a@x.y>", b"RCPT TO:<foo.@x.y>", b"MAIL FROM:<.@x.y>"),
    Tolerance.COLON: (b"MAIL FROM:<fax:555@x.y>", b"RCPT TO:<mailto:a@x.y>"),
    Tolerance.UNDERSCORE: (
        b"MAIL FROM:<root@web_1.backend>",
        b"RCPT TO:<a@_x>",
        b"RCPT TO:<a@x_>",
        b"RCPT TO:<@relay_1,@x:a@b>",
    ),
    Tolerance.FINAL_DOT: (b"MAIL FROM:<a@b.example.>", b"RCPT TO:<a@b.>"),
    Tolerance.HELLO_NAME: (
        b"EHLO my_host",
        b"HELO -x-",
        b"EHLO host.",
        b"EHLO [300.1.1.1]",
        b"HELO .",
        b"EHLO scan(1)",
    ),
    Tolerance.HELLO_WORDS: (b"EHLO my scanner", b"HELO a\tb"),
}


@pytest.mark.parametrize("tolerance", Tolerance)
def test_what_is_tolerated_is_named_and_refused_to_the_letter(tolerance: Tolerance) -> None:
    for line in SENT[tolerance]:
        argument = parse_esmtp(line)[1]
        assert isinstance(argument, Client | Envelope) and argument.tolerated == (tolerance,), line
        event, refusal = parse_strictly(line)
        assert event is parse_esmtp(line)[0]
        assert isinstance(refusal, Reply) and refusal.code == 501 and tolerance.instead in refusal.text


def test_much_may_be_tolerated_at_once() -> None:
    argument = parse_esmtp(b"RCPT  TO:\tj..d@my_host.  ")[1]
    assert isinstance(argument, Envelope) and argument.path.domain == b"my_host" and argument.path.text == b"j..d@my_host."
    assert set(argument.tolerated) == {
        Tolerance.BLANKS, Tolerance.NO_BRACKETS, Tolerance.DOTS, Tolerance.UNDERSCORE, Tolerance.FINAL_DOT,
    }  # fmt: skip


def test_the_postmaster_needs_no_domain() -> None:
    argument = parse_esmtp(b"RCPT TO:Postmaster")[1]
    assert isinstance(argument, Envelope) and argument.tolerated == (Tolerance.NO_BRACKETS,)


def test_what_was_let_pass_is_said_once_a_session_with_its_section() -> None:
    client = EsmtpClient()
    client.say(EHLO, "MAIL FROM:root", "RCPT TO: <johndoe>", "rset", "MAIL FROM:root", "RCPT TO:  johndoe", "rset")
    assert client.log == [
        "let pass: an address without angle brackets (RFC 5321 section 4.1.2)",
        "let pass: an address without a domain (RFC 5321 section 4.1.2)",
        "let pass: blanks or tabs where none may be (RFC 5321 section 3.3)",
    ]


def test_what_is_refused_for_another_reason_was_not_let_pass() -> None:
    client = EsmtpClient()
    client.say("MAIL FROM:root", EHLO, "MAIL FROM:root SIZE=9999", FROM, "RCPT TO:nobody")
    assert not [line for line in client.log if "let pass" in line]


def test_who_ends_lines_with_lf_alone_is_said_once() -> None:
    """By the RFC such a line has not ended; the client waits for an answer that does not come, and so does who debugs it."""
    told = ["ends its lines with LF alone, which ends no line here (RFC 5321 section 2.3.8)"]
    client = EsmtpClient()
    assert client.send(b"EHLO me") == [] and client.log == []
    assert client.send(b"\n") == [] and client.log == told
    assert client.send(b"EHLO me\n") == [] and client.log == told
    client = EsmtpClient()
    client.send(b"EHLO me\nNOOP\r\n")
    assert client.log[0] == told[0], "also when the line has ended after all"
    client = EsmtpClient()
    client.say(EHLO, FROM, "RCPT TO:<johndoe@here>", "data")
    client.send(b"a\nb\r\n.\r\n")
    assert not [line for line in client.log if "LF alone" in line], "mail data has a reply of its own for that"


MANY = [
    b".",
    b"a.",
    b"_",
    b":",
    b" ",
    b"\t",
    b" \t",
    b'"',
    b'"" ',
    b"\\",
    b"@",
    b"@a",
    b"@a,",
    b"[",
    b"<",
    b">",
    b"a_.",
    b"x ",
]
LINES = [
    b"MAIL FROM:%b", b"RCPT TO:<%b", b"RCPT TO:<%b>", b"RCPT TO:<a@%b>", b"EHLO\t%b", b"HELO a %b", b"EHLO x%b\x01",
    b"MAIL\tx%by",
    b"MAIL\t%b", b"RCPT  %b\x01", b"MAIL FROM:<a@b>%bx", b"%b HTTP/1.1", b"GET %b HTTP/1.1x", b"%b", b"EHLO %b.",
]  # fmt: skip


@pytest.mark.parametrize("many", MANY)
def test_no_line_takes_long(many: bytes) -> None:
    """As in test_grammar, with what is tolerated: a line of the longest length takes milliseconds, and never seconds."""
    since = process_time()
    for line in LINES:
        parse_esmtp(line % (many * 12_000)[:12_000])
    assert process_time() - since < 1
