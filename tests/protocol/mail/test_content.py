"""What is looked at in mail data is the same in any pieces: line ends that are none, and how often it was relayed."""

import re
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.mail.content import MAX_RECEIVED, MOST_CRS, Hops, MessageId, Newlines

from ...kit.cutting import CUTS, pieces_of

ENDS = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"x", b".", b"\0"]), max_size=12).map(b"".join)


def read(pieces: list[bytes], is_mending: bool) -> tuple[bytes, bool]:
    """What Newlines makes of them, and whether one was bare."""
    newlines = Newlines(is_mending)
    text = b"".join(newlines.passed(piece) for piece in pieces)
    return text + newlines.rest(), newlines.has_bare


def mended(text: bytes, is_stuffed: bool = True) -> bytes:
    """With every CR or LF alone a CRLF, an octet at a time; CRs before a CRLF are part of it."""
    made = b""
    at = 0
    while at < len(text):
        crs = len(text[at:]) - len(text[at:].lstrip(b"\r"))
        if crs <= MOST_CRS and text[at + crs : at + crs + 1] == b"\n":
            is_alone = crs == 0
            at += crs + 1
        elif crs:
            is_alone = True
            at += 1
        else:
            made += text[at : at + 1]
            at += 1
            continue
        made += b"\r\n"
        at += is_stuffed and is_alone and text[at : at + 2] == b".."
    return made


@given(ENDS, CUTS, st.booleans())
@example(b"a\r\nb\r\n", [2], False)
@example(b"a\r", [1, 2], True)
@example(b"\r\r\n\n", [1, 2, 3], True)
@example(b"a\n..two\r\r\n..three\r..four\n.five\n", [2, 3, 4], True)
def test_newlines_are_found_and_mended_the_same_in_any_pieces(text: bytes, cuts: list[int], is_mending: bool) -> None:
    is_bare = mended(text) != text
    assert read(pieces_of(text, cuts), is_mending) == (mended(text) if is_mending else text, is_bare)
    assert read([text[i : i + 1] for i in range(len(text))], is_mending) == (mended(text) if is_mending else text, is_bare)


@given(ENDS)
def test_mended_content_has_nothing_left_to_be_mended(text: bytes) -> None:
    once, _ = read([text], True)
    assert read([once], False) == (once, False) and read([once], True) == (once, False)


def test_what_a_sender_with_line_ends_of_its_own_meant() -> None:
    """As Postfix stores it, but that a CR alone is a line end, and one dot alone stays."""
    for sent, meant in (
        (b"one\n..two\nthree\r\n", b"one\r\n.two\r\nthree\r\n"),
        (b"one\r\r\ntwo\r\r\r\n", b"one\r\ntwo\r\n"),
        (b"one\rtwo\r..three\r\n", b"one\r\ntwo\r\n.three\r\n"),
        (b"one\n\ntwo\r\n", b"one\r\n\r\ntwo\r\n"),
        (b"one\n.\ntwo\r\n", b"one\r\n.\r\ntwo\r\n"),
        (b"one\r\n..two\r\n", b"one\r\n..two\r\n"),  # of these a dot has gone before
    ):
        assert read([sent], True)[0] == meant


def test_little_waits() -> None:
    for is_mending, most in ((False, 1), (True, 1000)):
        newlines = Newlines(is_mending)
        for piece in (b"\r", b"\r" * 1000, b"", b"\n\r", b"\n" * 5000, b"\r\n" * 5000):
            newlines.passed(piece)
            assert len(newlines._held) <= most + 1


@pytest.mark.parametrize("count", [1, 2, 999, 1000, 1001, 1002, 2500])
@pytest.mark.parametrize("behind", [b"\n", b"", b"x", b"\n\n", b"..y", b"\n..y"])
def test_a_row_of_line_ends_is_mended_the_same_wherever_it_is_cut(count: int, behind: bytes) -> None:
    for row in (b"\r" * count, b"\r\n" * count + b"\n", b"\n" * count, b"\r\n" * count):
        text = b"a" + row + behind
        whole = read([text], True)
        for cut in (
            1,
            2,
            500,
            len(text) - 1001,
            len(text) - 1000,
            len(text) - 999,
            len(text) - 2,
            len(text) - 1,
            1 + len(row),
        ):
            at = max(0, cut)
            assert read([text[:at], text[at:]], True) == whole, (at, row[:4])
        assert whole[0] == mended(text)


def test_a_row_of_line_ends_takes_no_long() -> None:
    """A client that sends them is not to hold up others: eight times as many take eight times as long."""

    def pass_on(row: bytes, octets: int) -> float:
        newlines, since = Newlines(True), process_time()
        for _ in range(4):
            newlines.passed(row * (octets // len(row)))
        return process_time() - since

    for row in (b"\r", b"\n", b"\r\n", b"\n\r", b"\r\r\n", b"\n.", b"\r..", b"\r."):
        few, many = (min(pass_on(row, octets) for _ in range(3)) for octets in (8_000, 64_000))
        assert many < 24 * few, "quadratic time is 64 times as long"


FIELD = st.sampled_from(
    [
        b"Received: from x\r\n", b"RECEIVED:\r\n", b"received :x\r\n", b"Received \t : x\r\n", b"Received          : x\r\n",
        b"Received      x: y\r\n", b"Received       x: y\r\n", b"Received-SPF: x\r\n", b"X-Received: x\r\n",
        b" Received: folded\r\n", b"Received", b":", b" ", b"\r\n", b"\n", b"\r", b"x", b"Received:" * 3, b"\n\n",
    ]
)  # fmt: skip


def hops(text: bytes) -> int:
    """A line at a time: the field's name, blanks (obsolete, but seen), a colon; until an empty line."""
    count = 0
    for line in text.split(b"\n"):
        if line in (b"", b"\r") and text.startswith((b"\n", b"\r\n")):
            return count
        text = text[len(line) + 1 :]
        name, colon, _ = line.partition(b":")
        blanks = len(name) - len(b"received")
        count += bool(colon) and name.lower().rstrip(b" \t") == b"received" and blanks <= 6
    return count


def counted(pieces: list[bytes]) -> int:
    looker = Hops()
    for piece in pieces:
        looker.look(piece)
        assert len(looker._line) <= 16
    return looker.received


@given(st.lists(FIELD, max_size=10).map(b"".join), CUTS)
@example(b"Received       x: y\r\n", [16, 17])
@example(b"Received: x\r\n\r\nReceived: y\r\n", [13, 14, 15])
@example(b"\r\nReceived: y\r\n", [1])
@example(b"Received: a\nReceived: b\n\nReceived: c\n", [1, 9, 12])
def test_received_fields_are_counted_the_same_in_any_pieces(text: bytes, cuts: list[int]) -> None:
    assert counted([text]) == hops(text)
    assert counted(pieces_of(text, cuts)) == hops(text)
    assert counted([text[i : i + 1] for i in range(len(text))]) == hops(text)


@pytest.mark.parametrize(("fields", "is_loop"), [(MAX_RECEIVED, False), (MAX_RECEIVED + 1, True)])
def test_more_than_a_hundred_are_a_loop(fields: int, is_loop: bool) -> None:
    looker = Hops()
    looker.look(b"Received: from x\r\n" * fields + b"Subject: x\r\n\r\n")
    looker.look(b"Received: in the body\r\n" * 200)
    assert looker.is_loop is is_loop


def test_the_oracles_know_what_they_are_asked() -> None:
    assert mended(b"\ra\n\r\n\r\r\n") == b"\r\na\r\n\r\n\r\n"
    assert re.sub(rb"\r*\n|\r", b"\r\n", b"\n\r\r\n\n\rx\r") == mended(b"\n\r\r\n\n\rx\r")
    assert mended(b"\n..a\r..b\r\n..c\n.d") == b"\r\n.a\r\n.b\r\n..c\r\n.d"
    assert mended(b"\n..a", is_stuffed=False) == b"\r\n..a"
    assert [hops(b""), hops(b"\r\nReceived: x"), hops(b"Received: x\nreceived:\r\n\r\nReceived:")] == [0, 0, 2]


# Message-ID


@pytest.mark.parametrize("name", [b"Message-ID", b"message-id", b"MESSAGE-ID "])
@pytest.mark.parametrize("newline", [b"\r\n", b"\n"])
@pytest.mark.parametrize("is_folded", [False, True])
@pytest.mark.parametrize("before", [b"", b"Subject: x\r\n", b"X: " + b"y" * 3000 + b"\n"])
def test_the_message_id_is_found_wherever_it_is_cut(name: bytes, newline: bytes, is_folded: bool, before: bytes) -> None:
    fold = newline + b" " if is_folded else b" "
    text = before + name + b":" + fold + b"<1@x>" + newline + newline + b"Message-ID: <2@x>" + newline
    for cut in (0, *range(len(before), len(text))):
        found = MessageId()
        for piece in (text[:cut], text[cut:]):
            found.look(piece)
        assert found.value == b"<1@x>", cut
    found = MessageId()
    for octet in text:
        found.look(bytes([octet]))
    assert found.value == b"<1@x>"


@pytest.mark.parametrize(
    "text", [b"", b"\r\nMessage-ID: <1@x>\r\n", b"X-Message-ID: <1@x>\r\n\r\n", b"Message-ID <1@x>\r\n\r\n"]
)
def test_there_may_be_no_message_id(text: bytes) -> None:
    found = MessageId()
    found.look(text)
    assert found.value == b""
