"""Near-SMTP in any pieces: nothing fails, nothing grows, and each command is answered once and in order."""

import re
from itertools import accumulate

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from protocol.engine.session import OUTPUT_LIMIT
from protocol.esmtp.grammar import MAX_LINE

from ...kit.esmtp import EHLO, TO_RCPT, Checker, EsmtpClient, base64, proof
from ..engine.test_buffer import pieces_of

WORDS = {
    b"EHLO", b"HELO", b"MAIL", b"RCPT", b"DATA", b"BDAT", b"RSET", b"NOOP", b"HELP", b"VRFY", b"EXPN", b"STARTTLS", b"AUTH",
    b"QUIT",
}  # fmt: skip

BEFORE_TABS = {b"EHLO", b"HELO", b"MAIL", b"RCPT"}
"""Behind these blanks of any kind are tolerated."""


class Listener:
    """What a client knows from the replies alone: which of its octets each reply is the answer to.

    A line is a command, unless the last reply was a 354 (then mail data is due) or a 334 (an answer). A BDAT takes so many
    octets with it, and what was sent behind STARTTLS before its 220 came is lost.
    """

    def __init__(self, pieces: list[bytes]) -> None:
        self.stream = b"".join(pieces)
        self.ends = [0, *accumulate(len(piece) for piece in pieces)]
        self.at = 0
        self.due = "a command"
        self.has_quit = False

    def next_unit(self) -> bytes | None:
        """What is to be answered next, if all of it was sent."""
        rest = self.stream[self.at :]
        if self.due == "mail data":
            end = (b"\r\n" + rest).find(b"\r\n.\r\n")
            return None if end < 0 else rest[: end + 3]
        line, end_of_line, rest = rest.partition(b"\r\n")
        if not end_of_line:
            return None
        chunk = re.fullmatch(rb"bdat +0*([0-9]{1,20})[ \t]*( .*)?", line, re.IGNORECASE | re.DOTALL)
        octets = int(chunk[1]) if chunk and self.due == "a command" and len(line) <= MAX_LINE else 0
        return line + end_of_line + rest[:octets] if len(rest) >= octets else None

    def hear(self, code: int) -> None:
        """A reply came."""
        assert not self.has_quit, "after goodbye nothing is said"
        if code == 421:
            self.has_quit = True
            return
        unit = self.next_unit()
        assert unit is not None, f"{code} answers nothing"
        if self.due == "a command":
            self._check(unit.partition(b"\r\n")[0], code)
        assert (self.due, code // 100) != ("mail data", 3)
        self.at += len(unit)
        if code == 220:
            self.at = min(end for end in self.ends if end >= self.at)
        self.due = {354: "mail data", 334: "an answer"}.get(code, "a command")
        self.has_quit = code == 221

    def _check(self, line: bytes, code: int) -> None:
        first = re.split(rb"[ \t]" if line[:4].upper() in BEFORE_TABS else b" ", line.rstrip(b" \t"), maxsplit=1)[0]
        is_known = first.upper() in WORDS and len(line) <= MAX_LINE
        assert (code == 500) == (not is_known), line
        word = line[:4].upper()
        assert code != 354 or word == b"DATA"
        assert code != 221 or word == b"QUIT"
        assert code not in (334, 235, 535) or word == b"AUTH"
        assert code != 220 or word == b"STAR"


def check(pieces: list[bytes], max_refusals: int = 0, mends: bool = False) -> Listener:
    """Says the pieces, and listens."""
    listener = Listener(pieces)
    client = EsmtpClient(
        has_tls=True, authenticate=Checker(), authenticates_in_clear=True, max_message_size=50, verifies=True,
        max_refusals=max_refusals, mends_newlines=mends,
    )  # fmt: skip
    for piece in pieces:
        heard = client.send(piece)
        if client.session.wants_tls:
            client.session.secured()
        for reply in heard:
            assert re.fullmatch(rb"[2-5][0-9]{2}[ -][\x20-\x7e\x80-\xff]*", reply)
            if reply[3:4] == b" ":
                listener.hear(int(reply[:3]))
        buffer = client.session._buffer
        assert len(buffer._bytes) - buffer._at + len(buffer._overlong) <= 2 * MAX_LINE + len(piece)
    assert listener.has_quit or listener.next_unit() is None, "everything is answered"
    assert client.session.is_finished == listener.has_quit
    return listener


LINES = [
    b"EHLO me", b"HELO me", b"MAIL FROM:<a@b>", b"MAIL FROM:<> BODY=BINARYMIME", b"RCPT TO:<johndoe@x>",
    b"RCPT TO:<nobody@x>",
    b"DATA", b"RSET", b"NOOP", b"HELP", b"VRFY johndoe", b"EXPN x", b"QUIT", b"xyz", b"", b".", b"..", b"x", b"STARTTLS",
    b"AUTH PLAIN", b"AUTH PLAIN " + proof().encode(), b"AUTH LOGIN", b"AUTH LOGIN =", proof().encode(), b"*", b"BDAT 0",
    base64(Checker.name).encode(), base64(Checker.secret).encode(), b"BDAT 7", b"BDAT 7 LAST", b"BDAT 0 LAST", b"BDAT 60",
    b"BDAT 7 LSAT", b"BDAT x", b"BDAT 99999999999999999999 LAST", b"bdat  3  last ", b"BDAT 1\tLAST", b"BDAT 1\n", b"DATA\r",
    b"rcpt\tto:<johndoe@x>", b"data\t.",
]  # fmt: skip
ODD = [b"\r", b"\n", b"\r\n", b"\0", b".", b"\r\n.\r\n", b"\xff", b" ", b"x" * (MAX_LINE + 1), b"x" * MAX_LINE, b"BDAT 5"]
LINE = st.sampled_from(LINES).map(lambda line: line + b"\r\n")
WAY = b"EHLO me\r\n", b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<johndoe@x>\r\n", b"DATA\r\n", b"x\r\n.\r\n"
STREAM = st.builds(
    lambda way, parts: b"".join(WAY[:way]) + b"".join(parts),
    st.integers(0, len(WAY)),
    st.lists(st.one_of(LINE, LINE, LINE, st.sampled_from(ODD), st.binary(max_size=4)), max_size=14),
)
CUTS = st.lists(st.integers(0, 30_000), max_size=10)


@given(STREAM, CUTS, st.sampled_from([0, 0, 3]), st.booleans())
@settings(max_examples=1000, deadline=None)
@example(b"EHLO me\r\nSTARTTLS\r\nNOOP\r\nEHLO me\r\nAUTH LOGIN =\r\n=\r\nBDAT 2\r\n\r\nQUIT\r\n", [28, 40], 0, False)
@example(b"".join(WAY[:3]) + b"BDAT 7\r\n1234567BDAT 60\r\n" + b"x" * 60 + b"BDAT 3 LAST\r\nabcQUIT\r\n", [70, 90], 0, True)
@example(b"x" * (MAX_LINE + 1) + b"\r\nBDAT 5\r\nQUIT\r\n\r\n" * 2, [12_289, 12_290], 3, False)
def test_each_command_is_answered_once_and_in_order(stream: bytes, cuts: list[int], max_refusals: int, mends: bool) -> None:
    check(pieces_of(stream, cuts), max_refusals, mends)


@given(st.lists(st.binary(max_size=30), max_size=5), st.integers(0, len(WAY)))
def test_no_bytes_make_it_fail(pieces: list[bytes], way: int) -> None:
    check([*WAY[:way], *pieces])


def test_the_listener_follows_a_whole_dialogue() -> None:
    """It is only a proof if it gets somewhere: to the end of this one."""
    stream = b"".join(WAY) + b"AUTH LOGIN\r\nx\r\n" + b"".join(WAY[1:3]) + b"BDAT 6 LAST\r\nQUIT\r\nxyz\r\nQUIT\r\n"
    listener = check([stream])
    assert listener.has_quit and listener.at == len(stream)


# Memory


@pytest.mark.parametrize(
    "opening",
    [
        (),
        (EHLO,),
        (*TO_RCPT, "data"),
        (*TO_RCPT, "bdat 99999999999"),
        ("bdat 99999999999",),
        (EHLO, "auth plain"),
        ("quit",),
    ],
)
@pytest.mark.parametrize("piece", [b"x" * 65_536, b"\r" * 65_536, b"\r\n." * 20_000, b".\r" * 32_768, b"\0\n" * 30_000])
def test_a_flood_takes_bounded_memory_in_every_state(opening: tuple[str, ...], piece: bytes) -> None:
    client = EsmtpClient(authenticate=Checker(), authenticates_in_clear=True)
    client.say(*opening)
    for _ in range(8):
        client.session.receive(piece)
        assert len(client.session.outgoing) < 2 * OUTPUT_LIMIT
        while client.session.is_behind or client.store.memory.committed:
            client.store.memory.settle()
            client.session.outgoing.clear()
            client.session.resume()
        client.session.outgoing.clear()
        buffer = client.session._buffer
        assert len(buffer._bytes) - buffer._at + len(buffer._overlong) <= 2 * MAX_LINE + 4
    assert len(client.log) <= 20
