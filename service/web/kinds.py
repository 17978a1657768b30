"""The kinds of mailboxes that can be read: by the names of --store, what reads and what removes.

Knows nothing about who does.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from storage.mailboxes.reader import MaildirReader, MboxReader, Reader
from storage.mailboxes.removal import MaildirRemover, MboxRemover, Remover


class Kind(NamedTuple):
    """How mailboxes of a kind are read, and how messages are removed. Both are opened with the mail directory."""

    reader: Callable[[Path], Reader]
    remover: Callable[[Path], Remover]


KINDS = {"mbox": Kind(MboxReader, MboxRemover), "maildir": Kind(MaildirReader, MaildirRemover)}
