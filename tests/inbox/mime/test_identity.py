"""The id of a message is that of what it is, whatever a mailbox does to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.mime.identity import LENGTH, Digest, identity

MAIL = b"Subject: x\nFrom: a@b\n\nhello\n"


@pytest.mark.parametrize(
    "other",
    [
        b"From a@b Thu Nov 26 09:00:00 2026\n" + MAIL,
        b"Delivered-To: ana@x\n" + MAIL,
        b"delivered-to:\n ana@x\n" + MAIL,
        b"Subject: x\nStatus: RO\nX-Status: A\nX-Keywords: y\nX-UID: 7\nFrom: a@b\n\nhello\n",
        b"Subject: x\nFrom: a@b\nContent-Length: 6\nLines: 1\n\nhello\n",
        MAIL + b"\n",
        MAIL[:-1],
    ],
)
def test_what_a_mailbox_adds_does_not_count(other: bytes) -> None:
    assert identity(other) == identity(MAIL)


@pytest.mark.parametrize(
    "other",
    [
        MAIL.replace(b"hello", b"hallo"),
        MAIL.replace(b"Subject: x", b"Subject: y"),
        MAIL.replace(b"\n\n", b"\n\nStatus: RO\n"),
        MAIL.replace(b"\n\n", b"\n\n\n"),
        b"X-Original-Status: RO\n" + MAIL,
        b"",
    ],
)
def test_what_a_sender_writes_counts(other: bytes) -> None:
    assert identity(other) != identity(MAIL)


@given(st.binary(), st.binary())
def test_it_is_22_digits_and_letters_and_only_the_same_for_the_same(one: bytes, other: bytes) -> None:
    assert len(identity(one)) == LENGTH and identity(one).isascii() and identity(one).isalnum()
    header = b"Subject: x\n\n."
    assert (identity(header + one) == identity(header + other)) == (one.rstrip(b"\r\n") == other.rstrip(b"\r\n"))


WORDS = [b"From a b\n", b"\n", b"\r\n", b"Status: RO\n", b" more\n", b"x: y\n", b"text", b"\r"]
PARTS = st.lists(st.sampled_from(WORDS), max_size=9)


@given(PARTS.map(b"".join), st.lists(st.integers(0, 60), max_size=5))
def test_where_a_message_is_cut_makes_no_difference(octets: bytes, cuts: list[int]) -> None:
    digest = Digest()
    ends = sorted({min(cut, len(octets)) for cut in cuts} | {len(octets)})
    for start, end in zip([0, *ends], ends, strict=False):
        digest.add(octets[start:end])
    assert digest.id == identity(octets)


def test_an_id_is_for_ever() -> None:
    """Clients of POP3 remember it."""
    assert (
        identity(b"From a b\nSubject: x\nStatus: RO\n\ntext\n\n")
        == identity(b"Subject: x\n\ntext")
        == "35qSoEzFXwvTXkzYahWCcJ"
    )
