"""Somebody removes the mail directory while the server runs, or moves it away, or puts another one in its place.

It is noticed, said, and taken up again; what was accepted is in a mailbox in the end, wherever its directory is.
"""

import errno
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage.files import Files
from storage.mailboxes.mailbox import MailboxKind
from storage.mailboxes.maildir import MaildirMailboxes
from storage.mailboxes.mbox import MboxMailboxes
from storage.stores.mail_stores import MailStores
from storage.stores.message import LARGE
from storage.stores.shared import SharedStore

from ...kit.disk import Watched
from ...kit.removals import EACH_WAY, MENDED, move_away, remove, remove_the_journal, replace
from ...kit.support import once, read_mailbox, wait_until

KINDS = pytest.mark.parametrize("kind", [MboxMailboxes, MaildirMailboxes], ids=["mbox", "maildir"])


class Postman:
    """The store of a process, whose clock is only asked for when a test says so."""

    def __init__(self, directory: Path, kind: MailboxKind = MboxMailboxes, files: Files | None = None) -> None:
        self.directory = directory
        store = MailStores(kind, directory, 1, files).first
        assert isinstance(store, SharedStore)
        self.store = store
        self.answers: list[str] = []

    def commit(self, content: bytes, to: str = "johndoe") -> None:
        message = self.store.begin(b"a@b", [(to, to.encode())])
        message.trace(b"Received: from me ([192.0.2.1])\r\n\tby mx with SMTP id 1\r\n\tfor <b>; now\r\n")
        message.write(content)
        message.commit(once(lambda fault: self.answers.append(str(fault or "stored"))))

    def put(self, content: bytes, to: str = "johndoe") -> str:
        self.commit(content, to)
        while self.store.settle():
            pass
        return self.answers.pop()

    def move(self) -> None:
        """All that can be moved, and looked at, now."""
        end = time.monotonic() + 5
        while self.store.tidy(is_idle=True) == 0.0:
            assert time.monotonic() < end

    def look(self) -> None:
        """It is time to look again."""
        self.store._looked = 0.0
        self.move()


@pytest.fixture
def postman(tmp_path: Path) -> Iterator[Postman]:
    postman = Postman(tmp_path / "mail")
    yield postman
    postman.store.close()


def contents(directory: Path) -> list[bytes]:
    new = directory / "johndoe" / "new"
    if new.is_dir():
        texts = sorted((path.stat().st_mtime_ns, path.read_bytes()) for path in new.iterdir())
        return [text.partition(b"now\n")[2] for _, text in texts]
    return [kept.content for kept in read_mailbox(directory / "johndoe.txt")]


@KINDS
@EACH_WAY
def test_mail_that_waits_and_mail_that_comes_is_in_a_mailbox(
    tmp_path: Path, way: Callable[[Path], None], kind: MailboxKind
) -> None:
    postman = Postman(tmp_path / "mail", kind)
    assert postman.put(b"\n0\r\n") == "stored"
    postman.move()
    waiting = [b"\n%d\r\n" % number for number in range(1, 20)]
    for content in waiting:
        assert postman.put(content) == "stored"
    way(tmp_path / "mail")
    postman.look()
    assert postman.put(b"\nafter\r\n") == "stored"
    postman.store.close()
    found = contents(tmp_path / "mail") + (contents(tmp_path / "old") if (tmp_path / "old").exists() else [])
    expected = [b"\n0\n", *(content.replace(b"\r\n", b"\n") for content in waiting), b"\nafter\n"]
    assert sorted(found) == sorted(expected[1:] if way is remove else expected), (
        "what was in mailboxes was removed with them"
    )
    if way in (move_away, replace):
        assert contents(tmp_path / "mail") == [b"\nafter\n"], "what was accepted before is in the old directory"


@EACH_WAY
def test_it_is_said_when_it_is_noticed_and_when_it_is_over(
    postman: Postman, way: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    assert postman.put(b"\n0\r\n") == "stored"
    way(postman.directory)
    postman.look()
    postman.look()
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    where = f"mail directory {postman.directory}: "
    if way in MENDED:
        assert errors == [f"{where}files of the journal were removed: what waits in them is put in others"]
    else:
        assert errors == [
            f"{where}removed, or another one put in its place: mail is refused until it is taken up again",
            f"{where}taken up again, after 0 s",
        ]


@pytest.mark.parametrize("way", MENDED, ids=lambda way: way.__name__)
@pytest.mark.parametrize("is_killed", [False, True])
def test_what_is_mended_in_place_is_lost_nowhere_and_never_twice(
    tmp_path: Path, lock: Callable[[Path], subprocess.Popen[bytes]], way: Callable[[Path], None], is_killed: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A journal of several segments, of which some is moved, some waits for a mailbox that is locked, and more comes."""
    monkeypatch.setattr("storage.journal.format.SIZE", 8192)
    monkeypatch.setattr("storage.delivery.housekeeping.AGE", 60.0)
    postman = Postman(tmp_path / "mail")
    assert postman.put(b"\nfirst\r\n") == "stored"
    postman.move()
    holder = lock(tmp_path / "mail" / "johndoe.txt")
    numbers = iter(range(1000))

    def put(count: int) -> None:
        for _ in range(count):
            number = next(numbers)
            assert postman.put(b"\n%d %b\r\n" % (number, b"x" * 500), "johndoe" if number % 2 else "babydoe") == "stored"

    put(30)
    postman.move()
    for _ in range(3):
        way(tmp_path / "mail")
        postman.look()
        put(20)
        postman.move()
    assert holder.stdin
    holder.stdin.close()
    holder.wait()
    if is_killed:
        postman.store._store.give_up()
        postman = Postman(tmp_path / "mail")
    postman.store.close()
    found = [read_mailbox(tmp_path / "mail" / f"{name}.txt") for name in ("johndoe", "babydoe")]
    texts = [kept.content.split()[0].decode() for box in found for kept in box]
    assert sorted(texts) == sorted(["first", *map(str, range(90))])
    for box in found:
        ordered = [int(kept.content.split()[0]) for kept in box if kept.content != b"\nfirst\n"]
        assert ordered == sorted(ordered)


def test_what_could_not_be_mended_is_tried_again(
    tmp_path: Path, lock: Callable[[Path], subprocess.Popen[bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    full: set[str] = set()

    def before(_: int, name: str) -> None:
        if name in full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    postman = Postman(tmp_path / "mail", files=Watched(before))
    assert postman.put(b"\n0\r\n") == "stored"
    postman.move()
    holder = lock(postman.directory / "johndoe.txt")
    assert postman.put(b"\n1\r\n") == "stored"
    remove(*(postman.directory / ".journal").glob("segment-*"))
    full.add("allocate")
    postman.look()
    full.clear()
    postman.look()
    assert caplog.text.count("tried again each second") == 1 and caplog.text.count("files of the journal were removed") == 1
    postman.store._store.give_up()
    holder.kill()
    holder.wait()
    Postman(postman.directory).store.close()
    assert contents(postman.directory) == [b"\n0\n", b"\n1\n"]


def test_a_large_message_whose_spool_was_removed_a_moment_ago_is_refused(postman: Postman) -> None:
    postman.commit(b"x" * LARGE + b"\r\n")
    remove(postman.directory / ".journal" / "spool")
    postman.store._looked = 0.0
    postman.store.settle()
    assert "spool: it was removed meanwhile" in postman.answers.pop()
    assert postman.put(b"\n" + b"x" * LARGE + b"\r\n") == "stored"


def test_a_directory_that_comes_back_is_taken_up_again(postman: Postman, tmp_path: Path) -> None:
    assert postman.put(b"\n0\r\n") == "stored"
    move_away(postman.directory)
    postman.look()
    assert postman.put(b"\n1\r\n") == "stored"
    postman.move()
    remove(postman.directory)
    (tmp_path / "old").rename(postman.directory)
    postman.look()
    assert postman.put(b"\n2\r\n") == "stored"
    postman.look()
    assert contents(postman.directory) == [b"\n0\n", b"\n1\n", b"\n2\n"]


def test_what_was_moved_away_and_removed_then_is_taken_over(
    postman: Postman, tmp_path: Path, lock: Callable[[Path], subprocess.Popen[bytes]]
) -> None:
    assert postman.put(b"\n0\r\n") == "stored"
    postman.move()
    lock(postman.directory / "johndoe.txt")
    assert postman.put(b"\n1\r\n") == "stored"
    replace(postman.directory)
    postman.look()
    remove(tmp_path / "old")
    postman.look()
    assert contents(postman.directory) == [b"\n1\n"]


def test_a_server_that_stops_right_after_the_directory_is_removed_loses_nothing(postman: Postman) -> None:
    for number in range(5):
        assert postman.put(b"\n%d\r\n" % number) == "stored"
    remove(postman.directory)
    postman.store.close()
    assert contents(postman.directory) == [b"\n%d\n" % number for number in range(5)]
    postman.store = Postman(postman.directory).store


def test_an_outage_is_over_though_the_directory_is_another_one(postman: Postman, caplog: pytest.LogCaptureFixture) -> None:
    (postman.directory / "johndoe.txt").mkdir()
    assert "Is a directory" in postman.put(b"\n0\r\n")
    replace(postman.directory)
    postman.look()
    assert postman.put(b"\n1\r\n") == "stored"
    assert f"{postman.directory}/johndoe.txt: mail is accepted again" in caplog.text


def test_nothing_is_accepted_for_a_directory_that_cannot_be_taken_up(
    postman: Postman, caplog: pytest.LogCaptureFixture
) -> None:
    move_away(postman.directory)
    postman.directory.write_text("a file")
    for _ in range(3):
        postman.store._looked = 0.0
        assert "it was replaced meanwhile" in postman.put(b"x\r\n")
    assert caplog.text.count("Not a directory: give a directory of yours") == 1
    postman.directory.unlink()
    postman.look()
    assert postman.put(b"\nx\r\n") == "stored"
    assert "taken up again" in caplog.text


def test_a_directory_of_another_server_is_not_taken_up(postman: Postman, tmp_path: Path) -> None:
    other = Postman(tmp_path / "other")
    move_away(postman.directory)
    (tmp_path / "other").rename(postman.directory)
    other.store._looked = 1e18
    postman.store._looked = 0.0
    assert "it was replaced meanwhile" in postman.put(b"x\r\n")
    other.store.close()
    postman.look()
    assert postman.put(b"\nx\r\n") == "stored"


@EACH_WAY
@pytest.mark.parametrize("size", [1, LARGE + 1, 3 * LARGE])
def test_a_message_that_is_on_its_way_is_refused_and_the_next_one_is_not(
    postman: Postman, way: Callable[[Path], None], size: int
) -> None:
    message = postman.store.begin(b"a@b", [("johndoe", b"johndoe")])
    message.write(b"x" * size)
    way(postman.directory)
    postman.look()
    message.write(b"x" * size)
    message.commit(once(lambda fault: postman.answers.append(str(fault or "stored"))))
    postman.store.settle()
    assert len(postman.answers) == 1
    assert way in MENDED or postman.answers != ["stored"]
    postman.answers.clear()
    assert postman.put(b"x" * size) == "stored"


def test_a_large_message_is_taken_over_while_its_file_is_there(postman: Postman, caplog: pytest.LogCaptureFixture) -> None:
    large = b"\n" + b"x" * LARGE + b"\r\n"
    assert postman.put(large) == "stored"
    for path in (postman.directory / ".journal").glob("segment-*"):
        path.unlink()
    postman.look()
    assert contents(postman.directory) == [large.replace(b"\r\n", b"\n")]
    assert "lost" not in caplog.text


def test_a_large_message_whose_file_was_removed_is_said_to_be_lost(
    postman: Postman, caplog: pytest.LogCaptureFixture
) -> None:
    assert postman.put(b"x" * LARGE + b"\r\n") == "stored"
    assert postman.put(b"\nsmall\r\n") == "stored"
    remove(postman.directory)
    postman.look()
    postman.move()
    assert contents(postman.directory) == [b"\nsmall\n"]
    assert "johndoe: spool file " in caplog.text and "a message that was accepted is lost" in caplog.text


@pytest.mark.parametrize("failing", ["truncate", "sync"])
def test_half_a_message_in_a_mailbox_is_cut_off_though_its_journal_is_gone(tmp_path: Path, failing: str) -> None:
    """It could not be at once, and the journal that says from where it begins is no more: the store knows it still."""
    broken: set[str] = set()

    def before(_: int, name: str) -> int | None:
        if name in broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return 40 if name == "append" and broken else None

    postman = Postman(tmp_path / "mail", files=Watched(before))
    assert postman.put(b"\n0\r\n") == "stored"
    postman.move()
    for number in range(1, 4):
        assert postman.put(b"\n%d\r\n" % number) == "stored"
    broken |= {failing, "append"} if failing == "truncate" else {failing}
    calls = iter(range(10))
    while next(calls) < 5:
        postman.store.tidy(is_idle=True)
    broken.clear()
    remove_the_journal(tmp_path / "mail")
    postman.look()
    wait_until(lambda: (postman.move(), len(contents(tmp_path / "mail")))[1] == 4)  # type: ignore[func-returns-value]
    assert contents(tmp_path / "mail") == [b"\n%d\n" % number for number in range(4)]
    postman.store.close()
