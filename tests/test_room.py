"""Who sends more than can be moved to the mailboxes is slowed down, and refused only when that does not help."""

import time

import pytest

from .post import Post
from .support import wait_until

MESSAGE = b"\n" + b"x" * 900 + b"\n"


@pytest.fixture
def full(post: Post, monkeypatch: pytest.MonkeyPatch) -> Post:
    """A store whose journal is full, and what is in it can be moved."""
    monkeypatch.setattr("storage.segment.SIZE", 4096)
    monkeypatch.setattr("storage.housekeeping.LIMIT", 3)
    while not post.store._housekeeping.is_full:
        post.commit(MESSAGE)
        assert not post.store.settle()
    post.answers.clear()
    return post


def test_messages_wait_for_room_and_are_accepted_when_there_is_some(full: Post) -> None:
    for _ in range(3):
        full.commit(MESSAGE)
    assert full.store.settle() and full.store.settle(is_idle=False)
    assert not full.answers
    moved = 0
    while full.store.settle():
        full.store.tidy(is_idle=True)
        moved += 1
    assert moved > 0 and full.answers == [(MESSAGE, None)] * 3
    full.move()
    assert len(full.box()) > 6


def test_when_it_takes_too_long_they_are_refused_and_so_are_the_next_until_there_is_room(
    full: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.store.ROOM_PATIENCE", 0.05)
    full.commit(MESSAGE)
    began = time.monotonic()
    while full.store.settle():
        assert time.monotonic() < began + 20
    assert time.monotonic() >= began + 0.05
    full.commit(MESSAGE)
    assert not full.store.settle()
    assert ["journal: full" in str(fault) for _, fault in full.answers] == [True, True]
    full.move()
    assert full.put(MESSAGE) is None


def test_nobody_waits_for_what_cannot_be_moved(full: Post) -> None:
    lock = full.directory / "johndoe.txt.lock"
    lock.touch()
    full.move()
    full.commit(MESSAGE)
    assert not full.store.settle()
    assert "journal: full" in str(full.answers[0][1])
    lock.unlink()
    wait_until(lambda: full.move() is None or not full.store._housekeeping.is_full)
    assert full.put(MESSAGE) is None
