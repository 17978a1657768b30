"""Draws a table as a state diagram, for Mermaid or Graphviz. Everything is derived from the table's cells.

Knows nothing about a particular dialect.
"""

from collections.abc import Iterator

from .events import Event
from .table import Mark, State, Table, Target, Transition, returned_to

LEGEND = "A command without an arrow changes nothing, refused or not."


def mermaid(table: Table) -> str:
    """A Mermaid state diagram."""
    lines = ["stateDiagram-v2", *(f"    [*] --> {state.name}" for state in _firsts(table))]
    lines += [f"    {source.name} --> {target.name}: {label}" for source, target, label in arrows(table)]
    lines += [
        f"    {table.closed.name} --> [*]",
        f"    note right of {table.start.name}",
        f"        {LEGEND}",
        "    end note",
    ]
    return "\n".join(lines)


def dot(table: Table) -> str:
    """A Graphviz digraph."""
    lines = [f'digraph "{table.name}" {{', "    node [shape=box, style=rounded];", f'    label="{LEGEND}";']
    lines += ["    begin [shape=point];", *(f"    begin -> {state.name};" for state in _firsts(table))]
    lines += [f'    {source.name} -> {target.name} [label="{label}"];' for source, target, label in arrows(table)]
    return "\n".join([*lines, f"    {table.closed.name} -> end;", "    end [shape=point];", "}"])


def _firsts(table: Table) -> list[State]:
    return [table.start, *([table.opening] if table.opening else [])]


def arrows(table: Table) -> list[tuple[Target, Target, str]]:
    """Each arrow as source, target and label. All events that lead from one state to another share an arrow."""
    found: dict[tuple[Target, Target], list[str]] = {}
    for source, target, label in _moves(table):
        found.setdefault((source, target), []).append(label)
    return [(source, target, ", ".join(labels)) for (source, target), labels in found.items()]


def _moves(table: Table) -> Iterator[tuple[Target, Target, str]]:
    for home in returned_to(table):
        yield Mark.BACK, home, "if it began there"
    for state in table.states:
        for event in table.events:
            cell = table.cells[state][event]
            if isinstance(cell, Transition):
                yield from _moves_of(state, event, cell)


def _moves_of(state: State, event: Event, cell: Transition) -> Iterator[tuple[State, Target, str]]:
    accepted, refused = _LABELS.get(event, (event.value.replace(":", ""), f"{event.name.lower()} refused"))
    if cell == Transition(state, state):  # accepted or not, the state stays
        return
    if cell.accepted is cell.refused:
        yield state, cell.accepted, f"{accepted} or {refused}"
        return
    yield state, cell.accepted, accepted
    if cell.refused is not state:
        yield state, cell.refused, refused


_LABELS = {
    Event.END: ("its end", "its end, refused"),
    Event.STORED: ("stored", "not stored"),
    Event.CHECKED: ("right", "wrong"),
    Event.SECURED: ("encrypted", "not encrypted"),
    Event.FOUND: ("found", "not found"),
    Event.FETCHED: ("fetched", "not fetched"),
    Event.SENT: ("sent", "cut off"),
    Event.REMOVED: ("removed", "not removed"),
}
"""Labels for accepted and refused, without the characters that are syntax in Mermaid or dot."""
