"""The kinds of mailboxes that can be read: by the names of --store, what reads, what removes, and what of a message's octets
is its content.

Knows nothing about who does.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from storage.mailboxes.mboxrd import content_of
from storage.mailboxes.reader import MaildirReader, MboxReader, Reader
from storage.mailboxes.removal import MaildirRemover, MboxRemover, Remover

Content = Callable[[Iterable[bytes]], Iterator[bytes]]
"""Makes of the octets that a mailbox has those that are the message's, both in pieces."""


class Kind(NamedTuple):
    """How mailboxes of a kind are read, how messages are removed, and what of a message was delivered.

    The first two are opened with the mail directory.
    """

    reader: Callable[[Path], Reader]
    remover: Callable[[Path], Remover]
    content: Content


KINDS = {"mbox": Kind(MboxReader, MboxRemover, content_of), "maildir": Kind(MaildirReader, MaildirRemover, iter)}
