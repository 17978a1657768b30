"""Maildirs on disk: each message a file of its own, complete and on disk before it can be seen."""

import errno
import mailbox
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.maildir import MaildirStore

from .post import TRACE, Post
from .support import as_stored, descriptors


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path / "mail", MaildirStore)


def files(post: Post, place: str = "new", box: str = "johndoe") -> list[Path]:
    """The files in a part of a Maildir, oldest first."""
    return sorted((post.directory / box / place).glob("*"), key=lambda path: path.stat().st_mtime_ns)


HEADER = b"Return-Path: <a@b>\nDelivered-To: johndoe\n" + TRACE.replace(b"\r\n", b"\n")


def test_a_message_word_for_word(post: Post) -> None:
    assert post.put(b"Subject: x\r\n\r\nFrom me\r\n") is None
    (path,) = files(post)
    assert path.read_bytes() == HEADER + b"Subject: x\n\nFrom me\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert files(post, "tmp") == files(post, "cur") == []


def test_names_are_those_of_a_maildir_and_unique(post: Post) -> None:
    for number in range(20):
        post.commit(b"%d\n" % number)
    post.store.settle()
    names = [path.name for path in files(post)]
    assert len(set(names)) == 20
    for name in names:
        seconds, _, rest = name.partition(".")
        assert seconds.isdigit() and rest.endswith(f".{os.uname().nodename}")
        assert not set("/:") & set(name)


def test_mail_programs_find_each_message(post: Post) -> None:
    for number in range(5):
        assert post.put(b"Subject: %d\r\n\r\ntext\r\n" % number) is None
    box = mailbox.Maildir(post.directory / "johndoe", create=False)
    assert sorted(message["Subject"] for message in box) == list("01234")
    box.close()


@given(st.lists(st.one_of(st.binary(max_size=9), st.sampled_from([b"\r\n", b"\n", b"A: b", b"From x"])), max_size=6))
def test_any_bytes_come_back(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    post = Post(tmp_path_factory.mktemp("mail"), MaildirStore)
    content = b"".join(pieces)
    assert post.put(content) is None
    (path,) = files(post)
    assert path.read_bytes() == HEADER + as_stored(content)


def noted(call: str, calls: list[str]) -> Callable[..., Any]:
    """A call of `os` that is also written down."""
    real = getattr(os, call)

    def do(*args: Any, **more: Any) -> Any:
        calls.append(call)
        return real(*args, **more)

    return do


def test_all_is_synced_before_it_can_be_seen_and_the_names_before_it_is_answered(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert post.put(b"first\n") is None
    calls: list[str] = []
    for call in ("fdatasync", "rename", "fsync"):
        monkeypatch.setattr(os, call, noted(call, calls))
    for number in range(3):
        post.commit(b"%d\n" % number)
    post.store.settle()
    assert calls == ["fdatasync"] * 3 + ["rename"] * 3 + ["fsync"]


@pytest.mark.parametrize("call", ["open", "write", "fdatasync", "rename", "fsync", "mkdir"])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("is_new", [False, True])
def test_a_call_that_fails_leaves_nothing(
    post: Post, monkeypatch: pytest.MonkeyPatch, call: str, error: int, is_new: bool
) -> None:
    if not is_new:
        assert post.put(b"old\n") is None
    before = descriptors(os.getpid())

    def fail(*_: object, **__: object) -> Any:
        raise OSError(error, os.strerror(error))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        fault = post.put(b"new\n")
    if call == "mkdir" and not is_new:
        assert fault is None  # nothing is to be made
        return
    assert fault == f"{post.directory}/johndoe: {os.strerror(error)}"
    assert descriptors(os.getpid()) == before
    assert files(post, "tmp") == [] and len(files(post)) == (0 if is_new else 1)
    assert post.put(b"new\n") is None
    assert files(post)[-1].read_bytes().endswith(b"\nnew\n")


def test_one_message_that_fails_does_not_fail_the_others(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    real_write = os.write

    def small_disk(descriptor: int, data: memoryview) -> int:
        if len(data) > 1000:
            real_write(descriptor, data[:500])
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(descriptor, data)

    monkeypatch.setattr(os, "write", small_disk)
    for content in (b"1\n", b"x" * 3000, b"2\n"):
        post.commit(content)
    post.store.settle()
    assert [fault for _, fault in post.answers] == [None, f"{post.directory}/johndoe: No space left on device", None]
    assert len(files(post)) == 2 and files(post, "tmp") == []


def make_symlink(path: Path) -> None:
    (path.parent.parent / "elsewhere").mkdir()
    path.symlink_to(path.parent.parent / "elsewhere")


@pytest.mark.parametrize("make", [Path.touch, os.mkfifo, make_symlink])
def test_a_thing_that_is_no_maildir_is_refused_and_the_others_work(post: Post, make: Callable[[Path], None]) -> None:
    make(post.directory / "johndoe")
    post.commit(b"x\n", "johndoe")
    post.commit(b"y\n", "babydoe")
    post.store.settle()
    (first, second) = post.answers
    assert first[1] and first[1].startswith(f"{post.directory}/johndoe: ")
    assert second == (b"y\n", None) and len(files(post, box="babydoe")) == 1


def test_a_maildir_that_lost_a_part_gets_it_again(post: Post) -> None:
    assert post.put(b"1\n") is None
    (post.directory / "johndoe" / "tmp").rmdir()
    assert post.put(b"2\n") is None and len(files(post)) == 2


def test_an_abandoned_message_is_nowhere(post: Post) -> None:
    message = post.store.begin(b"a", b"b", "johndoe")
    message.write(b"x")
    message.abandon()
    post.store.settle()
    assert list(post.directory.iterdir()) == []
