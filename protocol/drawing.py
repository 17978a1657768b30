"""A table drawn for people: as text, as a Mermaid diagram, as Graphviz dot. All is read from the table's cells.

It does not know any dialect.
"""

from collections.abc import Iterator

from .replies import Reply
from .table import Cell, Go, Mark, State, Table, Target, Verb


def text(table: Table) -> str:
    """Rows are states, columns are verbs."""
    rows = [["", *(verb.value for verb in table.verbs)]]
    rows += [[state.name, *(_word(state, table.cells[state][verb]) for verb in table.verbs)] for state in table.states]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    grid = ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    states = [f"{state.name.ljust(widths[0])}  {state.value}" for state in table.states]
    return "\n".join([*grid, "", *states, "", *legend(table)])


def legend(table: Table) -> list[str]:
    """What the words in the cells mean, a line each."""
    cells = [cell for row in table.cells.values() for cell in row.values()]
    lines = ["X        the state that follows", "X else Y X when the verb's action accepts, Y when it refuses"]
    replies = sorted({cell for cell in cells if isinstance(cell, Reply)})
    lines += [f"{reply.code}      refused with {reply.code} {reply.text.decode()}; nothing changes" for reply in replies]
    return lines + [f"{mark.name.lower():8} {mark.value}" for mark in Mark if mark in cells]


def mermaid(table: Table) -> str:
    """A Mermaid state diagram. Commands without an arrow are refused, and the state stays."""
    lines = ["stateDiagram-v2", f"    [*] --> {table.start.name}"]
    lines += [f"    {state.name} --> {target.name}: {label}" for state, target, label in _edges(table)]
    return "\n".join([*lines, f"    {table.closed.name} --> [*]"])


def dot(table: Table) -> str:
    """A Graphviz digraph. Commands without an arrow are refused, and the state stays."""
    lines = [f'digraph "{table.name}" {{', "    node [shape=box, style=rounded];"]
    lines += ["    begin [shape=point];", f"    begin -> {table.start.name};"]
    lines += [f'    {state.name} -> {target.name} [label="{label}"];' for state, target, label in _edges(table)]
    return "\n".join([*lines, f"    {table.closed.name} -> end;", "    end [shape=point];", "}"])


def _word(state: State, cell: Cell) -> str:
    if isinstance(cell, Go):
        stays = cell.refused in (state, cell.accepted)
        return cell.accepted.name if stays else f"{cell.accepted.name} else {cell.refused.name}"
    return str(cell.code) if isinstance(cell, Reply) else cell.name.lower()


def _edges(table: Table) -> Iterator[tuple[State, Target, str]]:
    for state in table.states:
        for verb in table.verbs:
            cell = table.cells[state][verb]
            if isinstance(cell, Go):
                yield from _edges_of(state, verb, cell)


def _edges_of(state: State, verb: Verb, cell: Go) -> Iterator[tuple[State, Target, str]]:
    accepted, refused = _LABELS[verb]
    if cell.accepted is cell.refused:
        yield state, cell.accepted, f"{accepted} or {refused}"
        return
    yield state, cell.accepted, accepted
    if cell.refused is not state:
        yield state, cell.refused, refused


_LABELS = {verb: (verb.value.replace(":", ""), "refused") for verb in Verb} | {
    Verb.END: ("a lone dot", "a lone dot, too large"),
    Verb.STORED: ("stored", "not stored"),
}
"""Arrow labels, accepted and refused, without the characters that Mermaid or dot take for syntax."""

FORMATS = {"text": text, "mermaid": mermaid, "dot": dot}
