"""A client that does all that the RFCs allow, at random: there is nothing to remark."""

from hypothesis import given
from hypothesis import strategies as st

from ...kit.cutting import CUTS, pieces_of
from .test_critic import HELLO, MAIL, QUIT, RCPT, Judged

GROUPED = st.sampled_from([b"RSET\r\n", b"HELP\r\n", MAIL + b"RSET\r\n", MAIL + RCPT + b"RSET\r\n"])
ALONE = st.sampled_from([b"NOOP\r\n", b"VRFY johndoe\r\n", b"EXPN list\r\n", HELLO, MAIL + HELLO, b"help me\r\n"])
LINES = st.lists(st.one_of(st.sampled_from([b".", b"", b"x" * 998, b"..", b"a\tb"]), st.binary(max_size=30)), max_size=6)


def stuffed(lines: list[bytes], is_eight_bit: bool) -> bytes:
    """Mail data of these lines."""
    kept = (line.translate(None, b"\r\n" if is_eight_bit else bytes([10, 13, *range(128, 256)])) for line in lines)
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in kept) + b".\r\n"


@st.composite
def a_message(draw: st.DrawFn) -> list[tuple[bytes, bool]]:
    """The commands of a transaction, each with whether it may have others behind it in its group."""
    is_eight_bit, is_binary = draw(st.booleans()), draw(st.booleans())
    body = b" BODY=BINARYMIME" if is_binary else b" BODY=8BITMIME" if is_eight_bit else b""
    size = b" SIZE=99999" * draw(st.booleans())
    paths = draw(
        st.lists(st.sampled_from([RCPT, b"RCPT TO:<nobody@here>\r\n", b"rcpt to:<postmaster>\r\n"]), min_size=1, max_size=4)
    )
    begun = [(MAIL[:-2] + size + body + b"\r\n", True), *((path, True) for path in paths)]
    if not is_binary and draw(st.booleans()):
        return [*begun, (b"DATA\r\n", False), (stuffed(draw(LINES), is_eight_bit), True)]
    octets = b"".join(draw(st.lists(st.binary(max_size=20), max_size=3))) if is_binary else b"a\r\nb"
    return [*begun, (b"BDAT %d\r\n%b" % (len(octets), octets), True), (b"BDAT 0 LAST\r\n", True)]


TALK = st.lists(
    st.one_of(a_message(), GROUPED.map(lambda line: [(line, True)]), ALONE.map(lambda line: [(line, False)])), max_size=5
)


@given(talk=TALK, groups=st.lists(st.booleans(), min_size=60, max_size=60), cuts=CUTS)
def test_a_random_client_that_keeps_to_the_rfcs(
    talk: list[list[tuple[bytes, bool]]], groups: list[bool], cuts: list[int]
) -> None:
    judged = Judged()
    steps = [(HELLO, False), *(step for part in talk for step in part), (QUIT, True)]
    waiting = b""
    for (octets, may_go_on), goes_on in zip(steps, groups, strict=False):
        waiting += octets
        if may_go_on and goes_on and octets != QUIT:
            continue
        heard = [line for piece in pieces_of(waiting, cuts) for line in judged.client.send(piece)]
        if octets == b"DATA\r\n" and heard[-1][:3] != b"354":
            judged.client.send(b"RSET\r\n")  # and the mail data that comes now is left out
            break
        waiting = b""
    judged.client.send(QUIT)
    assert judged.broken == []
