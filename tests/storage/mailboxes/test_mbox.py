"""Mailbox files on disk: together, in order, all or nothing."""

import errno
import mailbox
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.files import Files
from storage.mailboxes.letter import Letter
from storage.mailboxes.mailbox import Extent
from storage.mailboxes.mbox import MboxMailbox, MboxMailboxes

from ...kit.post import Post
from ...kit.support import NOW, Kept, read_mailbox


def test_a_message_is_answered_when_it_is_settled_and_moved_when_there_is_time(post: Post) -> None:
    post.commit(b"\nhello\n")
    assert post.answers == [] and post.box() == []
    post.store.settle()
    assert post.answers == [(b"\nhello\n", None)] and post.box() == []
    post.move()
    assert read_mailbox(post.directory / "johndoe.txt") == [Kept(b"a@b", b"johndoe", b"\nhello\n")]


def test_messages_are_kept_in_the_order_in_which_they_ended(post: Post) -> None:
    for number in range(5):
        post.commit(b"\n%d\n" % number, "johndoe")
        post.commit(b"\n%d\n" % number, "babydoe")
    post.store.settle()
    post.commit(b"\n5\n")
    post.store.settle()
    post.move()
    assert post.box("johndoe") == [b"\n%d\n" % number for number in range(6)]
    assert post.box("babydoe") == [b"\n%d\n" % number for number in range(5)]


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


def make_symlink(path: Path) -> None:
    (path.parent.parent / "elsewhere").write_text("")
    path.symlink_to(path.parent.parent / "elsewhere")


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, make_symlink])
def test_a_thing_that_is_no_mailbox_file_is_refused_and_the_others_work(post: Post, make: Callable[[Path], None]) -> None:
    make(post.directory / "johndoe.txt")
    post.commit(b"x\n", "johndoe")
    post.commit(b"\ny\n", "babydoe")
    post.store.settle()
    post.move()
    (first, second) = post.answers
    assert first[1] and first[1].startswith(f"{post.directory}/johndoe.txt: ")
    assert second == (b"\ny\n", None) and post.box("babydoe") == [b"\ny\n"]
    assert not (post.directory.parent / "elsewhere").exists() or (post.directory.parent / "elsewhere").read_text() == ""


def test_a_mailbox_that_becomes_something_else_meanwhile_keeps_nobody_waiting(post: Post) -> None:
    post.commit(b"\n1\n")
    post.commit(b"\n2\n", "babydoe")
    post.store.settle()
    (post.directory / "johndoe.txt").mkdir()
    post.move()
    assert post.box("babydoe") == [b"\n2\n"]
    assert post.put(b"\n3\n") == f"{post.directory}/johndoe.txt: Is a directory"
    assert post.put(b"\n4\n", "babydoe") is None
    (post.directory / "johndoe.txt").rmdir()
    while post.put(b"\n5\n") is not None:
        pass
    assert post.box() == [b"\n1\n", b"\n5\n"]


# An open mailbox


@pytest.fixture
def box(tmp_path: Path) -> MboxMailbox:
    directory = os.open(tmp_path, os.O_RDONLY)
    return MboxMailboxes(Files(), directory, tmp_path).open("box")


def letter(content: bytes, id: str = "1") -> Letter:
    return Letter(id, NOW, b"a@b", [b"c"], b"", lambda: iter([content]))


def run(steps: object) -> object:
    """What a generator returns."""
    while True:
        try:
            next(steps)  # type: ignore[call-overload]
        except StopIteration as end:
            return end.value


LETTERS = [letter(b"\n%d\n" % number + b"From x" * number) for number in range(3)]


def test_what_was_put_in_is_taken_back(box: MboxMailbox) -> None:
    run(box.append([letter(b"old\n")]))
    extent = box.extent
    run(box.append(LETTERS))
    assert box.extent.size > extent.size
    assert run(box.take_back(extent, LETTERS)) is True and box.extent == extent
    assert run(box.take_back(extent, LETTERS)) is True and box.extent == extent


def test_what_was_torn_is_taken_back_wherever_it_was_torn(box: MboxMailbox, tmp_path: Path) -> None:
    run(box.append([letter(b"old\n")]))
    extent = box.extent
    run(box.append(LETTERS))
    whole = (tmp_path / "box.txt").read_bytes()
    for cut in range(extent.size, len(whole) + 1):
        (tmp_path / "box.txt").write_bytes(whole[:cut])
        assert run(box.take_back(extent, LETTERS)) is True and box.extent == extent
        (tmp_path / "box.txt").write_bytes(whole[: extent.size] + bytes(cut - extent.size) + whole[cut:])
        assert run(box.take_back(extent, LETTERS)) is True and box.extent == extent


@pytest.mark.parametrize(
    "change", [lambda text: text + b"x", lambda text: text[:-9] + b"X" + text[-8:], lambda text: text[:20]]
)
def test_what_somebody_else_has_changed_is_not_taken_back(
    box: MboxMailbox, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    run(box.append([letter(b"old\n")]))
    extent = box.extent
    run(box.append(LETTERS))
    changed = change((tmp_path / "box.txt").read_bytes())
    (tmp_path / "box.txt").write_bytes(changed)
    assert run(box.take_back(extent, LETTERS)) is False
    assert (tmp_path / "box.txt").read_bytes() == changed


def test_another_file_of_that_name_is_judged_by_what_is_in_it(box: MboxMailbox) -> None:
    """It was restored from a backup, or written by a mail program: of the same size, it need not have the same in it."""
    run(box.append([letter(b"old\n")]))
    inode, size = box.extent
    assert run(box.take_back(Extent(inode + 1, size), LETTERS)) is False
    assert run(box.take_back(Extent(inode + 1, 10), LETTERS)) is False
    run(box.append(LETTERS))
    assert run(box.take_back(Extent(inode + 1, size), LETTERS)) is True and box.extent.size == size


@pytest.mark.parametrize("block", [1, 7, 64, 65536])
def test_what_is_there_is_found_among_others(
    box: MboxMailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    others = [letter(b"Subject: x\n\nother %d\n\n\n" % number) for number in range(3)]
    run(box.append([others[0], LETTERS[1], others[1], LETTERS[0]]))
    path = tmp_path / "box.txt"
    path.write_bytes(path.read_bytes() + b"\n\nFrom x Mon Sep 21 14:13:20 2026\nSubject: foreign\n\n>From y\n")
    monkeypatch.setattr("storage.mailboxes.mbox.BLOCK", block)
    assert run(box.missing(LETTERS)) == [False, False, True]
    assert run(box.missing([LETTERS[0], LETTERS[0], others[2], others[1]])) == [False, True, True, False]


def test_a_delivery_that_fails_or_is_given_up_leaves_the_file_as_it_was(
    box: MboxMailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(box.append([letter(b"old\n")]))
    before = (tmp_path / "box.txt").read_bytes()
    monkeypatch.setattr("storage.mailboxes.mbox.BLOCK", 10)
    steps = box.append(LETTERS)
    next(steps)
    assert (tmp_path / "box.txt").read_bytes() != before
    steps.close()
    assert (tmp_path / "box.txt").read_bytes() == before
    monkeypatch.setattr(Files, "append", fail_after(3))
    with pytest.raises(OSError, match="No space"):
        run(box.append(LETTERS))
    assert (tmp_path / "box.txt").read_bytes() == before


def fail_after(calls: int) -> Callable[[Files, int, bytes], int]:
    """An `append` that does less than it is asked for, and then fails."""
    left = [calls]

    def append(_: Files, descriptor: int, data: bytes) -> int:
        left[0] -= 1
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        return os.write(descriptor, data[:5])

    return append


def test_a_mailbox_that_was_replaced_after_mail_was_moved_holds_up_nobody(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.delivery.housekeeping.AGE", 0.0)
    monkeypatch.setattr("storage.delivery.housekeeping.TOGETHER", 1)
    post.commit(b"\n1\n")
    post.store.settle()
    monkeypatch.setattr("storage.delivery.housekeeping.AGE", 1000.0)
    post.move()
    (post.directory / "johndoe.txt").unlink()
    (post.directory / "johndoe.txt").mkdir()
    post.store._journal.seal()
    assert post.put(b"\n2\n", "babydoe") is None and post.box("babydoe") == [b"\n2\n"]
    assert len(post.store._journal.segments) == 1


def test_what_is_remembered_of_a_message_is_what_the_journal_says_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the entry in a mailbox is not the one that is looked for after a crash, and the message comes twice."""
    monkeypatch.setattr("storage.stores.message.time.time", lambda: 1_790_000_051.9999997)
    post = Post(tmp_path)
    post.commit(b"x\n", "johndoe")
    post.store.settle()
    (place,) = post.store._mover.queues["johndoe"].waiting
    remembered = post.store._backlog.take(place, "johndoe")
    read = post.store._backlog.take(place, "johndoe")
    assert remembered._replace(content=read.content) == read and b"".join(remembered.content()) == b"".join(read.content())
    post.store.close()
