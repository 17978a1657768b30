"""The inbox over real mailboxes: its processes and threads, and what happens when they end, are slow, or are wrong."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reactor.loop import Reactor
from service.notices import Notices
from service.web import opener
from service.web.indexed import IndexedInbox
from web.contract import Changes, Mistake, Page, Selection

MAIL = b"From a@b Thu Nov 26 09:00:00 2026\nSubject: n%d\nTo: ana@x\n\nhello %d\n\n"


class World:
    """An inbox on a mail directory, and a reactor that the test turns."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.reactor = Reactor()
        self.inbox = IndexedInbox(self.reactor, directory, "mbox")
        self.notices = Notices(directory)
        self.changes: list[Changes] = []
        self.inbox.watch(None, self.changes.append)

    def close(self) -> None:
        self.inbox.close()
        self.notices.close()
        self.reactor.close()

    def add(self, *octets: bytes, name: str = "ana") -> None:
        """Mail is put in a mailbox, and noticed as the server's would be."""
        with (self.directory / f"{name}.txt").open("ab") as file:
            file.write(b"".join(octets))
        self.notices.moved({name: (self.directory / f"{name}.txt").stat().st_size})

    def until(self, is_so: Callable[[], object], seconds: float = 20.0) -> None:
        """Makes turns until something is so."""
        end = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < end
            self.reactor.turn_within(0.02)
            self.reactor.turn()

    def ask(self, method: str, *values: object) -> Any:
        """Asks the inbox, and waits for its answer."""
        answers: list[Any] = []
        getattr(self.inbox, method)(*values, answers.append)
        self.until(lambda: answers)
        return answers[0]

    def subjects(self, query: str | None = None, sight: str | None = None) -> list[str]:
        page = self.ask("page", sight, Selection(query=query), 0, 100)
        assert isinstance(page, Page)
        return [row["Subject"] for row in page.rows]

    def see(self, count: int) -> None:
        """Waits until so many messages are there."""
        self.until(lambda: len(self.subjects()) == count)

    def first(self) -> str:
        return str(self.ask("page", None, Selection(), 0, 1).rows[0]["ID"])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def test_what_comes_is_told_and_can_be_read(world: World) -> None:
    world.add(MAIL % (1, 1))
    world.see(1)
    world.changes.clear()
    world.add(MAIL % (2, 2))
    world.until(lambda: any(change.came for change in world.changes))
    (row,) = next(change.came for change in world.changes if change.came)
    assert row["Subject"] == "n2" and row["Mailboxes"] == ["ana"]
    mail = world.ask("open", "ana", row["ID"])
    assert mail["Text"] == "hello 2\n" and mail["Subject"] == "n2" and not mail["IsSourceOnly"]
    assert world.ask("octets", None, row["ID"]) == b"Subject: n2\nTo: ana@x\n\nhello 2\n"
    part = world.ask("part", None, row["ID"], "0")
    assert part.octets == b"hello 2\n" and part.type == "text/plain"
    assert world.ask("part", None, row["ID"], "7") is None
    assert world.ask("mailboxes") == [{"Name": "ana", "Total": 2, "Unread": 2}]


def test_what_is_out_of_sight_is_not_there(world: World) -> None:
    world.add(MAIL % (1, 1))
    world.see(1)
    id = world.first()
    for method, more in (("open", ()), ("octets", ()), ("part", ("0",))):
        assert world.ask(method, "bob", id, *more) is None
        assert world.ask(method, None, "0" * 22, *more) is None
    assert world.subjects(sight="bob") == []
    assert world.ask("delete", "bob", Selection([id]), 0.0) == []
    assert world.ask("mark", "bob", Selection([id]), True) == 0


def test_mistakes_are_told(world: World) -> None:
    for method, more in (("page", (0, 10)), ("mark", (True,)), ("delete", (0.0,))):
        mistake = world.ask(method, None, Selection(query="before:soon"), *more)
        assert isinstance(mistake, Mistake) and "no date" in mistake.text and mistake.at == 7


def test_marks_tags_and_deletions_are_told(world: World) -> None:
    world.add(MAIL % (1, 1), MAIL % (2, 2))
    world.see(2)
    id = world.first()
    world.changes.clear()
    assert world.ask("mark", None, Selection([id]), True) == 1
    assert world.ask("tag", None, [id], ["urgent"]) == 1
    assert world.ask("rename_tag", None, "urgent", "soon") == 1 and world.ask("tags", None) == ["soon"]
    assert len(world.changes) >= 3 and all(change.is_reset for change in world.changes)
    world.changes.clear()
    assert world.ask("delete", None, Selection([id]), 60.0) == [id]
    assert world.changes[0].gone == (id,) and world.subjects() == ["n1"]
    assert world.ask("restore", None, [id]) == 1
    world.see(2)
    assert world.ask("delete", None, Selection([id]), 0.0) == [id]
    world.until(lambda: b"hello 2" not in (world.directory / "ana.txt").read_bytes())
    assert b"hello 1" in (world.directory / "ana.txt").read_bytes()


def test_a_message_that_has_moved_is_found_again(world: World) -> None:
    world.add(MAIL % (1, 1), MAIL % (22, 22), MAIL % (3, 3))
    world.see(3)
    id = world.ask("page", None, Selection(query="subject:n3"), 0, 1).rows[0]["ID"]
    (world.directory / "ana.txt").write_bytes(MAIL % (3, 3))
    mail = world.ask("open", None, id)
    assert mail and mail["Text"] == "hello 3\n"
    world.see(1)


def test_the_clerk_may_be_killed_at_any_time(world: World) -> None:
    for number in range(5):
        world.add(MAIL % (number, number))
        pid, starts = world.inbox._clerk.pid, world.inbox._clerk.starts
        assert pid
        os.kill(pid, signal.SIGKILL)
        world.until(lambda starts=starts: world.inbox._clerk.starts > starts)  # type: ignore[misc]
        world.see(number + 1)


def test_the_index_may_be_deleted_at_any_time(world: World) -> None:
    world.add(MAIL % (1, 1), MAIL % (2, 2))
    world.see(2)
    ids = [row["ID"] for row in world.ask("page", None, Selection(), 0, 9).rows]
    world.ask("mark", None, Selection(ids[:1]), True)
    for path in (world.directory / ".index").glob("index.db*"):
        path.unlink()
    world.until(lambda: world.ask("page", None, Selection(query="is:read"), 0, 9) is not None)
    world.add(MAIL % (3, 3))
    world.until(lambda: world.subjects() == ["n3", "n2", "n1"], 30)
    assert [row["ID"] for row in world.ask("page", None, Selection(), 0, 9).rows][1:] == ids
    assert world.subjects("is:read") == ["n2"]


@pytest.mark.parametrize("is_slow", [True, False], ids=["is too slow", "dies"])
def test_a_message_that_cannot_be_opened_has_its_source(
    is_slow: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add(MAIL % (1, 1))
    world.see(1)
    id = world.first()
    assert world.ask("open", None, id)["Text"] == "hello 1\n"
    process = world.inbox._small._opener._process
    assert process
    if is_slow:
        monkeypatch.setattr(opener, "PATIENCE", 0.3)
        process.send_signal(signal.SIGSTOP)
        mail = world.ask("open", None, id)
        assert mail["IsSourceOnly"] and mail["Subject"] == "n1" and mail["Text"] == ""
        monkeypatch.undo()
    else:
        process.kill()
        process.wait()
    assert world.ask("open", None, id)["Text"] == "hello 1\n"
    assert world.ask("octets", None, id)


def test_a_process_that_is_not_needed_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add(MAIL % (1, 1))
    world.see(1)
    world.ask("open", None, world.first())
    monkeypatch.setattr(opener, "IDLE", 0.0)
    world.inbox._small.rest()
    world.until(lambda: world.inbox._small._opener._process is None)
    assert world.ask("open", None, world.first())["Text"] == "hello 1\n"


def test_all_that_is_given_can_be_sent_as_json(world: World) -> None:
    world.add(MAIL % (1, 1))
    world.see(1)
    assert json.dumps(world.ask("open", None, world.first()))
