"""The kinds of mailboxes that can be read: by the names of --store, what reads, what removes, and what of a message's octets
is its content.

Knows nothing about who does.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from storage.mailboxes.mboxrd import content_of
from storage.mailboxes.reader import MaildirReader, MboxReader
from storage.mailboxes.reading import Reader
from storage.mailboxes.removal import MaildirRemover, MboxRemover, Remover

Content = Callable[[Iterable[bytes]], Iterator[bytes]]
"""Makes of the octets that a mailbox has those that are the message's, both in pieces."""


class Kind(NamedTuple):
    """How mailboxes of a kind are read, how messages are removed, and what of a message was delivered.

    The first two are opened with the mail directory; mailboxes in a database need none.
    """

    reader: Callable[[Path], Reader]
    remover: Callable[[Path], Remover]
    content: Content


KINDS = {"mbox": Kind(MboxReader, MboxRemover, content_of), "maildir": Kind(MaildirReader, MaildirRemover, iter)}

POSTGRES = "postgres"
"""The name of the kind that is in a database."""


def kind_of(name: str, database: str = "", single: str = "") -> Kind:
    """The kind with a name of KINDS; or POSTGRES, with the value of --database, and any text if one disk is enough there.

    For processes beside the mail path: mailboxes in a database wait for it.
    """
    if name != POSTGRES:
        return KINDS[name]
    from storage.stores.postgres import hosts
    from storage.stores.postgres.desk import Desk
    from storage.stores.postgres.reader import PostgresReader, PostgresRemover

    desk = Desk(hosts.parse(database), bool(single))
    return Kind(lambda _: PostgresReader(desk), lambda _: PostgresRemover(desk), iter)


def where_of(options: argparse.Namespace) -> tuple[str, ...]:
    """What to call `kind_of` with behind the name, by the flags."""
    return (options.database, "single" * options.database_single) if options.store == POSTGRES else ()
