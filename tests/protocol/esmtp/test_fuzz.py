"""Near-SMTP in any pieces: nothing fails, nothing grows, and each command is answered once and in order."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from protocol.engine.session import OUTPUT_LIMIT
from protocol.esmtp.grammar import MAX_LINE

from ...kit.cutting import pieces_of
from ...kit.esmtp import EHLO, TO_RCPT, Checker, EsmtpClient
from ...kit.esmtp_streams import CUTS, STREAM, WAY, check


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
