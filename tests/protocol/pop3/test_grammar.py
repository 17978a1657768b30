"""What is a command of POP3, and what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.engine.events import Event
from protocol.engine.foreign import Foreign
from protocol.engine.line_cache import LineCache
from protocol.engine.replies import Reply
from protocol.mail.credentials import Auth
from protocol.pop3.grammar import MAX_LINE, MECHANISMS, parse_pop
from protocol.pop3.replies import UNRECOGNIZED


@pytest.mark.parametrize(
    ("line", "event", "argument"),
    [
        (b"CAPA", Event.CAPA, b""),
        (b"auth", Event.CAPA, MECHANISMS),
        (b"AUTH PLAIN", Event.AUTH, Auth(b"PLAIN", None)),
        (b"auth plain AGEAYg==", Event.PROOF, Auth(b"PLAIN", b"\0a\0b")),
        (b"AUTH LOGIN YQ==", Event.AUTH, Auth(b"LOGIN", b"a")),
        (b"user  ana ", Event.USER, b"ana"),
        (b"PASS  two words ", Event.PASS, b" two words "),
        (b"LIST", Event.LIST, b""),
        (b"list  ", Event.LIST, b""),
        (b"LIST 12", Event.SCAN, 12),
        (b"UIDL", Event.UIDL, b""),
        (b"UIDL 0001", Event.UNIQUE, 1),
        (b"RETR 999999999", Event.RETR, 999_999_999),
        (b"TOP 1  0", Event.TOP, (1, 0)),
        (b"DELE 0", Event.DELE, 0),
        (b"quit\t", Event.QUIT, b""),
        (b"NOOP ", Event.NOOP, b""),
        (b"STLS", Event.STLS, b""),
    ],
)
def test_commands(line: bytes, event: Event, argument: object) -> None:
    assert parse_pop(line) == (event, argument)


@pytest.mark.parametrize(
    "line",
    [b"CAPA x", b"USER", b"USER  ", b"PASS", b"LIST x", b"LIST -1", b"LIST 1 2", b"RETR", b"RETR 1234567890", b"TOP 1",
     b"TOP 1 2 3", b"DELE 1.0", b"AUTH FOO", b"AUTH PLAIN !", b"AUTH PLAIN =a", b"RSET x", b"AUTH PLAIN A"],
)  # fmt: skip
def test_what_is_written_wrong(line: bytes) -> None:
    event, argument = parse_pop(line)
    assert event is not Event.OTHER and isinstance(argument, Reply) and argument.line.startswith(b"-ERR ")


@pytest.mark.parametrize("line", [b"", b"APOP x y", b"RETR1", b" STAT", b"XTND", b"\xff", b"STAT" + b" " * MAX_LINE])
def test_what_is_no_command(line: bytes) -> None:
    assert parse_pop(line) == (Event.OTHER, UNRECOGNIZED)


def test_another_protocol_is_recognized() -> None:
    assert parse_pop(b"GET / HTTP/1.1") == (Event.OTHER, Foreign.LINE)


@given(st.binary(max_size=30))
def test_any_line_has_a_meaning(line: bytes) -> None:
    event, _ = parse_pop(line)
    assert isinstance(event, Event)


def test_lines_with_a_secret_are_not_remembered() -> None:
    cache = LineCache(parse_pop)
    for line in (b"PASS sesame", b"AUTH PLAIN AGEAYg==", b"sesame"):
        cache.meaning(line)
    assert not cache.known
    cache.meaning(b"STAT")
    assert cache.known
