"""No message is smuggled: mail data ends at <CRLF>.<CRLF> and at nothing that looks like it to others."""

import re
from itertools import product

import pytest

from ...kit.esmtp import TO_RCPT, EsmtpClient

ENDS = [
    b"", b"\r", b"\n", b"\r\n", b"\r\r\n", b"\n\r", b"\r\n\r", b"\n\n", b"\r\r", b"\0", b"\r\0\n", b"\r\n\0", b"\0\r\n",
    b"\x0b", b"\x0c", b"\x1a", b" \r\n", b"\t", "\x85".encode(), b"\x85", "\u2028".encode(), "\u2029".encode(),
    b"\x8d\x8a", b"\xff\n",
]  # fmt: skip
"""What some program or other takes for a line end, or drops before one."""

SMUGGLED = b"MAIL FROM:<thief@b>\r\nRCPT TO:<jhaneroe@x>\r\nDATA\r\nsmuggled\r\n"
PAIRS = [(start + left, right) for start, left, right in product((b"x", b""), ENDS, ENDS)]


def is_end(left: bytes, right: bytes) -> bool:
    return (left == b"" or left.endswith(b"\r\n")) and right.startswith(b"\r\n")


def without_stuffing(data: bytes) -> bytes:
    return b"\r\n".join(line.removeprefix(b".") for line in data.split(b"\r\n"))


def is_bare(data: bytes) -> bool:
    return any(octet in data.replace(b"\r\n", b"") for octet in b"\r\n")


def mended(data: bytes) -> bytes:
    return re.sub(rb"\r*\n|\r", b"\r\n", data)


def check_one_message(client: EsmtpClient, replies: list[bytes], content: bytes, mends: bool) -> None:
    """It came as it was, or mended, or not at all; and nothing of it was taken for a command."""
    if is_bare(content) and not mends:
        assert replies == [b"550 5.6.0 Message has a CR or LF that is no line end", b"221 2.0.0 mx.test closing connection"]
        assert client.boxes == {}
    else:
        assert [reply[:3] for reply in replies] == [b"250", b"221"]
        assert list(client.boxes) == ["johndoe"] and client.contents == [mended(content) if mends else content]


@pytest.mark.parametrize("mends", [False, True])
def test_mail_data_ends_at_crlf_dot_crlf_alone(mends: bool) -> None:
    for left, right in PAIRS:
        if is_end(left, right):
            continue
        data = left + b"." + right + SMUGGLED
        for step in (1, 5, 1000):
            client = EsmtpClient(mends_newlines=mends)
            client.say(*TO_RCPT, "data")
            stream = data + b".\r\nQUIT\r\n"
            replies = [reply for at in range(0, len(stream), step) for reply in client.send(stream[at : at + step])]
            check_one_message(client, replies, without_stuffing(data), mends)


@pytest.mark.parametrize("mends", [False, True])
def test_no_content_ends_a_chunk(mends: bool) -> None:
    for left, right in PAIRS:
        data = left + b"." + right + SMUGGLED
        client = EsmtpClient(mends_newlines=mends)
        client.say(*TO_RCPT)
        first, last = data[: len(left) + 1], data[len(left) + 1 :]
        assert [reply[:3] for reply in client.send(b"BDAT %d\r\n%b" % (len(first), first))] == [b"250"]
        replies = client.send(b"BDAT %d LAST\r\n%bQUIT\r\n" % (len(last), last))
        check_one_message(client, replies, data, mends)


def test_at_the_end_that_is_one_the_message_ends() -> None:
    pairs = [pair for pair in PAIRS if is_end(*pair)]
    assert len(pairs) == 27
    for left, right in pairs:
        client = EsmtpClient(mends_newlines=True)
        client.say(*TO_RCPT, "data")
        client.send(left + b"." + right)
        assert len(client.contents) == 1


def test_too_much_mail_data_is_not_taken_for_commands_either() -> None:
    for left, right in PAIRS:
        if is_end(left, right):
            continue
        client = EsmtpClient(max_message_size=3)
        client.say(*TO_RCPT, "data")
        replies = client.send(b"xxx" + left + b"." + right + SMUGGLED + b".\r\nQUIT\r\n")
        assert [reply[:9] for reply in replies] == [b"552 5.3.4", b"221 2.0.0"] and client.boxes == {}
