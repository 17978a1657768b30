"""What the table of a dialect is: states, verbs, a cell for every pair of them, and the check that none is missing.

It does not know any dialect, nor how a line is read or a verb carried out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from .replies import Reply


class Verb(Enum):
    """What can happen to a session: one of these lines comes, or (last) storage answers. The value is for people."""

    HELO = "helo X"
    MAIL = "mail from: A"
    RCPT = "rcpt to: B"
    DATA = "data"
    QUIT = "quit"
    END = "."
    OTHER = "other"
    STORED = "stored?"

    __hash__ = object.__hash__  # members are singletons; the hash of Enum is a Python function, and each line needs several


class State(Enum):
    """What is known so far. Each dialect derives its own; the value says it in words."""

    __hash__ = object.__hash__


class Mark(Enum):
    """A cell in which nothing is decided. The value says what becomes of the line."""

    TEXT = "is mail data"
    HELD = "waits for storage"
    GONE = "is not read"
    NEVER = "cannot happen"


class Go(NamedTuple):
    """Where the session goes when the action of this verb accepts, and where when it refuses."""

    accepted: State
    refused: State


Written = State | tuple[State, State] | Reply | Mark
Cell = Go | Reply | Mark


class Table:
    """A dialect's whole order: `cells[state][verb]` is a Go, a refusing Reply, or a Mark. Total: there is no default.

    A cell is written as the state that follows (a refusal stays), as a pair (accepted, refused), as the Reply that
    refuses the verb in this state, or as a Mark. Raises ValueError with every flaw that it finds.
    """

    def __init__(self, name: str, verbs: Sequence[Verb], rows: Mapping[State, Sequence[Written]]) -> None:
        self.name = name
        self.verbs = tuple(verbs)
        self.states = tuple(rows)
        flaws = list(_shape_flaws(self.verbs, rows))
        if flaws:
            raise ValueError(f"table {name}: " + "; ".join(flaws))
        self.cells: dict[State, dict[Verb, Cell]] = {
            state: {verb: _meaning(state, cell) for verb, cell in zip(self.verbs, row, strict=True)}
            for state, row in rows.items()
        }
        self._reading = {state: _mark(row[Verb.OTHER]) for state, row in self.cells.items()}
        flaws = list(_sense_flaws(self))
        if flaws:
            raise ValueError(f"table {name}: " + "; ".join(flaws))

    @property
    def start(self) -> State:
        """The state of a new session: the first row."""
        return self.states[0]

    @property
    def closed(self) -> State:
        """The state in which nothing is read any more: the last row. A 421 leads here from everywhere."""
        return self.states[-1]

    def reading(self, state: State) -> Mark | None:
        """What becomes of a line that comes in this state; None: it is a command, and its cell decides."""
        return self._reading[state]


class Dialect(NamedTuple):
    """A table, and what turns a command line into a verb and its argument (or the Reply that refuses the syntax)."""

    table: Table
    parse: Callable[[bytes], tuple[Verb, bytes | Reply]]


def _meaning(state: State, cell: Written) -> Cell:
    if isinstance(cell, State):
        return Go(cell, state)
    return cell if isinstance(cell, Reply | Mark) else Go(*cell)


def _mark(cell: Cell) -> Mark | None:
    return cell if isinstance(cell, Mark) else None


def _shape_flaws(verbs: tuple[Verb, ...], rows: Mapping[State, Sequence[Written]]) -> Iterable[str]:
    kind = type(next(iter(rows)))
    for state in kind:
        if state not in rows:
            yield f"{state.name} has no row"
    for verb in {*verbs, Verb.END, Verb.OTHER, Verb.STORED}:
        if verbs.count(verb) != 1:
            yield f"{verb.name} has {verbs.count(verb)} columns"
    for state, row in rows.items():
        if len(row) != len(verbs):
            yield f"{state.name} has {len(row)} cells for {len(verbs)} verbs"


def _sense_flaws(table: Table) -> Iterable[str]:
    for state, row in table.cells.items():
        yield from _row_flaws(table, state, row)
    for state in set(table.states) - reachable(table):
        yield f"{state.name} cannot be reached"
    if table.reading(table.closed) is not Mark.GONE:
        yield f"{table.closed.name} is the last row, so nothing may be read in it"


def _row_flaws(table: Table, state: State, row: Mapping[Verb, Cell]) -> Iterable[str]:
    """A state reads one kind of line: only END may differ, and only where mail data is read."""
    reading = table.reading(state)
    if reading is Mark.NEVER or isinstance(row[Verb.OTHER], Go):
        yield f"{state.name}: a line of any kind can come"
    for verb in row.keys() - {Verb.OTHER, Verb.STORED}:
        is_end_of_data = verb is Verb.END and reading is Mark.TEXT
        if is_end_of_data and not isinstance(row[verb], Go):
            yield f"{state.name}: mail data never ends"
        elif reading is None and (isinstance(row[verb], Mark) or (verb is Verb.END and isinstance(row[verb], Go))):
            yield f"{state.name}, {verb.name}: commands are read here"
        elif reading is not None and not is_end_of_data and row[verb] is not reading:
            yield f"{state.name}, {verb.name}: no commands are read here"
    if not (isinstance(row[Verb.STORED], Go) if reading is Mark.HELD else row[Verb.STORED] is Mark.NEVER):
        yield f"{state.name}: storage answers in the states that wait for it, and in no other"


def reachable(table: Table) -> set[State]:
    """The states that some course of lines and answers leads to."""
    found, new = {table.start}, [table.start]
    while new:
        for cell in table.cells[new.pop()].values():
            targets = set(cell) - found if isinstance(cell, Go) else set()
            found |= targets
            new += targets
    return found
