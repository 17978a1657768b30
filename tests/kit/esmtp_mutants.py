"""The wrong cells that there could be in the table of RFC 5321's dialect.

Knows nothing about what notices them.
"""

from collections.abc import Iterator

from protocol.engine.events import Event
from protocol.engine.replies import NOT_OFFERED, Reply
from protocol.engine.table import Mark, State, Table, Transition, Written
from protocol.esmtp.table import ESMTP, EVENTS, Esmtp

from .mutation import mutants_of, other_targets

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
    if state in (Esmtp.ASKING, Esmtp.PROMPTED):
        return event is Event.PROOF
    return event in NEVER_REFUSE or (state is Esmtp.CHUNKED and event in (Event.BDAT, Event.LAST))


def other_cells(state: State, event: Event) -> Iterator[Written]:
    """What else could stand in this cell: every other target, for each outcome; every other Mark; every other refusal."""
    old = ESMTP.table.cells[state][event]
    yield from (mark for mark in Mark if mark is not old and mark not in (Mark.BACK, Mark.STAY))
    if event is not Event.END:  # where commands are read no line is END
        yield from (reply for reply in REFUSALS if reply != old)
    accepted, refused = old if isinstance(old, Transition) else (None, state)
    if event not in NEVER_ACCEPT or accepted is None:
        yield from ((other, refused) for other in other_targets(state, accepted))
    if accepted is not None and not cannot_refuse(state, event):
        yield from ((accepted, other) for other in other_targets(state, refused))


def mutants(state: State, event: Event) -> list[tuple[Written, Table]]:
    """The tables with another cell there."""
    return mutants_of(ESMTP.table, state, event, other_cells(state, event))
