"""Mailbox files that other programs lock, replace and give back meanwhile."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from storage import mbox
from storage.locks import MailboxIsLocked, lock
from storage.mbox import MboxStore

from .post import Post
from .support import descriptors, wait_until

HOLD_LOCK = """
import fcntl, sys
box = open(sys.argv[1], "r+b")
fcntl.lockf(box, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(post: Post) -> Iterator[subprocess.Popen[bytes]]:
    """Another program that has locked johndoe's mailbox, until its input is closed."""
    assert post.put(b"\nold\n") is None
    command = [sys.executable, "-c", HOLD_LOCK, str(post.directory / "johndoe.txt")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout and program.stdout.readline() == b"locked\n"
        yield program
        program.send_signal(signal.SIGKILL)


def test_a_locked_mailbox_is_waited_for_without_waiting(post: Post, holder: subprocess.Popen[bytes]) -> None:
    for content, box in ((b"\n1\n", "johndoe"), (b"\n2\n", "babydoe"), (b"\n3\n", "johndoe")):
        post.commit(content, box)
    assert post.store.settle() == mbox.LOCK_RETRY
    assert post.answers == [(b"\n2\n", None)]
    post.commit(b"\n4\n")
    assert post.store.settle() == mbox.LOCK_RETRY
    assert holder.stdin
    holder.stdin.close()
    wait_until(lambda: post.store.settle() is None)
    assert post.answers[1:] == [(b"\n1\n", None), (b"\n3\n", None), (b"\n4\n", None)]
    assert post.box() == [b"\nold\n", b"\n1\n", b"\n3\n", b"\n4\n"]


def test_a_mailbox_that_stays_locked_is_given_up(
    post: Post, holder: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    post.commit(b"\nnew\n")
    assert post.store.settle() == mbox.LOCK_RETRY
    monkeypatch.setattr(mbox, "LOCK_PATIENCE", 0.2)
    time.sleep(0.2)
    post.commit(b"\nlater\n")
    assert post.store.settle() == mbox.LOCK_RETRY
    assert post.answers == [(b"\nnew\n", f"{post.directory}/johndoe.txt: another program keeps it locked")]
    wait_until(lambda: post.store.settle() is None)
    assert [content for content, _ in post.answers] == [b"\nnew\n", b"\nlater\n"]
    assert post.box() == [b"\nold\n"]


def test_a_locked_mailbox_is_not_tried_all_the_time(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def is_locked(descriptor: int) -> None:
        tried.append(descriptor)
        raise MailboxIsLocked

    monkeypatch.setattr("storage.mbox.lock", is_locked)
    post.commit(b"\nnew\n")
    for _ in range(100):
        assert post.store.settle() == mbox.LOCK_RETRY
    assert len(tried) < 20


def test_no_message_is_forgotten_when_a_full_disk_and_a_lock_meet(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    real_append = MboxStore._append
    failed: list[bool] = []

    def fail_once(self: MboxStore, descriptor: int, entries: bytes) -> None:
        if not failed:
            failed.append(True)
            monkeypatch.setattr("storage.mbox.lock", is_locked)
            raise OSError(errno.ENOSPC, "No space left on device")
        real_append(self, descriptor, entries)

    def is_locked(_: int) -> None:
        raise MailboxIsLocked

    monkeypatch.setattr(MboxStore, "_append", fail_once)
    for number in range(3):
        post.commit(b"\n%d\n" % number)
    post.store.settle()
    assert post.answers == [(b"\n%d\n" % number, None) for number in range(3)]


def test_a_mailbox_that_was_replaced_before_it_was_locked_is_opened_again(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`mailbox.mbox.flush` writes a new file and renames it over the old one."""
    assert post.put(b"\nold\n") is None
    path = post.directory / "johndoe.txt"
    replaced: list[bytes] = []

    def lock_too_late(descriptor: int) -> None:
        if not replaced:
            replaced.append(path.read_bytes())
            (post.directory / "new").write_bytes(replaced[0])
            (post.directory / "new").rename(path)
        elif len(replaced) == 1:
            replaced.append(b"")
            path.unlink()
        lock(descriptor)

    monkeypatch.setattr("storage.mbox.lock", lock_too_late)
    assert post.put(b"\nnew\n") is None
    assert len(replaced) == 2 and post.box() == [b"\nnew\n"]


def test_the_lock_and_the_descriptor_are_given_back(post: Post) -> None:
    before = descriptors(os.getpid())
    for _ in range(3):
        assert post.put(b"x\n") is None
    assert descriptors(os.getpid()) == before
    with (post.directory / "johndoe.txt").open("r+b") as box:
        fcntl.lockf(box, fcntl.LOCK_EX | fcntl.LOCK_NB)
