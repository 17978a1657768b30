"""What tests of mutants share: tables with one wrong cell, the cells that a dialogue looks at, and whether a check fails.

Knows nothing about any particular table.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

from protocol.engine.dialect import Dialect
from protocol.engine.events import Event
from protocol.engine.table import Mark, Row, State, Table, Target, Written, meaning, row_flaws, step_flaws, steps_of

Cell = tuple[State, Event]
AtStep = Callable[[int], None]
"""Called with the number of each step as it begins."""


class Stepped(Protocol):
    """A dialogue, of which one step is under test."""

    @property
    def at(self) -> int:
        """That step's number."""


D = TypeVar("D", bound=Stepped)


def is_noticed(check: Callable[[], None]) -> bool:
    """Whether a check fails."""
    try:
        check()
    except (AssertionError, RuntimeError, LookupError):
        return True
    return False


def other_targets(state: State, old: Target | None) -> Iterator[Target]:
    """Every other target."""
    return (target for target in (*type(state), Mark.BACK) if target is not old)


def may_be_a_table(table: Table, state: State, event: Event, cell: Written) -> bool:
    """Whether it could be a table still. With most wrong cells it could not, and a table takes long to make."""
    cells = table.cells[state] | {event: meaning(state, cell)}
    row = Row(table, state, cells, {})
    if any(True for _ in row_flaws(table, row, cells)):
        return False
    return not any(True for _ in step_flaws(table, {**table.steps, state: set(steps_of(cells))}))


def table_with(table: Table, state: State, event: Event, cell: Written) -> Table | None:
    """The table with one wrong cell; None where that is no table at all."""
    if not may_be_a_table(table, state, event, cell):
        return None
    try:
        return table.overlaid({(state, event): cell}, "mutant")
    except ValueError:
        return None


def mutants_of(table: Table, state: State, event: Event, cells: Iterable[Written]) -> list[tuple[Written, Table]]:
    """The tables with one of these in a cell, as far as they are tables."""
    tried = [(cell, table_with(table, state, event, cell)) for cell in cells]
    return [(cell, mutant) for cell, mutant in tried if mutant]


class Watched:
    """A dialect that remembers in which step of a dialogue a cell was looked at first, and thus can be of any effect on it.

    The arguments are those of `Dialect`.
    """

    def __init__(self, table: Table, parse: Callable[[bytes], tuple[Event, object]], actions: Callable[..., Any]) -> None:
        self.seen: dict[Cell, int] = {}
        self.step = 0
        copy: Any = table.overlaid({}, "watched")
        for state, row in copy.rows.items():
            row.cells = Looks(self, state, row.cells)
        self.dialect = Dialect(copy, parse, actions)

    def start(self, number: int) -> None:
        """A step begins."""
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


def dialogues_by_cell(
    watched: Watched,
    cells: Iterable[Cell],
    dialogues: Iterable[D],
    hold: Callable[[Dialect, D, AtStep], None],
) -> dict[Cell, list[D]]:
    """The dialogues that look at a cell: first those in which the step under test does, last those that do before it."""
    found: dict[Cell, list[list[D]]] = {cell: [[], [], []] for cell in cells}
    for dialogue in dialogues:
        watched.seen.clear()
        hold(watched.dialect, dialogue, watched.start)
        for cell, step in watched.seen.items():
            rank = 0 if step == dialogue.at else 1 if step > dialogue.at else 2
            found[cell][rank].append(dialogue)
    return {cell: [dialogue for rank in ranks for dialogue in rank] for cell, ranks in found.items()}
