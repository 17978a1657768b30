"""The mail directory while it is in use: its descriptors, the claim on it, and whether it is still in its place.

Knows nothing about mailboxes, nor about a journal's content.
"""

import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from ..errors import StorageError, words
from ..files import Files, IsLocked, open_directory, write_all

_ADVICE = "give a directory of yours with --mail-dir"
_PID = b"pid"


class MailDirectory:
    """A mail directory, with the journal's directory `.journal` and the spool in that, made if they are missing. Claims the
    journal.

    One of several processes that deliver to the same mailboxes has a `part`: a directory in `.journal` with its own journal
    and spool. Raises StorageError if a directory cannot be opened or made, or another server uses it.
    """

    def __init__(self, files: Files, path: Path, part: str | None = None) -> None:
        self._files = files
        self._path = path
        self._opened = ExitStack()
        self.where = path / ".journal" / (part or "")
        """The path of the journal."""
        self._part = (part or "").encode()
        try:
            self._open()
        except OSError as error:
            self.close()
            raise StorageError(f"mail directory {path}: {words(error)}: {_ADVICE}") from error
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        files = self._files
        self.top = self._keep(files.open_top(self._path))
        """The descriptor of the directory. Those of `.journal`, of our part of it, and of the spool follow below."""
        if not files.may_write(b".", self.top):
            raise StorageError(f"mail directory {self._path}: no permission to write in it: {_ADVICE}")
        self.shared = self._keep(open_directory(files, b".journal", self.top))
        self.own = self._keep(open_directory(files, self._part, self.shared)) if self._part else self.shared
        try:
            files.claim(self.own)
        except IsLocked as error:
            where_to = "stop that one, or give another directory with --mail-dir"
            raise StorageError(f"mail directory {self._path}: another server uses it{self._who()}: {where_to}") from error
        self.spool = self._keep(open_directory(files, b"spool", self.own))
        for names in (self.top, self.shared, self.own):  # their maker may have died before its sync
            files.sync_names(names)
        self._sign()

    def _keep(self, descriptor: int) -> int:
        self._opened.callback(self._files.close, descriptor)
        return descriptor

    def _sign(self) -> None:
        """Writes down who holds the claim, for a server that fails to get it; skipped if the write fails."""
        with suppress(OSError):
            file = self._files.open(_PID, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, self.own)
            try:
                write_all(self._files, file, b"%d\n" % os.getpid(), 0)
            finally:
                self._files.close(file)

    def _who(self) -> str:
        with suppress(OSError, ValueError):
            file = self._files.open(_PID, os.O_RDONLY, self.own)
            try:
                return f" (process {int(self._files.read(file, 20, 0))})"
            finally:
                self._files.close(file)
        return ""

    @property
    def is_in_place(self) -> bool:
        """Whether the names of the directory, its journal and its spool still lead to the ones open here."""
        return self.is_ours and self.has_spool

    @property
    def is_ours(self) -> bool:
        """Whether the path still leads to this directory, and that has the journal that we claimed, even if files in it are
        missing.
        """
        return self._is(self.top, self._files.find_top, self._path) and self.has_journal

    def make_spool(self) -> None:
        """Makes and opens the spool again, after another program has removed it. Raises OSError."""
        self.spool = self._keep(open_directory(self._files, b"spool", self.own))

    @property
    def has_journal(self) -> bool:
        """Whether the directory, wherever it is now, still has the journal that we claimed."""
        return self._is(self.shared, self._files.find, b".journal", self.top) and (
            not self._part or self._is(self.own, self._files.find, self._part, self.shared)
        )

    @property
    def has_spool(self) -> bool:
        """Whether the journal, wherever it is now, still has the spool that is open here."""
        return self._is(self.spool, self._files.find, b"spool", self.own)

    @property
    def whereabouts(self) -> str:
        """The directory's present path; "elsewhere" if the system cannot tell."""
        with suppress(OSError):
            return str(Path(f"/proc/self/fd/{self.top}").readlink())
        return "elsewhere"

    def _is(self, descriptor: int, find: Callable[..., os.stat_result], *where: object) -> bool:
        try:
            found, ours = find(*where), self._files.status(descriptor)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:  # unknown, so we assume that it is there
            return True
        return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)

    def remove_part(self) -> None:
        """Removes this process's part of the journal, which must be empty. Raises OSError."""
        assert self._part
        self._files.remove_directory(b"spool", self.own)
        with suppress(FileNotFoundError):
            self._files.remove(_PID, self.own)
        self._files.remove_directory(self._part, self.shared)

    def close(self) -> None:
        """Closes the descriptors, and with them gives up the claim."""
        self._opened.close()
