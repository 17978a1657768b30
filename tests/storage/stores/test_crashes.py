"""The store dies at each system call, in recovery too, and each one fails: nothing acknowledged is lost, torn or twice."""

import errno
import os
import re
import shutil
import signal
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from storage.errors import StorageError
from storage.mailboxes.maildir import MaildirMailboxes
from storage.mailboxes.mbox import MboxMailboxes
from storage.stores.journalled import JournalledStore

from ...kit.disk import CHANGES, Watched
from ...kit.post import MailboxKind
from ...kit.support import once

pytestmark = pytest.mark.no_cover  # which would take most of its time

KINDS = pytest.mark.parametrize("kind", [MboxMailboxes, MaildirMailboxes])
BOXES = ("johndoe", "babydoe")
VERBATIM = (2, 4, 6)
"""The numbers of messages that keep their CRLF: the fourth is a large one, the sixth for two mailboxes."""

Answers = dict[int, bool]
"""What was said of each message: True when it was accepted."""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes at which a few messages take every path; and no sync: the death of a process loses nothing that was written."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr(os, "fdatasync", lambda descriptor: None)
    monkeypatch.setattr("storage.journal.format.SIZE", 4096)
    monkeypatch.setattr("storage.stores.message.LARGE", 1500)
    monkeypatch.setattr("storage.mailboxes.mbox.BLOCK", 1000)
    monkeypatch.setattr("storage.delivery.mover.BATCH", 1000)
    monkeypatch.setattr("storage.delivery.housekeeping.AGE", 0.0)
    monkeypatch.setattr("storage.delivery.housekeeping.RETRY", 0.001)
    monkeypatch.setattr("storage.delivery.queue.FIRST_DELAY", 0.001)
    monkeypatch.setattr("storage.delivery.queue.LAST_DELAY", 0.001)


def deliver(store: JournalledStore, answer: Callable[[int, bool], None]) -> None:
    """Three turns of messages: small ones, one for two mailboxes, a large one; some of them moved, and segments freed."""
    numbers = count(1)
    for sizes in ((10, 900), (700, 2000, 10), (1200, 30)):
        for size in sizes:
            number = next(numbers)
            boxes = BOXES if number % 3 == 0 else BOXES[number % 2 :][:1]
            message = store.begin(b"a@b", [(box, box.encode()) for box in boxes], number in VERBATIM)
            message.write(b"\n%d " % number + b"x" * size + b" %d\r\n" % number)
            message.commit(once(partial(_say, answer, number)))
        store.settle()
        move(store)
    message = store.begin(b"a@b", [("johndoe", b"johndoe")])
    message.write(b"\n%d " % next(numbers) + b"y" * 2000)
    message.abandon()


def _say(answer: Callable[[int, bool], None], number: int, fault: StorageError | None) -> None:
    answer(number, fault is None)


def move(store: JournalledStore) -> None:
    end = time.monotonic() + 5
    while store.tidy(is_idle=True) is not None:
        assert time.monotonic() < end


def contents(directory: Path, kind: MailboxKind, box: str) -> list[bytes]:
    """What comes after the header of each message in a mailbox, and nothing else may be there."""
    if kind is MboxMailboxes:
        path = directory / f"{box}.txt"
        text = path.read_bytes() if path.exists() else b""
        parts = re.split(rb"From a@b [^\n]+\nReturn-Path: <a@b>\nDelivered-To: [a-z]+\n\n", text)
        assert not parts[0] and all(part.endswith(b"\n\n") for part in parts[1:]), text
        return parts[1:]
    assert not list((directory / box / "tmp").glob("*"))
    texts = [path.read_bytes().partition(b"\n\n")[2] for path in (directory / box / "new").glob("*")]
    return sorted(texts)  # the files of a Maildir have no order of their own


def check(directory: Path, kind: MailboxKind, answers: Answers) -> None:
    """What was accepted is there once, in order, and whole; what was refused is not; and the journal is empty."""
    for box in BOXES:
        found = []
        for content in contents(directory, kind, box):
            first, _, rest = content.strip().partition(b" ")
            assert rest.endswith(first) and set(rest[: -len(first)]) <= set(b"x "), content
            assert (b"\r\n" in content) == (int(first) in VERBATIM), content
            found.append(int(first))
        due = [number for number in sorted(answers) if answers[number] and is_for(box, number)]
        assert len(set(found)) == len(found), f"twice in {box}: {found}"
        assert [number for number in found if answers.get(number)] == due, f"{box}: {found}, due {due}"
        assert not [number for number in found if answers.get(number) is False], f"{box}: refused, and there: {found}"
    assert not list((directory / ".journal" / "spool").iterdir())
    assert not list((directory / ".journal").glob("damaged*"))


def is_for(box: str, number: int) -> bool:
    return number % 3 == 0 or box == BOXES[number % 2]


# It dies


def run_and_die(
    directory: Path, kind: MailboxKind, work: Callable[[JournalledStore, Callable[[int, bool], None]], None], die: "Death"
) -> Answers | None:
    """Works on a store in a process of its own; returns what was answered before it died, None when it did not die."""
    hear, say = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            store = JournalledStore(directory, kind, Watched(die))
            with os.fdopen(say, "w", buffering=1) as lines:
                work(store, lambda number, is_accepted: print(number, int(is_accepted), file=lines))
            store.close()
            os._exit(0)
        finally:
            os._exit(1)
    os.close(say)
    with os.fdopen(hear, "rb") as lines:
        answers = {int(number): is_accepted == b"1" for number, is_accepted in map(bytes.split, lines)}
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or status == 0, "it was to die, or to live, but not to fail"
    return answers if os.WIFSIGNALED(status) else None


class Death:
    """Comes before the call with a number; or in the middle of it, when that is a write."""

    def __init__(self, number: int, is_in_the_middle: bool) -> None:
        self.number = number
        self.is_in_the_middle = is_in_the_middle

    def __call__(self, number: int, name: str) -> int | None:
        if number == self.number and self.is_in_the_middle and name in ("write", "append"):
            self.number += 1
            return 100
        if number == self.number:
            os.kill(os.getpid(), signal.SIGKILL)
        return None


def nothing(store: JournalledStore, answer: Callable[[int, bool], None]) -> None:
    """Only recovery is done."""


@KINDS
@pytest.mark.parametrize("is_in_the_middle", [False, True])
def test_it_dies_at_each_call_and_recovers(tmp_path: Path, kind: MailboxKind, is_in_the_middle: bool) -> None:
    for number in count(1):
        directory = tmp_path / str(number)
        answers = run_and_die(directory, kind, deliver, Death(number, is_in_the_middle))
        JournalledStore(directory, kind).close()
        if answers is None:
            assert number > 100
            break
        check(directory, kind, answers)
        shutil.rmtree(directory)


@KINDS
def test_it_dies_at_each_call_of_a_recovery_too(tmp_path: Path, kind: MailboxKind) -> None:
    crashed, directory = tmp_path / "crashed", tmp_path / "mail"
    for first in range(40, 400, 13):
        answers = run_and_die(crashed, kind, deliver, Death(first, is_in_the_middle=first % 2 == 0))
        if answers is None:
            assert first > 100
            break
        for second in count(1, 3):
            shutil.copytree(crashed, directory)
            died = run_and_die(directory, kind, nothing, Death(second, is_in_the_middle=second % 2 == 0))
            JournalledStore(directory, kind).close()
            check(directory, kind, answers)
            shutil.rmtree(directory)
            if died is None:
                break
        shutil.rmtree(crashed)


# A call fails


class Failure:
    """A call fails once; or, with an error of 0, does less than it should."""

    def __init__(self, number: int, error: int) -> None:
        self.number = number
        self.error = error
        self.happened = ""

    def __call__(self, number: int, name: str) -> int | None:
        if number != self.number:
            return None
        self.happened = name
        if self.error and name in CHANGES:
            raise OSError(self.error, os.strerror(self.error))
        return 50


@KINDS
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EINTR, 0], ids=["ENOSPC", "EIO", "EINTR", "short"])
def test_each_call_fails(tmp_path: Path, kind: MailboxKind, error: int, caplog: pytest.LogCaptureFixture) -> None:
    for number in count(1):
        directory = tmp_path / str(number)
        failure = Failure(number, error)
        answers: Answers = {}
        try:
            store = JournalledStore(directory, kind, Watched(failure))
            deliver(store, answers.__setitem__)
            store.close()
        except StorageError as fault:
            assert os.strerror(error) in str(fault) and not answers
        JournalledStore(directory, kind).close()
        check(directory, kind, answers)
        shutil.rmtree(directory)
        if not failure.happened:
            assert number > 100 and answers == dict.fromkeys(range(1, 8), True)
            break
    assert "internal error" not in caplog.text
