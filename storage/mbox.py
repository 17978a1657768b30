"""Mailboxes as mboxrd files, one a name: messages are gathered and put on disk together.

It does not know what a user is, nor who hears of the outcome.
"""

import logging
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from . import mboxrd
from .errors import StorageError
from .locks import MailboxIsLocked, lock

log = logging.getLogger("carteiro.storage")

_ADVICE = "give a directory of yours with --mail-dir"

LOCK_PATIENCE = 10.0
"""Seconds that a message waits for a mailbox that another program has locked."""

LOCK_RETRY = 0.05
"""Seconds between two attempts to lock a mailbox."""

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

Answer = Callable[[StorageError | None], None]


class MboxMessage:
    """A message on its way into a mailbox. Content is kept in memory until it is committed or abandoned."""

    __slots__ = (
        "_answer", "_forward_path", "_half_a_line", "_lines", "_reverse_path", "_store", "_trace", "ended", "id", "mailbox",
    )  # fmt: skip

    def __init__(self, store: "MboxStore", id: str, reverse_path: bytes, forward_path: bytes, mailbox: str) -> None:
        self.id = id
        self.mailbox = mailbox
        self.ended = 0.0
        self._store = store
        self._reverse_path = reverse_path
        self._forward_path = forward_path
        self._trace = b""
        self._lines = bytearray()
        self._half_a_line = bytearray()
        self._answer: Answer | None = None

    def trace(self, fields: bytes) -> None:
        """Takes the header fields that go before the content; their lines end in CRLF or LF."""
        self._trace += fields

    def write(self, content: bytes) -> None:
        """Takes the next piece of content. It is made fit for the mailbox now: all at once could take long."""
        end = content.rfind(b"\n") + 1
        if end:
            self._lines += mboxrd.lines(bytes(self._half_a_line) + content[:end])
            self._half_a_line.clear()
        self._half_a_line += content[end:]

    def commit(self, answer: Answer) -> None:
        """The content is complete: the next `MboxStore.settle` stores it and calls `answer`."""
        self._lines += mboxrd.lines(bytes(self._half_a_line))
        self._answer = answer
        self._store.take(self)

    def abandon(self) -> None:
        """Nothing of this message is kept."""
        self._lines.clear()
        self._half_a_line.clear()

    def entry(self) -> bytes:
        """The message as it will stand in the mailbox file."""
        return mboxrd.entry(self._reverse_path, self._forward_path, self._trace, bytes(self._lines), time.time())

    def answer(self, fault: StorageError | None) -> None:
        """Tells whoever committed the message."""
        if self._answer:
            self._answer(fault)


class Waiting:
    """The complete messages for a mailbox, in order, and the time (`time.monotonic`) before which it is not tried again."""

    __slots__ = ("messages", "not_before")

    def __init__(self) -> None:
        self.messages: list[MboxMessage] = []
        self.not_before = 0.0


class MboxStore:
    """The mailbox files `<name>.txt` of a directory, which is made when it is missing.

    Raises StorageError when the directory cannot be made or written to. Every message that was committed since the last
    `settle` is on disk when that one answers; a mailbox that another program has locked is tried again by the next ones.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._sync_names()  # of mailbox files that a crash may have kept from the disk
        except OSError as error:
            raise StorageError(f"mail directory {directory}: {error.strerror}: {_ADVICE}") from error
        if not os.access(directory, os.W_OK | os.X_OK):
            raise StorageError(f"mail directory {directory}: no permission to write in it: {_ADVICE}")
        self._waiting: dict[str, Waiting] = {}
        self._serial = count()
        self._prefix = f"{time.time_ns():x}.{os.getpid():x}"

    def begin(self, reverse_path: bytes, forward_path: bytes, mailbox: str) -> MboxMessage:
        """A new message for a mailbox."""
        return MboxMessage(self, f"{self._prefix}.{next(self._serial):x}", reverse_path, forward_path, mailbox)

    def take(self, message: MboxMessage) -> None:
        """Remembers a complete message for the next `settle`."""
        message.ended = time.monotonic()
        self._waiting.setdefault(message.mailbox, Waiting()).messages.append(message)

    def settle(self) -> float | None:
        """Puts the complete messages on disk, then answers each; returns the seconds after which it is to be called again.

        None: no mailbox is locked, so there is nothing to come back for.
        """
        if not self._waiting:
            return None
        now = time.monotonic()
        answers: list[Answered] = []
        for mailbox, waiting in self._waiting.items():
            if waiting.not_before <= now:
                answers += self._store(mailbox, waiting, now)
        self._waiting = {mailbox: waiting for mailbox, waiting in self._waiting.items() if waiting.messages}
        for message, fault in answers:
            message.answer(fault)
        return LOCK_RETRY if self._waiting else None

    def _store(self, mailbox: str, waiting: Waiting, now: float) -> "list[Answered]":
        """The answers for the messages of a mailbox; what is left in `waiting` is tried again."""
        path = self._directory / f"{mailbox}.txt"
        messages, waiting.messages = waiting.messages, []
        try:
            with _opened(path) as descriptor:
                return self._append_all(descriptor, path, messages)
        except MailboxIsLocked:
            waiting.not_before = now + LOCK_RETRY
            waiting.messages = [message for message in messages if now - message.ended < LOCK_PATIENCE]
            fault = StorageError(f"{path}: another program keeps it locked")
            return [(message, fault) for message in messages if now - message.ended >= LOCK_PATIENCE]
        except Exception as error:  # noqa: BLE001 (`_fault` logs it)
            fault = _fault(path, error)
            return [(message, fault) for message in messages]

    def _append_all(self, descriptor: int, path: Path, messages: list[MboxMessage]) -> "list[Answered]":
        """All messages together; when that fails, each by itself: one that is too large must not take the others with it."""
        try:
            self._append(descriptor, b"".join([message.entry() for message in messages]))
        except Exception as error:  # noqa: BLE001 (`_fault` logs it)
            if len(messages) > 1:
                return [answer for message in messages for answer in self._append_all(descriptor, path, [message])]
            return [(messages[0], _fault(path, error))]
        return [(message, None) for message in messages]

    def _append(self, descriptor: int, entries: bytes) -> None:
        """All of `entries` at the end of a mailbox file and on disk; or an exception, and the file is as it was."""
        end = os.fstat(descriptor).st_size
        try:
            _write(descriptor, mboxrd.gap(os.pread(descriptor, 2, max(0, end - 2))) + entries)
            os.fdatasync(descriptor)
            if end == 0:  # perhaps a new file, and then its name is to be on disk too
                self._sync_names()
        except BaseException:
            os.ftruncate(descriptor, end)
            raise

    def _sync_names(self) -> None:
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


Answered = tuple[MboxMessage, StorageError | None]


def _fault(path: Path, error: Exception) -> StorageError:
    """What is said and logged of a mailbox that nothing could be stored in."""
    if isinstance(error, OSError):
        log.error("%s: %s: nothing was stored in it", path, error.strerror)
        return StorageError(f"{path}: {error.strerror}")
    log.error("%s: internal error", path, exc_info=error)  # it is to cost these messages, and not the loop
    return StorageError(f"{path}: internal error")


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A mailbox file, made when it is missing, open and locked. Until it is locked, another program may replace it."""
    name = os.fsencode(path.parent) + b"/" + path.name.encode()
    while True:
        descriptor = os.open(name, _FLAGS, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(0, "not a regular file")
            lock(descriptor)
            if _is_still(name, descriptor):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _is_still(name: bytes, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(name))
    except FileNotFoundError:
        return False


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
