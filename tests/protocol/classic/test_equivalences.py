"""Where the bytes are cut makes no difference: neither to the replies nor to the mailboxes."""

from hypothesis import example, given
from hypothesis import strategies as st

from ...kit.cutting import CUTS, pieces_of
from ...kit.support import Client, Kept

LINE = st.sampled_from(
    [
        b"helo me",
        b"mail from: a",
        b"rcpt to: johndoe",
        b"rcpt to: nobody",
        b"data",
        b"quit",
        b".",
        b"..",
        b"text",
        b"",
        b"x\0\r",
    ]
)
WAY = [b"helo me", b"mail from: a", b"rcpt to: johndoe", b"data", b"text", b"."]
DIALOGUE = st.builds(
    lambda way, more, ends: b"".join(line + end for line, end in zip(WAY[:way] + more, ends, strict=False)),
    st.integers(0, 6),
    st.lists(LINE, max_size=12),
    st.lists(st.sampled_from([b"\r\n", b"\n"]), min_size=18, max_size=18),
)


def heard(pieces: list[bytes], slow: bool = False) -> tuple[list[bytes], dict[str, list[Kept]]]:
    """All replies, and what is in the mailboxes."""
    client = Client(disk_is_slow=slow, max_message_size=40)
    replies = client.hear()
    for piece in pieces:
        replies += client.send(piece) if client.session.takes_input else []
        while slow and client.store.committed:
            client.settle()
            replies += client.hear()
    return replies, client.store.boxes


@given(DIALOGUE, CUTS)
@example(b"".join(line + b"\r\n" for line in [*WAY, *WAY[1:], b"quit", b"noop"]), [3, 50, 51, 52, 53])
def test_any_pieces_are_answered_as_one_line_at_a_time(dialogue: bytes, cuts: list[int]) -> None:
    one_at_a_time = heard(dialogue.splitlines(keepends=True) if b"\r" not in dialogue.replace(b"\r\n", b"") else [dialogue])
    assert heard([dialogue]) == one_at_a_time
    assert heard(pieces_of(dialogue, cuts)) == one_at_a_time
    assert heard([dialogue[i : i + 1] for i in range(len(dialogue))]) == one_at_a_time
    assert heard([dialogue], slow=True) == one_at_a_time


def test_many_commands_in_one_segment_are_answered_together() -> None:
    client = Client()
    client.hear()
    client.session.receive(b"helo me\r\nmail from: a\r\nnoop\r\nrcpt to: johndoe\r\ndata\r\ntext\r\n.\r\nquit\r\n")
    client.store.settle()
    client.session.resume()
    assert [line[:3] for line in bytes(client.session.outgoing).splitlines()] == [
        b"250", b"250", b"500", b"250", b"354", b"250", b"221",
    ]  # fmt: skip
