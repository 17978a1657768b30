"""The faults that storage knows: something in the environment keeps a message from being stored, now or for good.

It does not know who is told of them.
"""

import errno
import os
from typing import Literal

FaultKind = Literal["no room", "for now", "for good"]

_LACKS_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class StorageError(Exception):
    """A message could not be stored: nothing of it is in any mailbox. The text says what, where and why.

    `kind` says whether it is worth trying again: when there is "no room", and when something else is wrong "for now"; what
    failed "for good" will fail again.
    """

    def __init__(self, text: str, kind: FaultKind = "for now") -> None:
        super().__init__(text)
        self.kind = kind


class Damaged(StorageError):  # noqa: N818 (what a record turns out to be)
    """What was accepted is not what it was any more, and will not be. `place` is where its record is, once that is known."""

    place: object = None


def fault(where: object, error: Exception) -> StorageError:
    """What is answered when `error` was met at `where`."""
    if isinstance(error, StorageError):
        return error
    if isinstance(error, OSError):
        return StorageError(f"{where}: {words(error)}", "no room" if error.errno in _LACKS_ROOM else "for now")
    return StorageError(f"{where}: internal error")


def words(error: OSError) -> str:
    """Why a system call failed, in the system's words."""
    return error.strerror or os.strerror(error.errno or 0)
