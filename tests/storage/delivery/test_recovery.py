"""However much waits for a mailbox, a start and the copying of stuck mail hold a little of it at a time."""

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.files import Files, IsLocked
from storage.mailboxes.mailbox import MailboxKind
from storage.mailboxes.maildir import MaildirMailboxes
from storage.mailboxes.mbox import MboxMailboxes

from ...kit.post import Post

SEGMENT = 512 * 1024
MESSAGES = 200
CONTENT = b"x: %d\r\n\r\n" + (b"x" * 70 + b"\r\n") * 1000
"""All of them together are 14 MB."""

MOST = 5_000_000
"""Octets that may be held: a segment is read in pieces and joined, and a batch is put in a mailbox."""

KINDS = pytest.mark.parametrize("kind", [MboxMailboxes, MaildirMailboxes], ids=["mbox", "maildir"])


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short segments, and no syncs: nothing here loses what was written."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr(os, "fdatasync", lambda descriptor: None)
    monkeypatch.setattr("storage.journal.format.SIZE", SEGMENT)


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def fill(post: Post, box: str) -> None:
    for first in range(0, MESSAGES, 20):
        for number in range(first, first + 20):
            post.commit(CONTENT % number, box)
        post.store.settle()
    assert [fault for _, fault in post.answers] == [None] * len(post.answers)


def numbers(directory: Path) -> list[int]:
    """Those of the messages in the mailbox."""
    box, new = directory / "johndoe.txt", directory / "johndoe" / "new"
    texts = [box.read_bytes()] if box.exists() else [path.read_bytes() for path in new.iterdir()]
    return sorted(int(line[3:]) for text in texts for line in text.split(b"\n") if line.startswith(b"x: "))


@KINDS
@pytest.mark.parametrize("end", ["before it moved anything", "while it moved", "and another program wrote"])
def test_a_start_holds_a_batch_at_a_time(tmp_path: Path, kind: MailboxKind, end: str, traced: None) -> None:
    post = Post(tmp_path / "mail", kind)
    fill(post, "johndoe")
    while end != "before it moved anything" and post.store.waiting > MESSAGES // 2:
        post.store._housekeeping.work(0)
    post.store.give_up()  # which leaves all as a crash does
    del post
    if end == "and another program wrote" and kind is MboxMailboxes:
        with (tmp_path / "mail" / "johndoe.txt").open("ab") as file:
            file.write(b"From c@d Sat Nov 28 12:00:00 2026\n\nanother\n\n")
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    Post(tmp_path / "mail", kind).store.close()
    assert tracemalloc.get_traced_memory()[1] - before < MOST < MESSAGES * len(CONTENT) / 2
    assert numbers(tmp_path / "mail") == [*range(MESSAGES)]


class Locked(Files):
    """One file is locked by another program, as long as `is_locked`."""

    is_locked = True

    def lock(self, descriptor: int) -> None:
        if self.is_locked and Path(f"/proc/self/fd/{descriptor}").readlink().name == "johndoe.txt":
            raise IsLocked
        super().lock(descriptor)


def test_copying_stuck_mail_holds_a_batch_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, traced: None) -> None:
    monkeypatch.setattr("storage.delivery.queue.STUCK", 0.0)
    monkeypatch.setattr("storage.delivery.housekeeping.LOOK_AGAIN", 0.0)
    files = Locked()
    post = Post(tmp_path / "mail", MboxMailboxes, files)
    fill(post, "johndoe")
    post.answers.clear()
    fill(post, "babydoe")
    post.answers.clear()
    journal = post.store._journal
    oldest, most = journal.segments[0], 0
    while oldest in journal.segments:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        post.store._housekeeping.work(0)
        most = max(most, tracemalloc.get_traced_memory()[1] - before)
    assert most < MOST and post.store.waiting >= MESSAGES, "it was copied, not moved"
    files.is_locked = False
    post.store.close()
    assert numbers(tmp_path / "mail") == [*range(MESSAGES)]
