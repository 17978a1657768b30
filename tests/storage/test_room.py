"""Who sends more than can be moved to the mailboxes is slowed down, and refused only when that does not help."""

import math
import time

import pytest

from ..kit.post import Post
from ..kit.support import wait_until

MESSAGE = b"\n" + b"x" * 900 + b"\n"


@pytest.fixture
def full(post: Post, monkeypatch: pytest.MonkeyPatch) -> Post:
    """A store whose journal is full, and what is in it can be moved."""
    monkeypatch.setattr("storage.journal.format.SIZE", 4096)
    monkeypatch.setattr("storage.delivery.housekeeping.LIMIT", 3)
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
    monkeypatch.setattr("storage.stores.journalled.ROOM_PATIENCE", 0.05)
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


def test_who_comes_when_it_is_full_again_waits_again(full: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.stores.journalled.ROOM_PATIENCE", 0.05)
    for _ in range(2):
        full.commit(MESSAGE)
        assert full.store.settle()
        full.move()
        assert not full.store.settle()
        time.sleep(0.1)
        while not full.store._housekeeping.is_full:
            assert not full.store.settle()
            full.commit(MESSAGE)
            full.store.settle()
    assert {fault for _, fault in full.answers} == {None}


def test_nobody_waits_for_a_mailbox_that_cannot_be_written_to(full: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.delivery.queue.STUCK", 0.0)
    lock = full.directory / "johndoe.txt.lock"
    lock.touch()
    full.move()
    full.commit(MESSAGE)
    assert not full.store.settle()
    assert "journal: full" in str(full.answers[0][1])
    lock.unlink()
    wait_until(lambda: full.move() is None or not full.store._housekeeping.is_full)
    assert full.put(MESSAGE) is None


def test_a_mailbox_that_is_locked_for_a_moment_is_waited_for(full: Post) -> None:
    lock = full.directory / "johndoe.txt.lock"
    lock.touch()
    full.move()
    full.commit(MESSAGE)
    assert full.store.settle() and not full.answers
    lock.unlink()
    wait_until(lambda: full.move() is None or not full.store._housekeeping.is_full)
    assert not full.store.settle() and full.answers == [(MESSAGE, None)]


def test_what_is_only_to_be_freed_makes_room_unless_that_fails(full: Post) -> None:
    housekeeping = full.store._housekeeping
    housekeeping._not_before = math.inf  # as after a failure
    full.move()
    full.commit(MESSAGE)
    assert not any(segment.waiting for segment in full.store._journal.segments) and not housekeeping.makes_room
    housekeeping._not_before = 0.0
    assert housekeeping.makes_room
    full.move()
    assert not full.store.settle() and full.answers == [(MESSAGE, None)]


def test_what_cannot_be_moved_for_the_journals_sake_makes_no_room_but_what_is_under_way_does(full: Post) -> None:
    housekeeping = full.store._housekeeping
    assert housekeeping.makes_room
    housekeeping._move_not_before = math.inf  # as after a failure
    assert not housekeeping.makes_room
    housekeeping._task = (step for step in [None])
    assert housekeeping.makes_room
