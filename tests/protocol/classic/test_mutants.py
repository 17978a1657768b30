"""Would the ordering tests notice a wrong cell? Each cell of the table is changed in turn, to see them fail."""

from collections.abc import Iterator
from functools import partial

import pytest

from protocol.classic.actions import ClassicActions
from protocol.classic.grammar import parse_classic
from protocol.classic.table import CLASSIC, EVENTS, Classic
from protocol.engine.dialect import Dialect
from protocol.engine.events import Event
from protocol.engine.replies import UNRECOGNIZED, Reply
from protocol.engine.table import Mark, State, Transition, Written

from ...kit.histories import Ordering
from ...kit.mutation import is_noticed, mutants_of, other_targets
from ...kit.ordering import check_order
from ...kit.walks import ENOUGH, wander

pytestmark = pytest.mark.no_cover  # which would take most of its time

MAY_REFUSE = {Event.RCPT, Event.END, Event.STORED}
"""The events whose action can refuse; for the others it is of no effect where a refusal would lead."""

CELLS = [(state, event) for state in Classic for event in EVENTS]


def other_cells(state: State, event: Event) -> Iterator[Written]:
    """What else could stand in this cell: every other target, for each outcome; every other Mark; a refusal."""
    old = CLASSIC.table.cells[state][event]
    yield from (mark for mark in Mark if mark is not old and mark not in (Mark.BACK, Mark.STAY))
    if not isinstance(old, Reply):
        yield UNRECOGNIZED
    accepted, refused = old if isinstance(old, Transition) else (None, state)
    yield from ((other, refused) for other in other_targets(state, accepted))
    if accepted is not None and event in MAY_REFUSE:
        yield from ((accepted, other) for other in other_targets(state, refused))


def mutants(state: State, event: Event) -> list[tuple[Written, Dialect]]:
    """The dialects with another cell there."""
    found = mutants_of(CLASSIC.table, state, event, other_cells(state, event))
    return [(cell, Dialect(table, parse_classic, ClassicActions)) for cell, table in found]


@pytest.mark.parametrize(("state", "event"), CELLS, ids=lambda word: word.name)
def test_the_enumeration_notices_every_wrong_cell(state: State, event: Event) -> None:
    missed = [cell for cell, dialect in mutants(state, event) if not is_noticed(partial(check_order, dialect))]
    assert not missed


def test_random_histories_notice_them_too() -> None:
    """One wrong content for each cell: they look for what enumeration cannot see, so they must not be blind."""
    tried = [(state, event, *found[len(found) // 2]) for state, event in CELLS if (found := mutants(state, event))]
    missed = [
        f"{state.name}, {event.name}: {cell}"
        for state, event, cell, dialect in tried
        if not is_noticed(partial(wander, partial(Ordering, dialect), ENOUGH, seed=1))
    ]
    assert tried and not missed
