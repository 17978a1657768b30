"""Lines and mail data come out the same, whatever pieces the bytes came in."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.engine.buffer import Buffer

from ...kit.cutting import CUTS, pieces_of

LIMIT = 10


def lines_of(pieces: list[bytes]) -> list[bytes]:
    buffer, lines = Buffer(LIMIT), []
    for piece in pieces:
        buffer.feed(piece)
        while (line := buffer.line()) is not None:
            lines.append(line)
    return lines


def content_of(pieces: list[bytes], buffer: Buffer | None = None) -> tuple[bytes, bool, list[bytes]]:
    """The mail data, whether its end came, and the lines after it."""
    buffer, content, is_end, lines = buffer or Buffer(LIMIT), b"", False, []
    buffer.begin_content()
    for piece in pieces:
        buffer.feed(piece)
        if not is_end:
            more, is_end = buffer.content()
            content += more
            assert len(buffer._bytes) - buffer._at <= (len(piece) if is_end else 4)
        while is_end and (line := buffer.line()) is not None:
            lines.append(line)
    return content, is_end, lines


def expected_content(data: bytes) -> tuple[bytes, bool, list[bytes]]:
    """RFC 5321 section 4.5.2, a line at a time. Without an end, only what can no longer be part of one."""
    content, rest = b"", data
    while b"\n" in rest:
        line, rest = rest.split(b"\n", 1)
        if line.removesuffix(b"\r") == b".":
            return content, True, [text.removesuffix(b"\r")[: LIMIT + 1] for text in rest.split(b"\n")[:-1]]
        content += line.removeprefix(b".") + b"\n"
    return content + rest.removeprefix(b"."), False, []


NEAR_ENDS = st.lists(st.sampled_from([b"\n", b"\r", b"\r\n", b".", b"\r\n.\r\n", b"x", b"\0"]), max_size=12).map(b"".join)


def test_a_line_ends_at_lf_and_a_cr_before_it_is_dropped() -> None:
    assert lines_of([b"a\r\nb\nc\r\r\n\r\n\nd"]) == [b"a", b"b", b"c\r", b"", b""]


def test_a_line_over_the_limit_tells_by_its_length() -> None:
    assert lines_of([b"0123456789\r\n0123456789a\r\n0123456789ab\nshort\n"]) == [
        b"0123456789",
        b"0123456789a",
        b"0123456789a",
        b"short",
    ]


def test_a_line_without_an_end_takes_bounded_memory() -> None:
    buffer = Buffer(LIMIT)
    for _ in range(1000):
        buffer.feed(b"x" * 1000)
        assert buffer.line() is None
        assert len(buffer._bytes) + len(buffer._overlong) <= 2 * LIMIT + 2
    buffer.feed(b"\nhelo\n")
    assert (buffer.line(), buffer.line(), buffer.line()) == (b"x" * (LIMIT + 1), b"helo", None)


def test_nothing_is_kept_of_what_was_taken() -> None:
    buffer = Buffer(LIMIT)
    buffer.feed(b"x\n" * 1000)
    while buffer.line() is not None:
        pass
    assert buffer._bytes == b""


@pytest.mark.parametrize("is_strict", [False, True])
def test_nothing_is_kept_of_mail_data_that_was_taken(is_strict: bool) -> None:
    buffer = strict_buffer() if is_strict else Buffer(LIMIT)
    buffer.begin_content()
    buffer.feed(b"x" * 50_000 + b"\r\n.\r\n")
    assert buffer.content() == (b"x" * 50_000 + b"\r\n", True)
    assert buffer._bytes == b""


def test_cleared_bytes_are_gone() -> None:
    buffer = Buffer(LIMIT)
    buffer.feed(b"x" * 1000)
    assert buffer.line() is None
    buffer.clear()
    buffer.feed(b"a\n")
    assert buffer.line() == b"a"


@given(NEAR_ENDS, CUTS)
def test_lines_are_the_same_in_any_pieces(data: bytes, cuts: list[int]) -> None:
    expected = [line.removesuffix(b"\r")[: LIMIT + 1] for line in data.split(b"\n")[:-1]]
    assert lines_of(pieces_of(data, cuts)) == expected


@given(NEAR_ENDS, CUTS)
@example(b".\r\nquit\r\n", [])
@example(b"\r\n.\r\n", [2])
@example(b"..\r\n.x\r\n.\r\n", [3, 5])
@example(b"a\n.\rb\n.\n", [3, 4])
@example(b"a\r\n.\r\nb\r\n.\r\n", [])
def test_mail_data_is_the_same_in_any_pieces(data: bytes, cuts: list[int]) -> None:
    content, is_end, lines = content_of(pieces_of(data, cuts))
    wanted, wanted_end, wanted_lines = expected_content(data)
    if is_end:
        assert (content, is_end, lines) == (wanted, wanted_end, wanted_lines)
    else:
        assert not wanted_end
        assert wanted.startswith(content) and len(wanted) - len(content) <= 2


@given(st.lists(st.binary(max_size=5), max_size=8), CUTS)
def test_what_a_client_stuffs_comes_out_as_it_was(lines: list[bytes], cuts: list[int]) -> None:
    text = [line.replace(b"\n", b"") for line in lines]
    stuffed = b"".join(b"." * line.startswith(b".") + line + b"\r\n" for line in text) + b".\r\n"
    assert content_of(pieces_of(stuffed, cuts)) == (b"".join(line + b"\r\n" for line in text), True, [])


# Where only CRLF ends a line, and chunks


def strict_buffer() -> Buffer:
    buffer = Buffer(3)
    buffer.demand_crlf(LIMIT)
    return buffer


def strict_lines(pieces: list[bytes]) -> list[bytes]:
    buffer, lines = strict_buffer(), []
    for piece in pieces:
        buffer.feed(piece)
        while (line := buffer.line()) is not None:
            lines.append(line)
        assert len(buffer._bytes) + len(buffer._overlong) <= 2 * LIMIT + 4
    return lines


def strict_content(pieces: list[bytes]) -> tuple[bytes, list[bytes] | None]:
    """The mail data, and the lines after its end, if that came."""
    content, is_end, lines = content_of(pieces, strict_buffer())
    return content, lines if is_end else None


def expected_strict(data: bytes) -> tuple[bytes, list[bytes] | None]:
    """RFC 5321 sections 2.3.8 and 4.5.2: lines end at CRLF; one that begins with a dot loses it; a lone dot is the end."""
    *lines, rest = data.split(b"\r\n")
    if b"." in lines:
        end = lines.index(b".")
        return b"".join(line.removeprefix(b".") + b"\r\n" for line in lines[:end]), [
            x[: LIMIT + 1] for x in lines[end + 1 :]
        ]
    return b"".join(line.removeprefix(b".") + b"\r\n" for line in lines) + rest.removeprefix(b"."), None


def test_where_crlf_is_demanded_a_cr_or_lf_alone_belongs_to_the_line() -> None:
    assert strict_lines([b"a\nb\rc\r\nd\r\r\n\n\r\r\n\r\n\r"]) == [b"a\nb\rc", b"d\r", b"\n\r", b""]


@given(NEAR_ENDS, CUTS)
@example(b"x" * LIMIT + b"\r\r\n", [LIMIT + 1, LIMIT + 2])
@example(b"x" * LIMIT + b"x\r\nx\r\n", [LIMIT + 1, LIMIT + 2])
def test_strict_lines_are_the_same_in_any_pieces(data: bytes, cuts: list[int]) -> None:
    assert strict_lines(pieces_of(data, cuts)) == [line[: LIMIT + 1] for line in data.split(b"\r\n")[:-1]]


@given(NEAR_ENDS, CUTS)
@example(b".\r\nquit\r\n", [1, 2])
@example(b"\n.\r\n\r\n.\r\nq\r\n", [])
@example(b".\r\r\n.\r\n", [3])
@example(b"..\r\n.\r.\r\n.\r\n", [2, 5, 8])
@example(b"\r.\r\n.\n\r\n.\r\r\n", [1, 4, 9])
def test_strict_mail_data_is_the_same_in_any_pieces(data: bytes, cuts: list[int]) -> None:
    content, lines = strict_content(pieces_of(data, cuts))
    wanted, wanted_lines = expected_strict(data)
    assert lines == wanted_lines
    if lines is None:
        assert wanted.startswith(content) and len(wanted) - len(content) <= 3
    else:
        assert content == wanted


PARTS = st.lists(st.binary(max_size=6), max_size=5)


@given(PARTS, CUTS)
@example([b"", b"", b".\r\n", b"\r\n"], [1, 2, 3])
def test_chunks_are_so_many_octets_in_any_pieces(parts: list[bytes], cuts: list[int]) -> None:
    buffer, taken = strict_buffer(), []
    pieces = pieces_of(b"".join(octets + b"go\r\n" for octets in parts) + b"end", cuts)
    for octets in parts:
        buffer.begin_chunk(len(octets))
        content, is_end = b"", False
        while not is_end or (line := buffer.line()) is None:
            if not is_end:
                piece, is_end = buffer.content()
                content += piece
            if not is_end or b"\r\n" not in buffer._bytes[buffer._at :]:
                buffer.feed(pieces.pop(0) if pieces else b"")
        taken.append((content, line))
    assert taken == [(octets, b"go") for octets in parts]


def test_a_chunk_without_end_takes_no_memory() -> None:
    buffer = strict_buffer()
    buffer.begin_chunk(10**20)
    for _ in range(100):
        buffer.feed(b"x" * 1000)
        assert buffer.content() == (b"x" * 1000, False) and len(buffer._bytes) - buffer._at == 0


@given(
    st.lists(st.sampled_from([b".", b"..", b"a", b"\r\n", b"\n", b"\r", b"\n.", b"\r\n."]), max_size=8).map(b"".join),
    st.sampled_from([b"\r\n.\r\n", b"\n.\r\n", b".\r\n", b"\n.\n", b""]),
    st.booleans(),
)
def test_mail_data_that_comes_alone_is_what_would_be_taken(content: bytes, end: bytes, is_strict: bool) -> None:
    buffer, usual = (strict_buffer() if is_strict else Buffer(LIMIT) for _ in range(2))
    assert buffer.sole_content(content + end) is None, "it has not begun"
    buffer.begin_content()
    alone = buffer.sole_content(content + end)
    usual.begin_content()
    usual.feed(content + end)
    if alone is not None:
        assert usual.content() == (alone, True) and usual.is_empty and buffer.is_empty
        assert buffer.sole_content(content + end) is None, "it has ended"
    elif content and b"." not in content and end == b"\r\n.\r\n":
        raise AssertionError("this is the usual case")
