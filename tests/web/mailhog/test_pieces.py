"""A mail cut up as MailHog does it: for any octets, in time that grows with them."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from web.mailhog.pieces import MOST_LEVELS, MOST_PIECES, Piece, piece, with_crlf


def cut(text: str) -> Piece:
    return piece(with_crlf(text.encode()))


def test_header_fields_are_as_they_stand_there() -> None:
    made = cut("Subject: one\n two\nx-y: 1\nX-Y: 2\nx-y:3\nno field\n: nothing\n\nbody\n\nof it\n")
    assert made.headers == {"Subject": ["one two"], "x-y": ["1", "3"], "X-Y": ["2"]}
    assert made.body == b"body\r\n\r\nof it\r\n" and made.pieces is None and made.first("SUBJECT") == "one two"


@pytest.mark.parametrize(
    ("text", "body"), [("\nbody", b"body"), ("no header", b"no header"), ("", b""), ("A: b\n", b"A: b\r\n")]
)
def test_a_mail_may_have_no_header(text: str, body: bytes) -> None:
    made = cut(text)
    assert (made.headers, made.body) == ({}, body)


def test_parts_stand_between_boundaries() -> None:
    inner = "Content-Type: multipart/alternative; boundary=c\n\n--c\n\none\n--c\n\ntwo\n--c--\n"
    outer = f"before\n--b c\n{inner}--b c \nA: b\n\nthree\n--b c--\nafter\n"
    made = cut(f'Content-Type: Multipart/mixed; x=y; Boundary = "b c"\n\n{outer}')
    assert made.pieces and len(made.pieces) == 2
    first, second = made.pieces
    assert first.pieces and [part.body for part in first.pieces] == [b"one", b"two"]
    assert (second.headers, second.body) == ({"A": ["b"]}, b"three")


@pytest.mark.parametrize(
    ("type", "body", "parts"),
    [
        ("multipart/mixed", "--\n\nx\n----\n", []),
        ("multipart/mixed; boundary=", "--\n\nx\n", []),
        ("multipart/mixed; boundary=b", "--b\n\nno end\n", [b"no end\r\n"]),
        ("multipart/mixed; boundary=b", "--bb\n\nx\n", []),
        ("multipart/mixed; boundary=b", "--b--\n--b\n\nx\n", []),
        ("multipart/mixed; boundary=b", "--b\n--b\n--b--\n", [b"", b""]),
        ("multipart/mixed; boundary=b.*", "--bxx\n\nx\n", []),
    ],
)
def test_parts_may_be_odd(type: str, body: str, parts: list[bytes]) -> None:
    made = cut(f"Content-Type: {type}\n\n{body}")
    assert made.pieces is not None and [part.body for part in made.pieces] == parts


@pytest.mark.parametrize(
    ("encoding", "body", "content"),
    [
        ("base64", "b2zD\noQ==\n", "ol\u00e1".encode()),
        ("BASE64", "!!", b""),
        ("base64", "YWJj\nZ", b"abc"),
        ("quoted-printable", "ol=C3=A1=\n!", "ol\u00e1!".encode()),
        ("8bit", "x", b"x"),
        ("", "x", b"x"),
        ("x", "=41", b"=41"),
    ],
)
def test_content_is_decoded(encoding: str, body: str, content: bytes) -> None:
    assert cut(f"Content-Transfer-Encoding: {encoding}\n\n{body}").content() == content


@given(st.binary(max_size=200))
@example(b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/x; boundary=b\n\n--b\n\n--b--")
def test_any_octets_are_a_mail(octets: bytes) -> None:
    made = piece(with_crlf(octets))
    made.content()
    assert made.size == len(with_crlf(octets))


def depth(made: Piece) -> int:
    return 1 + max((depth(part) for part in made.pieces or []), default=0)


def count(made: Piece) -> int:
    return 1 + sum(count(part) for part in made.pieces or [])


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"Content-Type: multipart/x; boundary=b{n}\n\n--b{n}\n" for n in range(50_000)),
        "Content-Type: multipart/x; boundary=b\n\n" + "--b\n" * 500_000,
        "Content-Type: multipart/x; boundary=b\n\n" + "--b " + " \t" * 1_000_000 + "x",
        "Content-Type: multipart/x" + "; " * 500_000 + "\n\nx",
        "Content-Type: multipart/x; boundary" + " " * 1_000_000 + "\n\nx",
        "A: b\n" * 500_000 + "\n",
        "A: b\n" + " \n" * 500_000 + "\n",
    ],
)
def test_bombs_do_no_harm(text: str) -> None:
    began = time.process_time()
    made = cut(text)
    assert time.process_time() - began < 3
    assert depth(made) <= MOST_LEVELS + 1 and count(made) <= MOST_PIECES + MOST_LEVELS + 1
