"""Which wrong cells of our own table the kit of conformance/ finds: each is planted in turn, and the kit is held against it.

Of a mutant only those dialogues are held anew that look at the wrong cell; the others go as they went with the right table.
"""

from collections.abc import Coroutine, Sequence
from functools import cache
from typing import Any

from conformance.checking import Check, Outcome, Selection, Server
from conformance.looking import Untestable
from conformance.openings import Unreached
from conformance.rules.known import RULES
from protocol.engine.dialect import Dialect
from protocol.engine.events import Event
from protocol.engine.table import Mark, State, Table, Written
from protocol.esmtp.actions import EsmtpActions
from protocol.esmtp.grammar import parse_esmtp
from protocol.esmtp.table import ESMTP

from .mutation import Watched
from .wires import TARGET, opener, run

Cell = tuple[State, Event]
Key = tuple[Any, ...]


class Recorded:
    """The dialogues with the right table: what became of each, and which cells it looked at."""

    def __init__(self) -> None:
        self.results: dict[Key, tuple[Any, frozenset[Cell]]] = {}
        self._watched = Watched(ESMTP.table, parse_esmtp, EsmtpActions)
        self.outcome = check(self._watched.dialect, self._record)

    def _record(self, jobs: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
        results = []
        for job in jobs:
            key = key_of(job)
            self._watched.seen.clear()
            results.append(run(job))
            self.results[key] = results[-1], frozenset(self._watched.seen)
        return results


@cache
def recorded() -> Recorded:
    return Recorded()


def key_of(job: Coroutine[Any, Any, Any]) -> Key:
    """What a job is: its name, its arguments, and the walks that the server is led on."""
    frame: Any = job
    values = frame.cr_frame.f_locals
    walks = getattr(values["self"], "_walks", None)
    return (frame.cr_code.co_name, walks, *(repr(value) for name, value in values.items() if name != "self"))


def check(dialect: Dialect, together: Any) -> Outcome:
    server = Server(opener(dialect), TARGET, together, lambda: 1.0)
    return Check(server, Selection(frozenset(RULES))).run(())


def is_found(cell: Cell, table: Table) -> bool:
    """Whether anything is said of a table with one wrong cell."""

    def together(jobs: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
        results = []
        unmade.extend(jobs)
        for job in jobs:
            result, seen = recorded().results.get(key_of(job), (None, frozenset({cell})))
            if cell in seen:
                result = run(job)
            else:
                job.close()
            results.append(result)
        return results

    unmade: list[Coroutine[Any, Any, Any]] = []
    try:
        outcome = check(Dialect(table, parse_esmtp, EsmtpActions), together)
    except (Untestable, Unreached, AssertionError, RuntimeError):
        for job in unmade:
            job.close()
        return True
    return bool(outcome.findings or outcome.gaps)


def named(cell: Cell, written: Written) -> str:
    """A wrong cell, in words."""
    state, event = cell
    if isinstance(written, tuple):
        what = "|".join(target.name for target in written)
    else:
        what = written.name if isinstance(written, State | Mark) else written.text.decode()
    return f"{state.name} {event.name}: {what}"
