"""Prints a table as text, for people. Everything is derived from the table's cells.

Knows nothing about a particular dialect.
"""

from collections.abc import Collection, Mapping, Sequence
from textwrap import wrap

from .events import Event
from .replies import Reply
from .table import Cell, Mark, State, Table, Transition, returned_to

WIDTH = 80
"""Columns of a page, unless the caller says otherwise."""

_LONGEST_WORDS = 8
_GAP = "  "

Column = Sequence[Sequence[str]]
"""The cells of a column, each as its lines of text; the heading comes first."""


def text(table: Table, width: int = WIDTH) -> str:
    """The table: rows are states, columns are events. Events with equal cells in every state share a column.

    A table wider than `width` columns is split into parts.
    """
    states, *events = columns(table)
    parts = [[states]]
    for column in events:
        if _width([*parts[-1], column]) > width:
            parts.append([states])
        parts[-1].append(column)
    grids = ["\n".join(_grid(part)) for part in parts]
    if len(parts) > 1:
        whole = _width([states, *events])
        grids.append(f"It is {whole} columns wide, and in {len(parts)} parts here: COLUMNS={whole} shows it as one.")
    names = [f"{state.name:{_widest(states)}}{_GAP}{state.value}" for state in table.states]
    return "\n\n".join([*grids, "\n".join(names), "\n".join(ends(table)), "\n".join(legend(table))])


def ends(table: Table) -> list[str]:
    """The endings, a line each: the last reply to the client, and what the session waits for before."""
    lines = [("In any state", "leads to", "and says", "when")]
    for ending, (says, waits) in table.ends.items():
        when = " and ".join(wait.value for wait in waits)
        lines.append((ending.value, table.closed.name, says.word if says else "-", when or "at once"))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [_GAP.join(f"{word:{width}}" for word, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def columns(table: Table) -> list[Column]:
    """The columns of the grid: the names of the states, then what each event does in them."""
    names = names_of(table)
    found: list[Column] = [[(), *((state.name,) for state in table.states)]]
    for events in alike(table):
        heading = [line for event in events for line in wrap(event.value, _LONGEST_WORDS)]
        found.append([heading, *(words(state, table.cells[state][events[0]], names) for state in table.states)])
    return found


def alike(table: Table) -> list[list[Event]]:
    """The events, grouped: those with equal cells in every state are together."""
    found: dict[tuple[Cell, ...], list[Event]] = {}
    for event in table.events:
        found.setdefault(tuple(table.cells[state][event] for state in table.states), []).append(event)
    return list(found.values())


def words(state: State, cell: Cell, names: Mapping[Reply, str]) -> tuple[str, ...]:
    """The lines of a cell: the state that follows, and the one after a refusal, if that is a third state."""
    if isinstance(cell, Transition):
        stays = cell.refused in (state, cell.accepted)
        return (cell.accepted.name,) if stays else (cell.accepted.name, f"or {cell.refused.name}")
    return (names[cell] if isinstance(cell, Reply) else _MARKS.get(cell, cell.name.lower()),)


_MARKS = {Mark.NEVER: "-"}


def names_of(table: Table) -> dict[Reply, str]:
    """The name of each refusal in the grid: its code or word, with a letter if several refusals have the same."""
    replies = dict.fromkeys(cell for row in table.cells.values() for cell in row.values() if isinstance(cell, Reply))
    alike: dict[str, list[Reply]] = {}
    for reply in replies:
        alike.setdefault(reply.word, []).append(reply)
    return {
        reply: f"{word}{chr(ord('a') + number)}" if len(same) > 1 else word
        for word, same in alike.items()
        for number, reply in enumerate(same)
    }


def legend(table: Table) -> list[str]:
    """The meaning of the words in the cells, a line each."""
    cells = [cell for row in table.cells.values() for cell in row.values()]
    lines = ["X        the state that follows", "or Y     the one that follows when the action refuses"]
    names = sorted((name, reply) for reply, name in names_of(table).items())
    lines += [f"{name:8} refused with {reply.word} {reply.text.decode()}; nothing changes" for name, reply in names]
    if homes := returned_to(table):
        lines.append(f"BACK     {Mark.BACK.value}: one of {_names(table, homes)}")
    if table.skipping:
        lines.append(f"STAY     {Mark.STAY.value}")
    lines += [f"{_MARKS.get(mark, mark.name.lower()):8} {mark.value}" for mark in Mark if mark in cells]
    known = {"encrypted": table.encrypted, "authenticated": table.authenticated}
    if any(known.values()):
        lines.append(f"homes    what is known in {_names(table, table.homes)} holds until the next of them")
    return lines + [f"{'':8} {word}: {_names(table, states)}" for word, states in known.items() if states]


def _names(table: Table, states: Collection[State]) -> str:
    return ", ".join(state.name for state in table.states if state in states)


def _grid(part: Sequence[Column]) -> list[str]:
    widths = [_widest(column) for column in part]
    lines = []
    for cells in zip(*part, strict=True):
        for number in range(max(map(len, cells))):
            pieces = [cell[number] if number < len(cell) else "" for cell in cells]
            lines.append(_GAP.join(f"{piece:{width}}" for piece, width in zip(pieces, widths, strict=True)).rstrip())
    return lines


def _widest(column: Column) -> int:
    return max(len(line) for cell in column for line in cell)


def _width(part: Sequence[Column]) -> int:
    return sum(map(_widest, part)) + len(_GAP) * (len(part) - 1)
