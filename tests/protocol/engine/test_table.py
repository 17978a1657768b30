"""A table is total and makes sense, or it is not a table."""

from collections.abc import Sequence
from itertools import product

import pytest

from protocol.classic.table import CLASSIC, EVENTS, HOMES, ROWS, Classic
from protocol.engine.events import Event
from protocol.engine.replies import UNRECOGNIZED
from protocol.engine.table import Mark, State, Table, Transition, Written, reachable
from protocol.esmtp.table import ESMTP


def changed(state: State, event: Event, cell: Written) -> dict[State, Sequence[Written]]:
    rows: dict[State, Sequence[Written]] = dict(ROWS)
    rows[state] = [cell if v is event else old for v, old in zip(EVENTS, ROWS[state], strict=True)]
    return rows


def test_every_state_has_a_cell_for_every_verb() -> None:
    table = CLASSIC.table
    assert {(state, event) for state in table.cells for event in table.cells[state]} == {
        (s, v) for s in Classic for v in EVENTS
    }


def test_every_state_can_be_reached_and_closing_is_the_only_end() -> None:
    table = CLASSIC.table
    assert reachable(table, table.steps) == set(Classic)
    ends = {state for state, row in table.cells.items() if not any(isinstance(cell, Transition) for cell in row.values())}
    assert ends == {table.closed} == {Classic.CLOSED}


def test_a_cell_stays_where_it_is_when_the_action_refuses() -> None:
    cells = CLASSIC.table.cells
    assert cells[Classic.START][Event.HELO] == Transition(Classic.CLIENT, Classic.START)
    assert cells[Classic.REVERSE][Event.RCPT] == Transition(Classic.FORWARD, Mark.BACK)


def test_what_is_read_follows_from_the_cells() -> None:
    reading = {state: CLASSIC.table.reading(state) for state in Classic}
    assert {state for state, kind in reading.items() if kind is Mark.TEXT} == {Classic.CONTENT}
    assert {state for state, kind in reading.items() if kind is Mark.HELD} == {Classic.STORING}
    assert {state for state, kind in reading.items() if kind is Mark.GONE} == {Classic.CLOSED}


@pytest.mark.parametrize("table", [CLASSIC.table, ESMTP.table], ids=lambda table: table.name)
def test_states_have_the_same_interest_when_they_want_the_same(table: Table) -> None:
    for one, other in product(table.states, repeat=2):
        is_same = table.rows[one].interest is table.rows[other].interest
        assert is_same == (_wants(table, one) == _wants(table, other)), (one, other)


def _wants(table: Table, state: State) -> tuple[object, ...]:
    """In prose: who is held or gone is not read; who waits for us has a deadline, and in RFC 5321 all have."""
    reading, awaits_tls = table.reading(state), table.awaited(state) is Event.SECURED
    seconds = {None: 300, Mark.TEXT: 300, Mark.RESPONSE: 300, Mark.HELD: 60 if awaits_tls else 600}.get(reading)
    deadline = seconds if table.name == "esmtp" or reading is Mark.HELD else None
    return reading in (Mark.HELD, Mark.GONE), reading is Mark.GONE, awaits_tls, deadline


@pytest.mark.parametrize(
    ("state", "event", "cell", "flaw"),
    [
        (Classic.START, Event.HELO, UNRECOGNIZED, "CLIENT cannot be reached"),
        (Classic.START, Event.OTHER, Classic.CLIENT, "START: a line of any kind can come"),
        (Classic.START, Event.OTHER, Mark.NEVER, "START: a line of any kind can come"),
        (Classic.START, Event.END, Classic.CLIENT, "START, END: commands are read here"),
        (Classic.START, Event.MAIL, Mark.TEXT, "START, MAIL: commands are read here"),
        (Classic.CONTENT, Event.END, Mark.TEXT, "CONTENT: mail data never ends"),
        (Classic.CONTENT, Event.HELO, UNRECOGNIZED, "CONTENT, HELO: no commands are read here"),
        (Classic.START, Event.STORED, Classic.CLIENT, "START: storage answers in the states that wait for it"),
        (Classic.START, Event.STORED, UNRECOGNIZED, "START: storage answers in the states that wait for it"),
        (Classic.STORING, Event.STORED, Mark.NEVER, "STORING: storage answers in the states that wait for it"),
        (Classic.CLOSED, Event.OTHER, UNRECOGNIZED, "CLOSED is the last row, so nothing may be read in it"),
    ],
)
def test_a_table_without_sense_is_refused(state: State, event: Event, cell: Written, flaw: str) -> None:
    with pytest.raises(ValueError, match=flaw):
        Table("broken", EVENTS, changed(state, event, cell), HOMES)


def test_a_table_with_a_hole_is_refused() -> None:
    rows: dict[State, Sequence[Written]] = dict(ROWS)
    del rows[Classic.SERVED]
    rows[Classic.START] = ROWS[Classic.START][:-1]
    with pytest.raises(ValueError, match="SERVED has no row; START has 7 cells for 8 events"):
        Table("broken", EVENTS, rows, HOMES)
    with pytest.raises(ValueError, match="STORED has 0 columns"):
        Table("broken", EVENTS[:-1], ROWS, HOMES)
    with pytest.raises(ValueError, match="HELO has 2 columns"):
        Table("broken", (*EVENTS, Event.HELO), ROWS, HOMES)
