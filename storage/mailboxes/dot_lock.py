"""Dot locks: a file `<name>.lock` beside a file keeps programs away that know no other lock.

Knows nothing about the files that it locks.

A delivery to a mailbox file takes its fcntl lock first, then the dot lock (Debian policy 11.6). The fcntl lock ends with its
process. The dot lock stays behind when its process is killed, and would stop all mail. But our dot locks can be told from
those of other programs, and no process of ours makes one without the fcntl lock. So a process that has the fcntl lock, and
finds one of our dot locks, knows that the maker is dead.

A lock is a hard link to one file that each process makes once: a new file for each lock would cost ten times as much.
"""

import errno
import logging
import os
import stat
import time
from contextlib import suppress

from ..errors import words
from ..files import Files, IsLocked, open_directory, write_all

log = logging.getLogger("carteiro.storage")

STALE = 300.0
"""Age in seconds (in either direction: clocks differ) from which a lock counts as left by a dead program."""

FRESH = 60.0
"""Seconds after which a lock that is still held is touched, so that other programs do not take it for stale."""

_OURS = b"carteiro"
_PREFIX = b"lock-"
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)
"""Errors of link where the file system has no hard links, or the journal is on another one."""

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class DotLocks:
    """Locks of files in an open directory. They hold against any program that knows dot locks.

    Methods raise OSError, except `give_back`, which logs it, and `close`, which ignores a failed removal.
    """

    def __init__(self, files: Files, directory: int) -> None:
        self._files = files
        self._directory = directory
        self._place = -1
        self._name = b""
        self._inode = 0
        self._has_links = True
        self._held: dict[bytes, int] = {}
        self._touched = 0.0

    def take(self, name: bytes) -> None:
        """Locks a file whose fcntl lock we have. Raises IsLocked if another program has the dot lock."""
        lock = name + b".lock"
        for _ in range(2):
            try:
                self._make(lock)
                return
            except FileExistsError:
                if not self._is_left_over(lock):
                    break
                with suppress(FileNotFoundError):
                    self._files.remove(lock, self._directory)
        raise IsLocked

    def give_back(self, name: bytes) -> None:
        """Removes a lock that `take` made. If its file is no longer ours, it stays. Logs a failure."""
        lock = name + b".lock"
        inode = self._held.pop(lock, 0)
        try:
            if self._files.find(lock, self._directory).st_ino == inode:
                self._files.remove(lock, self._directory)
        except FileNotFoundError:
            pass
        except OSError as error:
            log.error("%s: cannot be removed: %s", os.fsdecode(lock), words(error))

    def refresh(self) -> None:
        """Touches our locks so that they look fresh, unless that was done within the last `FRESH` seconds."""
        now = time.time()  # the clock of file times, which other programs see; it runs on while the machine sleeps
        if self._name and abs(now - self._touched) > FRESH:
            self._touched = now
            self._files.touch(self._name, self._place)

    def clean(self) -> None:
        """Removes the files from which killed processes made their locks. Call it only while no process holds one."""
        place = self._journal()
        for name in self._files.names(place):
            if name.startswith(_PREFIX):
                self._files.remove(name, place)

    def close(self) -> None:
        """Removes the file from which locks are made, and closes its directory."""
        if self._place >= 0:
            if self._name:
                with suppress(OSError):
                    self._files.remove(self._name, self._place)
            self._files.close(self._place)
            self._place, self._name = -1, b""

    def _journal(self) -> int:
        if self._place < 0:
            self._place = open_directory(self._files, b".journal", self._directory)
        return self._place

    def _make(self, lock: bytes) -> None:
        if self._has_links:
            try:
                self._link(lock)
                return
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                self._has_links = False
        self._held[lock] = self._write(lock, self._directory)

    def _link(self, lock: bytes) -> None:
        try:
            if not self._name:
                self._make_first()
            self.refresh()
            self._files.link(self._name, self._place, lock, self._directory)
        except FileNotFoundError:  # another program removed it
            self._make_first()
            self._files.link(self._name, self._place, lock, self._directory)
        self._held[lock] = self._inode

    def _make_first(self) -> None:
        name = b"%b%d-%d" % (_PREFIX, os.getpid(), time.time_ns())
        self._inode = self._write(name, self._journal())
        self._name, self._touched = name, time.time()

    def _write(self, name: bytes, at: int) -> int:
        """Makes a file for locks and returns its inode. It holds our process id, for programs that check whether the process
        is alive.

        The content is synced: a lock must be recognisable as ours after a power cut, too.
        """
        file = self._files.open(name, _NEW, at)
        try:
            write_all(self._files, file, b"%d\n%b\n" % (os.getpid(), _OURS), 0)
            self._files.sync(file)
            return self._files.status(file).st_ino
        except BaseException:
            with suppress(OSError):
                self._files.remove(name, at)
            raise
        finally:
            self._files.close(file)

    def _is_left_over(self, lock: bytes) -> bool:
        try:
            status = self._files.find(lock, self._directory)
            if abs(time.time() - status.st_mtime) > STALE:
                return True
            if not stat.S_ISREG(status.st_mode):
                return False
            file = self._files.open(lock, os.O_RDONLY, self._directory)
        except FileNotFoundError:
            return True
        except OSError:  # we cannot have made this
            return False
        try:
            return self._files.read(file, 64, 0).endswith(b"\n%b\n" % _OURS)
        finally:
            self._files.close(file)
