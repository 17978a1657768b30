"""Notes of processes that deliver to the same mailboxes: half a message keeps others out until it is put right."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage.delivery.write_marks import WriteMarks
from storage.files import DIRECTORY, Files, open_directory
from storage.mailboxes.mbox import MboxMailboxes
from storage.stores.journalled import JournalledStore
from storage.stores.mail_stores import MailStores
from storage.stores.shared import SharedStore

from ...kit.post import Post
from ...kit.support import wait_until


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, DIRECTORY)
    yield descriptor
    os.close(descriptor)


def test_a_mailbox_is_noted_for_others_only_and_while_it_is_written_to(directory: int) -> None:
    ours, other = (WriteMarks(Files(), directory, name) for name in ("1", "2"))
    ours.begin("johndoe")
    assert other.is_torn("johndoe") and not other.is_torn("babydoe") and not ours.is_torn("johndoe")
    ours.end()
    assert not other.is_torn("johndoe")


def test_what_was_noted_is_in_doubt_after_a_kill_and_stays_so_whatever_is_written_to_next(directory: int) -> None:
    killed, other = (WriteMarks(Files(), directory, name) for name in ("1", "2"))
    killed.begin("johndoe")
    for _ in range(3):
        again = WriteMarks(Files(), directory, "1")
        again.begin("babydoe")
        again.end()
        assert other.is_torn("johndoe") and not other.is_torn("babydoe") and again.has_doubts
    again.settle("johndoe")
    assert not other.is_torn("johndoe") and not again.has_doubts


def test_each_doubt_is_settled_for_itself_and_its_place_used_again(directory: int, tmp_path: Path) -> None:
    ours, other = (WriteMarks(Files(), directory, name) for name in ("1", "2"))
    for number in range(20):
        ours.doubt(f"a{number}")
        ours.doubt("johndoe")
        ours.settle(f"a{number}")
        assert other.is_torn("johndoe") and not other.is_torn(f"a{number}")
    assert (tmp_path / "writing-1").stat().st_size == 3 * 8
    ours.doubt("babydoe")
    ours.settle_all_but(["babydoe"])
    assert other.is_torn("babydoe") and not other.is_torn("johndoe")


@pytest.mark.parametrize("left", [b"", b"half", b"\xd9TYt\xc4\xb2\x03t", os.urandom(61), bytes(100)], ids=range(5))
def test_whatever_a_power_cut_left_of_a_note_can_be_read(directory: int, tmp_path: Path, left: bytes) -> None:
    (tmp_path / "writing-1").write_bytes(left)
    ours, other = (WriteMarks(Files(), directory, name) for name in ("1", "2"))
    assert not other.is_torn("johndoe")
    ours.doubt("johndoe")
    assert other.is_torn("johndoe")
    ours.settle_all_but([])
    assert not ours.has_doubts and not other.is_torn("johndoe")


# Of stores


class Killed(BaseException):
    """The process is gone."""


class DiesAppending(Files):
    """A disk on which a process dies in the middle of its first append to a mailbox."""

    is_dead = False

    def append(self, descriptor: int, data: bytes | memoryview) -> int:
        super().append(descriptor, data[: len(data) // 2])
        self.is_dead = True
        raise Killed

    def truncate(self, descriptor: int, size: int) -> None:
        if not self.is_dead:
            super().truncate(descriptor, size)


def post_of(part: str, directory: Path, files: Files | None = None) -> Post:
    post = Post.__new__(Post)
    post.directory, post.answers = directory, []
    post.store = JournalledStore(directory, MboxMailboxes, files, part=part)
    return post


def killed_while_appending(directory: Path) -> None:
    """The store of worker-1 is killed with half a message in johndoe's mailbox."""
    post = post_of("worker-1", directory, DiesAppending())
    post.commit(b"\nkilled\n")
    with pytest.raises(Killed):
        post.store.settle()
        post.move()
    post.store.give_up()


def test_others_keep_away_from_half_a_message_until_it_is_put_right(tmp_path: Path) -> None:
    killed_while_appending(tmp_path)
    half = (tmp_path / "johndoe.txt").read_bytes()
    other = post_of("worker-2", tmp_path)
    assert half and other.put(b"\n1\n") is None and other.put(b"\n2\n", "babydoe") is None
    assert (tmp_path / "johndoe.txt").read_bytes() == half and len(other.box("babydoe")) == 1
    post_of("worker-1", tmp_path).store.close()
    wait_until(lambda: other.move() is None or len(other.box()) == 2)
    assert other.box() == [b"\nkilled\n", b"\n1\n"]
    other.store.close()


def test_also_when_a_mail_program_has_put_another_file_in_its_place(tmp_path: Path) -> None:
    killed_while_appending(tmp_path)
    path = tmp_path / "johndoe.txt"
    (tmp_path / "new").write_bytes(path.read_bytes())
    (tmp_path / "new").rename(path)
    other = post_of("worker-2", tmp_path)
    assert other.put(b"\n1\n") is None
    post_of("worker-1", tmp_path).store.close()
    wait_until(lambda: other.move() is None or len(other.box()) == 2)
    assert other.box() == [b"\nkilled\n", b"\n1\n"]
    other.store.close()


def test_what_is_stuck_in_one_mailbox_keeps_nobody_out_of_another(tmp_path: Path) -> None:
    killed = post_of("worker-1", tmp_path, DiesAppending())
    killed.commit(b"\nkilled\n", "babydoe", "johndoe")
    with pytest.raises(Killed):
        killed.store.settle()
        killed.move()
    killed.store.give_up()
    (tmp_path / "johndoe.txt").unlink(missing_ok=True)
    (tmp_path / "johndoe.txt").mkdir()
    again, other = post_of("worker-1", tmp_path), post_of("worker-2", tmp_path)
    assert other.put(b"\n1\n", "babydoe") is None
    wait_until(lambda: other.move() is None or len(other.box("babydoe")) == 2)
    again.store.close()
    other.store.close()


def test_two_that_wait_for_each_other_do_not_wait_for_good(tmp_path: Path) -> None:
    """After a power cut stale notes may say so; and a mail program has changed the mailbox, so that neither can cut."""
    for part in ("worker-1", "worker-2"):
        post = post_of(part, tmp_path)
        post.put(b"\n" + part.encode() + b"\n")
        post.store.give_up()
    (tmp_path / "johndoe.txt").write_bytes(b"")
    for part in ("worker-1", "worker-2"):
        with (tmp_path / ".journal" / f"writing-{part}").open("r+b") as note:
            descriptor = os.open(tmp_path / ".journal", DIRECTORY)
            WriteMarks(Files(), descriptor, part).begin("johndoe")
            os.close(descriptor)
            assert note.read(8) != bytes(8)
    first, second = post_of("worker-1", tmp_path), post_of("worker-2", tmp_path)
    wait_until(lambda: (first.move(), second.move()) == (None, None) or len(first.box()) == 2)
    first.store.close()
    second.store.close()
    assert sorted(first.box()) == [b"\nworker-1\n", b"\nworker-2\n"]


@pytest.mark.parametrize("is_closed_at_once", [False, True])
def test_a_store_in_the_middle_of_a_mailbox_is_ended_before_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_closed_at_once: bool
) -> None:
    """One process does not keep itself from what it has locked."""
    monkeypatch.setattr("storage.delivery.housekeeping.SLICE", 0.0)
    left = JournalledStore(tmp_path, MboxMailboxes, part="worker-1")
    large = b"\n" + b"y" * 1_000_000 + b"\n"
    first = Post.__new__(Post)
    first.directory, first.answers = tmp_path, []
    first.store = left
    first.commit(large)
    left.settle()
    while not left.is_moving or (tmp_path / "johndoe.txt").stat().st_size < 200_000:
        left.tidy(is_idle=True)
    own = JournalledStore(tmp_path, MboxMailboxes, part="", is_one_of_several=True)
    both = SharedStore(own, [left])
    first.store = own
    if is_closed_at_once:
        first.commit(b"\nx\n")
        own.settle()
        both.close()
        assert first.box() == [large, b"\nx\n"]
        return
    first.commit(b"\nx\n")
    looked = 0
    while both.settle():
        looked += 1
    assert looked and not left.is_moving and first.answers[-1] == (b"\nx\n", None)
    both.close()
    assert first.box() == [large, b"\nx\n"]


def test_the_parts_of_workers_that_are_no_more_are_emptied(tmp_path: Path) -> None:
    for number in (1, 3):
        post = post_of(f"worker-{number}", tmp_path)
        post.commit(b"\n%d\n" % number)
        post.store.settle()
        post.store.give_up()
    stores = MailStores(MboxMailboxes, tmp_path, 1)
    stores.first.close()
    assert sorted(post.box()) == [b"\n1\n", b"\n3\n"]


def test_a_mailbox_that_is_locked_when_all_start_again_is_in_doubt_for_others(
    tmp_path: Path, lock: Callable[[Path], subprocess.Popen[bytes]]
) -> None:
    """After a power cut there may be no note of it."""
    killed_while_appending(tmp_path)
    (tmp_path / ".journal" / "writing-worker-1").write_bytes(b"")
    half = (tmp_path / "johndoe.txt").read_bytes()
    holder = lock(tmp_path / "johndoe.txt")
    stores = MailStores(MboxMailboxes, tmp_path, 2)
    holder.kill()
    holder.wait()
    other = post_of("worker-2", tmp_path)
    assert other.put(b"\n1\n") is None and (tmp_path / "johndoe.txt").read_bytes() == half
    post_of("worker-1", tmp_path).store.close()
    wait_until(lambda: other.move() is None or len(other.box()) == 2)
    assert other.box() == [b"\nkilled\n", b"\n1\n"]
    other.store.close()
    stores.first.close()


def test_two_processes_may_make_a_directory_at_the_same_time(directory: int, tmp_path: Path) -> None:
    class Slow(Files):
        """Another process is faster."""

        def make_directory(self, name: bytes, at: int) -> None:
            super().make_directory(name, at)
            super().make_directory(name, at)

    os.close(open_directory(Slow(), b"new", directory))
    assert (tmp_path / "new").is_dir()
