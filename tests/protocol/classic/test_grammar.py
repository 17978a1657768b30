"""Lines that are commands, lines that are not, and what each is taken for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.classic.grammar import parse_classic
from protocol.engine.buffer import MAX_COMMAND_LINE
from protocol.engine.events import Event
from protocol.engine.replies import UNRECOGNIZED


@pytest.mark.parametrize(
    ("line", "event", "argument"),
    [
        (b"helo x", Event.HELO, b"x"),
        (b"HELO \t X.Example", Event.HELO, b"X.Example"),
        (b"hElO [127.0.0.1]", Event.HELO, b"[127.0.0.1]"),
        (b"helo x \t", Event.HELO, b"x"),
        (b"mail from: johndoe", Event.MAIL, b"johndoe"),
        (b"mail from:johndoe", Event.MAIL, b"johndoe"),
        (b"MAIL FROM:<JohnDoe@Example>", Event.MAIL, b"johndoe@example"),
        (b"Mail  \tFrom: \t<a@b> ", Event.MAIL, b"a@b"),
        (b"MAIL FROM:<>", Event.MAIL, b""),
        (b"mail from: <>", Event.MAIL, b""),
        (b"mail from: \xc3\x89\xff", Event.MAIL, b"\xc3\x89\xff"),
        (b"rcpt to: B@C", Event.RCPT, b"b@c"),
        (b"RCPT TO:<a@b@c>", Event.RCPT, b"a@b@c"),
        (b"rcpt to: ../x", Event.RCPT, b"../x"),
        (b"data", Event.DATA, b"data"),
        (b"DATA  ", Event.DATA, b"data"),
        (b"Quit", Event.QUIT, b"quit"),
    ],
)
def test_a_line_that_is_a_command(line: bytes, event: Event, argument: bytes) -> None:
    assert parse_classic(line) == (event, argument)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" ",
        b"helo",
        b"helo ",
        b"helo a b",  # a word too many
        b" helo x",
        b"helox",
        b"helo\x00x",
        b"helo a\x00b",
        b"helo a\rb",
        b"ehlo x",
        b"noop",
        b"rset",
        b"mail",
        b"mail from",
        b"mail from:",
        b"mail from: ",
        b"mail from a",  # no colon
        b"mail from : a",
        b"mailfrom: a",
        b"mail to: a",
        b"mail from: a b",
        b"mail from:<a> SIZE=100",
        b"mail from:<a",
        b"mail from:a>",
        b"mail from:<a>b",
        b"mail from:<<a>>",
        b"mail from:< a>",
        b"mail from: a\x7f",
        b"rcpt to:",
        b"rcpt to:<>",  # only a reverse-path can be null
        b"rcpt from: a",
        b"data x",
        b"datax",
        b"quit now",
        b"quit\r",
        b"\xff\xfb\x01helo x",  # a telnet that negotiates
        b".",
        b"..",
    ],
)
def test_a_line_that_is_no_command(line: bytes) -> None:
    assert parse_classic(line)[1] is UNRECOGNIZED


def test_a_line_of_1000_octets_is_a_command_and_one_of_1001_is_not() -> None:
    longest = b"helo " + b"x" * (MAX_COMMAND_LINE - 5)
    assert len(longest) == 1000
    assert parse_classic(longest) == (Event.HELO, longest[5:])
    assert parse_classic(longest + b"x") == (Event.HELO, UNRECOGNIZED)


def test_only_ascii_letters_have_a_case() -> None:
    kelvin = "\N{KELVIN SIGN}".encode()
    assert parse_classic(b"rcpt to: " + kelvin) == (Event.RCPT, kelvin)
    assert parse_classic("rcpt to: É".encode()) == (Event.RCPT, "É".encode())


WORDS = st.sampled_from(
    [b"helo", b"mail", b"from:", b"rcpt", b"to:", b"data", b"quit", b".", b"<", b">", b" ", b"\t", b"a@b"]
)


@given(st.lists(st.one_of(WORDS, st.binary(max_size=3)), max_size=8).map(b"".join))
def test_any_bytes_are_a_verb_and_an_argument_or_a_refusal(line: bytes) -> None:
    event, argument = parse_classic(line)
    assert argument is UNRECOGNIZED or isinstance(argument, bytes)
    if isinstance(argument, bytes):
        assert event not in (Event.END, Event.OTHER, Event.STORED)
        assert argument.lower() in line.lower()
        assert not any(octet <= 0x20 or octet == 0x7F for octet in argument)
