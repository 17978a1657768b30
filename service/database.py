"""The store in a PostgreSQL cluster: its flags, and its stores as the options choose them.

Knows nothing about how messages get there. Its library is imported when it is needed: a server without it has other stores.
"""

import argparse
import logging
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Protocol, runtime_checkable

from protocol.engine import replies
from protocol.engine.environment import FindMailbox
from protocol.engine.replies import Reply
from storage.contract import Meter, Store, Stores
from storage.errors import StorageError
from storage.mailboxes.mailbox import MailboxKind
from storage.stores.discard import DiscardStore

from .kinds import POSTGRES

log = logging.getLogger("carteiro")

NAME = POSTGRES
"""Of the store, as a value of --store."""

_MISSING = "psycopg is not installed: run pip install 'psycopg[binary]'"


def add_flags(group: "argparse._ArgumentGroup") -> None:
    """Adds the flags to a group."""
    where = (
        "the cluster, as libpq takes it: 'host=a,b,c dbname=mail', or a URI; all its hosts; the password belongs in "
        "~/.pgpass"
    )
    group.add_argument("--database", metavar="WHERE", help=where)
    single = "take a database without synchronous standbys: what is accepted is on one disk then"
    group.add_argument("--database-single", action="store_true", help=single)
    init = "make the tables in --database, or bring them up to date, and partitions for the next half year; then exit"
    group.add_argument("--database-init", action="store_true", help=init)
    export = (
        "write the mail in --database into mailboxes in this directory: mbox files, or with --store maildir Maildirs; the "
        "next time only what has come since; then exit"
    )
    group.add_argument("--database-export", metavar="DIR", type=Path, help=export)


def flaw(options: argparse.Namespace) -> str:
    """Why these options cannot be combined; "" if they can."""
    is_used = options.store == NAME
    is_errand = options.database_init or options.database_export
    rules = (
        (is_used and not options.database, "--store postgres: say where with --database 'host=a,b,c dbname=mail'"),
        (options.database_init and not options.database, "--database-init: say where with --database"),
        (options.database_export and not options.database, "--database-export: say from where with --database"),
        (options.database_export and options.store == "discard", "--database-export: not with --store discard"),
        (options.database and not is_used and not is_errand, "--database: only with --store postgres"),
        (options.database_single and not options.database, "--database-single: only with --store postgres"),
        (
            is_used and options.catch_all is not None and options.users_file is None,
            "--catch-all: give a USERS_FILE, too; in the database's table of addresses that is the name *",
        ),
    )
    return next((words for is_broken, words in rules if is_broken), "")


def make(options: argparse.Namespace) -> str:
    """Makes the schema; returns what was done. Raises StorageError."""
    try:
        from storage.stores.postgres import hosts, schema
    except ImportError as error:
        raise StorageError(f"--database-init: {_MISSING}") from error
    return schema.make(hosts.parse(options.database))


def export(options: argparse.Namespace, kind: MailboxKind) -> str:
    """Exports the mail; returns what was done. Raises StorageError, also if some of it was left out."""
    try:
        from storage.stores.postgres import hosts
        from storage.stores.postgres.desk import Desk
        from storage.stores.postgres.export import Export
        from storage.stores.postgres.reader import PostgresReader
    except ImportError as error:
        raise StorageError(f"--database-export: {_MISSING}") from error
    directory = options.database_export
    desk = Desk(hosts.parse(options.database), is_single=True)  # who rescues mail may have one disk left
    try:
        with closing(Export(PostgresReader(desk), directory, kind)) as opened:
            done = opened.run()
    except OSError as error:
        raise StorageError(f"--database-export {directory}: {error.strerror or error}") from error
    finally:
        desk.close()
    messages = f"{done.messages} message{'s' * (done.messages != 1)}"
    words = f"{messages} exported to {done.mailboxes} mailbox{'es' * (done.mailboxes != 1)} in {directory}"
    if done.faults:
        raise StorageError(f"{words}, but not all: {'; '.join(done.faults)}")
    return words


def stores_of(options: argparse.Namespace, count: int, meter: Meter | None) -> Stores:
    """The stores of so many processes. Looks at the cluster before. Raises StorageError."""
    try:
        from storage.stores.postgres import hosts, schema
        from storage.stores.postgres.names import Names
        from storage.stores.postgres.store import PostgresStore
    except ImportError as error:
        raise StorageError(f"--store postgres: {_MISSING}") from error
    cluster = hosts.parse(options.database)
    words = schema.flaw(cluster, options.database_single)
    if words:
        raise StorageError(words)
    if words is None:
        log.warning("no primary answers: mail is refused until one does")

    creates = options.create_mailboxes is not None
    present = schema.mailboxes(cluster) if creates else []

    def open_store(number: int) -> Store:
        names = None if options.users_file or creates else Names()
        return PostgresStore(cluster, options.database_single, names, number, meter, present)

    return _Stores(open_store, count)


class _Known(Protocol):
    """Who has a mailbox, as the database says."""

    is_loaded: bool

    def find(self, name: bytes) -> str | None: ...


@runtime_checkable
class _Knowing(Protocol):
    """A store that may know who has a mailbox."""

    names: _Known | None


def finder(store: Store) -> FindMailbox:
    """Finds mailboxes in the database's table of addresses."""
    assert isinstance(store, _Knowing) and store.names is not None, "the options are refused that name nobody"
    names = store.names

    def find(name: bytes) -> str | Reply | None:
        return names.find(name) if names.is_loaded else replies.NOT_STORED

    return find


@runtime_checkable
class _Populated(Protocol):
    """A store that knows which mailboxes there are."""

    def present(self) -> frozenset[str]: ...


def present(store: Store) -> frozenset[str]:
    """The mailboxes that a store in the database knows: those of its start, and those that it has put mail in."""
    assert isinstance(store, _Populated)
    return store.present()


class _Stores:
    """The stores of processes that share nothing but the database. Several are started by one that takes no mail itself."""

    def __init__(self, open_store: Callable[[int], Store], count: int) -> None:
        self._open = open_store
        self.first: Store = open_store(1) if count == 1 else DiscardStore()

    def of_worker(self, number: int) -> Store:
        """The store of a worker, which connects when it joins the worker's loop."""
        return self._open(number)
