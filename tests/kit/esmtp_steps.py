"""What clients of RFC 5321 send before they listen, and all that comes of it."""

import re

from hypothesis import strategies as st

from .cutting import pieces_of
from .esmtp import Checker, EsmtpClient, base64, proof
from .support import Kept

CONTENT = st.lists(
    st.sampled_from([b".", b"..", b"x", b"\r\n", b"\r\n.", b"QUIT\r\n", b"\0", b"\xff", b"BDAT 3 LAST\r\n"]), max_size=8
).map(lambda parts: b"".join(parts) + b"\r\n")
ANY_CONTENT = st.one_of(
    CONTENT,
    st.lists(st.sampled_from([b"\r", b"\n", b".", b"x", b"\r\n"]), max_size=8).map(lambda parts: b"".join(parts) + b"\r\n"),
)
CUTS = st.lists(st.integers(0, 2000), max_size=10)


def stuffed(content: bytes, mends: bool = False) -> bytes:
    """As a client sends it after DATA (RFC 5321 section 4.5.2), with the end; a line that `mends` makes begins there too."""
    return re.sub(rb"(\A|\r\n|[\r\n])(\.)" if mends else rb"(\A|\r\n)(\.)", rb"\1.\2", content) + b".\r\n"


def in_chunks(pieces: list[bytes]) -> list[bytes]:
    """The steps of a client that sends it by BDAT."""
    lasts = [b""] * (len(pieces) - 1) + [b" LAST"]
    return [b"BDAT %d%b\r\n%b" % (len(piece), last, piece) for piece, last in zip(pieces, lasts, strict=True)]


LINES = [
    b"EHLO me", b"HELO me", b"MAIL FROM:<a@b>", b"MAIL FROM:<> BODY=BINARYMIME", b"MAIL FROM:<a@b> SIZE=4000", b"DATA",
    b"RSET", b"RCPT TO:<johndoe@x>", b"RCPT TO:<nobody@x>", b"RCPT TO:<jhaneroe@x>", b"NOOP", b"HELP", b"VRFY x", b"xyz",
    b"", b"AUTH PLAIN " + proof().encode(), b"AUTH LOGIN", base64(b"johndoe").encode(), b"*", b"NOOP " + b"x" * 12_300,
]  # fmt: skip
LINE = st.sampled_from(LINES).map(lambda line: [line + b"\r\n"])
MESSAGE = st.one_of(
    CONTENT.map(lambda content: [b"DATA\r\n", stuffed(content)]),
    st.builds(lambda content, cuts: in_chunks(pieces_of(content, cuts)), CONTENT, st.lists(st.integers(0, 60), max_size=3)),
)
TRANSACTION = MESSAGE.map(lambda message: [b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<johndoe@x>\r\n", *message])
STEPS = st.lists(st.one_of(LINE, LINE, MESSAGE, TRANSACTION), max_size=8).map(
    lambda parts: [b"EHLO me\r\n", *(step for part in parts for step in part)]
)
"""What a client sends before it listens: a command with what belongs to it, or mail data."""


def heard(
    pieces: list[bytes], is_slow: bool = False, mends: bool = False
) -> tuple[list[bytes], dict[str, list[Kept]], list[bytes]]:
    """All replies, what is in the mailboxes, and the trace fields."""
    checker = Checker(is_slow)
    client = EsmtpClient(
        disk_is_slow=is_slow, authenticate=checker, authenticates_in_clear=True, max_message_size=60, mends_newlines=mends
    )  # fmt: skip
    replies: list[bytes] = []
    for piece in pieces:
        replies += client.send(piece)
        while is_slow and (client.store.memory.committed or checker.waiting):
            assert not client.session.takes_input
            checker.settle()
            replies += client.settle()
    return replies, client.boxes, client.traces
