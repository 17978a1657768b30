"""What fields say, whoever encoded them."""

from email.header import Header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.mime.fields import raw_text, text_of, words_decoded

WRITTEN = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?q?caf=C3=A9?=", "café"),
        (b"=?UTF-8?B?Y2Fmw6k=?= bar", "café bar"),
        (b"foo =?utf-8?q?b=C3=A9?= bar", "foo bé bar"),
        (b"=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        (b"=?utf-8?q?a?=  =?iso-8859-1?q?=E9?=", "aé"),
        (b"=?utf-8?q?a?==?utf-8?q?b?=", "ab"),
        (b"=?utf-8?q?=C3?= =?UTF-8?b?qQ==?=", "é"),
        (b"=?utf-8*en?q?a_b?=", "a b"),
        (b"=?utf-8?q?with blanks in it?=", "with blanks in it"),
        (b'"=?utf-8?q?in_quotes?="', '"in quotes"'),
        (b"x=?utf-8?q?y?=z", "xyz"),
        (b"=?utf-8?b?YQ?=", "a"),
        (b"=?utf-8?b?YWJjZ?=", "abc"),
        (b"=?utf-8?b?!Y!Q=!?=", "a"),
        (b"=?nonsense?q?=E9?=", "é"),
        (b"=?rot13?q?uryyb?=", "uryyb"),
        (b"=?utf-8?q?=ZZ=4?=", "=ZZ=4"),
        (b"=?utf-8?x?a?=", "=?utf-8?x?a?="),
        (b"=?utf-8?q?never ends", "=?utf-8?q?never ends"),
        (b"=?utf-8?q?a=0D=0ABcc:_x?=", "a Bcc: x"),
        (b"be\0fore\x1b", "before"),
        ("Encomenda nº 42".encode(), "Encomenda nº 42"),
        (b"caf\xe9", "café"),
        (b"=?utf-8?q??= x", "x"),
        (b"=?utf-8?q?who?_me?=", "who? me"),
        (b"=?utf-8?q?open =?utf-8?q?closed?=", "=?utf-8?q?open closed"),
        (b"=?utf-8?b?Y?= =?utf-8?b?WI=?=", "ab"),
        (b"=?utf-8?b?YQ==?= =?utf-8?b?Yg==?=", "ab"),
        (b"=?utf-8?b?YQ?= =?utf-8?q?b?=", "ab"),
    ],
)
def test_the_text_of_a_field(value: bytes, text: str) -> None:
    assert text_of(value) == text


def test_a_cut_field_does_not_end_in_half_a_word() -> None:
    for end in (b"=?", b"=?utf-8", b"=?utf-8?", b"=?utf-8?q", b"=?utf-8?q?", b"=?utf-8?q?ab", b"=?utf-8?q?ab?"):
        assert text_of(b"=?utf-8?q?a?= " + end, is_cut=True) == "a"
    assert text_of(b"what? =?utf-8?q?a?=", is_cut=True) == "what? a"


@given(text=WRITTEN, charset=st.sampled_from(["utf-8", "utf-16be", "iso-2022-jp", "gb18030"]), width=st.integers(20, 80))
def test_what_the_standard_library_encodes_is_read(text: str, charset: str, width: int) -> None:
    try:
        encoded = Header(text, charset, maxlinelen=width).encode()
    except UnicodeEncodeError:
        return
    assert text_of(encoded.encode()) == text or "=?" in text


@given(words=st.lists(WRITTEN, min_size=1, max_size=5))
def test_neighbours_are_one_text(words: list[str]) -> None:
    encoded = "\r\n ".join(Header(word, "utf-8").encode() for word in words)
    assert text_of(encoded.encode().replace(b"\r\n", b"")) == "".join(words) or "=?" in "".join(words)


@given(value=st.binary(max_size=200))
def test_any_octets_are_a_line_of_text(value: bytes) -> None:
    for text in (raw_text(value), text_of(value), text_of(value, True), words_decoded(raw_text(value))):
        text.encode("utf-8")
        assert not [letter for letter in text if letter < " "]
