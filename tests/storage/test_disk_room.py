"""A disk that is nearly full: what was accepted can always be moved, and mail in the spool does not stay there."""

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from storage.files import Files
from storage.journal.records import Payload
from storage.journal.segments import Place
from storage.mailboxes.mailbox import MailboxKind
from storage.mailboxes.maildir import MaildirMailboxes
from storage.mailboxes.mbox import MboxMailboxes
from storage.stores.message import LARGE

from ..kit.post import Post
from ..kit.support import read_mailbox, wait_until

KINDS = pytest.mark.parametrize("kind", [MboxMailboxes, MaildirMailboxes], ids=["mbox", "maildir"])
BIG = b"\n" + b"x" * (4 * LARGE) + b"\n"


class SmallDisk(Files):
    """A directory that has room for so many octets."""

    def __init__(self, top: Path, size: int) -> None:
        self.top = top
        self.size = size

    @property
    def free(self) -> int:
        return self.size - sum(
            (Path(place) / name).lstat().st_size for place, _, names in os.walk(self.top) for name in names
        )

    def room(self, descriptor: int) -> tuple[int, int] | None:
        return self.free, self.size

    def _need(self, octets: int) -> None:
        if octets > self.free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def append(self, descriptor: int, data: bytes | memoryview) -> int:
        self._need(len(data))
        return super().append(descriptor, data)

    def allocate(self, descriptor: int, size: int) -> None:
        self._need(size - os.fstat(descriptor).st_size)
        super().allocate(descriptor, size)


def contents(directory: Path, name: str = "johndoe") -> list[bytes]:
    new = directory / name / "new"
    if new.is_dir():
        return [path.read_bytes().partition(b"now\n")[2] for path in new.iterdir()]
    return [kept.content for kept in read_mailbox(directory / f"{name}.txt")]


def spooled(directory: Path) -> int:
    return len(list((directory / ".journal" / "spool").iterdir()))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of 64 KiB, and room in reserve that goes with these."""
    monkeypatch.setattr("storage.journal.format.SIZE", 1 << 16)
    monkeypatch.setattr("storage.room.SPARE", 1 << 17)
    monkeypatch.setattr("storage.room.SCARCE", 1 << 20)
    monkeypatch.setattr("storage.room.LOOK_EVERY", 1)


@KINDS
@pytest.mark.parametrize("kept", [1, 7, 1000])
def test_all_that_was_accepted_is_moved_from_a_disk_that_is_full(tmp_path: Path, kind: MailboxKind, kept: int) -> None:
    """They come faster than they are moved; when the senders stop, everything arrives, and without a restart."""
    post = Post(tmp_path, kind, SmallDisk(tmp_path, 20 << 20))
    accepted = 0
    for number in range(60):
        post.commit(b"%02d" % number + BIG if number % 3 else b"\n%d\n" % number)
        post.store.settle()
        fault = post.answers.pop()[1]
        assert fault is None or "disk is nearly full" in fault
        accepted += fault is None
        if number % kept == 0:
            post.move()
    assert 9 < accepted < 60
    post.move()
    assert len(contents(tmp_path)) == accepted and not post.store.waiting
    post.store.close()
    assert spooled(tmp_path) == 0


@KINDS
def test_a_message_for_more_mailboxes_than_there_is_room_for_is_refused(tmp_path: Path, kind: MailboxKind) -> None:
    post = Post(tmp_path, kind, SmallDisk(tmp_path, 8 << 20))
    many = [f"box{number}" for number in range(8)]
    assert "disk is nearly full" in str(post.put(BIG, *many))
    assert "disk is nearly full" in str(post.put(BIG[: LARGE // 2], *(f"box{number}" for number in range(80))))
    assert post.put(BIG, *many[:4]) is None
    assert [contents(tmp_path, box) for box in many[:4]] == [[BIG]] * 4


def test_of_a_group_that_does_not_fit_those_are_accepted_that_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.room.LOOK_EVERY", 1 << 20)
    monkeypatch.setattr("storage.room.LOOK_AFTER", 1000.0)
    monkeypatch.setattr(Files, "room", lambda self, descriptor: ((1 << 17) + 2000, 1 << 30))
    post = Post(tmp_path / "mail")
    large, small = b"\n" + b"x" * 898 + b"\n", b"\nx\n"
    for content in (large, large, large, small):
        post.commit(content)
    assert not post.store.settle()
    assert [content for content, fault in post.answers if fault is None] == [large, large, small]
    post.store.close()
    assert contents(tmp_path / "mail") == [large, large, small]


def test_that_there_is_no_room_is_said_once_and_when_it_is_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    disk = SmallDisk(tmp_path, 1 << 20)
    post = Post(tmp_path, files=disk)
    assert [post.put(BIG) is None, post.put(BIG) is None] == [False, False]
    assert post.put(b"\nsmall\n") is None
    disk.size = 20 << 20
    assert post.put(BIG) is None
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    words = f"{tmp_path}: the disk is nearly full: what is left is for mail that was accepted before"
    where = f"{tmp_path}/.journal/spool"
    assert errors == [
        f"{words}: mail is refused until that is over: make room on its disk",
        f"{where}: mail is accepted again, after 0 s",
    ]


def test_a_system_that_does_not_tell_is_trusted_until_it_fails(tmp_path: Path) -> None:
    class Silent(SmallDisk):
        def room(self, descriptor: int) -> tuple[int, int] | None:
            return None

    post = Post(tmp_path, files=Silent(tmp_path, 3 << 20))
    answers = [post.put(BIG) for _ in range(5)]
    assert answers[0] is None and "No space left on device" in str(answers[-1])


@KINDS
@pytest.mark.parametrize("end", ["close", "killed"])
def test_a_spool_file_goes_when_the_last_mailbox_has_it(
    tmp_path: Path, kind: MailboxKind, end: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also while a message of the same segment waits for another mailbox; and a restart does not miss it."""
    monkeypatch.setattr("storage.delivery.housekeeping.ENOUGH", 1)
    post = Post(tmp_path, kind)
    stuck = tmp_path / ("stuck.txt" if kind is MboxMailboxes else "stuck")
    post.commit(b"\nfor both\n", "johndoe", "stuck")
    post.commit(BIG, "johndoe", "babydoe")
    post.commit(BIG, "johndoe", "stuck")
    post.store.settle()
    stuck.symlink_to("nowhere")
    post.move()
    assert post.store.waiting == 2 and spooled(tmp_path) == 1
    if end == "close":
        post.store.close()
    else:
        post.store.give_up()
    stuck.unlink()
    post = Post(tmp_path, kind)
    assert sorted(contents(tmp_path)) == sorted([b"\nfor both\n", BIG, BIG]) and contents(tmp_path, "babydoe") == [BIG]
    assert sorted(contents(tmp_path, "stuck")) == sorted([b"\nfor both\n", BIG])
    post.store.close()
    assert spooled(tmp_path) == 0 and "CRITICAL" not in [record.levelname for record in caplog.records]


@pytest.mark.parametrize(
    ("limit", "is_moved"),
    [("storage.delivery.housekeeping.MOST_SPOOLED", True), ("storage.journal.spool.MOST_OCTETS", False)],
)
def test_there_is_a_limit_for_all_spool_files(
    post: Post, monkeypatch: pytest.MonkeyPatch, limit: str, is_moved: bool
) -> None:
    monkeypatch.setattr("storage.stores.journalled.ROOM_PATIENCE", 0.0)
    monkeypatch.setattr(limit, 3 * len(BIG))
    for _ in range(5):
        post.commit(BIG)
        post.store.settle()
        post.store._housekeeping._fullness = post.store._housekeeping.fullness()
    faults = [fault for _, fault in post.answers]
    assert faults[:3] == [None] * 3 and "full" in str(faults[4])
    post.move()
    post.answers.clear()
    monkeypatch.setattr("storage.delivery.housekeeping.ENOUGH", 1)
    post.move()
    assert post.put(BIG) is None


def test_messages_on_their_way_that_are_given_up_count_no_more(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.journal.spool.MOST_OCTETS", 3 * len(BIG))
    for _ in range(9):
        message = post.store.begin(b"a@b", [("johndoe", b"johndoe")])
        message.write(BIG)
        message.write(BIG)
        message.abandon()
    assert post.put(BIG) is None


def test_what_is_in_doubt_keeps_its_file_and_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sync that fails: what was moved may not be there, and is put in again from the spool."""
    monkeypatch.setattr("storage.delivery.housekeeping.ENOUGH", 1)
    broken: set[str] = set()

    class Broken(Files):
        def sync(self, descriptor: int) -> None:
            if broken and Path(f"/proc/self/fd/{descriptor}").readlink().name == "johndoe.txt":
                broken.clear()
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            super().sync(descriptor)

    post = Post(tmp_path, files=Broken())
    broken.add("once")
    post.commit(b"\n" + BIG[-LARGE - 2 :])
    post.commit(b"\nsmall\n", "babydoe")
    post.store.settle()
    wait_for(post, lambda: spooled(tmp_path) == 0)
    assert (
        not broken and contents(tmp_path) == [b"\n" + BIG[-LARGE - 2 :]] and contents(tmp_path, "babydoe") == [b"\nsmall\n"]
    )


def wait_for(post: Post, happened: Callable[[], bool]) -> None:
    wait_until(lambda: (post.move(), happened())[1])


# A mailbox that cannot be written to, and a journal that is to be rid of what waits for it


@KINDS
def test_what_is_stuck_is_copied_a_little_at_a_time_and_stays_in_order(
    tmp_path: Path, kind: MailboxKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New mail comes for it meanwhile."""
    monkeypatch.setattr("storage.journal.segments.COPIED_AT_ONCE", 4000)
    for name, value in (("LOOK_AGAIN", 0.0), ("CROWDED", 1), ("SLICE", 0.0)):
        monkeypatch.setattr(f"storage.delivery.housekeeping.{name}", value)
    monkeypatch.setattr("storage.delivery.queue.STUCK", 0.0)
    stuck = tmp_path / ("johndoe.txt" if kind is MboxMailboxes else "johndoe")
    stuck.symlink_to("nowhere")
    post = Post(tmp_path, kind)
    appended: list[int] = []
    append_all = post.store._journal.append_all

    def watched(records: Sequence[Payload]) -> list[Place]:
        appended.append(sum(record.length for record in records))
        return append_all(records)

    monkeypatch.setattr(post.store._journal, "append_all", watched)
    monkeypatch.setattr(post.store._mover, "refusal", lambda mailbox: None)  # as for one that was locked a moment ago
    count = 0
    for _ in range(30):
        for _ in range(5):
            post.commit(b"\n%d %b\n" % (count, b"y" * 700))
            count += 1
        post.commit(b"\n%b\n" % (b"z" * 40_000), "babydoe")
        post.store.settle()
        for _ in range(10):
            post.store.tidy(is_idle=True)
    assert sum(appended) > 10_000 and max(appended) < 6000
    stuck.unlink()
    if kind is MboxMailboxes:
        wait_for(post, lambda: not post.store.waiting)
        numbers = [int(content.split()[0]) for content in contents(tmp_path)]
        assert numbers == list(range(count))
    else:
        post.store.give_up()
        Post(tmp_path, kind).store.close()
        assert sorted(int(content.split()[0]) for content in contents(tmp_path)) == list(range(count))


# What fails on the way


class Stubborn(Files):
    """One spool file cannot be removed."""

    def __init__(self) -> None:
        self.refused: list[bytes] = []

    def remove(self, name: bytes, at: int) -> None:
        if not self.refused and b"." in name and b"johndoe" not in name:
            self.refused.append(name)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().remove(name, at)


@KINDS
@pytest.mark.parametrize("enough", [1, 1 << 30], ids=["before its segment", "with its segment"])
def test_a_spool_file_that_cannot_be_removed_holds_up_no_other(
    tmp_path: Path, kind: MailboxKind, enough: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("storage.delivery.housekeeping.ENOUGH", enough)
    monkeypatch.setattr("storage.delivery.housekeeping.AGE", 0.0)
    files = Stubborn()
    post = Post(tmp_path, kind, files)
    for _ in range(6):
        post.commit(BIG)
    post.store.settle()
    wait_for(post, lambda: not post.store._journal.segments)
    post.move()
    assert files.refused and spooled(tmp_path) == 1
    assert post.store._spool.kept == post.store._spool.owed == post.store._mover.arrivals.octets == 0
    assert caplog.text.count("not removed before the next start") == 1 and "Traceback" not in caplog.text
    post.store.close()
    Post(tmp_path, kind).store.close()
    assert spooled(tmp_path) == 0


def test_a_mailbox_that_cannot_be_synced_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("storage.delivery.housekeeping.ENOUGH", 1)
    forbidden: set[bytes] = set()

    class Forbidding(Files):
        def open(self, name: bytes, flags: int, at: int) -> int:
            if name in forbidden:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return super().open(name, flags, at)

    post = Post(tmp_path, files=Forbidding())
    assert post.put(b"\nsmall\n") is None
    forbidden.add(b"johndoe.txt")
    monkeypatch.setattr("storage.delivery.housekeeping.AGE", 0.0)
    for _ in range(5):
        assert post.put(BIG, "babydoe") is None
    wait_for(post, lambda: spooled(tmp_path) == 0)
    assert "johndoe.txt: Permission denied: not synced" in caplog.text
    forbidden.clear()
    wait_for(post, lambda: not post.store.waiting)
    assert contents(tmp_path) == [b"\nsmall\n"] and contents(tmp_path, "babydoe") == [BIG] * 5
