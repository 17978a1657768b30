"""Content that comes in tiny pieces takes hardly more memory than it has octets."""

import tracemalloc
from pathlib import Path

from ...kit.post import TRACE, Post
from ...kit.support import once

OCTETS = 60_000


def test_an_octet_at_a_time_takes_little_memory(tmp_path: Path) -> None:
    post = Post(tmp_path)
    message = post.store.begin(b"a@b", [("johndoe", b"johndoe")])
    message.trace(TRACE)
    expected = b"\n" + b"".join(b"%c\n" % (65 + number % 26) for number in range(OCTETS // 2))
    tracemalloc.start()
    try:
        for number in range(OCTETS):
            message.write(expected[number : number + 1])
        message.write(expected[OCTETS:])
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < 2 * OCTETS
    answers: list[object] = []
    message.commit(once(answers.append))
    post.store.settle()
    post.move()
    assert answers == [None]
    (found,) = post.box()
    assert len(found) == len(expected) and found == expected
