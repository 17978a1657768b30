"""Mistakes that a store could make, planted into the one that is there: each was made by somebody once, and loses mail.

Knows nothing about scenarios; `test_planted.py` says which one finds which.
"""

import time
from collections.abc import Callable
from typing import Any


def _exchange(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Puts what `make` makes of it in the place of something that is there."""
    setattr(owner, name, make(getattr(owner, name)))


def warning_is_a_success() -> None:
    """A commit whose wait was cancelled is taken for one that two disks have."""
    from storage.stores.postgres.link import Link

    _exchange(Link, "_noticed", lambda _: lambda self, notice: None)


def retry_does_nothing() -> None:
    """What is in doubt is sent again by a statement that writes nothing when the row is there: nothing is waited for."""
    from storage.stores.postgres import statements

    for name in (b"messages", b"deliveries"):
        before, conflict, _ = statements.PREPARED[name].partition(b"DO UPDATE")
        assert conflict
        statements.PREPARED[name] = before + b"DO NOTHING"


class _Hasty:
    """A connection that asks for the answers of statements before their transaction is over."""

    def __init__(self, conn: Any) -> None:
        object.__setattr__(self, "_conn", conn)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conn, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._conn, name, value)

    def pipeline_sync(self) -> None:
        self._conn.send_flush_request()
        self._conn.pipeline_sync()


def early_answer_is_a_success() -> None:
    """A 250 is said when the last statement was answered, while its commit still waits."""
    from psycopg.pq import ExecStatus

    from storage.stores.postgres.answers import Outcome, Verdict
    from storage.stores.postgres.link import Link
    from storage.stores.postgres.link_table import BUSY

    def made(init: Any) -> Any:
        def wrapped(self: Any, *arguments: Any, **named: Any) -> None:
            init(self, *arguments, **named)
            connect = self._connect
            self._connect = lambda conninfo: _Hasty(connect(conninfo))

        return wrapped

    def taken(take: Any) -> Any:
        def wrapped(self: Any, result: Any) -> None:
            is_answer = self.state is BUSY and result.status == ExecStatus.COMMAND_OK and self._work
            if is_answer and (result.command_status or b"").startswith(b"INSERT"):
                self._heard = getattr(self, "_heard", 0) + 1
                if self._heard == 2:  # that of the messages, and that of the deliveries
                    self._work.done(Outcome(Verdict.CLEAN))
                    self._work = self._work._replace(done=lambda _: None)
            take(self, result)

        return wrapped

    def sent(send: Any) -> Any:
        def wrapped(self: Any, work: Any) -> None:
            self._heard = 0
            send(self, work)

        return wrapped

    _exchange(Link, "__init__", made)
    _exchange(Link, "_take", taken)
    _exchange(Link, "send", sent)


def nothing_is_taken_back() -> None:
    """A message that was refused, and is perhaps stored, is left where it is."""
    from storage.stores.postgres.withdrawals import Withdrawals

    _exchange(Withdrawals, "add", lambda _: lambda self, id: None)


def retry_has_a_new_id() -> None:
    """What is in doubt is sent again as another message."""
    from storage.stores.postgres import ids
    from storage.stores.postgres.message import Message

    def row(made: Any) -> Any:
        def wrapped(self: Any) -> Any:
            if self.is_in_doubt:
                self.binary_id = ids.new(time.time())
            return made(self)

        return wrapped

    _exchange(Message, "row", row)


MISTAKES: dict[str, Callable[[], None]] = {
    plant.__name__: plant
    for plant in (
        warning_is_a_success,
        retry_does_nothing,
        early_answer_is_a_success,
        nothing_is_taken_back,
        retry_has_a_new_id,
    )
}
"""Each by its name."""
