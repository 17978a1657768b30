"""A cluster in memory, and libpq as the store sees it: a connection answers as the cluster decides, or fails at any call.

Knows the store's statements by their names, and what PostgreSQL 15 was seen to do with them: a commit is answered early, a
cancelled wait is a warning, what wrote nothing waits for nobody. Time is the loop's own, and passes as the test says.
"""

import heapq
import struct
from collections.abc import Callable
from itertools import count
from typing import Any

from psycopg import OperationalError
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, PollingStatus

from storage.stores.postgres import primary
from storage.stores.postgres.statements import PREPARED

READ, WRITE = 1, 2
STANDING: list[bytes | None] = [b"2", b"4096", b"1", None, b"false"]
"""What it says when it is asked how it stands."""


def elements(array: bytes) -> list[bytes]:
    """The elements of a binary array, read as PostgreSQL's array_recv does."""
    dimensions, _, _ = struct.unpack_from(">iiI", array)
    if not dimensions:
        return []
    size, _ = struct.unpack_from(">ii", array, 12)
    found, place = [], 20
    for _ in range(size):
        (length,) = struct.unpack_from(">i", array, place)
        found.append(array[place + 4 : place + 4 + max(0, length)])
        place += 4 + max(0, length)
    assert place == len(array)
    return found


class Result:
    """A result, or a notice."""

    def __init__(
        self, status: int, rows: list[list[bytes | None]] | None = None, code: bytes = b"", severity: bytes = b""
    ) -> None:
        self.status = status
        self.error_message = b"ERROR:  what went wrong\n"
        self._rows = rows or []
        self._fields = {
            DiagnosticField.SQLSTATE: code,
            DiagnosticField.SEVERITY_NONLOCALIZED: severity,
            DiagnosticField.SEVERITY: b"AVISO",
            DiagnosticField.MESSAGE_PRIMARY: b"em portugues",
        }
        self.ntuples, self.nfields = len(self._rows), len(self._rows[0]) if self._rows else 0

    def error_field(self, field: int) -> bytes | None:
        return self._fields[DiagnosticField(field)]

    def get_value(self, row: int, column: int) -> bytes | None:
        return self._rows[row][column]


Rows = dict[bytes, tuple[bytes, set[bytes]]]
"""Messages by their ids: the reverse-path, and the mailboxes that have them."""


class Cluster:
    """A primary and what its standbys have. `plan` says what becomes of the next transactions, one word for each:

    "clean"; "wait": committed, and the standby is not there yet; "warn": that wait was cancelled; "lost": the connection
    breaks after the commit; "gone": it breaks before; or an SQLSTATE, by which it is rolled back, with "early " before it if
    the error is answered before all is sent. Then all is clean.
    """

    def __init__(self) -> None:
        self.local: Rows = {}
        self.safe: Rows = {}
        self.timeline = 1
        self.standbys = b"ANY 1 (n2, n3)"
        self.is_standby = False
        self.is_down = False
        self.is_frozen = False
        """Whether it accepts connections, and says nothing on them."""
        self.plan: list[str] = []
        self.calls = 0
        self.fails_at = 0
        self.connections: list[Connection] = []
        self.transactions: list[list[str]] = []
        self.ended = 0
        """How many processes of given up connections were ended."""

    def connect(self, conninfo: bytes) -> Any:
        self.call()
        connection = Connection(self)
        self.connections.append(connection)
        return connection

    def call(self) -> None:
        """Counts a call of libpq, which may be the one that fails."""
        self.calls += 1
        if self.calls == self.fails_at:
            raise OperationalError("this call fails")

    def copy(self, safe: bool = False) -> Rows:
        """What it has, or what a standby has of that."""
        rows = self.safe if safe else self.local
        return {id: (token, set(names)) for id, (token, names) in rows.items()}

    def fail_over(self) -> None:
        """The primary is gone, and with it what it alone had."""
        self.local = self.copy(safe=True)
        self.timeline += 1
        for connection in self.connections:
            connection.breaks()

    def commit(self, statements: list[tuple[str, list[bytes]]]) -> bool:
        """Carries out a transaction. Whether it wrote something."""
        self.transactions.append([name for name, _ in statements])
        return sum(self._carried_out(name, values) for name, values in statements) > 0

    def _carried_out(self, name: str, values: list[bytes]) -> bool:
        writes = b"DO UPDATE" in PREPARED[name.encode()]
        if name == "messages":
            ids, tokens = elements(values[0]), elements(values[1])
            new = [id for id in ids if id not in self.local]
            for id, token in zip(ids, tokens, strict=True):
                self.local.setdefault(id, (token, set()))
            return writes or bool(new)
        if name == "deliveries":
            before = sum(len(names) for _, names in self.local.values())
            for id, mailbox in zip(elements(values[0]), elements(values[1]), strict=True):
                self.local[id][1].add(mailbox)
            return writes or before < sum(len(names) for _, names in self.local.values())
        if name == "no messages":
            return sum(self.local.pop(id, None) is not None for id in elements(values[0])) > 0
        if name == "holds":
            for id in elements(values[0]):
                self.local.setdefault(id, (b"", set()))
        return name in ("holds", "beat", "piece")

    def tokens(self, rows: Rows) -> list[tuple[bytes, tuple[bytes, ...]]]:
        """What mailboxes have: the reverse-path of each message, and its mailboxes."""
        return sorted((token, tuple(sorted(names))) for token, names in rows.values())


class Connection:
    """A connection in pipeline mode."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._statements: list[tuple[str, list[bytes]]] = []
        self._results: list[Result | None] = []
        self._asked = False
        self._is_waiting = False
        self._is_unsent = False
        self._error = b""
        self.status = ConnStatus.OK
        self.socket = id(self)
        self.notice_handler: Callable[[Result], None] | None = None
        self.error_message = b"connection refused"
        self.nonblocking = 0
        self.backend_pid = 1
        self.is_finished = False

    def breaks(self) -> None:
        self.status = ConnStatus.BAD

    def answers_late(self) -> None:
        """The standby has what was waited for."""
        if self._is_waiting:
            self._is_waiting = False
            self._results.append(Result(ExecStatus.PIPELINE_SYNC))

    def connect_poll(self) -> int:
        self._cluster.call()
        if self._cluster.is_frozen:
            return PollingStatus.READING
        return PollingStatus.FAILED if self._cluster.is_down or self.status == ConnStatus.BAD else PollingStatus.OK

    def enter_pipeline_mode(self) -> None:
        self._cluster.call()

    def send_query_params(self, statement: bytes, values: object) -> None:
        self._cluster.call()
        self._asked = True
        if values:
            self._cluster.ended += 1

    def send_prepare(self, name: bytes, statement: bytes) -> None:
        self._cluster.call()
        assert statement == {**PREPARED, **primary.PREPARED}[name]

    def send_query_prepared(self, name: bytes, values: list[bytes], formats: list[int], result_format: int) -> None:
        self._cluster.call()
        assert formats == [1] * len(values)
        assert not self._error, "it goes on after an error"
        self._is_unsent = sum(len(value or b"") for value in values) > 64 * 1024
        if self._cluster.plan and self._cluster.plan[0].startswith("early ") and len(self._statements) > 1:
            self._error = self._cluster.plan.pop(0).removeprefix("early ").encode()
            self._results += [Result(ExecStatus.FATAL_ERROR, code=self._error), None]
        self._statements.append((name.decode(), values))

    def pipeline_sync(self) -> None:
        self._cluster.call()
        cluster = self._cluster
        if self._asked:
            self._asked = False
            row = [b"t" if cluster.is_standby else b"f", b"%08X" % cluster.timeline, cluster.standbys, b"on", b"UTF8"]
            self._results += [Result(ExecStatus.TUPLES_OK, [[*row]]), None, Result(ExecStatus.PIPELINE_SYNC)]
            return
        statements, self._statements = self._statements, []
        if self._error:
            self._error = b""
            self._results.append(Result(ExecStatus.PIPELINE_SYNC))
            return
        if [name for name, _ in statements] == ["standing"]:
            if not cluster.is_frozen:
                standing = STANDING if cluster.standbys else [*STANDING[:-1], b"true"]
                self._results += [Result(ExecStatus.TUPLES_OK, [standing]), None, Result(ExecStatus.PIPELINE_SYNC)]
            return
        self._answer(statements, cluster.plan.pop(0) if cluster.plan else "clean")

    def _answer(self, statements: list[tuple[str, list[bytes]]], word: str) -> None:
        cluster = self._cluster
        if word == "gone":
            self.breaks()
            return
        if word not in ("clean", "wait", "warn", "lost"):
            self._results += [Result(ExecStatus.FATAL_ERROR, code=word.encode()), None, Result(ExecStatus.PIPELINE_SYNC)]
            return
        wrote = cluster.commit(statements)
        for _ in statements:
            self._results += [Result(ExecStatus.COMMAND_OK), None]
        if word == "lost":
            self.breaks()
        elif word == "clean" or not wrote:  # nobody waits for what wrote nothing
            if wrote:
                cluster.safe = cluster.copy()
            self._results.append(Result(ExecStatus.PIPELINE_SYNC))
        elif word == "wait":
            self._is_waiting = True
        elif word == "warn":
            self._results += [Result(ExecStatus.NONFATAL_ERROR, severity=b"WARNING"), Result(ExecStatus.PIPELINE_SYNC)]

    def flush(self) -> int:
        """The network takes a large statement only in the next turn."""
        self._cluster.call()
        is_left, self._is_unsent = self._is_unsent, False
        return int(is_left)

    def consume_input(self) -> None:
        self._cluster.call()
        if self.status == ConnStatus.BAD:
            raise OperationalError("server closed the connection unexpectedly")

    def is_busy(self) -> int:
        while self._results and self._results[0] and self._results[0].status == ExecStatus.NONFATAL_ERROR:
            notice = self._results.pop(0)
            if self.notice_handler and notice:
                self.notice_handler(notice)
        return not self._results and not self._error

    def get_result(self) -> Result | None:
        self._cluster.call()
        return self._results.pop(0) if self._results else None

    def notifies(self) -> None:
        return None

    def finish(self) -> None:
        self.is_finished = True


class Timer:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class Loop:
    """An event loop in which every watched descriptor is ready in each turn, and time passes only by turns."""

    is_quiet = is_idle = False
    waited = 0.0

    def __init__(self) -> None:
        self.now = 1000.0
        self._watched: dict[Any, tuple[int, Callable[[int], None]]] = {}
        self._timers: list[tuple[float, int, Timer]] = []
        self._before: list[Callable[[], None]] = []
        self._serial = count()

    def watch(self, file: Any, events: int, callback: Callable[[int], None]) -> None:
        assert file not in self._watched
        self._watched[file] = events, callback

    def rewatch(self, file: Any, events: int, callback: Callable[[int], None]) -> None:
        assert file in self._watched
        self._watched[file] = events, callback

    def unwatch(self, file: Any) -> None:
        del self._watched[file]

    def before_write(self, callback: Callable[[], None]) -> None:
        self._before.append(callback)

    def after_write(self, callback: Callable[[], None]) -> None:
        raise NotImplementedError

    def turn_within(self, seconds: float) -> None:
        raise NotImplementedError

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        timer = Timer(callback)
        heapq.heappush(self._timers, (self.now + delay, next(self._serial), timer))
        return timer

    def turn(self, seconds: float = 0.0) -> None:
        """Makes a turn, after so much time."""
        self.now += seconds
        for file, (events, callback) in list(self._watched.items()):
            if file in self._watched:
                callback(events)
        for call in self._before:
            call()
        while self._timers and self._timers[0][0] <= self.now:
            timer = heapq.heappop(self._timers)[2]
            if timer.callback:
                timer.callback()

    def run(self, seconds: float, step: float = 0.1) -> None:
        """Makes turns for so long."""
        end = self.now + seconds
        while self.now < end:
            self.turn(step)
