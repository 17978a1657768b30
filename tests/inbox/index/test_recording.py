"""The index is in step with mailboxes, whatever happens to these; and it is a cache: it may be deleted at any moment."""

import mailbox as pythons
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inbox.index.catalogue import Catalogue, Selected
from inbox.index.clerk import Clerk, Told
from inbox.index.recording import Recorder
from inbox.index.schema import DIRECTORY
from storage.files import IsLocked
from storage.mailboxes.reader import MaildirReader, MboxReader
from storage.mailboxes.removal import MaildirRemover, MboxRemover

LONG_AGO = 1_700_000_000


def mail(number: int, **fields: str) -> bytes:
    more = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items())
    when = f"Thu, 26 Nov 2026 {number // 60:02}:{number % 60:02}:00 +0000"
    trace = f"Received: from me ([192.0.2.1])\n\tby mx (carteiro) with SMTP id {number};\n\t{when}\n"
    return f"{trace}Subject: n{number}\n{more}\nhello {number}\n".encode()


class World:
    """A mail directory of one kind, with a clerk at work on it."""

    def __init__(self, directory: Path, kind: str) -> None:
        self.directory = directory
        self.kind = kind
        self.told: list[Told] = []
        self.now = 1000.0
        self.begin()

    def begin(self) -> None:
        """The clerk and the catalogue begin, as after a start."""
        is_mbox = self.kind == "mbox"
        self.reader = MboxReader(self.directory) if is_mbox else MaildirReader(self.directory)
        self.remover = MboxRemover(self.directory) if is_mbox else MaildirRemover(self.directory)
        self.recorder = Recorder(self.directory, self.reader)
        self.clerk = Clerk(self.recorder, self.reader, self.remover, IsLocked, self.told.append, lambda: self.now)
        self.catalogue = Catalogue(self.directory)

    def end(self) -> None:
        """They end, as when they are killed: nothing is done any more."""
        self.recorder.close()
        self.catalogue.close()

    def add(self, octets: bytes, name: str = "ana") -> None:
        """A message is put in a mailbox, as another program would; a minute ago, so that the file counts as still."""
        if self.kind == "mbox":
            path = self.directory / f"{name}.txt"
            with path.open("ab") as file:
                file.write(b"From a@b Thu Nov 26 09:00:00 2026\n" + octets + b"\n")
            self.rest(path)
        else:
            for part in ("cur", "new", "tmp"):
                (self.directory / name / part).mkdir(parents=True, exist_ok=True)
            (self.directory / name / "new" / f"{int(time.time())}.{time.monotonic_ns()}.host").write_bytes(octets)

    def rest(self, path: Path) -> None:
        """Nobody has written to a file for a minute, each time another one."""
        self.rests = getattr(self, "rests", 0) + 1
        os.utime(path, (LONG_AGO, LONG_AGO + self.rests))

    def work(self) -> None:
        """The clerk works until there is nothing to do."""
        self.now += 10_000
        while self.clerk.work() == 0.0:
            pass

    def subjects(self, sight: str | None = None, query: str | None = None) -> list[str]:
        """What a list shows, newest first."""
        return [row["Subject"] for row in self.catalogue.page(sight, Selected(query=query), 0, 1000).rows]

    def counts(self) -> dict[str, tuple[int, int]]:
        """All mailboxes: how many messages, and unread ones."""
        return {each["Name"]: (each["Total"], each["Unread"]) for each in self.catalogue.mailboxes()}

    def ids(self) -> list[str]:
        return [row["ID"] for row in self.catalogue.page(None, Selected(), 0, 1000).rows]

    def octets(self) -> bytes:
        """All that is in the mailboxes."""
        paths = sorted(path for path in self.directory.rglob("*") if path.is_file() and not path.parent.name.startswith("."))
        return b"".join(path.read_bytes() for path in paths)


@pytest.fixture(params=["mbox", "maildir"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, request.param)
    yield world
    world.end()


@pytest.fixture
def mbox(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, "mbox")
    yield world
    world.end()


def test_what_comes_is_listed_newest_first(world: World) -> None:
    for number in range(3):
        world.add(mail(number))
    world.work()
    assert world.subjects() == ["n2", "n1", "n0"]
    world.add(mail(3))
    world.add(mail(1, X="other"), "bob")
    world.work()
    assert world.subjects("ana") == ["n3", "n2", "n1", "n0"]
    assert world.counts() == {"ana": (4, 4), "bob": (1, 1)}


def test_a_message_for_three_is_one_message(world: World) -> None:
    for name in ("ana", "bob", "eve"):
        world.add(b"Delivered-To: %b@x\n" % name.encode() + mail(1), name)
    world.work()
    (row,) = world.catalogue.page(None, Selected(), 0, 10).rows
    assert row["Mailboxes"] == ["ana", "bob", "eve"]
    assert world.catalogue.page("bob", Selected(), 0, 10).rows[0]["Mailboxes"] == ["bob"]


def test_ids_and_marks_survive_a_new_index(world: World) -> None:
    for number in range(4):
        world.add(mail(number))
    world.work()
    before = world.ids()
    world.catalogue.mark(None, Selected(before[:2]), True)
    world.catalogue.tag(None, before[:1], ["urgent"])
    world.end()
    for path in (world.directory / DIRECTORY).glob("index.db*"):
        path.unlink()
    world.begin()
    world.work()
    assert world.ids() == before
    assert world.subjects(query="is:read") == ["n3", "n2"] and world.subjects(query="tag:urgent") == ["n3"]
    assert world.counts() == {"ana": (4, 2)}


def test_a_damaged_index_is_made_again(world: World) -> None:
    world.add(mail(1))
    world.work()
    world.end()
    for path in (world.directory / DIRECTORY).glob("index.db*"):
        path.write_bytes(b"nonsense" * 1000)
    world.begin()
    world.work()
    assert world.subjects() == ["n1"]


def remove_first(path: Path) -> None:
    octets = path.read_bytes()
    path.write_bytes(octets[octets.index(b"\nFrom ") + 1 :])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def replace(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(b"From x Thu Nov 26 09:00:00 2026\n" + mail(7) + b"\n")
    other.rename(path)


def mark_as_mutt_does(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"\nSubject: n", b"\nStatus: RO\nSubject: n"))


def use_pythons_mailbox(path: Path) -> None:
    box = pythons.mbox(path, create=False)
    box.lock()
    box.remove(1)  # type: ignore[arg-type]
    box.flush()
    box.close()


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (remove_first, ["n2", "n1"]),
        (empty, []),
        (replace, ["n7"]),
        (mark_as_mutt_does, ["n2", "n1", "n0"]),
        (use_pythons_mailbox, ["n2", "n0"]),
        (Path.unlink, []),
    ],
)
def test_what_other_programs_do_is_seen(change: Callable[[Path], None], left: list[str], mbox: World) -> None:
    for number in range(3):
        mbox.add(mail(number))
    mbox.work()
    before = dict(zip(mbox.subjects(), mbox.ids(), strict=True))
    path = mbox.directory / "ana.txt"
    change(path)
    if path.exists():
        mbox.rest(path)
    mbox.work()
    assert mbox.subjects() == left
    assert all(id == before[subject] for subject, id in zip(mbox.subjects(), mbox.ids(), strict=True) if subject in before)
    mbox.add(mail(9))
    mbox.work()
    assert mbox.subjects() == ["n9", *left]


def test_a_maildir_message_keeps_its_place_when_it_is_read(tmp_path: Path) -> None:
    world = World(tmp_path, "maildir")
    world.add(mail(1))
    world.work()
    (path,) = (tmp_path / "ana/new").iterdir()
    path.rename(tmp_path / "ana/cur" / f"{path.name}:2,S")
    world.work()
    assert world.subjects() == ["n1"]
    (path,) = (tmp_path / "ana/cur").iterdir()
    path.unlink()
    world.work()
    assert world.subjects() == [] and world.counts() == {"ana": (0, 0)}
    shutil.rmtree(tmp_path / "ana")
    world.work()
    assert world.counts() == {}
    world.end()


def test_half_a_message_is_not_read(mbox: World) -> None:
    path = mbox.directory / "ana.txt"
    mbox.add(mail(1))
    whole = path.stat().st_size
    mbox.work()
    with path.open("ab") as file:
        file.write(b"From a@b Thu Nov 26 09:00:00 2026\nSubject: hal")
    mbox.clerk.noticed("ana", whole)
    mbox.work()
    assert mbox.subjects() == ["n1"], "the file is being written to"
    with path.open("ab") as file:
        file.write(b"f\n\nx\n\n")
    mbox.clerk.noticed("ana", path.stat().st_size)
    mbox.work()
    assert sorted(mbox.subjects()) == ["half", "n1"]


def test_what_is_noticed_is_told_at_once(mbox: World) -> None:
    mbox.add(mail(1))
    mbox.work()
    mbox.told.clear()
    mbox.add(mail(2))
    mbox.clerk.noticed("ana", (mbox.directory / "ana.txt").stat().st_size)
    mbox.clerk.work()
    (told,) = mbox.told
    assert [come.mailbox for come in told.come] == ["ana"] and not told.is_reset
    assert mbox.catalogue.row(None, told.come[0].id)["Subject"] == "n2"  # type: ignore[index]


# Deleting


def test_what_is_deleted_is_out_of_sight_and_then_gone(world: World) -> None:
    for number in range(3):
        world.add(mail(number))
    world.work()
    assert len(world.catalogue.delete(None, Selected(query="subject:n1"), 0.0)) == 1
    assert world.subjects() == ["n2", "n0"] and world.counts() == {"ana": (2, 2)}
    assert b"hello 1" in world.octets()
    world.work()
    assert b"hello 1" not in world.octets() and world.octets().count(b"hello") == 2
    world.work()
    assert world.subjects() == ["n2", "n0"]


def test_in_the_sight_of_a_mailbox_only_its_copy_is_deleted(world: World) -> None:
    for name in ("ana", "bob"):
        world.add(b"Delivered-To: %b@x\n" % name.encode() + mail(1), name)
    world.work()
    world.catalogue.delete("bob", Selected(), 0.0)
    world.work()
    assert world.counts() == {"ana": (1, 1), "bob": (0, 0)} and world.subjects() == ["n1"]
    assert world.octets().count(b"hello") == 1


def test_a_deletion_can_be_taken_back_while_it_is_not_due(world: World) -> None:
    world.add(mail(1))
    world.add(mail(2))
    world.work()
    ids = world.catalogue.delete(None, Selected(), 100.0)
    world.work()
    assert world.subjects() == [] and world.octets().count(b"hello") == 2
    assert world.catalogue.restore("bob", ids) == 0, "not his"
    assert world.catalogue.restore(None, ids[:1]) == 1
    world.work()
    assert world.subjects() == ["n2"]
    world.catalogue.delete(None, Selected(), 0.0)
    world.work()
    assert world.catalogue.restore(None, ids) == 1, "the one that was deleted with a delay"
    world.work()
    assert world.subjects() == ["n1"] and world.octets().count(b"hello") == 1


def test_a_deletion_that_is_taken_back_while_the_mailbox_is_read_is_found(world: World) -> None:
    world.add(mail(1))
    world.work()
    ids = world.catalogue.delete(None, Selected(), 100.0)
    reading = world.recorder.read_again("ana")
    list(zip(reading, range(1), strict=False))
    assert world.catalogue.restore(None, ids) == 1
    list(reading)
    assert world.subjects() == []
    world.work()
    assert world.subjects() == ["n1"]


def test_what_is_deleted_stays_deleted_when_the_clerk_is_killed(world: World) -> None:
    world.add(mail(1))
    world.add(mail(2))
    world.work()
    world.catalogue.delete(None, Selected(query="subject:n1"), 0.0)
    world.end()
    world.begin()
    world.work()
    assert world.subjects() == ["n2"] and b"hello 1" not in world.octets()


def test_a_crash_of_the_server_does_not_bring_a_deleted_message_back(world: World) -> None:
    world.add(mail(1))
    world.work()
    world.catalogue.delete(None, Selected(), 0.0)
    world.work()
    assert world.octets() == b""
    world.add(mail(1))  # recovery does not find it in the mailbox, and puts it in again
    world.work()
    world.work()
    assert world.subjects() == [] and world.octets() == b""


def test_what_somebody_copies_back_later_is_shown(world: World) -> None:
    world.add(mail(1))
    world.work()
    world.catalogue.delete(None, Selected(), 0.0)
    world.work()
    world.recorder.bury(time.time() + 1)
    world.add(mail(1))
    world.work()
    assert world.subjects() == ["n1"]


def test_a_deleted_message_that_another_program_has_changed_is_found(mbox: World) -> None:
    mbox.add(mail(1))
    mbox.add(mail(2))
    mbox.work()
    mbox.catalogue.delete(None, Selected(query="subject:n1"), 0.0)
    path = mbox.directory / "ana.txt"
    mark_as_mutt_does(path)
    mbox.rest(path)
    mbox.work()
    mbox.now += 10
    mbox.work()
    assert b"hello 1" not in mbox.octets() and b"hello 2" in mbox.octets()


def test_a_deleted_message_that_is_gone_is_forgotten(world: World) -> None:
    world.add(mail(1))
    world.work()
    world.catalogue.delete(None, Selected(), 0.0)
    shutil.rmtree(world.directory / "ana", ignore_errors=True)
    (world.directory / "ana.txt").unlink(missing_ok=True)
    world.work()
    assert world.recorder.due() == {}
