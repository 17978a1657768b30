"""Would the ordering tests of POP3 notice a wrong cell? Each cell of the table is changed in turn, to see them fail."""

from collections.abc import Iterator
from functools import cache, partial
from random import Random

import pytest

from protocol.engine.dialect import Dialect
from protocol.engine.events import Event
from protocol.engine.replies import Reply
from protocol.engine.table import Mark, State, Table, Transition, Written
from protocol.pop3.actions import PopActions
from protocol.pop3.grammar import parse_pop
from protocol.pop3.table import EVENTS, POP3, Pop3

from ...kit.mutation import Watched, dialogues_by_cell, is_noticed, mutants_of, other_targets
from ...kit.pop3_dialogues import Dialogue, dialogues, hold, wandering

pytestmark = pytest.mark.no_cover  # which would take most of its time

CELLS = [(state, event) for state in Pop3 for event in EVENTS]
REFUSALS = sorted(
    {cell for row in POP3.table.cells.values() for cell in row.values() if isinstance(cell, Reply)},
    key=lambda reply: (reply.code, reply.text),
)

NEVER_REFUSE = {Event.CAPA, Event.STLS, Event.USER, Event.STAT, Event.NOOP, Event.RSET, Event.LIST, Event.UIDL, Event.QUIT,
                Event.SECURED, Event.PASS}  # fmt: skip
"""The events whose action cannot refuse on this server: where that would lead is of no effect."""


def cannot_refuse(state: State, event: Event) -> bool:
    """Nor can an AUTH that still has to ask, and the last answer to a challenge (one that is refused is not the last)."""
    is_asking = event is (Event.PROOF if state is Pop3.ASKING else Event.AUTH)
    return event in NEVER_REFUSE or is_asking


def other_cells(state: State, event: Event) -> Iterator[Written]:
    """What else could stand in this cell: every other target, for each outcome; every other Mark; every other refusal."""
    old = POP3.table.cells[state][event]
    yield from (mark for mark in Mark if mark is not old and mark not in (Mark.BACK, Mark.STAY))
    yield from (reply for reply in REFUSALS if reply != old)
    accepted, refused = old if isinstance(old, Transition) else (None, state)
    yield from ((other, refused) for other in other_targets(state, accepted))
    if accepted is not None and not cannot_refuse(state, event):
        yield from ((accepted, other) for other in other_targets(state, refused))


def mutants(state: State, event: Event) -> list[tuple[Written, Table]]:
    """The tables with another cell there."""
    return mutants_of(POP3.table, state, event, other_cells(state, event))


@cache
def by_cell() -> dict[tuple[State, Event], list[Dialogue]]:
    """The dialogues that look at a cell."""
    return dialogues_by_cell(Watched(POP3.table, parse_pop, PopActions), CELLS, dialogues(), hold)


def hold_all(table: Table, held: list[Dialogue]) -> None:
    for dialogue in held:
        hold(Dialect(table, parse_pop, PopActions), dialogue)


@pytest.mark.parametrize(("state", "event"), CELLS, ids=lambda word: word.name)
def test_the_enumeration_notices_every_wrong_cell(state: State, event: Event) -> None:
    held = by_cell()[state, event]
    missed = [cell for cell, table in mutants(state, event) if not is_noticed(partial(hold_all, table, held))]
    assert not missed


def test_the_dialogues_look_at_every_cell_that_decides_anything() -> None:
    table = POP3.table
    unseen = {cell for cell, held in by_cell().items() if not held}
    assert not {(state, event) for state, event in unseen if not isinstance(table.cells[state][event], Mark)}


def test_random_histories_notice_them_too() -> None:
    """One wrong content for each cell: they look for what enumeration cannot see, so they must not be blind."""
    random = Random(1)
    held = [Dialogue(wandering(random, 30)) for _ in range(2000)]
    tried = [(state, event, *found[len(found) // 2]) for state, event in CELLS if (found := mutants(state, event))]
    missed = [f"{state.name}, {event.name}: {cell}" for state, event, cell, table in tried if state is not Pop3.OPENING
              and not is_noticed(partial(hold_all, table, held))]  # fmt: skip
    assert tried and not missed
