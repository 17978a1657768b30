"""The faults of storage: a condition in the environment keeps a message from being stored, now or for good.

Knows nothing about how a fault is answered.
"""

import errno
import os
from typing import Literal

FaultKind = Literal["no room", "for now", "for good"]

_LACKS_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class StorageError(Exception):
    """A message could not be stored, and is in no mailbox. The text says what failed, where, and why.

    `kind` says whether another attempt makes sense: later, when there is room again ("no room"); later, when the fault is
    mended ("for now"); or never ("for good").
    """

    def __init__(self, text: str, kind: FaultKind = "for now") -> None:
        super().__init__(text)
        self.kind = kind


class Damaged(StorageError):  # noqa: N818 (what a record turns out to be)
    """An accepted message is no longer what it was, and cannot be restored. `place` is where its record is, once that is
    known.
    """

    place: object = None


def fault(where: object, error: Exception) -> StorageError:
    """The StorageError for an exception that occurred at `where`. A bug of ours becomes "internal error"."""
    if isinstance(error, StorageError):
        return error
    if isinstance(error, OSError):
        return StorageError(f"{where}: {words(error)}", "no room" if error.errno in _LACKS_ROOM else "for now")
    return StorageError(f"{where}: internal error")


def words(error: OSError) -> str:
    """Why a system call failed, in the system's words."""
    return error.strerror or os.strerror(error.errno or 0)
