"""Mailboxes as mboxrd files, one a name: messages are gathered and put on disk together.

It does not know what a user is, nor who hears of the outcome.
"""

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import disk, mboxrd
from .disk import make_mail_directory, sync_names, write_all
from .errors import StorageError
from .locks import MailboxIsLocked, lock
from .message import Answered, Ids, Message

LOCK_PATIENCE = 10.0
"""Seconds that a message waits for a mailbox that another program has locked."""

LOCK_RETRY = 0.05
"""Seconds between two attempts to lock a mailbox."""

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Waiting:
    """The complete messages for a mailbox, in order, and the time (`time.monotonic`) before which it is not tried again."""

    __slots__ = ("messages", "not_before")

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.not_before = 0.0


class MboxStore:
    """The mailbox files `<name>.txt` of a directory, which is made when it is missing.

    Raises StorageError when the directory cannot be made or written to. Every message that was committed since the last
    `settle` is on disk when that one answers; a mailbox that another program has locked is tried again by the next ones.
    """

    def __init__(self, directory: Path) -> None:
        make_mail_directory(directory)
        self._directory = directory
        self._waiting: dict[str, Waiting] = {}
        self._ids = Ids()

    def begin(self, reverse_path: bytes, forward_path: bytes, mailbox: str) -> Message:
        """A new message for a mailbox."""
        return Message(next(self._ids), reverse_path, forward_path, mailbox, mboxrd.lines, self._take)

    def _take(self, message: Message) -> None:
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

    def _store(self, mailbox: str, waiting: Waiting, now: float) -> list[Answered]:
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
        except Exception as error:  # noqa: BLE001 (it is logged)
            fault = disk.fault(path, error)
            return [(message, fault) for message in messages]

    def _append_all(self, descriptor: int, path: Path, messages: list[Message]) -> list[Answered]:
        """All messages together; when that fails, each by itself: one that is too large must not take the others with it."""
        try:
            self._append(descriptor, b"".join([_entry(message) for message in messages]))
        except Exception as error:  # noqa: BLE001 (it is logged)
            if len(messages) > 1:
                return [answer for message in messages for answer in self._append_all(descriptor, path, [message])]
            return [(messages[0], disk.fault(path, error))]
        return [(message, None) for message in messages]

    def _append(self, descriptor: int, entries: bytes) -> None:
        """All of `entries` at the end of a mailbox file and on disk; or an exception, and the file is as it was."""
        end = os.fstat(descriptor).st_size
        try:
            write_all(descriptor, mboxrd.gap(os.pread(descriptor, 2, max(0, end - 2))) + entries)
            os.fdatasync(descriptor)
            if end == 0:  # perhaps a new file, and then its name is to be on disk too
                sync_names(self._directory)
        except BaseException:
            os.ftruncate(descriptor, end)
            raise


def _entry(message: Message) -> bytes:
    return mboxrd.entry(message.reverse_path, message.forward_path, message.trace_fields, message.content, message.came)


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
