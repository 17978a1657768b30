"""What every store does with directories and faults of the disk.

It does not know what is kept in them.
"""

import logging
import os
from pathlib import Path

from .errors import StorageError

log = logging.getLogger("carteiro.storage")

_ADVICE = "give a directory of yours with --mail-dir"


def make_mail_directory(directory: Path) -> None:
    """Makes the directory when it is missing. Raises StorageError when there cannot be mail in it."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        sync_names(directory)  # of mailboxes that a crash may have kept from the disk
    except OSError as error:
        raise StorageError(f"mail directory {directory}: {error.strerror}: {_ADVICE}") from error
    if not os.access(directory, os.W_OK | os.X_OK):
        raise StorageError(f"mail directory {directory}: no permission to write in it: {_ADVICE}")


def sync_names(directory: Path | bytes) -> None:
    """The names in a directory are on disk when this returns."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Writes all of it, in as many calls as it takes."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def fault(path: Path, error: Exception) -> StorageError:
    """What is said and logged of a mailbox that nothing could be stored in."""
    if isinstance(error, OSError):
        log.error("%s: %s: nothing was stored in it", path, error.strerror)
        return StorageError(f"{path}: {error.strerror}")
    log.error("%s: internal error", path, exc_info=error)  # it is to cost these messages, and not the loop
    return StorageError(f"{path}: internal error")
