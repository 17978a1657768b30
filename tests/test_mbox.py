"""Mailbox files on disk: together, in order, all or nothing, and never at another program's expense."""

import errno
import fcntl
import mailbox
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from storage import mbox
from storage.errors import StorageError
from storage.locks import lock
from storage.mbox import MboxStore

from .support import Kept, descriptors, read_mailbox, wait_until

TRACE = b"Received: from me ([192.0.2.1])\r\n\tby mx (carteiro) with SMTP id 1\r\n\tfor <b>; now\r\n"


class Post:
    """A store, and what it has answered."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.store = MboxStore(directory)
        self.answers: list[tuple[bytes, str | None]] = []

    def commit(self, content: bytes, box: str = "johndoe") -> None:
        message = self.store.begin(b"a@b", box.encode(), box)
        message.trace(TRACE)
        for at in range(0, len(content), 7):
            message.write(content[at : at + 7])
        message.commit(lambda fault: self.answers.append((content, str(fault) if fault else None)))

    def put(self, content: bytes, box: str = "johndoe") -> str | None:
        self.commit(content, box)
        assert self.store.settle() is None
        return self.answers.pop()[1]

    def box(self, name: str = "johndoe") -> list[bytes]:
        return [kept.content for kept in read_mailbox(self.directory / f"{name}.txt")]


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    post = Post(tmp_path / "mail")
    yield post
    post.store.close()


def test_a_message_is_answered_when_it_is_settled_and_not_before(post: Post) -> None:
    post.commit(b"\nhello\n")
    assert post.answers == [] and post.box() == []
    assert post.store.settle() is None
    assert post.answers == [(b"\nhello\n", None)]
    assert read_mailbox(post.directory / "johndoe.txt") == [Kept(b"a@b", b"johndoe", b"\nhello\n")]


def test_messages_are_kept_in_the_order_in_which_they_ended(post: Post) -> None:
    for number in range(5):
        post.commit(b"\n%d\n" % number, "johndoe")
        post.commit(b"\n%d\n" % number, "babydoe")
    post.store.settle()
    post.commit(b"\n5\n")
    post.store.settle()
    assert post.box("johndoe") == [b"\n%d\n" % number for number in range(6)]
    assert post.box("babydoe") == [b"\n%d\n" % number for number in range(5)]


def test_one_sync_carries_all_messages_of_a_turn(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", lambda descriptor: synced.append(os.fstat(descriptor).st_size))
    for number in range(50):
        post.commit(b"\n%d\n" % number)
    post.store.settle()
    assert synced == [(post.directory / "johndoe.txt").stat().st_size]
    assert post.store.settle() is None and len(synced) == 1


def test_an_abandoned_message_is_nowhere(post: Post) -> None:
    message = post.store.begin(b"a", b"b", "johndoe")
    message.write(b"x")
    message.abandon()
    assert post.store.settle() is None
    assert list(post.directory.iterdir()) == []


def test_message_ids_are_unique_across_stores(tmp_path: Path) -> None:
    stores = [MboxStore(tmp_path) for _ in range(3)]
    ids = [store.begin(b"", b"", "x").id for store in stores for _ in range(3)]
    assert len(set(ids)) == 9


def test_a_mailbox_is_private_and_the_directory_is_made(post: Post) -> None:
    assert post.put(b"x\n") is None
    assert stat.S_IMODE((post.directory / "johndoe.txt").stat().st_mode) == 0o600


def test_what_is_in_a_mailbox_stays(post: Post) -> None:
    path = post.directory / "johndoe.txt"
    old = b"From x Mon Sep 21 14:13:20 2026\nSubject: old\n\nno line end"
    path.write_bytes(old)
    assert post.put(b"\nnew\n") is None
    assert path.read_bytes().startswith(old + b"\n\nFrom a@b ")
    box = mailbox.mbox(path, create=False)
    assert len(box) == 2
    box.close()


def test_a_directory_that_cannot_be_had_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"mail directory .*/file: .*"):
        MboxStore(tmp_path / "file")
    with pytest.raises(StorageError, match="Not a directory"):
        MboxStore(tmp_path / "file" / "below")


def test_a_directory_without_permission_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(StorageError, match="no permission to write in it"):
        MboxStore(tmp_path)


# What is no mailbox


def make_symlink(path: Path) -> None:
    (path.parent.parent / "elsewhere").write_text("")
    path.symlink_to(path.parent.parent / "elsewhere")


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, make_symlink])
def test_a_thing_that_is_no_mailbox_file_is_refused_and_the_others_work(post: Post, make: Callable[[Path], None]) -> None:
    make(post.directory / "johndoe.txt")
    post.commit(b"x\n", "johndoe")
    post.commit(b"\ny\n", "babydoe")
    post.store.settle()
    (first, second) = post.answers
    assert first[1] and first[1].startswith(f"{post.directory}/johndoe.txt: ")
    assert second == (b"\ny\n", None) and post.box("babydoe") == [b"\ny\n"]
    assert not (post.directory.parent / "elsewhere").exists() or (post.directory.parent / "elsewhere").read_text() == ""


# Each system call fails in turn


@pytest.mark.parametrize("call", ["open", "fstat", "pread", "write", "fdatasync", "fsync"])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EACCES])
@pytest.mark.parametrize("is_new", [False, True])
def test_a_call_that_fails_leaves_the_mailbox_as_it_was(
    post: Post, monkeypatch: pytest.MonkeyPatch, call: str, error: int, is_new: bool
) -> None:
    path = post.directory / "johndoe.txt"
    if not is_new:
        assert post.put(b"\nold\n") is None
    before = path.read_bytes() if path.exists() else b""

    def fail(*_: object, **__: object) -> Any:
        raise OSError(error, os.strerror(error))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        fault = post.put(b"\nnew\n")
    if call == "fsync" and not is_new:
        assert fault is None  # the directory is synced only for a new file
        return
    assert fault == f"{path}: {os.strerror(error)}"
    assert (path.read_bytes() if path.exists() else b"") == before
    assert post.put(b"\nnew\n") is None
    assert post.box()[-1:] == [b"\nnew\n"] and len(post.box()) == (1 if is_new else 2)


def test_a_write_that_stops_half_way_is_rolled_back(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    assert post.put(b"\nold\n") is None
    before = (post.directory / "johndoe.txt").read_bytes()
    real_write = os.write

    def write_some(descriptor: int, data: memoryview) -> int:
        if len(data) < 50:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(descriptor, data[:20])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_some)
        assert post.put(b"\nnew\n") == f"{post.directory}/johndoe.txt: No space left on device"
        assert (post.directory / "johndoe.txt").read_bytes() == before
    assert post.put(b"\nnew\n") is None


def test_a_short_write_is_continued(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    real_write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real_write(descriptor, data[:7]))
    assert post.put(b"\nnew\n") is None
    assert post.box() == [b"\nnew\n"]


def test_a_message_that_is_too_large_for_the_disk_does_not_take_others_with_it(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_write = os.write

    def small_disk(descriptor: int, data: memoryview) -> int:
        if os.fstat(descriptor).st_size + len(data) > 2000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(descriptor, data)

    monkeypatch.setattr(os, "write", small_disk)
    for content in (b"\n1\n", b"\n" + b"x" * 3000, b"\n2\n"):
        post.commit(content)
    post.store.settle()
    assert [fault for _, fault in post.answers] == [None, f"{post.directory}/johndoe.txt: No space left on device", None]
    assert post.box() == [b"\n1\n", b"\n2\n"]


# Other programs

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
    monkeypatch.setattr(mbox, "LOCK_PATIENCE", 0.0)
    assert post.store.settle() is None
    assert post.answers == [(b"\nnew\n", f"{post.directory}/johndoe.txt: another program keeps it locked")]
    assert post.box() == [b"\nold\n"]


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
