"""Dot locks: a file `<name>.lock` beside a file, which keeps those programs away that know no other lock.

It does not know what is locked.

Who delivers to a mailbox file takes its fcntl lock first and then the dot lock (Debian policy 11.6). The first one goes with
the process that has it; the second one stays when that is killed, and would stop all mail. But ours can be told from those
of others, and nobody of ours makes one without the fcntl lock: so if we have that, and find a dot lock of ours, whoever made
it is no more.

A lock is another name of one file that this process makes once: to make a file for each would cost ten times as much.
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
"""Seconds after (or before: clocks differ) which a lock is taken to have been left by a program that is no more."""

FRESH = 60.0
"""Seconds after which a lock that is still held is made new again, so that others do not take it to be stale."""

_OURS = b"carteiro"
_PREFIX = b"lock-"
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)
"""What link says where the file system has none, or the journal is on another one."""

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class DotLocks:
    """Locks of files in an open directory, which all who know the names honour. Every method raises OSError."""

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
        """Locks a file whose fcntl lock we have. Raises IsLocked when another program has the lock."""
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
        """Removes the lock that we have taken. One that is not ours any more stays; one that cannot be removed is said."""
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
        """Makes what we hold look as new as it is."""
        now = time.time()  # which others compare the lock's time with, also after the machine has slept
        if self._name and abs(now - self._touched) > FRESH:
            self._touched = now
            self._files.touch(self._name, self._place)

    def clean(self) -> None:
        """Removes what processes that were killed made locks of; none is at work that has one now."""
        place = self._journal()
        for name in self._files.names(place):
            if name.startswith(_PREFIX):
                self._files.remove(name, place)

    def close(self) -> None:
        """Gives back what is needed for making locks."""
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
        except FileNotFoundError:  # somebody has removed it
            self._make_first()
            self._files.link(self._name, self._place, lock, self._directory)
        self._held[lock] = self._inode

    def _make_first(self) -> None:
        name = b"%b%d-%d" % (_PREFIX, os.getpid(), time.time_ns())
        self._inode = self._write(name, self._journal())
        self._name, self._touched = name, time.time()

    def _write(self, name: bytes, at: int) -> int:
        """Makes a file for locks, and returns its inode. It has the process id, for programs that look for that process.

        It is on disk when this returns: after a power cut, too, a lock of ours is to be known for one.
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
        except OSError:  # it is nothing that we could have made
            return False
        try:
            return self._files.read(file, 64, 0).endswith(b"\n%b\n" % _OURS)
        finally:
            self._files.close(file)
