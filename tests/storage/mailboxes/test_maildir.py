"""Maildirs on disk: each message a file of its own, complete and on disk before it can be seen."""

import errno
import mailbox
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.files import Files
from storage.mailboxes.maildir import MaildirMailboxes

from ...kit.disk import CHANGES, Watched
from ...kit.post import TRACE, Post
from ...kit.support import as_stored, wait_until


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    post = Post(tmp_path / "mail", MaildirMailboxes)
    yield post
    post.store.close()


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
    post.move()
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
    post = Post(tmp_path_factory.mktemp("mail"), MaildirMailboxes)
    content = b"".join(pieces)
    assert post.put(content) is None
    post.store.close()
    (path,) = files(post)
    assert path.read_bytes() == HEADER + as_stored(content)


def test_each_is_synced_before_it_can_be_seen_and_the_names_before_the_journal_forgets_them(tmp_path: Path) -> None:
    calls: list[str] = []
    post = Post(tmp_path / "mail", MaildirMailboxes, Watched(lambda _, name: calls.append(name)))
    assert post.put(b"first\n") is None
    calls.clear()
    for number in range(3):
        post.commit(b"%d\n" % number)
    post.store.settle()
    assert [call for call in calls if call in CHANGES] == ["write", "sync"]
    calls.clear()
    post.move()
    changes = [call for call in calls if call in CHANGES and call != "open"]
    assert changes == ["append", "append", "sync", "rename"] * 3
    calls.clear()
    post.store.close()
    assert [call for call in calls if call in CHANGES and call != "open"] == [*["sync_names"] * 3, "write", "sync"]


def test_a_message_that_cannot_be_written_leaves_nothing_and_comes_later(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(_: Files, descriptor: int, data: bytes) -> int:
        os.write(descriptor, data[:5])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Files, "append", no_room)
        assert post.put(b"1\n") is None
        assert files(post) == files(post, "tmp") == []
        assert post.put(b"2\n") == f"{post.directory}/johndoe: No space left on device"
    wait_until(lambda: post.put(b"3\n") is None)
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
    post.move()
    (first, second) = post.answers
    assert first[1] and first[1].startswith(f"{post.directory}/johndoe: ")
    assert second == (b"y\n", None) and len(files(post, box="babydoe")) == 1


def test_a_maildir_that_lost_a_part_gets_it_again(post: Post) -> None:
    assert post.put(b"1\n") is None
    (post.directory / "johndoe" / "tmp").rmdir()
    assert post.put(b"2\n") is None and len(files(post)) == 2


def test_an_abandoned_message_is_nowhere(post: Post) -> None:
    message = post.store.begin(b"a", [("johndoe", b"b")])
    message.write(b"x")
    message.abandon()
    post.store.settle()
    assert [path.name for path in post.directory.iterdir()] == [".journal"]


class Host(NamedTuple):
    nodename: str


@pytest.mark.parametrize("place", ["new", "cur"])
@pytest.mark.parametrize("behind", ["", ":2,S", ",S=123:2,RS", ",U=1,W=99:2,", ":2,Sab"])
@pytest.mark.parametrize("host", [None, "container.example.org", "", "caf\udce9"])
def test_after_a_crash_a_message_is_known_whatever_its_name_has_become(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, behind: str, host: str | None
) -> None:
    """A container that is started again has another host name; mail programs put flags and sizes behind a name."""
    post = Post(tmp_path, MaildirMailboxes)
    assert [post.put(b"Subject: %d\r\n\r\nx\r\n" % number) for number in range(3)] == [None] * 3
    post.store.give_up()  # all are moved, and the journal has them still, as after a kill
    for path in files(post):
        path.rename(path.parent.parent / place / f"{path.name}{behind}")
    if host is not None:
        monkeypatch.setattr("os.uname", lambda: Host(host))
    post = Post(tmp_path, MaildirMailboxes)
    assert post.put(b"Subject: 3\r\n\r\nx\r\n") is None
    post.store.close()
    assert len(files(post, place)) + (len(files(post)) if place == "cur" else 0) == 4


@pytest.mark.parametrize(
    ("host", "stands"),
    [("mx.example", b"mx.example"), ("a/b:c,d e", rb"a\057b\072c\054d\040e"), ("caf\udce9", rb"caf\351"), ("", b"localhost"),
     ("é", rb"\303\251"), ("x\n", rb"x\012")],
)  # fmt: skip
def test_a_host_stands_in_a_name_in_octets_that_any_program_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, stands: bytes
) -> None:
    monkeypatch.setattr("os.uname", lambda: Host(host))
    post = Post(tmp_path, MaildirMailboxes)
    assert post.put(b"x\r\n") is None
    post.store.close()
    (path,) = files(post)
    assert os.fsencode(path.name).endswith(b"." + stands)
