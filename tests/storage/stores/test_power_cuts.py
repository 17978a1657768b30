"""The power fails at any moment, also in recovery: what was acknowledged is in its mailbox, whole, once, and in order.

The disk below is one in memory that forgets, and tears, whatever was not synced.
"""

import logging
import os
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.errors import StorageError
from storage.mailboxes.maildir import MaildirMailboxes
from storage.mailboxes.mbox import MboxMailboxes
from storage.stores.journalled import JournalledStore

from ...kit.disk import CHANGES, Forgetful, Node, PowerCut
from ...kit.post import MailboxKind
from ...kit.support import once

pytestmark = pytest.mark.no_cover  # which would take most of its time

BOXES = ("johndoe", "babydoe", "josé")
DIRECTORY = Path("/mail")

ENTRY = re.compile(
    rb"From a@b [^\n]+\n(Return-Path: <a@b>\nDelivered-To: [^\n]+\n\n(\d+)-\d+ x*-(\d+)(\r?)\n)\n",
)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes at which every path is taken by a few messages."""
    monkeypatch.setattr("storage.journal.format.SIZE", 6 * 1024)
    monkeypatch.setattr("storage.stores.message.LARGE", 2000)
    monkeypatch.setattr("storage.stores.message._AT_ONCE", 700)
    monkeypatch.setattr("storage.journal.spool.PIECE", 1024)
    monkeypatch.setattr("storage.delivery.backlog.PIECE", 1024)
    monkeypatch.setattr("storage.mailboxes.mbox.BLOCK", 1024)
    monkeypatch.setattr("storage.delivery.mover.BATCH", 1500)
    monkeypatch.setattr("storage.delivery.housekeeping.SLICE", 0.0)
    monkeypatch.setattr("storage.delivery.housekeeping.LEAST_SLICE", 0.0)
    monkeypatch.setattr("storage.journal.segments.COPIED_AT_ONCE", 2500)
    monkeypatch.setattr("storage.delivery.housekeeping.WAIT", 0.01)
    monkeypatch.setattr("storage.delivery.housekeeping.TOGETHER", 2)


class Bugs(logging.Handler):
    """Errors of ours that the store has survived."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        logging.getLogger("carteiro.storage").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.found.append(self.format(record))

    def begin(self) -> None:
        """Forgets what other tests have caused."""
        self.found.clear()


BUGS = Bugs()


class World:
    """A disk, the store on it, and what the store has said of each message."""

    def __init__(self, kind: MailboxKind, choose: Callable[[int], int]) -> None:
        self.kind = kind
        self.choose = choose
        self.disk = Forgetful()
        self.store: JournalledStore | None = None
        self.said: dict[int, bool] = {}
        self.boxes: dict[int, tuple[str, ...]] = {}
        self.answered: list[int] = []
        self.is_excused = False
        self.may_refuse = False
        """Something was wrong that a message may have met: else all are accepted."""
        BUGS.begin()

    def run(self, actions: list[tuple[str, int, int]]) -> None:
        """Carries them out until the power fails."""
        for action, first, second in actions:
            self.store = self.store or self.open()
            if action in ("fail", "work", "lock"):
                self.may_refuse = True
                self.disturb(action, first)
            elif self.store is None:
                continue
            elif action == "commit":
                self.commit(first, BOXES[: 1 + second % 2] if second < 5 else BOXES[second % 3 :])
            elif action == "die":
                self.kill()
            elif action == "close":
                self.store.close()
                self.excuse()
                self.store = None
            else:
                self.work(self.store, action, first)

    def work(self, store: JournalledStore, action: str, number: int) -> None:
        """What a store does that goes on."""
        if action == "settle":
            store.settle()
        elif action == "tidy":
            for _ in range(number % 12):
                if store.tidy(is_idle=True) != 0.0:
                    break  # there is nothing to do now
        elif action == "burst":
            for commit in range(number):
                self.commit(700, BOXES[commit % 3 : commit % 3 + 1])
                store.settle()

    def disturb(self, action: str, number: int) -> None:
        """From now on a system call fails, or none, or other programs have locked some mailboxes."""
        if action == "lock":
            self.disk.locked = {f"{box}.txt".encode() for box in BOXES[:number]}
        else:
            self.disk.failing = {CHANGES[number % len(CHANGES)]} if action == "fail" else set()

    def open(self) -> JournalledStore | None:
        try:
            return JournalledStore(DIRECTORY, self.kind, self.disk)
        except StorageError:
            assert self.disk.failing
            return None

    def commit(self, size: int, boxes: tuple[str, ...]) -> None:
        assert self.store
        number = len(self.boxes)
        self.boxes[number] = boxes
        message = self.store.begin(b"a@b", [(box, box.encode()) for box in boxes], is_verbatim(number))
        content = b"\n%d-%d " % (number, number) + b"x" * size + b"-%d\r\n" % number
        for at in range(0, len(content), 900):
            message.write(content[at : at + 900])

        def answer(fault: object) -> None:
            self.said[number] = fault is None
            self.answered.append(number)
            if not self.may_refuse:
                assert fault is None, fault

        message.commit(once(answer))

    def excuse(self) -> None:
        """That a message was refused could not be written either: after a crash it may come nevertheless."""
        if self.store and self.store._journal._voids:
            self.is_excused = True

    def kill(self) -> None:
        """The process ends without doing anything; the disk is as it was seen."""
        self.excuse()
        dead, self.disk = self.disk, self.disk.seen()
        dead.power_fails_at, dead.failing = 0, set()
        self.store = None

    def cut_power(self) -> None:
        self.excuse()
        dead, self.disk = self.disk, self.disk.crash(self.choose)
        self.disk.locked = dead.locked
        dead.power_fails_at, dead.failing = 0, set()  # what Python tidies up later is of no account
        self.store = None

    def check(self) -> None:
        """Recovers, in peace, and looks at the mailboxes."""
        self.disk.power_fails_at = 0
        self.disk.failing, self.disk.locked = set(), set()
        if self.store:
            self.cut_power()
        JournalledStore(DIRECTORY, self.kind, self.disk).close()
        assert not BUGS.found
        for box in BOXES:
            found = self.found(box)
            assert len(found) == len(set(found)), f"twice in {box}: {found}"
            due = [number for number in self.answered if self.said[number] and box in self.boxes[number]]
            assert {*due} <= {*found}, f"lost in {box}: {due} {found}"
            if self.kind is MboxMailboxes:
                assert [number for number in found if self.said.get(number)] == due, f"disordered in {box}: {due} {found}"
            refused = {number for number in found if self.said.get(number) is False}
            assert not refused or self.is_excused, f"refused, and in {box}: {refused}"
        (journal,) = (node for name, node in self.disk.top.names.items() if name == b".journal")
        if not self.is_excused:
            assert not [name for name in journal.names if name.startswith(b"damaged")], journal.names
            assert not journal.names[b"spool"].names, "spool files are left"

    def found(self, box: str) -> list[int]:
        if self.kind is MboxMailboxes:
            node = self.disk.top.names.get(box.encode() + b".txt")
            return list(entries(bytes(node.now))) if node else []
        node = self.disk.top.names.get(box.encode())
        if node is None:
            return []
        files = sorted(node.names[b"new"].names.values(), key=lambda file: file.number) if b"new" in node.names else []
        return [next(entries(b"From a@b now\n" + bytes(file.now) + b"\n")) for file in files]


def is_verbatim(number: int) -> bool:
    """Whether a message keeps its CRLF."""
    return number % 2 == 1


def entries(text: bytes) -> Iterator[int]:
    """The numbers of the messages in a mailbox file, which has nothing else in it."""
    at = 0
    while at < len(text):
        match = ENTRY.match(text, at)
        assert match and match[2] == match[3] and bool(match[4]) == is_verbatim(int(match[2])), text[at : at + 300]
        yield int(match[2])
        at = match.end()


COMMIT = st.tuples(st.just("commit"), st.sampled_from([0, 1, 300, 700, 1500, 2500, 4000]), st.integers(0, 8))
SETTLE = st.just(("settle", 0, 0))
TIDY = st.tuples(st.just("tidy"), st.integers(1, 12), st.just(0))
BURST = st.tuples(st.just("burst"), st.integers(5, 15), st.just(0))
CLOSE = st.just(("close", 0, 0))
DIE = st.just(("die", 0, 0))
FAIL = st.tuples(st.just("fail"), st.integers(0, 20), st.just(0))
WORK = st.just(("work", 0, 0))
LOCK = st.tuples(st.just("lock"), st.integers(0, 2), st.just(0))

END = [("settle", 0, 0), ("tidy", 3, 0)]


def runs(
    *actions: st.SearchStrategy[tuple[str, int, int]],
) -> st.SearchStrategy[list[tuple[list[tuple[str, int, int]], int]]]:
    """What up to three runs do, and at which system call of each the power fails."""
    often = (COMMIT, COMMIT, SETTLE, SETTLE, TIDY, TIDY, BURST)
    return st.lists(
        st.tuples(st.lists(st.one_of(*often, *actions), min_size=10, max_size=30), st.integers(1, 400)),
        min_size=1,
        max_size=3,
    )


SETTINGS = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    deadline=None,
    max_examples=int(os.environ.get("POWER_CUTS", "250")),
)


@pytest.mark.parametrize("kind", [MboxMailboxes, MaildirMailboxes])
@SETTINGS
@given(runs(CLOSE, DIE), st.integers(0, 1 << 62))
def test_nothing_acknowledged_is_lost_torn_or_twice(
    kind: MailboxKind, runs: list[tuple[list[tuple[str, int, int]], int]], seed: int
) -> None:
    live(kind, runs, seed)


@pytest.mark.parametrize("kind", [MboxMailboxes, MaildirMailboxes])
@SETTINGS
@given(runs(CLOSE, DIE, FAIL, WORK, WORK), st.integers(0, 1 << 62))
def test_nor_when_the_disk_fails_before(
    kind: MailboxKind, runs: list[tuple[list[tuple[str, int, int]], int]], seed: int
) -> None:
    live(kind, runs, seed)


@SETTINGS
@given(runs(CLOSE, DIE, LOCK, FAIL, WORK, WORK), st.integers(0, 1 << 62))
def test_nor_when_other_programs_lock_mailboxes(runs: list[tuple[list[tuple[str, int, int]], int]], seed: int) -> None:
    live(MboxMailboxes, runs, seed)


@pytest.mark.parametrize("number", [1, 20, 60])
def test_the_power_fails_at_the_call_that_is_named_and_takes_what_was_not_synced(number: int) -> None:
    """Or nothing of the above would be tried."""
    world = World(MboxMailboxes, lambda below: 0)
    world.store = world.open()
    world.disk.calls, world.disk.power_fails_at = 0, number
    with pytest.raises(PowerCut):
        world.run([("commit", 300, 0), ("settle", 0, 0), ("tidy", 12, 0)] * 30)
    assert world.disk.calls == number
    written = b"".join(bytes(node.now) for node in files(world.disk))
    world.cut_power()
    assert b"".join(bytes(node.now) for node in files(world.disk)) != written or number == 1
    world.check()


def files(disk: Forgetful) -> Iterator[Node]:
    """All files of a disk."""
    directories = [disk.top]
    for directory in directories:
        directories += [node for node in directory.names.values() if node.is_directory]
        yield from (node for node in directory.names.values() if not node.is_directory)


def live(kind: MailboxKind, runs: list[tuple[list[tuple[str, int, int]], int]], seed: int) -> None:
    """Some runs, each ended by a power cut if it makes so many calls; then the mailboxes are looked at.

    In half of them a segment is only freed when it is full: then what waits, and what was moved, is in several.
    """
    with patch("storage.delivery.housekeeping.AGE", 3600.0 * (seed % 2)):
        live_on(World(kind, random.Random(seed).randrange), runs)


def live_on(world: World, runs: list[tuple[list[tuple[str, int, int]], int]]) -> None:
    for actions, power_fails_at in runs:
        world.disk.calls = 0
        world.disk.power_fails_at = power_fails_at
        try:
            world.run([*actions, *END])
        except PowerCut:
            world.cut_power()
    world.check()
