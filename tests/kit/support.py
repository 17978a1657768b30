"""What many tests use: sessions without a network, and mailboxes read back."""

import mailbox
import os
import re
import shutil
import time
from collections.abc import Callable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

from protocol.classic.table import CLASSIC
from protocol.engine.dialect import Dialect
from protocol.engine.environment import Fault, Policy, Site
from protocol.engine.session import Session
from storage.contract import Answer
from storage.errors import StorageError

ROOT = Path(__file__).resolve().parents[2]
_NOT_SOURCE = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info")
USERS = ("johndoe", "jhaneroe", "babydoe")
NOW = 1_790_000_000.0


class Kept(NamedTuple):
    """A message as read from a mailbox. Several forward-paths are joined by commas."""

    reverse_path: bytes
    forward_path: bytes
    content: bytes


class DiskIsFull(Exception):  # noqa: N818
    """A fault as a store reports it."""

    def __init__(self, kind: Literal["no room", "for now", "for good"] = "no room") -> None:
        super().__init__("disk full")
        self.kind = kind


def once(answer: Callable[[StorageError | None], object]) -> Answer:
    """An `Answer` that passes on the first recipient's outcome, for a store that answers alike for all recipients."""

    def take(recipient: int, fault: StorageError | None) -> None:
        if recipient == 0:
            answer(fault)

    return take


class MemoryMessage:
    """A message on its way into a MemoryStore."""

    def __init__(self, store: "MemoryStore", id: str, reverse_path: bytes, recipients: Sequence[tuple[str, bytes]]) -> None:
        self.id = id
        self._store = store
        self._reverse_path = reverse_path
        self._recipients = recipients
        self._trace = b""
        self._content = b""
        self._answer: Callable[[int, Fault | None], None] | None = None

    def trace(self, fields: bytes) -> None:
        self._trace += fields

    def write(self, content: bytes) -> None:
        self._content += content

    def commit(self, answer: Callable[[int, Fault | None], None]) -> None:
        self._answer = answer
        self._store.committed.append(self)

    def abandon(self) -> None:
        self._store.abandoned += 1

    def settle(self, fault: Fault | None) -> None:
        if fault is None:
            for box in dict.fromkeys(box for box, _ in self._recipients):
                paths = dict.fromkeys(path for name, path in self._recipients if name == box)
                kept = Kept(self._reverse_path, b", ".join(paths), self._content)
                self._store.boxes.setdefault(box, []).append(kept)
            self._store.traces.append(self._trace)
        assert self._answer
        for number in range(len(self._recipients)):
            self._answer(number, fault)


class MemoryStore:
    """Keeps messages in memory, and answers when `settle` is called, as a store on disk does once a turn."""

    def __init__(self) -> None:
        self.boxes: dict[str, list[Kept]] = {}
        self.traces: list[bytes] = []
        self.committed: list[MemoryMessage] = []
        self.abandoned = 0
        self.fault: Fault | None = None
        self._begun = 0

    def begin(
        self, reverse_path: bytes, recipients: Sequence[tuple[str, bytes]], is_verbatim: bool = False
    ) -> MemoryMessage:
        self._begun += 1
        return MemoryMessage(self, f"m{self._begun}", reverse_path, recipients)

    def settle(self) -> None:
        committed, self.committed = self.committed, []
        for message in committed:
            message.settle(self.fault)


def find_user(name: bytes) -> str | None:
    """The users of the tests, without a file."""
    return name.decode() if name in {user.encode() for user in USERS} else None


class Client:
    """A client without a network: says bytes to a Session, and hears its replies as lines.

    Its disk answers at the end of each turn, unless `disk_is_slow`.
    """

    def __init__(
        self,
        dialect: Dialect = CLASSIC,
        *,
        max_message_size: int = 1000,
        max_refusals: int = 0,
        disk_is_slow: bool = False,
        policy: Policy = Policy(),  # noqa: B008 (it cannot change)
        is_encrypted: bool = False,
    ) -> None:
        self.store = MemoryStore()
        self.log: list[str] = []
        self.wakes = 0
        self._disk_is_slow = disk_is_slow
        site = Site(dialect, b"mx.test", find_user, self.store, lambda: NOW, max_message_size, max_refusals, policy)
        self.session = Session(site, "192.0.2.1", self._report, self._wake, is_encrypted)
        self.session.open()

    def _report(self, words: str, *values: object) -> None:
        self.log.append(words % values)

    def _wake(self) -> None:
        self.wakes += 1

    def send(self, data: bytes) -> list[bytes]:
        """Sends bytes as they are; returns the lines of the replies."""
        self.session.receive(data)
        return self.hear()

    def say(self, *lines: str) -> list[bytes]:
        """Sends lines one at a time; returns the lines of the last one's replies."""
        heard = self.hear()
        for line in lines:
            heard = self.send(line.encode() + b"\r\n")
        return heard

    def hear(self) -> list[bytes]:
        """Makes all turns that are due; returns the lines of replies not returned before."""
        while self.session.is_behind or (self.store.committed and not self._disk_is_slow):
            if not self._disk_is_slow:
                self.store.settle()
            self.session.resume()
        heard = bytes(self.session.outgoing)
        self.session.outgoing.clear()
        return heard.split(b"\r\n")[:-1]

    def settle(self) -> None:
        """Lets the disk answer, and resumes the session as the connection does."""
        self.store.settle()
        self.session.resume()

    def codes(self, *lines: str) -> list[int]:
        """Sends lines one at a time; returns the reply codes of the last one."""
        return [int(reply[:3]) for reply in self.say(*lines)]


TO_DATA = ("helo me", "mail from: a@b", "rcpt to: johndoe", "data")
MESSAGE = (*TO_DATA, "hello", ".")


# Mailboxes


_TRACE = re.compile(
    rb"Return-Path: <(.*)>\n((?:Delivered-To: .*\n)+)Received: from .* \(\[.*\]\)\n"
    rb"\tby .* with (?:UTF8)?E?SMTPS?A? id [^;\n]*(?:\n\tfor .*)?; .*\n"
)


def read_mailbox(path: Path) -> list[Kept]:
    """The messages of a mailbox file, as Python's `mailbox.mbox` reads them, with mboxrd quoting undone."""
    if not path.exists():
        return []
    box = mailbox.mbox(path, create=False)
    try:
        return [_kept(box.get_bytes(key)) for key in box.iterkeys()]
    finally:
        box.close()


def _kept(entry: bytes) -> Kept:
    trace = _TRACE.match(entry)
    assert trace, entry
    paths = trace[2].removeprefix(b"Delivered-To: ").rstrip(b"\n").replace(b"\nDelivered-To: ", b", ")
    return Kept(trace[1], paths, re.sub(rb"(?m)^>(>*From )", rb"\1", entry[trace.end() :]))


def as_stored(content: bytes) -> bytes:
    """Mail data as a mailbox has it: LF ends, and a blank line in front if it does not begin with a header field."""
    return with_header(content.replace(b"\r\n", b"\n"))


def with_header(text: bytes, blank: tuple[bytes, ...] = (b"\n",)) -> bytes:
    """A text whose first line is a header field, or blank: `From ` lines in front of a header become fields of it."""
    lines = text.split(b"\n")
    separators = list(takewhile(lambda line: re.match(rb">*From |[ \t]", line), lines[:-1]))
    if separators and not separators[0].startswith((b" ", b"\t")) and _is_field(lines[len(separators)]):
        fields = [line if line[:1] in (b" ", b"\t") else b"X-Mailbox-Line: " + line for line in separators]
        return b"\n".join([*fields, *lines[len(separators) :]])
    return text if _is_field(lines[0]) or text.startswith(blank) else b"\n" + text


def _is_field(line: bytes) -> bool:
    name = line.partition(b":")[0].rstrip(b" \t")
    return b":" in line and name != b"" and all(0x21 <= octet <= 0x7E for octet in name)


def program(name: str) -> str:
    """A program's path. If it is not installed, the test is skipped, except in CI, which installs them all."""
    found = shutil.which(name)
    if found is None:
        if "CI" in os.environ:
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"{name} is not installed")
    return found


def wait_until(happened: Callable[[], bool], patience: float = 10, pause: float = 0.01) -> None:
    """Returns when a condition holds; fails if it does not in time. There are `pause` seconds between two looks."""
    end = time.monotonic() + patience
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(pause)


def descriptors(pid: int) -> int:
    """How many files a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def copy_of_sources(to: Path, with_compiled: bool = False) -> None:
    """A copy of the repository, without anything built or delivered here, but perhaps what Python has compiled.

    That is used again in the copy, since it goes by size and time.
    """

    def left_out(directory: str, names: list[str]) -> set[str]:
        here = {"mailboxes"} if Path(directory) == ROOT else set()
        return {*_NOT_SOURCE(directory, names), *here, *(set() if with_compiled else {"__pycache__"})}

    shutil.copytree(ROOT, to, ignore=left_out)
