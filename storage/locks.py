"""The lock on a mailbox file that mail programs honour: a POSIX record lock over the whole file (fcntl).

It does not know what the file holds, nor how long its owner is willing to wait.
"""

import fcntl


class MailboxIsLocked(Exception):  # noqa: N818 (a state, not an error)
    """Another program holds the lock now."""


def lock(descriptor: int) -> None:
    """Takes the lock without waiting, or raises MailboxIsLocked. Closing any descriptor of the file gives it back."""
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        raise MailboxIsLocked from error
