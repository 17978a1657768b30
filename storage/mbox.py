"""Mailboxes as mboxrd files, one a name: messages are gathered and put on disk together.

It does not know what a user is, nor who hears of the outcome.
"""

import logging
import os
import stat
import time
from collections.abc import Callable
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

    __slots__ = ("_answer", "_content", "_forward_path", "_reverse_path", "_store", "_trace", "ended", "id", "mailbox")

    def __init__(self, store: "MboxStore", id: str, reverse_path: bytes, forward_path: bytes, mailbox: str) -> None:
        self.id = id
        self.mailbox = mailbox
        self.ended = 0.0
        self._store = store
        self._reverse_path = reverse_path
        self._forward_path = forward_path
        self._trace = b""
        self._content = bytearray()
        self._answer: Answer | None = None

    def trace(self, fields: bytes) -> None:
        """Takes the header fields that go before the content; their lines end in CRLF or LF."""
        self._trace += fields

    def write(self, content: bytes) -> None:
        """Takes the next piece of content."""
        self._content += content

    def commit(self, answer: Answer) -> None:
        """The content is complete: the next `MboxStore.settle` stores it and calls `answer`."""
        self._answer = answer
        self._store.take(self)

    def abandon(self) -> None:
        """Nothing of this message is kept."""
        self._content.clear()

    def entry(self) -> bytes:
        """The message as it will stand in the mailbox file."""
        return mboxrd.entry(self._reverse_path, self._forward_path, self._trace, bytes(self._content), time.time())

    def answer(self, fault: StorageError | None) -> None:
        """Tells whoever committed the message."""
        if self._answer:
            self._answer(fault)


class MboxStore:
    """The mailbox files `<name>.txt` of a directory, which is made when it is missing.

    Raises StorageError when the directory cannot be made or written to. Every message that was committed since the last
    `settle` is on disk when that one answers; a mailbox that another program has locked is tried again by the next ones.
    """

    def __init__(self, directory: Path) -> None:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._directory = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
            os.fsync(self._directory)  # mailbox files whose names a crash kept from the disk
        except OSError as error:
            raise StorageError(f"mail directory {directory}: {error.strerror}: {_ADVICE}") from error
        if not os.access(directory, os.W_OK | os.X_OK):
            raise StorageError(f"mail directory {directory}: no permission to write in it: {_ADVICE}")
        self._path = directory
        self._waiting: dict[str, list[MboxMessage]] = {}
        self._serial = count()
        self._prefix = f"{time.time_ns():x}.{os.getpid():x}"

    def begin(self, reverse_path: bytes, forward_path: bytes, mailbox: str) -> MboxMessage:
        """A new message for a mailbox."""
        return MboxMessage(self, f"{self._prefix}.{next(self._serial):x}", reverse_path, forward_path, mailbox)

    def take(self, message: MboxMessage) -> None:
        """Remembers a complete message for the next `settle`."""
        message.ended = time.monotonic()
        self._waiting.setdefault(message.mailbox, []).append(message)

    def settle(self) -> float | None:
        """Puts the complete messages on disk, then answers each; returns the seconds after which it is to be called again.

        None: no mailbox is locked, so there is nothing to come back for.
        """
        if not self._waiting:
            return None
        waiting, self._waiting = self._waiting, {}
        answers: list[tuple[MboxMessage, StorageError | None]] = []
        for mailbox, messages in waiting.items():
            answers += self._store(mailbox, messages)
        for message, fault in answers:
            message.answer(fault)
        return LOCK_RETRY if self._waiting else None

    def close(self) -> None:
        """Gives the directory back. Messages that still wait are not stored."""
        os.close(self._directory)

    def _store(self, mailbox: str, messages: list[MboxMessage]) -> list[tuple[MboxMessage, StorageError | None]]:
        """The answers for these messages; none yet when another program has locked their mailbox."""
        name = f"{mailbox}.txt"
        path = self._path / name
        try:
            self._append(name, b"".join([message.entry() for message in messages]))
        except MailboxIsLocked:
            if time.monotonic() - messages[0].ended < LOCK_PATIENCE:
                self._waiting[mailbox] = messages
                return []
            fault: StorageError | None = StorageError(f"{path}: another program keeps it locked")
        except OSError as error:
            if len(messages) > 1:  # one that is too large must not take the others with it
                return [answer for message in messages for answer in self._store(mailbox, [message])]
            log.error("%s: %s: nothing was stored in it", path, error.strerror)
            fault = StorageError(f"{path}: {error.strerror}")
        except Exception:  # our own fault: it is to cost these messages, and not the loop
            log.exception("%s: internal error", path)
            fault = StorageError(f"{path}: internal error")
        else:
            fault = None
        return [(message, fault) for message in messages]

    def _append(self, name: str, entries: bytes) -> None:
        """All of `entries` at the end of a mailbox file and on disk; or an OSError, and the file is as it was."""
        descriptor = self._open(name)
        try:
            end = os.fstat(descriptor).st_size
            try:
                _write(descriptor, mboxrd.gap(os.pread(descriptor, 2, max(0, end - 2))) + entries)
                os.fdatasync(descriptor)
                if end == 0:  # perhaps a new file, and then its name is to be on disk too
                    os.fsync(self._directory)
            except OSError:
                os.ftruncate(descriptor, end)
                raise
        finally:
            os.close(descriptor)

    def _open(self, name: str) -> int:
        """A mailbox file, made when it is missing, open and locked. Until it is locked, another program may replace it."""
        while True:
            descriptor = os.open(name, _FLAGS, 0o600, dir_fd=self._directory)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise OSError(0, "not a regular file")
                lock(descriptor)
                if os.path.samestat(os.fstat(descriptor), os.stat(name, dir_fd=self._directory, follow_symlinks=False)):
                    return descriptor
            except FileNotFoundError:
                pass
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
