"""The index is in step with mailboxes, whatever happens to these; and it is a cache: it may be deleted at any moment."""

import mailbox as pythons
import shutil
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from inbox.index import schema
from inbox.index.catalogue import Catalogue, Selected
from inbox.index.clerk import TOGETHER
from inbox.index.recording import SHORT_BATCH
from inbox.index.schema import DIRECTORY
from inbox.mime import message
from inbox.mime.identity import identity

from .world import World, mail, mark_as_mutt_does


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


def test_a_message_of_which_not_all_is_read_has_the_id_of_all_of_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message, "MOST_OCTETS", 300)
    octets = mail(1) + b"more\n" * 100
    world.add(octets)
    world.work()
    assert world.ids() == [identity(octets)]


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


def test_an_index_that_somebody_writes_to_is_well(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add(mail(1))
    world.work()
    before = schema.inode(world.directory)
    world.recorder._base.execute("BEGIN IMMEDIATE")
    Catalogue(world.directory).close()  # nobody has to be waited for
    world.recorder._base.execute("DROP INDEX marks.tombstone_due")
    world.recorder._base.execute("COMMIT")
    world.recorder._base.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(schema, "PATIENCE", 0.0)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        Catalogue(world.directory)
    world.recorder._base.execute("ROLLBACK")
    assert schema.inode(world.directory) == before, "it is not thrown away"
    Catalogue(world.directory).close()


def test_those_who_begin_together_open_the_same_index(tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def begin() -> int:
        together.wait()
        base = schema.opened(tmp_path)
        base.execute("INSERT INTO mailbox (name) VALUES (?)", (str(threading.get_ident()),))
        (count,) = base.execute("SELECT count(*) FROM mailbox").fetchone()
        base.close()
        return int(count)

    with ThreadPoolExecutor(8) as threads:
        counts = [each.result() for each in [threads.submit(begin) for _ in range(8)]]
    assert max(counts) == 8


def remove_first(path: Path) -> None:
    octets = path.read_bytes()
    path.write_bytes(octets[octets.index(b"\nFrom ") + 1 :])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def replace(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(b"From x Thu Nov 26 09:00:00 2026\n" + mail(7) + b"\n")
    other.rename(path)


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
    mbox.clerk.noticed({"ana": whole})
    mbox.work()
    assert mbox.subjects() == ["n1"], "the file is being written to"
    with path.open("ab") as file:
        file.write(b"f\n\nx\n\n")
    mbox.clerk.noticed({"ana": path.stat().st_size})
    mbox.work()
    assert sorted(mbox.subjects()) == ["half", "n1"]


def test_its_transactions_become_short(mbox: World) -> None:
    statements: list[str] = []
    mbox.recorder._base.set_trace_callback(statements.append)
    copies = []
    for number in range(SHORT_BATCH + 1):
        mbox.add(mail(number))
    for _ in range(2):
        statements.clear()
        list(mbox.recorder.read_again("ana"))
        one = "\n".join(statements).split("COMMIT")
        copies.append([count for count in (each.count("UPDATE copy SET place") for each in one) if count])
        mbox.recorder.shorten()
    assert copies == [[SHORT_BATCH + 1], [SHORT_BATCH, 1]]


def test_what_is_noticed_is_told_at_once(mbox: World) -> None:
    mbox.add(mail(1))
    mbox.work()
    mbox.told.clear()
    mbox.add(mail(2))
    mbox.clerk.noticed({"ana": (mbox.directory / "ana.txt").stat().st_size})
    mbox.clerk.work()
    (told,) = mbox.told
    assert [come.mailbox for come in told.come] == ["ana"] and not told.is_reset
    assert mbox.catalogue.row(None, told.come[0].id)["Subject"] == "n2"  # type: ignore[index]


@pytest.mark.parametrize("are_new", [False, True])
def test_nor_one_by_one_when_nobody_has_noticed_it(world: World, are_new: bool) -> None:
    """As when mail comes before the clerk has begun."""
    names = ["ana", "bob", "eve"]
    for name in () if are_new else names:
        world.add(mail(1), name)
    world.work()
    world.told.clear()
    for name in names:
        world.add(mail(2), name)
    world.now += 10_000
    world.clerk.work()
    assert [sorted(come.mailbox for come in told.come) for told in world.told] == [names]


def test_what_is_noticed_does_not_wait_for_all_that_have_changed(world: World) -> None:
    names = [f"n{number:03}" for number in range(2 * TOGETHER + 1)]
    for name in names:
        world.add(mail(1), name)
    world.now += 10_000
    assert world.clerk.work() == 0.0 and world.clerk.is_behind
    assert len(world.counts()) == TOGETHER
    world.add(mail(2), names[-1])
    world.clerk.noticed({names[-1]: None})
    world.clerk.work()
    assert world.counts()[names[-1]] == (2, 2)
    world.work()
    assert len(world.counts()) == len(names)


@pytest.mark.parametrize("are_new", [False, True])
def test_a_message_to_three_appears_in_all_their_mailboxes_at_once(world: World, are_new: bool) -> None:
    names = ["ana", "bob", "eve"]
    for name in () if are_new else names:
        world.add(mail(1), name)
    world.work()
    world.told.clear()
    for name in names:
        world.add(mail(2), name)
    statements: list[str] = []
    world.recorder._base.set_trace_callback(statements.append)
    world.clerk.noticed(dict.fromkeys(names))
    world.clerk.work()
    copies = [number for number, each in enumerate(statements) if each.startswith("INSERT INTO copy")]
    assert len(copies) >= 3 and "COMMIT" not in statements[copies[0] : copies[-1]]
    (told,) = world.told
    assert sorted(come.mailbox for come in told.come) == names


def test_one_mailbox_that_cannot_be_read_does_not_keep_others_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ana", "bob"):
        world.add(mail(1), name)
    world.work()
    for name in ("ana", "bob"):
        world.add(mail(2), name)
    news = world.reader.news

    def fails(mailbox: str, since: str, size: int | None = None) -> object:
        if mailbox == "ana":
            raise OSError("broken")
        return news(mailbox, since, size)

    monkeypatch.setattr(world.reader, "news", fails)
    world.clerk.noticed({"ana": None, "bob": None})
    world.clerk.work()
    assert world.counts() == {"ana": (1, 1), "bob": (2, 2)}
    monkeypatch.undo()
    world.work()
    assert world.counts() == {"ana": (2, 2), "bob": (2, 2)}


def test_many_messages_of_one_second_keep_their_order_and_cost_no_search_for_a_place(mbox: World) -> None:
    entry = b"From a@b Thu Nov 26 09:00:00 2026\nSubject: n%d\n\nx\n\n"
    path = mbox.directory / "ana.txt"
    path.write_bytes(b"".join(entry % number for number in range(300)))
    mbox.rest(path)
    asked: list[str] = []
    mbox.recorder._base.set_trace_callback(lambda sql: asked.append(sql) if "WHERE key =" in sql else None)
    mbox.work()
    assert mbox.subjects() == [f"n{number}" for number in reversed(range(300))]
    assert len(asked) < 1500
    with path.open("ab") as file:
        file.write(entry % 300)
    mbox.rest(path)
    mbox.work()
    assert mbox.subjects()[:2] == ["n300", "n299"]
