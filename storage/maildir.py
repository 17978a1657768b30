"""Mailboxes as Maildirs, one a name: a file a message, which other programs read without a lock.

It does not know what a user is, nor who hears of the outcome. The format is D. J. Bernstein's: a message is written to tmp/
and moved to new/ when it is complete and on disk; mail programs move it on to cur/.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from . import disk
from .disk import make_mail_directory, sync_names, write_all
from .errors import StorageError
from .fields import header, unix_lines
from .message import Answered, Ids, Message

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class MaildirStore:
    """The Maildirs `<name>/` of a directory, which is made when it is missing.

    Raises StorageError when the directory cannot be made or written to. Every message that was committed since the last
    `settle` is on disk when that one answers.
    """

    def __init__(self, directory: Path) -> None:
        make_mail_directory(directory)
        self._directory = directory
        self._complete: dict[str, list[Message]] = {}
        self._ids = Ids()
        self._host = os.uname().nodename.replace("/", "\\057").replace(":", "\\072")

    def begin(self, reverse_path: bytes, forward_path: bytes, mailbox: str) -> Message:
        """A new message for a mailbox."""
        return Message(next(self._ids), reverse_path, forward_path, mailbox, unix_lines, self._take)

    def _take(self, message: Message) -> None:
        self._complete.setdefault(message.mailbox, []).append(message)

    def settle(self) -> None:
        """Puts the complete messages on disk, then answers each."""
        complete, self._complete = self._complete, {}
        answers: list[Answered] = []
        for mailbox, messages in complete.items():
            answers += self._store(mailbox, messages)
        for message, fault in answers:
            message.answer(fault)

    def _store(self, mailbox: str, messages: list[Message]) -> list[Answered]:
        """The answers for the messages of a mailbox. One that cannot be written does not fail the others."""
        path = self._directory / mailbox
        try:
            with _opened(os.fsencode(self._directory) + b"/" + mailbox.encode()) as (tmp, new):
                answers = [(message, self._write(tmp, path, message)) for message in messages]
                _move([self._name(message) for message, fault in answers if fault is None], tmp, new)
                return answers
        except Exception as error:  # noqa: BLE001 (it is logged)
            fault = disk.fault(path, error)
            return [(message, fault) for message in messages]

    def _write(self, tmp: int, path: Path, message: Message) -> StorageError | None:
        """The message in tmp/ and on disk; or the fault, and it is not there."""
        name = self._name(message)
        try:
            descriptor = os.open(name, _NEW_FILE, 0o600, dir_fd=tmp)
            try:
                envelope = message.reverse_path, message.forward_path, message.trace_fields
                write_all(descriptor, header(*envelope, message.content) + message.content)
                os.fdatasync(descriptor)
            except BaseException:
                os.unlink(name, dir_fd=tmp)
                raise
            finally:
                os.close(descriptor)
        except Exception as error:  # noqa: BLE001 (it is logged)
            return disk.fault(path, error)
        return None

    def _name(self, message: Message) -> str:
        return f"{int(message.came)}.{message.id}.{self._host}"


@contextmanager
def _opened(maildir: bytes) -> Iterator[tuple[int, int]]:
    """tmp/ and new/ of a Maildir, which is made when it is missing. No link is followed."""
    with ExitStack() as opened:

        def directory(path: bytes, top: int | None = None) -> int:
            descriptor = os.open(path, _DIRECTORY, dir_fd=top)
            opened.callback(os.close, descriptor)
            return descriptor

        def parts() -> tuple[int, int]:
            top = directory(maildir)
            return directory(b"tmp", top), directory(b"new", top)

        try:
            found = parts()
        except FileNotFoundError:
            _make(maildir)
            found = parts()
        yield found


def _make(maildir: bytes) -> None:
    """The Maildir is there, and its names are on disk, when this returns."""
    for part in (b"", b"/tmp", b"/new", b"/cur"):
        with suppress(FileExistsError):
            os.mkdir(maildir + part, 0o700)  # noqa: PTH102 (bytes, whatever the locale)
    sync_names(maildir)
    sync_names(os.path.dirname(maildir))  # noqa: PTH120


def _move(names: list[str], tmp: int, new: int) -> None:
    """All from tmp/ to new/, and their names on disk; or an exception, and none is in either."""
    try:
        for name in names:
            os.rename(name, name, src_dir_fd=tmp, dst_dir_fd=new)
        os.fsync(new)
    except BaseException:
        for name in names:
            for place in (tmp, new):
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=place)
        raise
