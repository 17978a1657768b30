"""What makes no difference in the dialect of RFC 5321: where bytes are cut, how fast others are, DATA or BDAT."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ...kit.cutting import pieces_of
from ...kit.esmtp import TO_RCPT
from ...kit.esmtp_steps import ANY_CONTENT, CUTS, LINES, STEPS, heard, in_chunks, stuffed


@given(STEPS, CUTS)
@settings(deadline=None)
@example([line + b"\r\n" for line in (*LINES[:3], LINES[4], b"BDAT 3 LAST\r\nQUIT\r\nQUIT", b"NOOP")], [20, 21, 60, 61])
@example([b"EHLO me\r\n", b"BDAT 8\r\nQUIT\r\nQU", b"BDAT 7 LSAT\r\n.\r\n.\r\n\r", b"\nNOOP\r\n"], [17, 18, 25, 30])
def test_pipelined_and_cut_anywhere_is_as_one_at_a_time(steps: list[bytes], cuts: list[int]) -> None:
    one_at_a_time = heard(steps)
    stream = b"".join(steps)
    assert heard([stream]) == one_at_a_time
    assert heard(pieces_of(stream, cuts)) == one_at_a_time
    if len(stream) < 1000:
        assert heard([stream[i : i + 1] for i in range(len(stream))]) == one_at_a_time


@given(STEPS, CUTS)
@settings(deadline=None)
def test_slow_disks_and_slow_checks_change_no_reply_and_no_mailbox(steps: list[bytes], cuts: list[int]) -> None:
    fast = heard(steps)
    assert heard(steps, is_slow=True) == fast
    assert heard(pieces_of(b"".join(steps), cuts), is_slow=True) == fast


@given(ANY_CONTENT, CUTS, CUTS, st.booleans())
@example(b"\r\n.\r\n", [1, 2, 3], [], False)
@example(b"a\r\r\n.\n\r\n", [2], [9], True)
@example(b"\r..\r\n", [], [], True)
def test_data_and_bdat_in_any_chunks_bring_the_same(content: bytes, chunks: list[int], cuts: list[int], mends: bool) -> None:
    opening = [line.encode() + b"\r\n" for line in TO_RCPT]
    replies, boxes, _ = heard([*opening, b"DATA\r\n", stuffed(content, mends)], mends=mends)
    steps = in_chunks(pieces_of(content, chunks))
    other_replies, other_boxes, _ = heard(pieces_of(b"".join(opening + steps), cuts), mends=mends)
    assert other_boxes == boxes
    assert other_replies[-1] == replies[-1]
    if not mends and boxes:
        assert boxes["johndoe"][0].content == content


@pytest.mark.parametrize(("mends", "kept"), [(True, b"a\r\nb\r\n"), (False, b"")])
def test_a_cr_at_the_end_of_the_last_chunk_is_a_line_end_or_a_flaw(mends: bool, kept: bytes) -> None:
    """Nothing comes behind it that would decide."""
    replies, boxes, _ = heard([*(line.encode() + b"\r\n" for line in TO_RCPT), *in_chunks([b"a\r\nb\r"])], mends=mends)
    assert [box[0].content for box in boxes.values()] == ([kept] if kept else [])
    assert replies[-1][:3] == (b"250" if mends else b"550")


@given(st.binary(max_size=40), CUTS)
def test_binary_content_comes_byte_for_byte(content: bytes, chunks: list[int]) -> None:
    opening = [b"EHLO me\r\n", b"MAIL FROM:<a@b> BODY=BINARYMIME\r\n", b"RCPT TO:<johndoe@x>\r\n"]
    replies, boxes, _ = heard([*opening, *in_chunks(pieces_of(content, chunks))])
    assert replies[-1].startswith(b"250 2.0.0 Message") and boxes["johndoe"][0].content == content
