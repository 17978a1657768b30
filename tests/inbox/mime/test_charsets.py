"""Text comes of any octets, under any name of a charset."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.mime.charsets import codec_of, decoded

CHARSETS = [
    "utf-8",
    "iso-8859-2",
    "windows-1251",
    "koi8-r",
    "gb2312",
    "big5",
    "euc-kr",
    "shift_jis",
    "iso-2022-jp",
    "utf-16le",
]


@pytest.mark.parametrize(
    ("octets", "name", "text"),
    [
        (b"caf\xc3\xa9", "utf-8", "café"),
        (b"caf\xc3\xa9", "UTF8", "café"),
        (b"caf\xc3\xa9", "us-ascii", "café"),
        (b"caf\xe9", "us-ascii", "café"),
        (b"caf\xe9", "", "café"),
        (b"caf\xe9", "utf-8", "café"),
        (b"caf\xe9", "x-nobody-knows", "café"),
        (b"caf\xc3\xa9", "uft-8", "café"),
        (b"caf\xe9", '"ISO_8859-1"', "café"),
        (b"\x93quoted\x94 \x80", "iso-8859-1", "“quoted” €"),
        (b"\x81", "iso-8859-1", "\x81"),
        (b"caf\xc3\xa9 \xe9", "utf-8", "café \ufffd"),
        (b"\xef\xbb\xbfx", "utf-8", "x"),
        (b"a\0b", "utf-8", "ab"),
        (b"a\0b\0", "utf-16le", "ab"),
        (b"\xd6\xd0\xfd\x40", "gb2312", "中鼲"),
        (b"+ADw-script+AD4-", "utf-7", "+ADw-script+AD4-"),
        (b"uryyb", "rot13", "uryyb"),
        (b"6869", "hex", "6869"),
        (b"\\u003c", "unicode_escape", "\\u003c"),
        (b"\xaa", "windows-1253", "\ufffd"),
    ],
)
def test_text_of_octets(octets: bytes, name: str, text: str) -> None:
    assert decoded(octets, name) == text


def test_every_codec_of_the_list_is_one_of_text() -> None:
    for name in (
        "utf-8",
        "latin1",
        "cp437",
        "macintosh",
        "koi8-u",
        "tis-620",
        "hz-gb-2312",
        "iso-2022-kr",
        "utf-32",
        *CHARSETS,
    ):
        codec = codec_of(name)
        assert codec and isinstance(codecs.lookup(codec), codecs.CodecInfo)
        assert decoded("plain".encode(codec if codec not in ("hz",) else "ascii"), name) == "plain"


def test_a_name_that_is_not_known_is_told_from_one_that_says_nothing() -> None:
    assert codec_of("us-ascii") == codec_of("") == "" and codec_of("uft-8") is None


@given(octets=st.binary(max_size=200), name=st.one_of(st.sampled_from(CHARSETS), st.text(max_size=20)))
def test_text_has_no_nul_and_can_be_encoded(octets: bytes, name: str) -> None:
    text = decoded(octets, name)
    assert "\0" not in text
    text.encode("utf-8")


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff"), max_size=100))
def test_utf_8_needs_no_name(text: str) -> None:
    assert all(decoded(text.encode(), name) == text for name in ("utf-8", "us-ascii", "", "nonsense"))


@pytest.mark.parametrize("name", CHARSETS)
def test_what_the_codec_wrote_is_read(name: str) -> None:
    for text in ("Grüße", "żółw", "привет", "中文", "한국어", "日本語") if name != "big5" else ("中文", "日本"):
        octets = text.encode(name, "ignore")
        assert decoded(octets, name) == octets.decode(name)
