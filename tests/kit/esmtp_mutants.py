"""The wrong cells that there could be in the table of RFC 5321's dialect, and which of its cells a dialogue looks at.

Knows nothing about what notices them.
"""

from collections.abc import Iterator
from typing import Any

from protocol.engine.dialect import Dialect
from protocol.engine.replies import NOT_OFFERED, Reply
from protocol.engine.table import Event, Mark, State, Table, Target, Transition, Written
from protocol.esmtp.actions import EsmtpActions
from protocol.esmtp.grammar import parse_esmtp
from protocol.esmtp.table import ESMTP, EVENTS, HOMES, ROWS, Esmtp

CELLS = [(state, event) for state in Esmtp for event in EVENTS]
REFUSALS = sorted(
    {NOT_OFFERED, *(cell for row in ESMTP.table.cells.values() for cell in row.values() if isinstance(cell, Reply))},
    key=lambda reply: (reply.code, reply.text),
)

NEVER_REFUSE = {Event.EHLO, Event.HELO, Event.RSET, Event.NOOP, Event.HELP, Event.QUIT, Event.SECURED}
"""The events whose action cannot refuse: where that would lead is of no effect."""

NEVER_ACCEPT = {Event.EXPN}
"""The other way round."""


def cannot_refuse(state: State, event: Event) -> bool:
    """Nor can, in one state: the last answer to a challenge (one that is refused is not the last), and another chunk."""
    places = {(Esmtp.ASKING, Event.PROOF), (Esmtp.CHUNKED, Event.BDAT), (Esmtp.CHUNKED, Event.LAST)}
    return event in NEVER_REFUSE or (state, event) in places


def others(state: State, old: Target | None) -> Iterator[Target]:
    """Every other target. BACK from a home, or from the start, is to stay."""
    for target in (*Esmtp, Mark.BACK):
        if target is not old and not (target is Mark.BACK and old is state and state in (Esmtp.START, *HOMES)):
            yield target


def other_cells(state: State, event: Event) -> Iterator[Written]:
    """What else could stand in this cell: every other target, for each outcome; every other Mark; every other refusal."""
    old = ESMTP.table.cells[state][event]
    yield from (mark for mark in Mark if mark is not old and mark not in (Mark.BACK, Mark.STAY))
    if event is not Event.END:  # where commands are read no line is END
        yield from (reply for reply in REFUSALS if reply != old)
    accepted, refused = old if isinstance(old, Transition) else (None, state)
    if event not in NEVER_ACCEPT or accepted is None:
        yield from ((other, refused) for other in others(state, accepted))
    if accepted is not None and not cannot_refuse(state, event):
        yield from ((accepted, other) for other in others(state, refused))


def table_with(state: State, event: Event, cell: Written) -> Table | None:
    """The table with one wrong cell; None where that is no table at all."""
    try:
        return ESMTP.table.overlaid({(state, event): cell}, "mutant")
    except ValueError:
        return None


def mutants(state: State, event: Event) -> list[tuple[Written, Table]]:
    tried = [(cell, table_with(state, event, cell)) for cell in other_cells(state, event)]
    return [(cell, table) for cell, table in tried if table]


class Watched:
    """Remembers in which step of a dialogue a cell was looked at first, and thus can be of any effect on it."""

    def __init__(self) -> None:
        self.seen: dict[tuple[State, Event], int] = {}
        self.step = 0
        table: Any = Table("watched", EVENTS, ROWS, HOMES, opening=Esmtp.OPENING, skipping=Esmtp.SKIPPING)
        for state, row in table.rows.items():
            row.cells = Looks(self, state, row.cells)
        self.dialect = Dialect(table, parse_esmtp, EsmtpActions)

    def start(self, number: int) -> None:
        self.step = number


class Looks:
    """A row that tells which of its cells are looked at."""

    def __init__(self, watched: Watched, state: State, row: dict[Event, Any]) -> None:
        self._watched = watched
        self._state = state
        self._row = row

    def __getitem__(self, event: Event) -> Any:
        self._watched.seen.setdefault((self._state, event), self._watched.step)
        return self._row[event]
