"""Near-SMTP of RFC 5321, and a listener that tells from the replies alone whether it was answered as it must be."""

import re
from itertools import accumulate

from hypothesis import strategies as st

from protocol.esmtp.grammar import MAX_LINE

from .esmtp import Checker, EsmtpClient, base64, proof

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
