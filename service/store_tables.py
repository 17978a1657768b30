"""Prints and draws the tables of the store in PostgreSQL: of its connections, and of a message. All follows from the cells.

Knows nothing about what is done in them.
"""

import shutil
from collections.abc import Callable, Iterator
from html import escape

from protocol.engine.drawing import WIDTH
from storage.stores.postgres import link_table, message_table
from storage.stores.postgres.tables import NEVER, Drawn

TABLES = (Drawn("link", link_table.TABLE), Drawn("message", message_table.TABLE))

_GAP = "  "


def text(tables: tuple[Drawn, ...] = TABLES, width: int = 0) -> str:
    """Rows are states, columns are events: a cell is the state that follows, and what is done then, in small letters."""
    width = width or shutil.get_terminal_size((WIDTH, 0)).columns
    return "\n\n".join(part for table in tables for part in _parts(table, width))


def _parts(table: Drawn, width: int) -> Iterator[str]:
    states, events = list(table.cells), list(next(iter(table.cells.values())))
    first = [[""], *([state.name] for state in states)]
    columns = [[[event.name], *(_words(table.cells[state][event]) for state in states)] for event in events]
    grids = [[first]]
    for column in columns:
        if sum(_widest(one) + len(_GAP) for one in [*grids[-1], column]) > width + len(_GAP):
            grids.append([first])
        grids[-1].append(column)
    yield f"The table {table.name}"
    yield from (_grid(grid) for grid in grids)
    members = [*states, *events, *_acts(table)]
    names = [member.name if member in [*states, *events] else _low(member.name) for member in members]
    longest = max(map(len, names))
    yield "\n".join(f"{name:{longest}}{_GAP}{member.value}" for name, member in zip(names, members, strict=True))


def _acts(table: Drawn) -> list[object]:
    cells = [cell for row in table.cells.values() for cell in row.values() if cell is not NEVER]
    return list(dict.fromkeys(act for _, act in cells))


def _words(cell: object) -> list[str]:
    return [cell[0].name, _low(cell[1].name)] if isinstance(cell, tuple) else ["-"]


def _low(name: str) -> str:
    return name.lower().replace("_", " ")


def _widest(column: list[list[str]]) -> int:
    return max(len(line) for cell in column for line in cell)


def _grid(columns: list[list[list[str]]]) -> str:
    widths = [_widest(column) for column in columns]
    lines = []
    for cells in zip(*columns, strict=True):
        for number in range(max(map(len, cells))):
            words = [cell[number] if number < len(cell) else "" for cell in cells]
            lines.append(_GAP.join(f"{word:{width}}" for word, width in zip(words, widths, strict=True)).rstrip())
    return "\n".join(lines)


def _arrows(table: Drawn) -> Iterator[tuple[str, str, str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for state, row in table.cells.items():
        for event, cell in row.items():
            if cell is not NEVER:
                found.setdefault((state.name, cell[0].name), []).append(_low(event.name))
    for (source, target), labels in found.items():
        yield source, target, ", ".join(labels)


def mermaid() -> str:
    """A Mermaid state diagram of both."""
    lines = ["stateDiagram-v2"]
    for table in TABLES:
        lines.append(f"    state {table.name} {{")
        lines += [f"        [*] --> {next(iter(table.cells)).name}"]
        lines += [f"        {source} --> {target}: {label}" for source, target, label in _arrows(table)]
        lines.append("    }")
    return "\n".join(lines)


def dot() -> str:
    """A Graphviz digraph of both."""
    lines = ['digraph "database" {', "    node [shape=box, style=rounded];"]
    for table in TABLES:
        lines.append(f'    subgraph "cluster_{table.name}" {{ label="{table.name}";')
        names = [state.name for state in table.cells]
        lines += [f'        "{table.name} {name}" [label="{name}"];' for name in names]
        lines += [
            f'        "{table.name} {source}" -> "{table.name} {target}" [label="{label}"];'
            for source, target, label in _arrows(table)
        ]
        lines.append("    }")
    return "\n".join([*lines, "}"])


def svg() -> str:
    """The text as a picture."""
    lines = text(width=160).splitlines()
    size = f"{32 + 7.3 * max(map(len, lines)):.0f} {48 + 16 * len(lines)}"
    style = 'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="12" xml:space="preserve"'
    words = [f'<text x="16" y="{32 + 16 * number}" {style}>{escape(line)}</text>' for number, line in enumerate(lines)]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" role="img" aria-label="The tables of the database">'
    )
    return "\n".join([head, '<rect width="100%" height="100%" fill="#ffffff"/>', *words, "</svg>"])


FORMATS: dict[str, Callable[[], str]] = {
    "database": text,
    "database-mermaid": mermaid,
    "database-dot": dot,
    "database-svg": svg,
}
"""The formats of --table for them, and the functions that make them."""
