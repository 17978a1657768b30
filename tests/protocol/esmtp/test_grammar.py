"""The grammar of RFC 5321 and its extensions: what is a command, what each is taken for, and what is none."""

import re
from collections.abc import Callable
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.engine import replies
from protocol.engine.actions import Chunk
from protocol.engine.events import Event
from protocol.engine.replies import Reply
from protocol.esmtp.grammar import MAX_LINE, Client, Envelope, parse_esmtp, parse_strictly
from protocol.mail.credentials import Auth


def refusal_of(line: bytes, parse: Callable[[bytes], tuple[Event, object]] = parse_strictly) -> bytes:
    """The code and status with which a line is refused; nothing when it is not."""
    argument = parse(line)[1]
    return b"%d %b" % (argument.code, argument.status) if isinstance(argument, Reply) else b""


@pytest.mark.parametrize(
    ("line", "event", "argument"),
    [
        (b"EHLO mx.example", Event.EHLO, Client(b"mx.example")),
        (b"ehlo [IPv6:::1]", Event.EHLO, Client(b"[IPv6:::1]")),
        (b"EHLO [192.0.2.1] an appliance", Event.EHLO, Client(b"[192.0.2.1]")),
        (b"HeLo x", Event.HELO, Client(b"x")),
        (b"HELO x \t", Event.HELO, Client(b"x")),
        (b"DATA", Event.DATA, b""),
        (b"data  ", Event.DATA, b""),
        (b"RSET", Event.RSET, b""),
        (b"QUIT", Event.QUIT, b""),
        (b"STARTTLS", Event.STARTTLS, b""),
        (b"NOOP", Event.NOOP, b""),
        (b"NOOP anything \tat (all)", Event.NOOP, b"anything \tat (all)"),
        (b"HELP", Event.HELP, b""),
        (b"HELP MAIL", Event.HELP, b"MAIL"),
        (b"VRFY John Doe", Event.VRFY, b"John Doe"),
        (b"EXPN list", Event.EXPN, b"list"),
        (b"BDAT 0", Event.BDAT, Chunk(0)),
        (b"BDAT 86 LAST", Event.LAST, Chunk(86)),
        (b"bdat 1  last", Event.LAST, Chunk(1)),
        (b"BDAT 99999999999999999999", Event.BDAT, Chunk(10**20 - 1)),
        (b"BDAT 000000000000000000000000007 LAST", Event.LAST, Chunk(7)),
        (b"BDAT 0000", Event.BDAT, Chunk(0)),
        (b"AUTH PLAIN", Event.AUTH, Auth(b"PLAIN", None)),
        (b"auth plain AGEAYg==", Event.PROOF, Auth(b"PLAIN", b"\0a\0b")),
        (b"AUTH PLAIN =", Event.PROOF, Auth(b"PLAIN", b"")),
        (b"AUTH LOGIN", Event.AUTH, Auth(b"LOGIN", None)),
        (b"AUTH login YQ==", Event.AUTH, Auth(b"LOGIN", b"a")),
        (b"AUTH LOGIN =", Event.AUTH, Auth(b"LOGIN", b"")),
    ],
)
def test_a_line_that_is_a_command(line: bytes, event: Event, argument: object) -> None:
    assert parse_esmtp(line) == parse_strictly(line) == (event, argument)


@pytest.mark.parametrize(
    "line",
    [
        b"", b" ", b".", b"..", b" noop", b"\tnoop", b"noop\0", b"noop\tx", b"noop\r", b"\nnoop", b"data\r", b"quit\0",
        b"ehlox", b"mailfrom:<>", b"MAIL\xa0FROM:<>", b"\xff\xfb\x01helo x", b"\xef\xbb\xbfEHLO x", b"XCLIENT",
        b"TURN", b"SEND FROM:<a@b>", b"ETRN x", b"LAST", b"END", b"PROOF x", b"OTHER", b"STORED", b"CHECKED", b"SECURED",
        "\N{KELVIN SIGN}".encode(), "re\N{LATIN SMALL LETTER LONG S}et".encode(),
    ],
)  # fmt: skip
def test_an_unknown_word_is_a_500(line: bytes) -> None:
    assert parse_esmtp(line) == (Event.OTHER, replies.UNRECOGNIZED)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Event.EHLO, b"ehlo"), (Event.EHLO, b"EHLO "), (Event.EHLO, b"ehlo a b"), (Event.EHLO, b"ehlo a\0"),
        (Event.EHLO, b"EHLO\tx"), (Event.EHLO, b"ehlo my_host"), (Event.EHLO, b"ehlo []"),
        (Event.EHLO, "ehlo \N{NO-BREAK SPACE}".encode()), (Event.HELO, b"helo <>"),
        (Event.EHLO, b"ehlo a\rb"), (Event.EHLO, b"ehlo a\nb"), (Event.EHLO, b"ehlo " + b"x" * 256), (Event.HELO, b"helo"),
        (Event.HELO, b"helo a\tb"), (Event.HELO, b"helo a\x7f"), (Event.DATA, b"data x"), (Event.DATA, b"data \r"),
        (Event.RSET, b"rset x"), (Event.QUIT, b"quit now"), (Event.STARTTLS, b"starttls now"), (Event.NOOP, b"noop \x01"),
        (Event.NOOP, b"noop a\nb"), (Event.HELP, b"help \0"), (Event.VRFY, b"vrfy"), (Event.VRFY, b"vrfy a\tb"),
        (Event.EXPN, b"expn"), (Event.EXPN, b"expn \r"), (Event.MAIL, b"mail"), (Event.MAIL, b"mail from"),
        (Event.MAIL, b"mail to:<a@b>"), (Event.MAIL, b"mail from <a@b>"), (Event.MAIL, b"mail from :<a@b>"),
        (Event.RCPT, b"rcpt"), (Event.RCPT, b"rcpt to"), (Event.RCPT, b"rcpt from:<a@b>"), (Event.BDAT, b"bdat"),
        (Event.BDAT, b"bdat last"), (Event.BDAT, b"bdat -1"), (Event.BDAT, b"bdat +1"), (Event.BDAT, b"bdat 0x1"),
        (Event.BDAT, b"bdat 1e3"), (Event.BDAT, b"bdat 1,0"), (Event.BDAT, b"bdat 100000000000000000000"),
        (Event.BDAT, b"bdat " + b"9" * 12_000), (Event.BDAT, "bdat \N{ARABIC-INDIC DIGIT ONE}".encode()),
        (Event.BDAT, b"bdat 1\n"), (Event.AUTH, b"auth"), (Event.AUTH, b"auth plain a b"), (Event.AUTH, b"auth plain *"),
        (Event.AUTH, b"auth plain YQ==\r"), (Event.AUTH, b"auth " + b"X" * 21), (Event.AUTH, b"auth PL.AIN"),
    ],
)  # fmt: skip
def test_bad_syntax_is_a_501_of_its_verb(event: Event, line: bytes) -> None:
    assert parse_strictly(line)[0] is event
    assert refusal_of(line) == b"501 5.5.4"


@pytest.mark.parametrize("rest", [b" x", b"  LAST x", b" LASTx", b" LAST\0", b" \n", b" LAST LAST"])
def test_a_bdat_that_says_how_many_octets_follow_tells_it_though_the_rest_is_wrong(rest: bytes) -> None:
    event, chunk = parse_esmtp(b"BDAT 5" + rest)
    assert event is Event.BDAT and isinstance(chunk, Chunk)
    assert chunk.size == 5 and chunk.flaw and chunk.flaw.code == 501


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        (b"AUTH CRAM-MD5", b"504 5.5.4"),
        (b"AUTH X", b"504 5.5.4"),
        (b"AUTH XOAUTH2 YQ==", b"504 5.5.4"),
        (b"AUTH PLAIN Y", b"501 5.5.2"),
        (b"AUTH PLAIN YQ", b"501 5.5.2"),
        (b"AUTH PLAIN YQ=", b"501 5.5.2"),
        (b"AUTH PLAIN YQ==YQ==", b"501 5.5.2"),
        (b"AUTH PLAIN =YQ=", b"501 5.5.2"),
        (b"AUTH LOGIN ====", b"501 5.5.2"),
    ],
)
def test_what_auth_is_refused_with(line: bytes, refusal: bytes) -> None:
    assert parse_esmtp(line)[0] is Event.AUTH
    assert refusal_of(line) == refusal


# Parameters (section 4.1.2)


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        (b"", {}),
        (b" SIZE=10", {b"SIZE": b"10"}),
        (b" size=10 BODY=8bitmime SmtpUtf8", {b"SIZE": b"10", b"BODY": b"8bitmime", b"SMTPUTF8": None}),
        (b" X-1-y 2", {b"X-1-Y": None, b"2": None}),
        (b" AUTH=<>", {b"AUTH": b"<>"}),
        (b" X=" + bytes(set(range(0x21, 0x7F)) - {0x3D}), {b"X": bytes(set(range(0x21, 0x7F)) - {0x3D})}),
        (" X=é".encode(), {b"X": "é".encode()}),
    ],
)
def test_parameters_are_keywords_with_and_without_a_value(text: bytes, parameters: object) -> None:
    for line in (b"MAIL FROM:<a@b>", b"MAIL FROM:<>", b'RCPT TO:<"> x=y"@b>', b"RCPT TO:<postmaster>"):
        envelope: Any = parse_esmtp(line + text)[1]
        assert envelope.parameters == parameters


@pytest.mark.parametrize(
    "text",
    [
        b" SIZE=", b" =10", b" SIZE=1=2", b" -X", b" X_Y", b" X=\0", b" X=\x7f", b" \xc3\xa9=1", b" SIZE=1 size=1", b" X X",
        b" SIZE=1\tBODY=8BITMIME", b" SIZE=1\nBODY=8BITMIME", b" SIZE=1\x0bX", b" SIZE=1\r", b" SIZE =1", b" SIZE= 1",
    ],
)  # fmt: skip
def test_parameters_outside_the_grammar_are_refused(text: bytes) -> None:
    assert refusal_of(b"MAIL FROM:<a@b>" + text) == b"501 5.5.4"
    assert refusal_of(b"RCPT TO:<a@b>" + text) == b"501 5.5.4"


# The limits of section 4.5.3.1, and lines as long as RFC 4954 asks for


def test_a_line_of_the_longest_length_is_read_and_a_longer_one_is_a_500() -> None:
    line = b"NOOP " + b"x" * (MAX_LINE - 5)
    assert parse_esmtp(line) == (Event.NOOP, line[5:])
    assert parse_esmtp(line + b"x") == (Event.OTHER, replies.UNRECOGNIZED)
    assert isinstance(parse_esmtp(b"AUTH PLAIN " + b"AAAA" * 3069)[1], Auth)


def test_a_path_of_256_octets_is_taken() -> None:
    written = b"<%b@%b>" % (b"l" * 64, b".".join([b"d" * 63, b"e" * 63, b"f" * 61]))
    assert len(written) == 256
    assert refusal_of(b"MAIL FROM:" + written) == refusal_of(b"RCPT TO:" + written) == b""


# Any bytes, and what takes long

WORDS = [
    b"MAIL FROM:<", b"RCPT TO:<", b"BDAT ", b"AUTH PLAIN ", b"VRFY ", b">", b'"', b"\\", b"@", b" ", b"=", b"a", b".", b"[",
    b"IPv6:", b"]", b"1", b":", b",", b"SIZE", b"\t", b"\xc3\xa9",
]  # fmt: skip


@given(st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=2)), max_size=12).map(b"".join))
def test_any_bytes_are_a_verb_and_an_argument_or_a_refusal(line: bytes) -> None:
    event, argument = parse_esmtp(line)
    assert event not in (Event.END, Event.STORED, Event.CHECKED, Event.SECURED)
    assert isinstance(argument, Reply) or (
        event is not Event.OTHER and isinstance(argument, bytes | Client | Envelope | Chunk | Auth)
    )
    said = argument.name if isinstance(argument, Client) else argument
    if isinstance(said, bytes):
        assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", said)


MANY = [
    b"a.", b"a", b"aa.", b'"', b'"a" ', b'\\"', b"@a,", b"@", b"@a:", b"<", b">", b"a-", b" x", b" x=y", b" ", b"0", b"[",
    b"::", b"\xc3\xa9", b"\\\\", b'"\\',
]  # fmt: skip


LINES = [
    b"MAIL FROM:<%b", b"RCPT TO:<%b>", b"RCPT TO:<a@%b>", b"RCPT TO:<@%b:x@y>", b'RCPT TO:<"%b@x>', b"MAIL FROM:%b",
    b"MAIL FROM:<a@b>%b", b"MAIL FROM:<a@[%b]>", b"BDAT %b x", b"AUTH %b", b"VRFY %b", b"EHLO %b\t.", b"%b",
]  # fmt: skip


@pytest.mark.parametrize("many", MANY)
def test_no_line_takes_long(many: bytes) -> None:
    """Backtracking would take ages and quadratic time seconds: what a pattern is given here takes milliseconds."""
    text = (many * MAX_LINE)[: MAX_LINE - 30]
    since = process_time()
    for line in LINES:
        parse_esmtp(line % text)
    assert process_time() - since < 2
