"""Mail in a database of the tests' own, put there without a server. Each test begins with an empty one.

Knows nothing about who reads it.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from storage.stores.postgres import hosts, ids, schema
from storage.stores.postgres.desk import Desk
from storage.stores.postgres.reader import PostgresReader

from .postgres import Postgres, eventually

TRACE = (
    b"Received: from me ([192.0.2.1])\r\n\tby mx (carteiro) with ESMTP id %b;"
    b"\r\n\tfor <x@b>; Thu, 26 Nov 2026 09:00:00 +0000\r\n"
)


class Base:
    """A database with the tables in it: `where` is what --database is given."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.hosts = hosts.parse(self.where)
        self._connection = psycopg.connect(self.where, autocommit=True)

    def ask(self, statement: Any, *values: object) -> list[Any]:
        """The rows."""
        found = self._connection.execute(statement, values or None)
        return found.fetchall() if found.description else []

    def put(
        self,
        *mailboxes: str,
        content: bytes = b"Subject: x\r\n\r\ntext\r\n",
        path: bytes = b"to@b",
        verbatim: bool = False,
        piece: int = 0,
        connection: Any = None,
    ) -> str:
        """Stores a message as the store does; returns its id. With `piece`, in pieces of so many octets."""
        id = ids.text(ids.new(time.time()))
        raw = TRACE % id.encode() + content
        connection = connection or self._connection
        with connection.transaction():
            for name in mailboxes:
                connection.execute("INSERT INTO mailbox (name) VALUES (%s) ON CONFLICT DO NOTHING", (name,))
            for number, at in enumerate(range(0, len(raw), piece) if piece else ()):
                connection.execute("INSERT INTO piece VALUES (%s, %s, %s)", (id, number, raw[at : at + piece]))
            row = (id, b"from@b", len(raw), None if piece else raw, verbatim)
            connection.execute(
                "INSERT INTO message (id, reverse_path, size, raw, verbatim) VALUES (%s, %s, %s, %s, %s)", row
            )
            connection.execute(
                "INSERT INTO delivery (message, mailbox, forward_path) SELECT %s, id, %s FROM mailbox WHERE name = ANY (%s)",
                (id, path, list(mailboxes)),
            )
        return id

    def connect(self) -> Any:
        """One more connection."""
        return psycopg.connect(self.where, autocommit=True)

    def desk(self) -> Desk:
        """That of one more front end."""
        return Desk(self.hosts, is_single=True)

    def reader(self) -> PostgresReader:
        """The same."""
        return PostgresReader(self.desk())

    def cut(self) -> None:
        """Ends all connections of front ends."""
        self.ask(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'carteiro' AND datname = current_database()"
        )

    @contextmanager
    def cutting(self, locks: str = "message") -> "Iterator[None]":
        """Whoever asks for something in that table meanwhile gets no answer, and loses the connection."""
        waits = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'carteiro'"

        def cut() -> None:
            eventually(lambda: self.ask(waits))
            self.cut()

        with self.connect() as connection, connection.transaction():
            connection.execute(f"LOCK TABLE {locks}".encode())
            thread = threading.Thread(target=cut)
            thread.start()
            yield
            thread.join()

    def close(self) -> None:
        self._connection.close()


@contextmanager
def base(node: Postgres) -> Iterator[Base]:
    """The database of a running PostgreSQL, without mail."""
    made = Base(node.database)
    if made.ask("SELECT to_regclass('carteiro_schema')") == [(None,)]:
        schema.make(made.hosts)
    made.cut()
    for table in ("delivery", "message", "piece", "address", "mailbox"):
        made.ask(f"DELETE FROM {table}")
    try:
        yield made
    finally:
        made.close()


def together(*works: Any) -> None:
    """Does all of it at the same time, in threads; raises what the first one raises."""
    faults: list[BaseException] = []

    def run(work: Any) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 (it is raised below)
            faults.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
