"""Encoded bodies, whole and broken."""

import binascii
import quopri
from base64 import b64encode, encodebytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.mime.encodings import transfer_decoded


@pytest.mark.parametrize(
    ("encoded", "content"),
    [
        (b"aGVsbG8=", b"hello"),
        (b"aGVs\r\nbG8=\r\n", b"hello"),
        (b"aGVsbG8", b"hello"),
        (b"aGVsb", b"hel"),
        (b"\\aGV!sb\xe9G8", b"hello"),
        (b"aGVs=bG8=", b"hello"),
        (b"aGVsbG8=\nThis list is run by example.org", b"hello"),
        (b"aGVsbG8hISEh\n____\nThis list is run by example.org", b"hello!!!!"),
        (b"aGVsbG8hISEh\nThis list is run by example.org", b"hello!!!!"),
        (b"aGVsbG8hISEh\n-- \nfooter", b"hello!!!!"),
        (b"aGVs bG8h ISEh\n", b"hello!!!!"),
        (b"aG Vsb G8=", b"hello"),
        (b"YQ==YQ==", b"a"),
        (b"====", b""),
        (b"", b""),
    ],
)
def test_base64_is_read_as_far_as_it_is_data(encoded: bytes, content: bytes) -> None:
    assert transfer_decoded(encoded, " BASE64 ") == content


@pytest.mark.parametrize(
    ("encoded", "content"),
    [
        (b"caf=C3=A9 =3D", b"caf\xc3\xa9 ="),
        (b"soft=\r\n break", b"soft break"),
        (b"soft= \t\r\nbreak", b"softbreak"),
        (b"wrong=ZZ=4", b"wrong=ZZ=4"),
        (b"low=c3=a9\xff", b"low\xc3\xa9\xff"),
        (b"ends=", b"ends"),
    ],
)
def test_quoted_printable_is_read(encoded: bytes, content: bytes) -> None:
    assert transfer_decoded(encoded, "quoted-printable") == content


def test_uuencode_is_read_as_far_as_it_is_right() -> None:
    encoded = b"text before\nbegin 644 x.txt\n" + binascii.b2a_uu(b"hello ") + binascii.b2a_uu(b"world") + b"`\nend\n"
    assert transfer_decoded(encoded, "x-uuencode") == b"hello world"
    assert transfer_decoded(b"begin 644 x\n" + binascii.b2a_uu(b"hello") + b"\xff\xff\n", "uuencode") == b"hello"
    assert transfer_decoded(b"begin 644 x\n" + binascii.b2a_uu(b"cut"), "uuencode") == b"cut"
    assert transfer_decoded(b"no beginning", "uuencode") == b"no beginning"


@pytest.mark.parametrize("encoding", ["", "7bit", "8bit", "binary", "rot13", "nonsense"])
def test_other_bodies_are_what_they_are(encoding: str) -> None:
    assert transfer_decoded(b"as \xff it=41 is", encoding) == b"as \xff it=41 is"


@given(content=st.binary(max_size=300))
def test_what_the_standard_library_encodes_is_read(content: bytes) -> None:
    assert transfer_decoded(encodebytes(content), "base64") == content
    assert transfer_decoded(quopri.encodestring(content, quotetabs=True), "quoted-printable") == content


@given(content=st.binary(min_size=3, max_size=99).filter(lambda content: len(content) % 3 == 0), more=st.binary(max_size=30))
def test_data_goes_on_until_it_is_padded(content: bytes, more: bytes) -> None:
    """Two that are whole groups are one, as they stand together."""
    assert transfer_decoded(b64encode(content) + b"\n" + b64encode(more), "base64") == content + more


@given(octets=st.binary(max_size=300), encoding=st.sampled_from(["base64", "quoted-printable", "x-uuencode"]))
def test_any_octets_are_read(octets: bytes, encoding: str) -> None:
    for encoded in (octets, b"begin 644 x\n" + octets):
        assert len(transfer_decoded(encoded, encoding)) <= len(encoded)


def test_lines_of_uuencoded_zeros_do_not_grow_without_end() -> None:
    lines = b"begin 644 x\n" + b"_\n" * 100_000
    assert transfer_decoded(lines, "uuencode") == bytes(len(lines))


@given(lines=st.lists(st.sampled_from([b"AAAA", b"BB", b"C", b"=", b"!", b" ", b"two words", b"____", b""]), max_size=8))
def test_broken_base64_is_read(lines: list[bytes]) -> None:
    transfer_decoded(b"\n".join(lines), "base64")
