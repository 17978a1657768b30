"""The id of a message is that of what it is, whatever a mailbox does to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.mime.identity import LENGTH, identity

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
