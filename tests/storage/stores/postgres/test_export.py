"""Mail goes from the database into mailbox files and Maildirs once, whenever the export is killed or the power is cut.

The database is played by lists, and most disks are in memory.
"""

import mailbox
import random
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'psycopg[binary]'", exc_type=ImportError)

from storage.errors import StorageError
from storage.files import Files
from storage.mailboxes.letter import Letter
from storage.mailboxes.maildir import MaildirMailboxes
from storage.mailboxes.mbox import MboxMailboxes
from storage.stores.postgres import export
from storage.stores.postgres.export import Export, Exported

from ....kit.disk import Forgetful, Node, PowerCut
from ....kit.post import MailboxKind

KINDS = pytest.mark.parametrize("kind", [MboxMailboxes, MaildirMailboxes], ids=["mbox", "maildir"])
LARGE = b"x" * 79 + b"\r\n"


class Database:
    """Messages of mailboxes by their uids, and the letters of those that are there."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[int, str]] = {}
        self.next: dict[str, int] = {}
        self.validity = 1
        self.certain = 0

    def put(self, name: str, *numbers: int) -> None:
        for number in numbers:
            uid = self.next.get(name, 1)
            self.kept.setdefault(name, {})[uid] = f"{number:032x}"
            self.next[name] = uid + 1

    @property
    def letters(self) -> "Database":
        return self

    def find(self, mailbox: str, id: str) -> Letter | None:
        if id not in self.kept[mailbox].values():
            return None
        number = int(id, 16)
        content = (
            b"Subject: %d\r\n\r\nfrom %d\r\n" % (number, number) + LARGE * (1000 * (number % 5 == 4)) + b"to %d\r\n" % number
        )
        pieces = [content[at : at + 40_000] for at in range(0, len(content), 40_000)]
        return Letter(id, 1000.0 + number, b"a@b", [b"c@d"], b"", lambda: iter(pieces))

    def number_all(self) -> None:
        self.certain = 0

    def states(self) -> dict[str, str]:
        return {name: f"1.{self.validity}.{uid}.0" for name, uid in self.next.items()}

    def make_certain(self) -> None:
        self.certain += 1

    def ids(self, mailbox: str, first: int, last: int) -> Iterator[tuple[int, str]]:
        assert self.certain, "numbers were seen that one disk may have"
        return ((uid, id) for uid, id in sorted(self.kept[mailbox].items()) if first <= uid <= last)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "BATCH_MESSAGES", 3)
    monkeypatch.setattr(export, "BATCH_OCTETS", 50_000)
    monkeypatch.setattr(export, "LOCK_SECONDS", 0.0)


def exported(database: Database, kind: MailboxKind, place: Path, files: Files | None = None) -> Exported:
    opened = Export(database, place, kind, files)
    try:
        return opened.run()
    finally:
        opened.close()


def octets(disk: Forgetful, kind: MailboxKind, name: bytes) -> list[bytes]:
    """The messages of a mailbox, each with its end."""
    if kind is MboxMailboxes:
        node = disk.top.names.get(name + b".txt")
        text = bytes(node.now) if node else b""
        assert not text or text.startswith(b"From ")
        return (b"\n" + text).split(b"\nFrom a@b ")[1:]
    new = disk.top.names[name].names[b"new"] if name in disk.top.names else Node(0, True)
    return [bytes(node.now) for _, node in sorted(new.names.items())]


def numbers(disk: Forgetful, kind: MailboxKind, name: bytes = b"ana") -> list[int]:
    """Those of the messages there, each of which must be whole."""
    found = []
    for text in octets(disk, kind, name):
        number = int(text.partition(b"Subject: ")[2].split(b"\n")[0])
        assert text.rstrip().endswith(b"\nto %d" % number) and b"\nfrom %d\n" % number in text, text[-200:]
        found.append(number)
    return found


def killed(database: Database, kind: MailboxKind, disk: Forgetful, at: int) -> bool:
    """Exports until a call of the disk, and none after it."""
    disk.power_fails_at = disk.calls + at
    try:
        exported(database, kind, Path("mail"), disk)
    except PowerCut:
        return True
    finally:
        disk.power_fails_at = 0
    return False


@KINDS
@pytest.mark.parametrize("loses", [False, True], ids=["killed", "power cut"])
def test_killed_at_any_call_nothing_is_missing_or_twice(kind: MailboxKind, loses: bool, seed: int) -> None:
    """It is killed in the first export and in the next one, too; mail comes and goes meanwhile."""
    choose = random.Random(seed).randrange
    for number in count(1):
        database, disk = Database(), Forgetful()
        database.put("ana", *range(7))
        database.put("bob", 100)
        died = killed(database, kind, disk, number)
        disk = disk.crash(choose) if loses else disk.seen()
        database.put("ana", 7, 8)
        killed(database, kind, disk, 1 + choose(40))
        disk = disk.crash(choose) if loses else disk.seen()
        database.put("ana", 9)
        assert exported(database, kind, Path("mail"), disk).faults == []
        assert (numbers(disk, kind), numbers(disk, kind, b"bob")) == (list(range(10)), [100]), f"killed at {number}"
        assert exported(database, kind, Path("mail"), disk) == (0, 0, [])
        if not died:
            assert number > 60
            break


@KINDS
def test_what_is_removed_in_the_database_meanwhile_leaves_no_half_message(kind: MailboxKind) -> None:
    for number in count(1, 2):
        database, disk = Database(), Forgetful()
        database.put("ana", *range(7))
        died = killed(database, kind, disk, number)
        disk = disk.seen()
        for uid in (1, 4, 5):
            del database.kept["ana"][uid]
        exported(database, kind, Path("mail"), disk)
        found = numbers(disk, kind)
        assert found == sorted(set(found)) and {1, 2, 5, 6} <= set(found)
        if not died:
            break


@KINDS
def test_only_what_has_come_is_put_in_whatever_others_do_there(tmp_path: Path, kind: MailboxKind) -> None:
    database = Database()
    database.put("ana", 1, 2, 3)
    assert exported(database, kind, tmp_path) == (3, 1, [])

    def opened() -> "mailbox.Mailbox[mailbox.Message]":
        is_file = kind is MboxMailboxes
        return mailbox.mbox(str(tmp_path / "ana.txt")) if is_file else mailbox.Maildir(str(tmp_path / "ana"))

    def subjects() -> list[str]:
        return sorted(message["Subject"] for message in opened())

    box = opened()
    key = next(key for key, message in box.items() if message["Subject"] == "2")
    box.remove(key)
    box.close()
    database.put("ana", 4)
    assert exported(database, kind, tmp_path) == (1, 1, []) and exported(database, kind, tmp_path) == (0, 0, [])
    assert subjects() == ["1", "3", "4"]
    shutil.rmtree(tmp_path / ".export")
    assert exported(database, kind, tmp_path) == (1, 1, []), "the one that was removed comes again, and no other twice"
    database.next["ana"] = 3
    database.put("ana", 8)
    assert exported(database, kind, tmp_path) == (1, 1, []), "the database was restored from a copy"
    assert subjects() == ["1", "2", "3", "4", "8"]


def test_what_cannot_be_exported_is_said_and_the_rest_is_exported(tmp_path: Path) -> None:
    database = Database()
    for name in ("../x", "ana", "bob", "eva"):
        database.put(name, 1)
    (tmp_path / "ana.txt").mkdir()
    (tmp_path / "bob.txt.lock").write_text("1")
    done = exported(database, MboxMailboxes, tmp_path)
    assert (done.messages, done.mailboxes) == (1, 1)
    assert [words in fault for words, fault in zip(("has a slash", "ana.txt", "has it locked"), done.faults, strict=True)]
    assert not list(tmp_path.parent.glob("x*"))
    (tmp_path / "bob.txt.lock").unlink()
    (tmp_path / ".export" / "eva.json").write_text("{")
    done = exported(database, MboxMailboxes, tmp_path)
    assert done.messages == 1 and "damaged" in done.faults[-1]


def test_a_large_message_goes_into_its_mailbox_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_BLOCK", 8000)
    monkeypatch.setattr("storage.mailboxes.mbox.BLOCK", 8000)
    written: list[int] = []

    class Watched(Files):
        def append(self, descriptor: int, data: bytes | memoryview) -> int:
            written.append(len(data))
            return super().append(descriptor, data)

    database = Database()
    database.put("ana", 4)
    exported(database, MboxMailboxes, tmp_path, Watched())
    assert sum(written) > 160_000 and max(written) == 40_000, "the database's pieces are the largest"


def test_one_export_at_a_time(tmp_path: Path) -> None:
    first: Callable[[], Export] = lambda: Export(Database(), tmp_path, MboxMailboxes)  # noqa: E731
    opened = first()
    with pytest.raises(StorageError, match="another export"):
        first()
    opened.close()
    first().close()
