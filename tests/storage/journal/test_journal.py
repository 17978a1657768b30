"""The journal: what is torn is dropped, what is damaged is kept aside, what is not understood is refused."""

import errno
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.errors import StorageError
from storage.files import Files
from storage.journal import format
from storage.journal.format import OVERHEAD, START
from storage.journal.records import Intent, Position, Record, encode
from storage.mailboxes.mbox import MboxMailboxes
from storage.stores.journalled import JournalledStore

from ...kit.disk import Watched
from ...kit.post import Post
from ...kit.support import read_mailbox


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The first segment of a journal with three messages of a group each, which a killed server has left."""
    monkeypatch.setattr("storage.journal.format.SIZE", 8192)
    post = Post(tmp_path / "mail")
    for number in range(3):
        post.commit(b"\n%d\n" % number + b"x" * 300 + b"\n")
        post.store.settle()
    post.store._opened.close()
    (found,) = [path for path in (tmp_path / "mail" / ".journal").glob("segment-*") if path.read_bytes()[10:18].strip(b"\0")]
    return found


def frames(segment: Path) -> list[int]:
    """Where the frames begin."""
    data = segment.read_bytes()
    return [match.start() for match in re.finditer(re.escape(data[START : START + 8]), data) if match.start() >= START]


def found(segment: Path) -> list[int]:
    """The messages that are in the mailbox after a recovery."""
    directory = segment.parent.parent
    JournalledStore(directory, MboxMailboxes).close()
    return [int(kept.content.split()[0]) for kept in read_mailbox(directory / "johndoe.txt")]


def change(segment: Path, offset: int, data: bytes) -> None:
    text = segment.read_bytes()
    segment.write_bytes(text[:offset] + data + text[offset + len(data) :])


def test_what_was_left_is_recovered(journal: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert len(frames(journal)) == 3 and found(journal) == [0, 1, 2]
    assert "recovering what the last run left (messages: 3, mailboxes: 1)" in caplog.text
    caplog.clear()
    assert found(journal) == [0, 1, 2] and not caplog.text


@pytest.mark.parametrize("offset", [0, 8, 12, 20, OVERHEAD, OVERHEAD + 200])
def test_a_torn_record_at_the_end_is_dropped(journal: Path, caplog: pytest.LogCaptureFixture, offset: int) -> None:
    where, data = frames(journal)[2], journal.read_bytes()
    change(journal, where + offset, bytes(6))
    data = journal.read_bytes()[where:].rstrip(b"\0")
    assert found(journal) == [0, 1]
    assert not list(journal.parent.glob("damaged*"))
    if offset:
        words = (
            f"torn at offset {where}: not acknowledged, if it was being written when the server died; kept aside as torn-1-"
        )
        assert words in caplog.text
        (aside,) = journal.parent.glob("torn-*")
        assert aside.name == f"torn-1-{where}" and aside.read_bytes() == data


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("offset", [0, 8, 12, 20, OVERHEAD, OVERHEAD + 200])
def test_a_damaged_record_in_the_middle_is_kept_aside(
    journal: Path, caplog: pytest.LogCaptureFixture, number: int, offset: int
) -> None:
    where, end = frames(journal)[number : number + 2]
    change(journal, where + offset, b"damage")
    data = journal.read_bytes()[where:end]
    assert found(journal) == [other for other in (0, 1, 2) if other != number]
    assert f"{journal}: damaged at offset {where}: kept aside, the rest is recovered" in caplog.text
    (aside,) = journal.parent.glob("damaged*")
    assert aside.name == f"damaged-1-{where}" and aside.read_bytes() == data


@pytest.mark.parametrize("cut", [1, 100, 4000])
def test_a_segment_that_was_cut_is_recovered_as_far_as_it_goes(
    journal: Path, caplog: pytest.LogCaptureFixture, cut: int
) -> None:
    size = journal.stat().st_size
    os.truncate(journal, size - cut)
    assert found(journal) == [0, 1, 2], "only zeros were cut off"
    assert f"{journal}: cut to {size - cut} octets of {size}" in caplog.text


def test_of_a_segment_that_was_cut_among_its_messages_the_others_are_there(
    journal: Path, caplog: pytest.LogCaptureFixture
) -> None:
    where = frames(journal)[1] + 50
    os.truncate(journal, where)
    assert found(journal) == [0]
    assert "what was cut off may be lost" in caplog.text and "torn at offset" in caplog.text
    assert [path.name for path in journal.parent.glob("torn-*")] == [f"torn-1-{where - 50}"]


@pytest.mark.parametrize("length", [0, 1, 30, 600])
def test_a_segment_whose_making_was_interrupted_is_nothing(journal: Path, length: int) -> None:
    (journal.parent / "segment-9").write_bytes(bytes(length))
    assert found(journal) == [0, 1, 2] and not (journal.parent / "segment-9").exists()


NAMES = [b"../evil", b"..", b".journal", b"a/b", b"", b"a\0b", b"x" * 241]


@pytest.mark.parametrize("name", NAMES, ids=repr)
@pytest.mark.parametrize("is_intent", [False, True])
def test_a_forged_name_leads_nowhere_and_its_record_is_kept(
    journal: Path, caplog: pytest.LogCaptureFixture, name: bytes, is_intent: bool
) -> None:
    """Who can write to the journal can write a record, too: but not to what is beside the mailboxes."""
    evil = (
        Intent(name.decode(), Position(1, START), 1, 1)
        if is_intent
        else Record("1.2.3", 1, b"", {name.decode(): (b"x",)}, b"", b"evil", 4, 0)
    )
    salt, end = journal.read_bytes()[18:26], len(journal.read_bytes().rstrip(b"\0"))
    group = int.from_bytes(journal.read_bytes()[frames(journal)[2] + 16 :][:8], "big") + 1
    change(journal, end, b"".join(format.frames([encode(evil)], salt, group)))
    top = journal.parent.parent
    before = set(top.parent.rglob("*"))
    assert found(journal) == [0, 1, 2]
    new = {path for path in set(top.parent.rglob("*")) - before if "segment" not in path.name}
    assert new == {top / "johndoe.txt", journal.parent / f"damaged-1-{end}"}
    assert "which is no mailbox: kept aside, the rest is recovered" in caplog.text


def test_a_damaged_intent_that_is_the_last_makes_nothing_come_twice(tmp_path: Path) -> None:
    """It looks torn; but it may have been acted upon, so what waits is looked for."""
    post = Post(tmp_path)
    assert post.put(b"\n0\n") is None
    post.store._opened.close()
    before = (tmp_path / "johndoe.txt").read_bytes()
    (journal,) = [path for path in (tmp_path / ".journal").glob("segment-*") if path.read_bytes()[10:18].strip(b"\0")]
    change(journal, journal.read_bytes().rindex(b"johndoe"), b"damaged")
    JournalledStore(tmp_path, MboxMailboxes).close()
    assert (tmp_path / "johndoe.txt").read_bytes() == before


def test_a_damaged_intent_makes_nothing_come_twice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal cannot tell that the mailbox was written to: so what waits is looked for in it."""
    monkeypatch.setattr(
        "storage.delivery.housekeeping.AGE", 3600.0
    )  # all stays in the journal, also on a machine that is busy
    post = Post(tmp_path)
    older = b"From x Mon Sep 21 14:13:20 2026\nSubject: older\n\nx\n\n"
    (tmp_path / "johndoe.txt").write_bytes(older)
    for number in range(3):
        assert post.put(b"\n%d\n" % number) is None
    post.store._opened.close()
    before = (tmp_path / "johndoe.txt").read_bytes()
    (journal,) = [path for path in (tmp_path / ".journal").glob("segment-*") if path.read_bytes()[10:18].strip(b"\0")]
    intent = journal.read_bytes().rindex(b"I\0\0\0\0")  # before it, a figure may look like one
    where = journal.read_bytes().index(b"johndoe", intent)
    change(journal, where, b"damaged")
    JournalledStore(tmp_path, MboxMailboxes).close()
    assert (tmp_path / "johndoe.txt").read_bytes() == before
    assert "damaged at offset" in caplog.text and "3 messages are there unchanged, 0 are put in" in caplog.text


def test_the_spool_file_of_a_damaged_record_is_kept(post: Post) -> None:
    post.commit(b"\n" + b"x" * 400_000)
    post.commit(b"\nsmall\n")
    post.store.settle()
    post.commit(b"\nlater\n")
    post.store.settle()
    post.store._opened.close()
    (spooled,) = (post.directory / ".journal" / "spool").iterdir()
    (journal,) = [path for path in spooled.parent.parent.glob("segment-*") if path.read_bytes()[10:18].strip(b"\0")]
    change(journal, START + OVERHEAD, b"damage")
    again = Post(post.directory)
    again.store.close()
    assert again.box() == [b"\nsmall\n", b"\nlater\n"]
    assert [path.name for path in spooled.parent.iterdir()] == [f"damaged-{spooled.name}"]


def test_a_damaged_header_keeps_the_segment_aside(journal: Path, caplog: pytest.LogCaptureFixture) -> None:
    change(journal, 12, b"\1")
    data = journal.read_bytes()
    assert found(journal) == []
    (aside,) = journal.parent.glob("damaged*")
    assert aside.read_bytes() == data and f"{journal}: its header is damaged: kept aside" in caplog.text


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\0\2", "has journal format 2, and this server understands format 1"),
        (b"\0\0", "has journal format 0, and this server understands format 1"),
        (None, "is not a journal segment of carteiro"),
    ],
)
def test_a_journal_that_is_not_understood_is_refused_and_not_touched(journal: Path, data: bytes | None, why: str) -> None:
    change(journal, 8 if data else 0, data or b"something")
    before = journal.read_bytes()
    with pytest.raises(StorageError, match=re.escape(f"{journal} {why}: nothing was changed")):
        JournalledStore(journal.parent.parent, MboxMailboxes)
    assert journal.read_bytes() == before


def test_another_server_on_the_same_directory_is_refused(post: Post) -> None:
    with pytest.raises(
        StorageError, match=r"mail directory .*/mail: another server uses it \(process \d+\): stop that one, or give another"
    ):
        JournalledStore(post.directory, MboxMailboxes)
    post.store.close()
    JournalledStore(post.directory, MboxMailboxes).close()


def test_a_directory_that_cannot_be_had_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"mail directory .*/file: Not a directory: give a directory"):
        JournalledStore(tmp_path / "file", MboxMailboxes)
    with pytest.raises(StorageError, match=r"File exists|Not a directory"):
        JournalledStore(tmp_path / "file" / "below", MboxMailboxes)
    monkeypatch.setattr(Files, "may_write", lambda *_: False)  # root may write everywhere
    with pytest.raises(StorageError, match="no permission to write in it"):
        JournalledStore(tmp_path / "mail", MboxMailboxes)


def test_one_sync_carries_all_messages_of_a_turn_whatever_the_mailboxes(tmp_path: Path) -> None:
    calls: list[str] = []
    post = Post(tmp_path, files=Watched(lambda _, name: calls.append(name)))
    calls.clear()
    for number in range(50):
        post.commit(b"%d\n" % number, f"box{number}")
    post.store.settle()
    assert [call for call in calls if call in ("write", "sync", "sync_names", "append")] == ["write", "sync"]
    post.store.close()


def test_a_journal_file_is_not_trusted_again_after_a_failed_sync(
    post: Post, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert post.put(b"1\n") is None
    real = Files.sync
    failed: list[str] = []

    def sync(files: Files, descriptor: int) -> None:
        if not failed:
            failed.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
            raise OSError(errno.EIO, "Input/output error")
        real(files, descriptor)

    monkeypatch.setattr(Files, "sync", sync)
    assert post.put(b"2\n") == f"{post.directory}/.journal: Input/output error"
    assert f"{failed[0]}: Input/output error: what was to be written is refused" in caplog.text
    assert post.put(b"3\n") is None
    post.store.close()
    assert not Path(failed[0]).exists()
    Post(post.directory).store.close()
    assert post.box() == [b"\n1\n", b"\n3\n"]


def test_a_journal_that_was_removed_accepts_nothing(post: Post) -> None:
    assert post.put(b"1\n") is None
    for path in (post.directory / ".journal").glob("segment-*"):
        path.unlink()
    assert post.put(b"2\n") == f"{post.directory}/.journal: somebody removed a file of the journal"


@pytest.mark.parametrize(("limit", "number"), [("LIMIT", 3), ("MOST_WAITING", 7)])
def test_a_full_journal_is_no_room_until_it_is_emptied(
    post: Post, monkeypatch: pytest.MonkeyPatch, limit: str, number: int
) -> None:
    monkeypatch.setattr("storage.stores.journalled.ROOM_PATIENCE", 0.0)
    monkeypatch.setattr("storage.journal.format.SIZE", 4096)
    monkeypatch.setattr(f"storage.delivery.housekeeping.{limit}", number)
    with monkeypatch.context() as idle:
        idle.setattr("storage.delivery.housekeeping.Housekeeping.work", lambda *_: None)
        for _ in range(100):
            post.commit(b"x" * 1000)
            post.store.settle()
            post.store.tidy(is_idle=False)
            if post.answers[-1][1]:
                break
    assert "journal: full" in str(post.answers[-1][1]) and len(post.answers) > 6
    post.move()
    assert post.put(b"y" * 1000) is None


def test_the_journal_is_freed_after_a_while_without_being_full(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.delivery.housekeeping.AGE", 0.2)
    assert post.put(b"1\n") is None and len(post.store._journal.segments) == 1
    again_in = post.move()
    assert again_in is not None and 0 < again_in <= 0.2
    time.sleep(again_in)
    assert post.move() is None and not post.store._journal.segments
    assert post.box() == [b"\n1\n"]


@pytest.mark.parametrize("size", [5000, 300_000])
def test_a_message_larger_than_memory_allows_goes_to_the_spool(
    post: Post, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr("storage.stores.message.CROWDED", 20_000)
    spool = post.directory / ".journal" / "spool"
    small = [post.store.begin(b"a@b", [("johndoe", b"johndoe")]) for _ in range(5)]
    for message in small:
        message.write(b"x" * 5000)
    large = post.store.begin(b"a@b", [("johndoe", b"johndoe")])
    for _ in range(size // 1000 + 20):
        large.write(b"y" * 1000)
    assert len(list(spool.iterdir())) == 1
    assert post.store._memory.used < 100_000
    for message in [*small, large]:
        message.abandon()
    assert post.store._memory.used == 0 and not list(spool.iterdir())


def test_a_damaged_spool_file_is_kept_aside_and_the_others_are_delivered(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    post.commit(b"\n" + b"x" * 400_000)
    post.commit(b"\nsmall\n")
    post.store.settle()
    (spooled,) = (post.directory / ".journal" / "spool").iterdir()
    spooled.write_bytes(b"y" * 400_001)
    post.move()
    assert post.box() == [b"\nsmall\n"]
    assert f"spool file {spooled.name}: damaged" in caplog.text
    post.store.close()
    Post(post.directory).store.close()
    assert (spooled.parent / f"damaged-{spooled.name}").exists() and post.box() == [b"\nsmall\n"]


def change_box(post: Post, how: Callable[[bytes], bytes]) -> None:
    path = post.directory / "johndoe.txt"
    path.write_bytes(how(path.read_bytes()))


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (lambda text: b"", [0, 1, 2]),
        (lambda text: text[: len(text) // 2], [0, 1, 2]),
        (lambda text: text + b"From x Mon Sep 21 14:13:20 2026\nSubject: foreign\n\nx\n\n", [0, 1, 2]),
        (lambda text: text.replace(b"Delivered-To: johndoe\n", b"Delivered-To: johndoe\nStatus: RO\n", 1), [0, 1, 2, 0]),
    ],
    ids=["emptied", "cut", "appended", "marked as read"],
)
def test_a_mailbox_that_was_changed_before_the_recovery_loses_nothing(
    tmp_path: Path, how: Callable[[bytes], bytes], expected: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    """As a mail program changes it between a crash and the next start: what is there unchanged is not put in again."""
    post = Post(tmp_path)
    for number in range(3):
        assert post.put(b"Subject: %d\n\n%d\n" % (number, number)) is None
    post.store._opened.close()
    change_box(post, how)
    Post(tmp_path).store.close()
    text = (tmp_path / "johndoe.txt").read_bytes()
    assert [int(number) for number in re.findall(rb"Subject: (\d)", text)] == expected
    assert text.count(b"foreign") == how(b"").count(b"foreign"), "what other programs put in is theirs"
    assert ("another program changed it" in caplog.text) == (expected != [0, 1, 2] or b"foreign" in text)
