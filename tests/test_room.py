"""Who sends more than can be moved to the mailboxes is slowed down, and refused only when that does not help."""

import time
from pathlib import Path

import pytest

from .post import Post
from .support import wait_until

MESSAGE = b"\n" + b"x" * 900 + b"\n"


@pytest.fixture
def post(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Post:
    """Its journal is full, and what is in it can be moved."""
    monkeypatch.setattr("storage.segment.SIZE", 4096)
    monkeypatch.setattr("storage.housekeeping.LIMIT", 3)
    post = Post(tmp_path)
    while not post.store._housekeeping.is_full:
        post.commit(MESSAGE)
        assert not post.store.settle()
    post.answers.clear()
    return post


def test_messages_wait_for_room_and_are_accepted_when_there_is_some(post: Post) -> None:
    for _ in range(3):
        post.commit(MESSAGE)
    assert post.store.settle() and post.store.settle(is_idle=False)
    assert not post.answers
    moved = 0
    while post.store.settle():
        post.store.tidy(is_idle=True)
        moved += 1
    assert moved > 0 and post.answers == [(MESSAGE, None)] * 3
    post.move()
    assert len(post.box()) > 6


def test_when_it_takes_too_long_they_are_refused_and_so_are_the_next_until_there_is_room(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.store.ROOM_PATIENCE", 0.05)
    post.commit(MESSAGE)
    began = time.monotonic()
    while post.store.settle():
        assert time.monotonic() < began + 20
    assert time.monotonic() >= began + 0.05
    post.commit(MESSAGE)
    assert not post.store.settle()
    assert ["journal: full" in str(fault) for _, fault in post.answers] == [True, True]
    post.move()
    assert post.put(MESSAGE) is None


def test_nobody_waits_for_what_cannot_be_moved(post: Post) -> None:
    lock = post.directory / "johndoe.txt.lock"
    lock.touch()
    post.move()
    post.commit(MESSAGE)
    assert not post.store.settle()
    assert "journal: full" in str(post.answers[0][1])
    lock.unlink()
    wait_until(lambda: post.move() is None or not post.store._housekeeping.is_full)
    assert post.put(MESSAGE) is None
