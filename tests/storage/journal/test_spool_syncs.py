"""Spool files are synced beside the loop: it does not wait for the disk, and no message is answered before it is there."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storage.files import Files
from storage.journal.spool import UNSYNCED
from storage.stores.message import LARGE

from ...kit.post import Post

BIG = b"\n" + b"x" * LARGE + b"\n"


class Beside:
    """Calls that are made when a test says so, and told when it says so."""

    def __init__(self) -> None:
        self.calls: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []

    def __call__(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        self.calls.append((work, done))

    def work(self) -> None:
        work, done = self.calls.pop(0)
        done(work())


class Counted(Files):
    """Remembers what was synced; `broken` says which sync fails, by its number."""

    def __init__(self, broken: int = 0) -> None:
        self.synced: list[str] = []
        self.broken = broken

    def sync(self, descriptor: int) -> None:
        self._synced(descriptor, "content of ")
        super().sync(descriptor)

    def sync_names(self, descriptor: int) -> None:
        self._synced(descriptor, "names in ")
        super().sync_names(descriptor)

    def _synced(self, descriptor: int, what: str) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if "spool" in str(path):
            self.synced.append(what + ("a file" if path.parent.name == "spool" else path.name))
            if len(self.synced) == self.broken:
                raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.fixture
def beside() -> Beside:
    return Beside()


def opened(tmp_path: Path, beside: Beside, files: Files) -> Post:
    post = Post(tmp_path, files=files)
    post.store.sync_beside(beside)
    return post


def test_a_large_message_is_answered_when_it_was_synced_and_the_loop_waits_for_nothing(
    tmp_path: Path, beside: Beside
) -> None:
    files = Counted()
    post = opened(tmp_path, beside, files)
    files.synced.clear()
    post.commit(BIG)
    post.commit(b"\nsmall\n")
    post.store.settle()
    assert [content for content, _ in post.answers] == [b"\nsmall\n"] and not files.synced
    beside.work()
    assert files.synced == ["content of a file", "names in spool"] and len(post.answers) == 1
    post.store.settle()
    assert post.answers[1:] == [(BIG, None)]
    post.move()
    assert post.box() == [b"\nsmall\n", BIG]


def test_what_came_meanwhile_is_synced_together(tmp_path: Path, beside: Beside) -> None:
    files = Counted()
    post = opened(tmp_path, beside, files)
    files.synced.clear()
    for _ in range(12):
        post.commit(BIG)
    counts = []
    while beside.calls:
        assert len(beside.calls) == 1
        beside.work()
        post.store.settle()
        counts.append(len(post.answers))
    assert counts == [1, 9, 12] and files.synced.count("names in spool") == 3


def test_while_a_file_is_written_some_of_it_is_synced(tmp_path: Path, beside: Beside) -> None:
    post = opened(tmp_path, beside, Counted())
    post.commit(b"x" * (5 * UNSYNCED) + b"\n")
    assert len(beside.calls) == 2, "one sync, and the last one: not one behind the other for a disk that is slow"
    beside.work()
    beside.work()
    post.store.settle()
    assert post.answers[0][1] is None


@pytest.mark.parametrize("broken", [1, 2, 3])
def test_a_sync_that_fails_is_a_refusal_though_the_next_one_succeeds(tmp_path: Path, beside: Beside, broken: int) -> None:
    files = Counted()
    post = opened(tmp_path, beside, files)
    files.synced.clear()
    files.broken = broken
    post.commit(b"x" * (2 * UNSYNCED) + b"\n")
    while beside.calls:
        beside.work()
    post.store.settle()
    assert post.answers[0][1] == f"{tmp_path}/.journal/spool: Input/output error"
    assert not list((tmp_path / ".journal" / "spool").iterdir())
    post.commit(BIG)
    beside.work()
    post.store.settle()
    assert post.answers[1][1] is None


def test_a_fault_of_ours_there_is_a_refusal(tmp_path: Path, beside: Beside) -> None:
    post = opened(tmp_path, beside, Counted())
    post.commit(BIG)
    beside.calls.pop()[1](None)
    post.store.settle()
    assert "internal error" in str(post.answers[0][1])


def test_where_there_can_be_no_thread_they_are_made_at_once(tmp_path: Path) -> None:
    def beside(work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        raise RuntimeError("can't start new thread")

    post = opened(tmp_path, Beside(), Counted())
    post.store.sync_beside(beside)
    for _ in range(3):
        post.commit(b"x" * (2 * UNSYNCED) + b"\n")
        post.store.settle()
    assert [fault for _, fault in post.answers] == [None] * 3
