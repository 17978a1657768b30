"""A connection to the primary for a process that reads mail: opened when it is needed, and again after it was lost.

It waits for its answers, so it is for processes beside the mail path. Their threads share it, and take turns. Knows nothing
about what is asked.

The primary is found as the store finds it: all hosts are asked, the highest timeline counts, and one that is lower than what
was seen before is refused. A fault ends the connection, and with it whatever was locked over it; `number` tells one
connection from the next. An answer with a warning is a fault, too: a commit may be on one disk only then.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ...errors import StorageError
from . import schema
from .direct import Direct
from .hosts import Host
from .statements import ENDING

PATIENCE_SECONDS = 10.0
"""For one answer. Then the connection is given up."""

PAUSE_SECONDS = 1.0
"""Between two attempts to find the primary. Meanwhile each question gets the same fault."""

_SETTINGS = """
SELECT set_config('lock_timeout', '8s', false),
    set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
    set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '25000', false)
"""
"""So that what is locked is free within half a minute when the machine of this process is gone."""


class Away(OSError):  # noqa: N818 (where the database is)
    """The database does not do what it was asked. The text is one line for people."""

    def __init__(self, words: str) -> None:
        super().__init__(0, words)

    def __str__(self) -> str:
        return str(self.strerror)


class Desk:
    """The connection of a process. Threads may share it."""

    def __init__(self, hosts: Sequence[Host], is_single: bool = False) -> None:
        self._hosts = hosts
        self._is_single = is_single
        self._turn = threading.RLock()
        self._database: Direct | None = None
        self._timeline = 0
        self._process = 0
        self._left: dict[str, int] = {}
        self._fault = ""
        self._not_before = 0.0
        self.number = 0
        """How many connections there were. What was locked is locked as long as this stays."""

    @property
    def timeline(self) -> int:
        """The timeline of the primary that was asked last."""
        return self._timeline

    @contextmanager
    def turn(self) -> Iterator[Direct]:
        """The connection, for this thread alone. Raises Away, also for what fails meanwhile."""
        with self._turn:
            if self._database and self._database.is_lost:
                self.close()
            database = self._database = self._database or self._opened()
            try:
                yield database
            except BaseException as error:
                self._left[database.host.name] = self._process
                self.close()
                if isinstance(error, StorageError):
                    raise Away(str(error)) from error
                raise

    def close(self) -> None:
        """Gives up the connection. The next question opens another."""
        with self._turn:
            if self._database:
                self._database.close()
                self._database = None

    def _opened(self) -> Direct:
        if time.monotonic() < self._not_before:
            raise Away(self._fault)
        try:
            database = self._found()
        except StorageError as error:
            self._fault = str(error)
            self._not_before = time.monotonic() + PAUSE_SECONDS
            raise Away(self._fault) from error
        self.number += 1
        self._process = database.process
        return database

    def _found(self) -> Direct:
        """A connection to the primary. Raises StorageError."""
        faults: list[StorageError] = []
        found = schema.primary(self._hosts, faults)
        if found is None:
            raise StorageError(f"no primary answers: {'; '.join(map(str, faults)) or 'all hosts are standbys'}")
        database, row = found
        try:
            self._check(database, row)
            database.patience = PATIENCE_SECONDS
            database.ask(_SETTINGS)
            if database.host.name in self._left:
                database.ask(ENDING.decode(), str(self._left.pop(database.host.name)))
        except BaseException:
            database.close()
            raise
        return database

    def _check(self, database: Direct, row: Sequence[str | None]) -> None:
        timeline = schema.timeline_of(row)
        words = schema.objection(row, self._is_single)
        if timeline < self._timeline:
            words = f"it is an old primary, on timeline {timeline}, and there is or was one on {self._timeline}"
        elif not words and schema.version_of(database) != schema.VERSION:
            words = f"its schema has another version than {schema.VERSION}: run --database-init with the newest server"
        if words:
            raise StorageError(f"database {database.host.name}: {words}")
        self._timeline = timeline
