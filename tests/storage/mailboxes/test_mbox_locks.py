"""Mailbox files that other programs lock, replace and give back meanwhile."""

import errno
import fcntl
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.delivery.queue import LAST_DELAY, REST
from storage.files import Files, IsLocked
from storage.mailboxes.maildir import MaildirMailboxes
from storage.mailboxes.mbox import MboxMailboxes

from ...kit.post import MailboxKind, Post
from ...kit.support import descriptors, wait_until


@pytest.fixture
def holder(post: Post, lock: Callable[[Path], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    """A program that has locked johndoe's mailbox, in which there is a message."""
    assert post.put(b"\nold\n") is None
    return lock(post.directory / "johndoe.txt")


def test_mail_for_a_locked_mailbox_is_accepted_and_moved_later(post: Post, holder: subprocess.Popen[bytes]) -> None:
    for content, box in ((b"\n1\n", "johndoe"), (b"\n2\n", "babydoe"), (b"\n3\n", "johndoe")):
        assert post.put(content, box) is None
    assert post.box("babydoe") == [b"\n2\n"] and post.box() == [b"\nold\n"]
    assert 0 < (post.move() or 0) <= LAST_DELAY
    assert holder.stdin
    holder.stdin.close()
    wait_until(lambda: post.move() is None or len(post.box()) == 3)
    assert post.box() == [b"\nold\n", b"\n1\n", b"\n3\n"]


def test_a_mailbox_that_stays_locked_takes_no_more_after_a_while(
    post: Post, holder: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.delivery.mover.LOCK_PATIENCE", 0.1)
    assert post.put(b"\n1\n") is None
    wait_until(lambda: post.put(b"\n2\n") == f"{post.directory}/johndoe.txt: another program keeps it locked")
    assert post.put(b"\n3\n", "babydoe") is None
    assert holder.stdin
    holder.stdin.close()
    wait_until(lambda: post.put(b"\n4\n") is None)
    found = post.box()
    assert found[:2] == [b"\nold\n", b"\n1\n"] and found[-1] == b"\n4\n"


def test_what_waits_at_the_end_is_moved_at_the_next_start(post: Post, holder: subprocess.Popen[bytes]) -> None:
    assert post.put(b"\n1\n") is None
    post.store.close()
    assert post.box() == [b"\nold\n"]
    holder.kill()
    holder.wait()
    again = Post(post.directory)
    assert post.box() == [b"\nold\n", b"\n1\n"]
    assert again.put(b"\n2\n") is None and post.box() == [b"\nold\n", b"\n1\n", b"\n2\n"]
    again.store.close()


@pytest.mark.parametrize("kind", [MboxMailboxes, MaildirMailboxes])
def test_of_what_was_moved_before_a_stop_nothing_comes_again(
    post: Post, holder: subprocess.Popen[bytes], kind: MailboxKind
) -> None:
    """Also when its owner has removed it meanwhile, or another kind of mailbox is asked for."""
    assert post.put(b"\n1\n") is None and post.put(b"\n2\n", "babydoe") is None
    post.store.close()
    assert post.box("babydoe") == [b"\n2\n"]
    (post.directory / "babydoe.txt").write_bytes(b"")
    again = Post(post.directory, kind)
    assert post.box("babydoe") == [] and not (post.directory / "babydoe").exists()
    assert again.put(b"\n3\n", "babydoe") is None
    again.store.close()
    assert len([*(post.directory / "babydoe").glob("new/*"), *post.box("babydoe")]) == 1


def test_what_is_in_doubt_is_not_copied_to_the_end_of_the_journal(
    tmp_path: Path, lock: Callable[[Path], subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The intent that tells what may be in the mailbox is for where it is."""
    monkeypatch.setattr("storage.journal.format.SIZE", 8192)
    monkeypatch.setattr("storage.delivery.housekeeping.LOOK_AGAIN", 0.0)
    child = os.fork()
    if not child:
        killed = Post(tmp_path)
        os._exit(killed.put(b"\n1\n") is not None or killed.put(b"\n2\n") is not None)
    assert os.waitpid(child, 0)[1] == 0
    holder = lock(tmp_path / "johndoe.txt")
    post = Post(tmp_path)
    for number in range(50):
        assert post.put(b"\n%d %b\n" % (number, b"x" * 1000), "babydoe") is None
    post.store.close()
    holder.kill()
    holder.wait()
    Post(tmp_path).store.close()
    assert post.box() == [b"\n1\n", b"\n2\n"] and len(post.box("babydoe")) == 50


def test_a_locked_mailbox_is_not_tried_all_the_time(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def is_locked(_: Files, descriptor: int) -> None:
        tried.append(descriptor)
        raise IsLocked

    with monkeypatch.context() as patch:
        patch.setattr(Files, "lock", is_locked)
        post.commit(b"\nnew\n")
        post.store.settle()
        for _ in range(100):
            assert post.store.tidy(is_idle=True) is not None
        assert len(tried) < 5


def test_a_stuck_mailbox_does_not_keep_the_journal_from_being_freed(
    post: Post, holder: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.journal.format.SIZE", 8192)
    monkeypatch.setattr("storage.delivery.housekeeping.LOOK_AGAIN", 0.0)
    monkeypatch.setattr("storage.delivery.queue.STUCK", 0.0)
    journal = post.store._journal
    stuck = [b"\n%d\n" % number for number in range(3)]
    for content in stuck:
        assert post.put(content) is None
    for number in range(200):
        assert post.put(b"\n%d %b\n" % (number, b"x" * 1000), "babydoe") is None
    assert len(journal.segments) < 10 and len(post.box("babydoe")) == 200
    assert holder.stdin
    holder.stdin.close()
    wait_until(lambda: post.move() is None or len(post.box()) == 4)
    assert post.box() == [b"\nold\n", *stuck]


@pytest.mark.parametrize("age", [0, 299, 301, -299, -301])
def test_a_dot_lock_is_honoured_until_it_is_stale(post: Post, age: int) -> None:
    """Whoever has one may be about to replace the file, and has no other lock then."""
    assert post.put(b"\nold\n") is None
    dot_lock = post.directory / "johndoe.txt.lock"
    dot_lock.touch()
    since = time.time() - age
    os.utime(dot_lock, (since, since))
    assert post.put(b"\nnew\n") is None
    assert len(post.box()) == (2 if abs(age) > 300 else 1)
    dot_lock.unlink(missing_ok=True)
    wait_until(lambda: post.move() is None or len(post.box()) == 2)
    assert post.box() == [b"\nold\n", b"\nnew\n"]


def test_a_mailbox_that_is_locked_for_a_moment_is_waited_for(
    post: Post, holder: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.journal.format.SIZE", 8192)
    monkeypatch.setattr("storage.delivery.housekeeping.LOOK_AGAIN", 0.0)
    monkeypatch.setattr("storage.delivery.queue.STUCK", 1e9)
    monkeypatch.setattr("storage.delivery.mover.Mover.copy", lambda *_: pytest.fail("it was copied"))
    assert post.put(b"\nfor a moment\n") is None
    for number in range(100):
        assert post.put(b"\n%d %b\n" % (number, b"x" * 1000), "babydoe") is None
    assert holder.stdin and len(post.box("babydoe")) == 100
    holder.stdin.close()
    wait_until(lambda: post.move() is None or len(post.box()) == 2)
    assert post.box() == [b"\nold\n", b"\nfor a moment\n"]


def test_a_process_leaves_a_mailbox_to_others_after_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else they would find it locked whenever they look."""
    monkeypatch.setattr("storage.delivery.mover.BATCH", 1000)
    monkeypatch.setattr("storage.delivery.mover.BATCHES", 2)
    for part, is_left in ((None, False), ("worker-1", True)):
        post = Post(tmp_path, part=part)
        for number in range(20):
            post.commit(b"\n%d %b\n" % (number, b"x" * 600))
        post.store.settle()
        again_in = post.move()
        waiting = [len(queue.waiting) for queue in post.store._mover.postponed]
        assert bool(waiting) == is_left and (again_in is not None and 0 < again_in <= REST) == is_left
        post.store.close()
        assert len(post.box()) == 20 * (1 + is_left)


def test_a_mailbox_that_was_replaced_before_it_was_locked_is_opened_again(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`mailbox.mbox.flush` writes a new file and renames it over the old one."""
    assert post.put(b"\nold\n") is None
    path = post.directory / "johndoe.txt"
    replaced: list[bytes] = []
    real = Files.lock

    def lock_too_late(files: Files, descriptor: int) -> None:
        if not replaced:
            replaced.append(path.read_bytes())
            (post.directory / "new").write_bytes(replaced[0])
            (post.directory / "new").rename(path)
        elif len(replaced) == 1:
            replaced.append(b"")
            path.unlink()
        real(files, descriptor)

    monkeypatch.setattr(Files, "lock", lock_too_late)
    assert post.put(b"\nnew\n") is None
    assert len(replaced) == 2 and post.box() == [b"\nnew\n"]


def test_the_lock_and_the_descriptor_are_given_back(post: Post) -> None:
    assert post.put(b"x\n") is None
    before = descriptors(os.getpid())
    for _ in range(3):
        assert post.put(b"x\n") is None
    assert descriptors(os.getpid()) == before
    with (post.directory / "johndoe.txt").open("r+b") as box:
        fcntl.lockf(box, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_what_waited_is_moved_although_there_is_no_room_for_the_journal(
    post: Post, holder: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what waits is not copied from one end of the journal to the other when that makes no room."""
    monkeypatch.setattr("storage.journal.format.SIZE", 8192)
    monkeypatch.setattr("storage.delivery.housekeeping.RETRY", 0.01)
    while len(post.store._journal.segments) < 6:
        assert post.put(b"\n" + b"x" * 900) is None

    def no_room(_: Files, descriptor: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Files, "allocate", no_room)
    while post.put(b"\n" + b"x" * 900) is None:
        pass
    assert len(post.box()) == 1
    assert holder.stdin
    holder.stdin.close()
    wait_until(lambda: post.move() is None or len(post.box()) > 20)
    wait_until(lambda: post.put(b"\nlast\n") is None)
    assert post.box()[-1] == b"\nlast\n"


def test_no_segment_is_freed_before_the_names_of_its_mailboxes_are_synced(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert post.put(b"\n1\n") is None

    def broken(_: Files, descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("storage.delivery.housekeeping.RETRY", 0.01)
    with monkeypatch.context() as patch:
        patch.setattr(Files, "sync_names", broken)
        post.store._journal.seal()
        for _ in range(5):
            post.move()
            time.sleep(0.01)
        assert len(post.store._journal.segments) == 1
    wait_until(lambda: post.move() is None)
    assert not post.store._journal.segments
