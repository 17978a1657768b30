"""Would the ordering tests of RFC 5321 notice a wrong cell? Each cell of the table is changed in turn, to see them fail."""

from functools import cache, partial

import pytest

from protocol.engine.dialect import Dialect
from protocol.engine.events import Event
from protocol.engine.table import Mark, State, Table, Written
from protocol.esmtp.actions import EsmtpActions
from protocol.esmtp.grammar import parse_esmtp
from protocol.esmtp.table import ESMTP, Esmtp

from ...kit.esmtp_dialogues import Dialogue, dialogues, hold
from ...kit.esmtp_histories import Ordering
from ...kit.esmtp_mutants import CELLS, mutants, other_cells
from ...kit.mutation import Watched, dialogues_by_cell, is_noticed, table_with
from ...kit.walks import ENOUGH, wander

pytestmark = pytest.mark.no_cover  # which would take most of its time


@cache
def by_cell() -> dict[tuple[State, Event], list[Dialogue]]:
    """The dialogues that look at a cell."""
    return dialogues_by_cell(Watched(ESMTP.table, parse_esmtp, EsmtpActions), CELLS, dialogues(), hold)


def hold_all(table: Table, held: list[Dialogue]) -> None:
    for dialogue in held:
        hold(Dialect(table, parse_esmtp, EsmtpActions), dialogue)


@pytest.mark.parametrize(("state", "event"), CELLS, ids=lambda word: word.name)
def test_the_enumeration_notices_every_wrong_cell(state: State, event: Event) -> None:
    held = by_cell()[state, event]
    missed = [cell for cell, table in mutants(state, event) if not is_noticed(partial(hold_all, table, held))]
    assert not missed


def test_the_dialogues_look_at_every_cell_that_decides_anything() -> None:
    """Where commands are read no line is END: a dot is a word like any other."""
    table = ESMTP.table
    unseen = {cell for cell, held in by_cell().items() if not held}
    assert {(state, event) for state, event in unseen if not isinstance(table.cells[state][event], Mark)} == {
        (state, Event.END) for state in Esmtp if table.reading(state) is None
    }


def test_random_histories_notice_them_too() -> None:
    """One wrong content for each cell: they look for what enumeration cannot see, so they must not be blind."""
    tried = [(state, event, *found) for state, event in CELLS if (found := one_mutant(state, event))]
    missed = []
    for state, event, cell, table in tried:
        model = partial(Ordering, Dialect(table, parse_esmtp, EsmtpActions))
        if not is_noticed(partial(wander, model, ENOUGH, seed=1)):
            missed.append(f"{state.name}, {event.name}: {cell}")
    assert tried and not missed


def one_mutant(state: State, event: Event) -> tuple[Written, Table] | None:
    """One of the middle."""
    cells = list(other_cells(state, event))
    for cell in cells[len(cells) // 2 :]:
        if table := table_with(ESMTP.table, state, event, cell):
            return cell, table
    return None
