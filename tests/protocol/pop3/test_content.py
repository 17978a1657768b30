"""What a message looks like on the wire, however it is cut, and how many octets that are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.pop3.content import Lines, Size

OCTETS = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a", b"\n.", b"\n\n", b"\r\n.\r\n", b"x" * 20]), max_size=20
).map(b"".join)
CUTS = st.lists(st.integers(0, 60), max_size=5)


def sent(pieces: list[bytes], most: int | None = None) -> bytes:
    lines = Lines(most)
    said = []
    for piece in pieces:
        said.append(lines.sent(piece))
        if lines.is_over:
            break
    return b"".join([*said, lines.rest()])


def received(wire: bytes) -> bytes:
    """What a client makes of it: it undoes the dot-stuffing, up to the line with a dot."""
    lines = wire.split(b"\r\n")
    end = lines.index(b".")
    assert lines[end:] == [b".", b""], "nothing is behind it"
    return b"".join(line.removeprefix(b".") + b"\r\n" for line in lines[:end])


def as_lines(octets: bytes) -> list[bytes]:
    """The lines of a message, in the plain way."""
    lines = octets.replace(b"\r\n", b"\n").split(b"\n")
    return lines if lines[-1] else lines[:-1]


def cut(octets: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted({min(cut, len(octets)) for cut in cuts} | {len(octets)})
    return [octets[start:end] for start, end in zip([0, *ends], ends, strict=False) if end > start]


@given(OCTETS, CUTS)
def test_a_client_gets_the_lines_of_the_message(octets: bytes, cuts: list[int]) -> None:
    content = received(sent(cut(octets, cuts)))
    assert content == b"".join(line + b"\r\n" for line in as_lines(octets))


@given(OCTETS, CUTS)
def test_the_size_is_that_of_what_a_client_gets(octets: bytes, cuts: list[int]) -> None:
    size = Size()
    for piece in cut(octets, cuts):
        size.add(piece)
    assert size.octets == len(received(sent([octets])))


@given(OCTETS, CUTS, st.integers(0, 4))
def test_top_sends_the_header_and_so_many_lines(octets: bytes, cuts: list[int], most: int) -> None:
    lines = as_lines(octets)
    header = lines.index(b"") + 1 if b"" in lines else len(lines)
    wanted = b"".join(line + b"\r\n" for line in lines[: header + most])
    assert received(sent(cut(octets, cuts), most)) == wanted


@pytest.mark.parametrize(
    ("octets", "wire"),
    [
        (b"", b".\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b"a\n.\n..b\n", b"a\r\n..\r\n...b\r\n.\r\n"),
        (b"a\r", b"a\r\r\n.\r\n"),
        (b"a\rb\r\n", b"a\rb\r\n.\r\n"),
    ],
)
def test_messages(octets: bytes, wire: bytes) -> None:
    assert sent([octets] if octets else []) == wire
