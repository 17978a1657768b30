"""A connection that waits for its answers, for what is done before a server serves: looking at the cluster, and its schema.

Knows nothing about what is asked.
"""

import select
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from psycopg import Error
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, PGconn, PollingStatus
from psycopg.pq.abc import PGconn as Connection
from psycopg.pq.abc import PGresult as Result

from ...errors import StorageError
from .hosts import Host

CONNECTING_SECONDS = 2.0
"""For connecting to one host: `connect_poll` has no limit of its own."""

ANSWER_SECONDS = 30.0
"""For one answer. A commit that no standby confirms would wait for ever."""

Rows = list[tuple[str | None, ...]]
Octets = list[tuple[bytes | None, ...]]


class Direct:
    """A connection to one host, for so many seconds in all, if that is given. Making one raises StorageError; so does each
    question that is not answered, or with a warning: then a commit may be on one disk only (see `answers`).
    """

    def __init__(self, host: Host, seconds: float | None = None) -> None:
        self.host = host
        self.patience = ANSWER_SECONDS
        """Seconds for one answer, if not all of them are limited together."""
        self._warning = b""
        self._is_limited = seconds is not None
        self._end = time.monotonic() + (seconds or CONNECTING_SECONDS)
        self._conn: Connection = PGconn.connect_start(host.conninfo(host.look_up()))
        try:
            while (state := self._conn.connect_poll()) != PollingStatus.OK:
                if state == PollingStatus.FAILED:
                    raise self._fault(self._conn.error_message)
                self._wait(state == PollingStatus.WRITING)
        except BaseException:
            self._conn.finish()
            raise
        self._conn.notice_handler = self._noticed

    @property
    def process(self) -> int:
        """The number of the database's process at the other end."""
        return self._conn.backend_pid

    @property
    def is_lost(self) -> bool:
        """Whether the other end has closed it, while nothing was asked. One that is not lost may still be dead."""
        poll = select.poll()
        poll.register(self._conn.socket, select.POLLIN)
        try:
            while poll.poll(0):  # its last words, and then the end, which raises
                self._conn.consume_input()
                self._conn.is_busy()
        except Error:
            return True
        return self._conn.status != ConnStatus.OK

    def _noticed(self, notice: Result) -> None:
        if notice.error_field(DiagnosticField.SEVERITY_NONLOCALIZED) == b"WARNING":
            self._warning = notice.error_field(DiagnosticField.MESSAGE_PRIMARY) or b"a warning"

    def _fault(self, words: bytes) -> StorageError:
        return StorageError(f"database {self.host.name}: {one_line(words)}")

    def _wait(self, is_writing: bool) -> None:
        left = self._end - time.monotonic()
        poll = select.poll()
        poll.register(self._conn.socket, select.POLLOUT if is_writing else select.POLLIN)
        if left <= 0 or not poll.poll(left * 1000):
            raise self._fault(b"no answer in time")

    def ask(self, statement: str, *values: str) -> Rows:
        """The rows of the last result. Several statements are possible without values."""
        return [tuple(map(_text, row)) for row in self._asked(statement, values, 0)]

    def octets(self, statement: str, *values: str) -> Octets:
        """The same for one statement, whose columns are binary or texts: as they are."""
        return self._asked(statement, values, 1)

    def _asked(self, statement: str, values: Sequence[str], result_format: int) -> Octets:
        if not self._is_limited:
            self._end = time.monotonic() + self.patience
        self._warning = b""
        try:
            if values or result_format:
                self._conn.send_query_params(
                    statement.encode(), [value.encode() for value in values], result_format=result_format
                )
            else:
                self._conn.send_query(statement.encode())
            return self._answer()
        except Error as error:
            raise self._fault(str(error).encode()) from error

    def _answer(self) -> Octets:
        rows: Octets = []
        flaw = b""
        while True:
            while self._conn.is_busy():
                self._wait(False)
                self._conn.consume_input()
            result = self._conn.get_result()
            if result is None:
                break
            if result.status == ExecStatus.FATAL_ERROR:
                flaw = flaw or result.error_field(DiagnosticField.MESSAGE_PRIMARY) or result.error_message
            values = range(result.nfields)
            rows = [tuple(result.get_value(row, column) for column in values) for row in range(result.ntuples)]
        if flaw or self._warning:
            raise self._fault(flaw or self._warning)
        return rows

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is asked in it is done, or nothing. Must not be used in itself."""
        self.ask("BEGIN")
        try:
            yield
        except BaseException:
            self.close()
            raise
        self.ask("COMMIT")

    def close(self) -> None:
        """Closes the connection."""
        self._conn.notice_handler = None
        self._conn.finish()


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")


def one_line(words: bytes | str) -> str:
    """What libpq says, in one line."""
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    return " ".join(text.split())


def connected(hosts: Sequence[Host]) -> tuple[list[Direct], list[StorageError]]:
    """Connections to all hosts that answer, and why the others do not."""
    found, faults = [], []
    for host in hosts:
        try:
            found.append(Direct(host))
        except StorageError as error:
            faults.append(error)
    return found, faults
