"""Mailbox files on disk: together, in order, all or nothing."""

import errno
import mailbox
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storage.errors import StorageError
from storage.mbox import MboxStore

from .post import Post
from .support import Kept, read_mailbox


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


def test_an_error_of_ours_costs_its_messages_and_not_the_loop(
    post: Post, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert post.put(b"\nold\n") is None
    before = (post.directory / "johndoe.txt").read_bytes()
    for place in ("os.fdatasync", "storage.mbox.lock"):
        with monkeypatch.context() as patch:
            patch.setattr(place, lambda _: 1 // 0)
            assert post.put(b"\nnew\n") == f"{post.directory}/johndoe.txt: internal error"
    assert (post.directory / "johndoe.txt").read_bytes() == before
    assert caplog.text.count("ZeroDivisionError: ") == 2


def test_a_directory_that_was_replaced_is_used_again(post: Post) -> None:
    assert post.put(b"x\n") is None
    shutil.rmtree(post.directory)
    fault = post.put(b"x\n")
    assert fault and fault.endswith("No such file or directory")
    post.directory.mkdir()
    assert post.put(b"\nnew\n") is None and post.box() == [b"\nnew\n"]
