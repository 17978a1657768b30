"""The table of a dialect: states, events, a cell for every pair of them, and the check that the table is complete.

Knows nothing about a particular dialect, about how lines are read, or about what an event does.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from math import inf
from typing import NamedTuple

from .ends import ENDS, End, Ending
from .events import ANSWERS, Event
from .replies import Reply


class State(Enum):
    """What the session knows so far. Each dialect derives its own states; the value is the text for people.

    In a cell, `X | Y` means: X if the action accepts, Y if it refuses.
    """

    __hash__ = object.__hash__

    def __or__(self, refused: "Target") -> "tuple[Target, Target]":
        return self, refused


class Mark(Enum):
    """A cell without a decision; or, in place of a state, BACK or STAY. The value says what happens."""

    TEXT = "is mail data"
    HELD = "waits for an answer"
    GONE = "is not read"
    NEVER = "cannot happen"
    RESPONSE = "is a response to a challenge"
    BACK = "back to the state in which the transaction began"
    STAY = "back to the state in which the command was refused"

    __hash__ = object.__hash__


Target = State | Mark
"""A state, BACK, or STAY."""


class Transition(NamedTuple):
    """The state that follows if the event's action accepts, and the one that follows if it refuses."""

    accepted: Target
    refused: Target


Written = State | tuple[Target, Target] | Reply | Mark
Cell = Transition | Reply | Mark

Step = tuple[Event | None, Target]
"""Where something leads: SECURED or CHECKED, accepted; or, as None, anything else."""

Steps = Mapping[State, set[Step]]

Patience = Mapping[Event | Mark | None, float]
"""Seconds of silence that end a session, keyed by the awaited event or the kind of input (None: commands).

Missing keys: the operator's --idle-timeout applies. It is also the cap while the server reads from the client, but not while
the client waits for an answer."""

LEADS_ON = {Mark.TEXT: {Event.END}, Mark.RESPONSE: {Event.AUTH, Event.PROOF}}
"""The events that leave a state in which no commands are read."""


class Interest(NamedTuple):
    """What a session wants from its caller: to read, to close, to start TLS; and the seconds of silence that end it."""

    takes_input: bool
    is_finished: bool
    wants_tls: bool
    patience: float


class Row:
    """A state, prepared for fast look-up by the session. `cells` are those of the table, with rows in place of states.

    Rows with equal interests share one `interest` object. `reading` is None where commands are read. `ends_message`: the end
    of the mail data read here completes the message, and the session then waits for storage. `returns`: what is read here
    is dropped, and its end leads back to where a command was refused. What a home `is_encrypted` and `is_authenticated` tell
    holds until the session is in another home.
    """

    __slots__ = (
        "awaited", "cells", "ends_message", "interest", "is_authenticated", "is_encrypted", "is_home", "reading", "returns",
        "state",
    )  # fmt: skip

    def __init__(
        self, table: "Table", state: State, cells: Mapping[Event, Cell], interests: dict[Interest, Interest]
    ) -> None:
        other, patience = cells[Event.OTHER], table.patience
        self.state = state
        self.is_home = state in table.homes
        self.is_encrypted = state in table.encrypted
        self.is_authenticated = state in table.authenticated
        self.reading = other if isinstance(other, Mark) else None
        self.awaited = next((event for event in ANSWERS if isinstance(cells.get(event), Transition)), None)
        takes_input, is_finished = self.reading not in (Mark.HELD, Mark.GONE), self.reading is Mark.GONE
        seconds = patience.get(self.awaited or self.reading, patience.get(self.reading, inf))
        interest = Interest(takes_input, is_finished, self.awaited is Event.SECURED, seconds)
        self.interest = interests.setdefault(interest, interest)
        self.cells: dict[Event, Resolved | Reply | Mark] = {}
        self.ends_message = False
        end = cells.get(Event.END)
        self.returns = isinstance(end, Transition) and end.accepted is Mark.STAY

    def move(self, event: Event) -> "Resolved":
        """The cell of an event that happens here. Raises RuntimeError if the table says that it never does."""
        cell = self.cells[event]
        if not isinstance(cell, Resolved):
            raise RuntimeError(f"{event} in {self.state}: {cell}")
        return cell


class Resolved:
    """A Transition with rows in place of states. None: back to the home; of a row that `returns`, not used."""

    __slots__ = ("accepted", "refused")

    def __init__(self, accepted: Row | None, refused: Row | None) -> None:
        self.accepted = accepted
        self.refused = refused


class Table:
    """The order of events in a dialect: `cells[state][event]` is a Transition, a refusing Reply, or a Mark.

    The table is total: there is no default. A cell is written as the state that follows (after a refusal the state stays),
    as a pair of states, accepted | refused, as the Reply that refuses the event in this state, or as a Mark. BACK in place
    of a state means the home, that is, the state in `homes` that the session was in last. Some homes are `encrypted`, in
    some the client is `authenticated`; in any other state this is as it was in the home. `ends` says what ends a session
    in any state. A session that begins with a TLS handshake begins in the state `opening`. In the state `skipping` the
    octets of a refused chunk are read; STAY, in its row, means the state in which the chunk was refused. Raises ValueError
    with all flaws.
    """

    def __init__(
        self,
        name: str,
        events: Sequence[Event],
        rows: Mapping[State, Sequence[Written]],
        homes: Iterable[State] = (),
        patience: Patience | None = None,
        ends: Mapping[Ending, End] = ENDS,
        opening: State | None = None,
        skipping: State | None = None,
        encrypted: Iterable[State] = (),
        authenticated: Iterable[State] = (),
    ) -> None:
        self.name = name
        self.ends = ends
        self.opening = opening
        self.skipping = skipping
        self.patience = patience or {}
        self.events = tuple(events)
        self.states = tuple(rows)
        self.homes = frozenset(homes)
        self.encrypted = frozenset(encrypted)
        self.authenticated = frozenset(authenticated)
        meant = {state: [meaning(state, cell) for cell in row] for state, row in rows.items()}
        flaws = [
            *_shape_flaws(self.events, meant),
            *(f"{ending.name} ends nothing" for ending in Ending if ending not in ends),
        ]
        if flaws:
            raise ValueError(f"table {name}: " + "; ".join(flaws))
        self.cells: dict[State, dict[Event, Cell]] = {
            state: dict(zip(self.events, row, strict=True)) for state, row in meant.items()
        }
        self.steps = {state: set(steps_of(row)) for state, row in self.cells.items()}
        self.rows = self._with_rows()
        flaws = list(_sense_flaws(self))
        if flaws:
            raise ValueError(f"table {name}: " + "; ".join(flaws))

    def _with_rows(self) -> dict[State, Row]:
        """The rows of the cells, each of which leads to others of them."""
        interests: dict[Interest, Interest] = {}
        rows = {state: Row(self, state, row, interests) for state, row in self.cells.items()}
        for state, row in rows.items():
            row.cells = {event: _resolved(cell, rows) for event, cell in self.cells[state].items()}
            end = row.cells.get(Event.END)
            row.ends_message = (
                isinstance(end, Resolved) and end.accepted is not None and end.accepted.awaited is Event.STORED
            )
        return rows

    def overlaid(self, changes: Mapping[tuple[State, Event], Written], name: str = "") -> "Table":
        """A copy with some cells replaced. New states and events need a cell for every pair.

        New states are inserted before `closed`. Raises ValueError with all flaws, as the constructor does.
        """
        new_states = [state for state, _ in changes if state not in self.cells]
        states = dict.fromkeys([*self.states[:-1], *new_states, self.closed])
        events = dict.fromkeys([*self.events, *(event for _, event in changes)])
        known = {(state, event): cell for state, row in self.cells.items() for event, cell in row.items()} | {**changes}
        pairs = [(state, event) for state in states for event in events]
        missing = [f"{state.name} has no cell for {event.name}" for state, event in pairs if (state, event) not in known]
        name = name or self.name
        if missing:
            raise ValueError(f"table {name}: " + "; ".join(missing))
        rows = {state: [known[state, event] for event in events] for state in states}
        rest = self.homes, self.patience, self.ends, self.opening, self.skipping, self.encrypted, self.authenticated
        return Table(name, list(events), rows, *rest)

    @property
    def start(self) -> State:
        """The state of a new session: the first row."""
        return self.states[0]

    @property
    def closed(self) -> State:
        """The state in which nothing is read any more: the last row. Every `Ending` leads here, from any state."""
        return self.states[-1]

    def reading(self, state: State) -> Mark | None:
        """How input is read in this state. None: as commands, and their cells decide."""
        return self.rows[state].reading

    def awaited(self, state: State) -> Event | None:
        """The answer that this state waits for: one of ANSWERS, or None."""
        return self.rows[state].awaited


def _resolved(cell: Cell, rows: Mapping[State, Row]) -> Resolved | Reply | Mark:
    if not isinstance(cell, Transition):
        return cell
    return Resolved(*(rows[state] if isinstance(state, State) else None for state in cell))


def meaning(state: State, cell: Written) -> Cell:
    """What is written in a state's row, with both outcomes."""
    if isinstance(cell, Reply):
        return cell
    if isinstance(cell, State) or cell is Mark.BACK:
        return Transition(cell, state)
    if cell is Mark.STAY:
        return Transition(cell, cell)
    return cell if isinstance(cell, Mark) else Transition(*cell)


def _shape_flaws(events: tuple[Event, ...], rows: Mapping[State, Sequence[Cell]]) -> Iterable[str]:
    kind = type(next(iter(rows)))
    for state in kind:
        if state not in rows:
            yield f"{state.name} has no row"
    takes_mail = any(Mark.TEXT in row for row in rows.values())
    for event in {*events, Event.OTHER, *((Event.END, Event.STORED) if takes_mail else ())}:
        if events.count(event) != 1:
            yield f"{event.name} has {events.count(event)} columns"
    for state, row in rows.items():
        if len(row) != len(events):
            yield f"{state.name} has {len(row)} cells for {len(events)} events"
        targets = {target for cell in row if isinstance(cell, Transition) for target in cell}
        for target in targets - rows.keys() - {Mark.BACK, Mark.STAY}:
            yield f"{state.name} leads to {target}, which has no row"


def _sense_flaws(table: Table) -> Iterable[str]:
    for state, row in table.cells.items():
        yield from row_flaws(table, table.rows[state], row)
    if table.reading(table.closed) is not Mark.GONE:
        yield f"{table.closed.name} is the last row, so nothing may be read in it"
    for state in (table.encrypted | table.authenticated) - (table.homes - {table.start}):
        yield f"{state.name}: what a session knows stands in its homes, and it begins with nothing"
    yield from step_flaws(table, table.steps)


def row_flaws(table: Table, prepared: Row, row: Mapping[Event, Cell]) -> Iterable[str]:
    """What is wrong with one row, as it is `prepared` for a session, whatever the other rows are.

    A state reads one kind of input, and only the cells of LEADS_ON may differ; or it waits for one answer.
    """
    state, reading = prepared.state, prepared.reading
    if reading is Mark.NEVER or isinstance(row[Event.OTHER], Transition):
        yield f"{state.name}: a line of any kind can come"
    ends = LEADS_ON.get(reading, set()) if reading else set()
    for event in row.keys() - {Event.OTHER, *ANSWERS}:
        if event in ends:
            if not isinstance(row[event], Transition):
                yield f"{state.name}: {_READ[event]} never ends"
        elif reading is None and (
            isinstance(row[event], Mark) or (event is Event.END and isinstance(row[event], Transition))
        ):
            yield f"{state.name}, {event.name}: commands are read here"
        elif reading is not None and row[event] is not reading:
            yield f"{state.name}, {event.name}: no commands are read here"
    if reading is Mark.HELD and prepared.awaited is None:
        yield f"{state.name}: nothing that it waits for is an answer"
    for event in set(ANSWERS) & row.keys():
        is_due = reading is Mark.HELD and event is (prepared.awaited or Event.STORED)
        if not (isinstance(row[event], Transition) if is_due else row[event] is Mark.NEVER):
            yield f"{state.name}: {_READ[event]} answers in the states that wait for it, and in no other"
    yield from _target_flaws(table, state, row)


def _target_flaws(table: Table, state: State, row: Mapping[Event, Cell]) -> Iterable[str]:
    """STAY is for the state in which the octets of a refused chunk are read."""
    targets = {target for cell in row.values() if isinstance(cell, Transition) for target in cell}
    stays = row.get(Event.END) == Transition(Mark.STAY, Mark.STAY)  # the chunk is refused, whatever it held
    if stays != (state is table.skipping) or (Mark.STAY in targets and not stays):
        yield f"{state.name}: STAY ends the octets of a refused chunk, and nothing else"


def step_flaws(table: Table, steps: Steps) -> Iterable[str]:
    """What is wrong with where the states lead. `steps` are those of the table, or another's with the same states."""
    for state in set(table.states) - reachable(table, steps):
        yield f"{state.name} cannot be reached"
    ways = _ways(table, steps)
    for home, way in ways.items():
        yield from _home_flaws(table, home, way)
    for state in table.states:
        if Mark.BACK in _targets(steps[state]) and (
            state in table.homes or sum(state in _targets(way) for way in ways.values()) < 2
        ):
            yield f"{state.name}: BACK is for states that several homes lead to"


def _home_flaws(table: Table, home: State, way: Iterable[Step]) -> Iterable[str]:
    """TLS begins with a handshake, and all that was known is forgotten then; a client is authenticated by its proof."""
    for cause, target in way:
        if target in table.homes:
            if (target in table.encrypted) != (cause is Event.SECURED or home in table.encrypted):
                yield f"{home.name} leads to {target.name}: TLS begins with a handshake, and does not end"
            is_due = cause is Event.CHECKED or (cause is None and home in table.authenticated)
            if (target in table.authenticated) != is_due:
                yield f"{home.name} leads to {target.name}: a client is authenticated by its proof, until a handshake"


def _ways(table: Table, steps: Steps) -> dict[State, set[Step]]:
    """All steps from each home on until a session is in the next one; also from where it begins."""
    found: dict[State, set[Step]] = {}
    for home in (table.start, *((table.opening,) if table.opening else ()), *table.homes):
        found[home], new = set(), [home]
        while new:
            more = steps[new.pop()] - found[home]
            found[home] |= more
            new += [target for target in _targets(more) - table.homes if isinstance(target, State)]
    return found


def returned_to(table: Table) -> list[State]:
    """The homes that BACK can lead to."""
    ways = _ways(table, table.steps)
    return [home for home in table.states if home in table.homes and Mark.BACK in _targets(ways[home])]


def steps_of(row: Mapping[Event, Cell]) -> Iterable[Step]:
    """Where a state's cells lead."""
    for event, cell in row.items():
        if isinstance(cell, Transition):
            yield event if event in (Event.SECURED, Event.CHECKED) else None, cell.accepted
            yield None, cell.refused


def _targets(steps: Iterable[Step]) -> set[Target]:
    return {target for _, target in steps}


_READ = {
    Event.END: "mail data",
    Event.AUTH: "the exchange",
    Event.PROOF: "the exchange",
    Event.STORED: "storage",
    Event.CHECKED: "who checks passwords",
    Event.FOUND: "who knows the mailboxes",
    Event.SECURED: "the handshake",
    Event.FETCHED: "who reads a message",
    Event.SENT: "who sends",
    Event.REMOVED: "who removes messages",
}


def reachable(table: Table, steps: Steps) -> set[State]:
    """The states that some sequence of events leads to."""
    new = [table.start, *(state for state in (table.opening, table.skipping) if state)]
    found = set(new)
    while new:
        more = [target for target in _targets(steps[new.pop()]) - found if isinstance(target, State)]
        found.update(more)
        new += more
    return found
