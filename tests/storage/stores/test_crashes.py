"""The store dies at each system call, in recovery too, and each one fails: nothing acknowledged is lost, torn or twice."""

import errno
import os
import re
import shutil
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from storage.errors import StorageError
from storage.mailboxes.maildir import MaildirMailboxes
from storage.mailboxes.mbox import MboxMailboxes
from storage.stores.journalled import JournalledStore

from ...kit.disk import CALLS, CHANGES, Watched
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


class Died(BaseException):
    """The process is dead."""


class Death(Watched):
    """The files of a process that dies before the call with a number; or in the middle of it, when that is a write.

    Its files are closed then, and further calls, while Python unwinds, have no effect: the same is left as by SIGKILL, and
    no process has to be made. tests/programs/test_sigkill.py and test_injection.py kill real ones.
    """

    def __init__(self, number: int, is_in_the_middle: bool) -> None:
        super().__init__(self._before)
        self.number = number
        self.is_in_the_middle = is_in_the_middle
        self.is_dead = False
        self._opened: set[int] = set()
        for name in CALLS:
            setattr(self, name, partial(self._made, name, getattr(self, name)))

    def _before(self, number: int, name: str) -> int | None:
        if number == self.number and self.is_in_the_middle and name in ("write", "append"):
            self.number += 1
            return 100
        if number == self.number:
            self._die()
            raise Died
        return None

    def _made(self, name: str, call: Callable[..., Any], *arguments: Any) -> Any:
        if self.is_dead:
            if name == "find":
                raise FileNotFoundError
            return None
        result = call(*arguments)
        if name in ("open", "open_top"):
            self._opened.add(result)
        elif name == "close":
            self._opened.remove(arguments[0])
        return result

    def _die(self) -> None:
        self.is_dead = True
        for descriptor in self._opened:  # and its locks go with them
            os.close(descriptor)


def run_and_die(
    directory: Path, kind: MailboxKind, work: Callable[[JournalledStore, Callable[[int, bool], None]], None], die: Death
) -> Answers | None:
    """Works on a store; returns what was answered before its process died, None when it did not die."""
    answers: Answers = {}

    def answer(number: int, is_accepted: bool) -> None:
        if not die.is_dead:
            answers[number] = is_accepted

    try:
        store = JournalledStore(directory, kind, die)
        work(store, answer)
        store.close()
    except Died:
        assert die.is_dead
    return answers if die.is_dead else None


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
