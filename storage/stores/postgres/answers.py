"""What the database answers to a transaction, and what that means.

Knows nothing about how it is sent.

What is sent is one transaction: statements, then a sync. That a statement is answered says nothing: the answer comes while
its commit still waits for a standby. Only the answer to the sync says that it is over, and not how. These cases there are:

- no error, no warning: two disks have it. So CLEAN is said in this case alone.
- an error: it was rolled back, and there is nothing of it. What kind of error it was is passed on.
- a warning: the wait for the standby may have been cancelled, by somebody or by a shutdown. The primary has it, perhaps
  nobody else. The text of a warning depends on the server's language, so each warning is taken for this one: DOUBT.
- no answer, since the connection is lost or nothing came for so long: nobody knows. DOUBT, too.
- what a host says that is known to be an old primary by now is in doubt, however it sounds.
"""

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult as Result

from .direct import one_line


class Verdict(Enum):
    """What became of what was sent. The value is for people."""

    CLEAN = "stored"
    FULL = "not stored, there is no room or too little memory"
    FLAWED = "not stored, the database does not take it"
    FAILED = "not stored"
    DOUBT = "perhaps stored"


class Outcome(NamedTuple):
    """A verdict, the reason in words, and the rows that were asked for."""

    verdict: Verdict
    words: str = ""
    rows: Sequence[Sequence[bytes | None]] = ()


Statement = tuple[bytes, Sequence[bytes | None]]
"""The name of a prepared statement, and its values in binary."""


class Work(NamedTuple):
    """What is sent as one transaction. Statements are made as they are sent. `done` is called once, and must not fail."""

    statements: Iterator[Statement]
    done: Callable[[Outcome], None]


VERDICTS = {b"53": Verdict.FULL, b"22": Verdict.FLAWED, b"23": Verdict.FLAWED, b"54": Verdict.FLAWED}
"""By the class of an error's SQLSTATE. All others say nothing about what was sent: the connection is given up."""


class Answers:
    """What has come so far to what was sent last."""

    def __init__(self) -> None:
        self.flaw = ""
        """The first error, in words."""
        self.rows: list[list[bytes | None]] = []
        """The rows of the last result that has some."""
        self._code = b""
        self._warning = ""

    def take(self, result: Result) -> None:
        """The result of a statement. It is none of the transaction."""
        if result.status == ExecStatus.FATAL_ERROR and not self.flaw:
            self.flaw = one_line(result.error_field(DiagnosticField.MESSAGE_PRIMARY) or result.error_message)
            self._code = result.error_field(DiagnosticField.SQLSTATE) or b""
        elif result.status == ExecStatus.TUPLES_OK:
            columns = range(result.nfields)
            self.rows = [[result.get_value(row, column) for column in columns] for row in range(result.ntuples)]

    def notice(self, notice: Result) -> str:
        """What comes beside the results. Returns its words if it is a warning."""
        if notice.error_field(DiagnosticField.SEVERITY_NONLOCALIZED) != b"WARNING":
            return ""
        self._warning = one_line(notice.error_field(DiagnosticField.MESSAGE_PRIMARY) or b"a warning")
        return self._warning

    def meaning(self, objection: str) -> Outcome:
        """What it means, now that the sync is answered. `objection` says why the host is not to be believed; "" if it is."""
        if self._warning or objection:
            return Outcome(Verdict.DOUBT, self._warning or objection)
        if not self.flaw:
            return Outcome(Verdict.CLEAN, "", self.rows)
        return Outcome(VERDICTS.get(self._code[:2], Verdict.FAILED), self.flaw)
