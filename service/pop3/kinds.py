"""The kinds of mailboxes that mail can be fetched from: by the names of --store, what reads, what removes, and what of a message's
octets is its content.

Knows nothing about who does.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from inbox.index.contract import Mailboxes, Remover
from storage.mailboxes.mboxrd import content_of
from storage.mailboxes.reader import MaildirReader, MboxReader
from storage.mailboxes.removal import MaildirRemover, MboxRemover


class Kind(NamedTuple):
    """How mailboxes of a kind are read, how messages are removed, and what of a message goes to a client.

    The first two are opened with the mail directory.
    """

    reader: Callable[[Path], Mailboxes]
    remover: Callable[[Path], Remover]
    content: Callable[[Iterable[bytes]], Iterator[bytes]]


KINDS = {"mbox": Kind(MboxReader, MboxRemover, content_of), "maildir": Kind(MaildirReader, MaildirRemover, iter)}
