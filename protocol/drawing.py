"""A table drawn for people: as text, as a Mermaid diagram, as Graphviz dot. All is read from the table's cells.

It does not know any dialect.
"""

from collections.abc import Iterator, Mapping

from .replies import Reply
from .table import Cell, Go, Mark, State, Table, Target, Verb


def text(table: Table) -> str:
    """Rows are states, columns are verbs; verbs that are alike everywhere share one."""
    columns: dict[tuple[str, ...], list[str]] = {}
    names = _names(table)
    for verb in table.verbs:
        words = tuple(_word(state, table.cells[state][verb], names) for state in table.states)
        columns.setdefault(words, []).append(verb.value)
    drawn = [
        ["", *(state.name for state in table.states)],
        *([", ".join(verbs), *words] for words, verbs in columns.items()),
    ]
    widths = [max(map(len, column)) for column in drawn]
    rows = zip(*drawn, strict=True)
    grid = ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    states = [f"{state.name.ljust(widths[0])}  {state.value}" for state in table.states]
    return "\n".join([*grid, "", *states, "", *legend(table)])


def legend(table: Table) -> list[str]:
    """What the words in the cells mean, a line each."""
    cells = [cell for row in table.cells.values() for cell in row.values()]
    lines = ["X        the state that follows", "X else Y X when the verb's action accepts, Y when it refuses"]
    names = sorted((name, reply) for reply, name in _names(table).items())
    lines += [f"{name:8} refused with {reply.code} {reply.text.decode()}; nothing changes" for name, reply in names]
    if table.homes:
        homes = ", ".join(state.name for state in table.states if state in table.homes)
        lines.append(f"BACK     {Mark.BACK.value}: one of {homes}")
    return lines + [f"{mark.name.lower():8} {mark.value}" for mark in Mark if mark in cells]


def mermaid(table: Table) -> str:
    """A Mermaid state diagram. After commands without an arrow the state stays, refused or not."""
    lines = ["stateDiagram-v2", f"    [*] --> {table.start.name}"]
    lines += [f"    {state.name} --> {target.name}: {label}" for state, target, label in _edges(table)]
    return "\n".join([*lines, f"    {table.closed.name} --> [*]"])


def dot(table: Table) -> str:
    """A Graphviz digraph. After commands without an arrow the state stays, refused or not."""
    lines = [f'digraph "{table.name}" {{', "    node [shape=box, style=rounded];"]
    lines += ["    begin [shape=point];", f"    begin -> {table.start.name};"]
    lines += [f'    {state.name} -> {target.name} [label="{label}"];' for state, target, label in _edges(table)]
    return "\n".join([*lines, f"    {table.closed.name} -> end;", "    end [shape=point];", "}"])


def _names(table: Table) -> dict[Reply, str]:
    """What each refusal is called in the grid: its code, with a letter where there are several with that code."""
    replies = dict.fromkeys(cell for row in table.cells.values() for cell in row.values() if isinstance(cell, Reply))
    alike: dict[int, list[Reply]] = {}
    for reply in replies:
        alike.setdefault(reply.code, []).append(reply)
    return {
        reply: f"{code}{chr(ord('a') + number)}" if len(same) > 1 else str(code)
        for code, same in alike.items()
        for number, reply in enumerate(same)
    }


def _word(state: State, cell: Cell, names: Mapping[Reply, str]) -> str:
    if isinstance(cell, Go):
        stays = cell.refused in (state, cell.accepted)
        return cell.accepted.name if stays else f"{cell.accepted.name} else {cell.refused.name}"
    return names[cell] if isinstance(cell, Reply) else cell.name.lower()


def _edges(table: Table) -> Iterator[tuple[Target, Target, str]]:
    for home in table.states:
        if home in table.homes:
            yield Mark.BACK, home, "if it began there"
    for state in table.states:
        for verb in table.verbs:
            cell = table.cells[state][verb]
            if isinstance(cell, Go):
                yield from _edges_of(state, verb, cell)


def _edges_of(state: State, verb: Verb, cell: Go) -> Iterator[tuple[State, Target, str]]:
    accepted, refused = _LABELS[verb]
    if cell == Go(state, state):  # whatever comes of it, nothing changes
        return
    if cell.accepted is cell.refused:
        yield state, cell.accepted, f"{accepted} or {refused}"
        return
    yield state, cell.accepted, accepted
    if cell.refused is not state:
        yield state, cell.refused, refused


_LABELS = {verb: (verb.value.replace(":", ""), "refused") for verb in Verb} | {
    Verb.END: ("its end", "its end, refused"),
    Verb.STORED: ("stored", "not stored"),
    Verb.CHECKED: ("right", "wrong"),
    Verb.SECURED: ("encrypted", "not encrypted"),
}
"""Arrow labels, accepted and refused, without the characters that Mermaid or dot take for syntax."""

FORMATS = {"text": text, "mermaid": mermaid, "dot": dot}
