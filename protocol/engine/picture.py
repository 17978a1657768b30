"""Draws a table as an SVG picture, a page for slides. Everything is derived from the table's cells.

Knows nothing about a particular dialect.
"""

from collections.abc import Iterator, Sequence
from html import escape

from .drawing import alike, columns, ends, legend
from .replies import Reply
from .table import Cell, State, Table, Transition

_LETTER, _LINE, _PAD, _EDGE = 7.3, 16, 7, 16
"""In pixels: the width of a letter, the height of a line, the padding of a cell, and the margin of the page."""

_STYLE = """
    text { font: 12px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #1b1f24; }
    .head { font-weight: bold; }
    .word { fill: #57606a; }
    .page { fill: #ffffff; }
    .go { fill: #c7ecd2; }
    .stay { fill: #e8f6ec; }
    .refused { fill: #fde3dd; }
    .unread { fill: #eef1f4; }
    rect { stroke: #ffffff; stroke-width: 2; }
"""


def svg(table: Table) -> str:
    """The table: rows are states, columns are events. Transitions are green, refusals red, and Marks grey."""
    all_columns = columns(table)
    widths = [max(len(line) for cell in column for line in cell) * _LETTER + 2 * _PAD for column in all_columns]
    rows = list(zip(*all_columns, strict=True))
    heights = [max(map(len, row)) * _LINE + _PAD for row in rows]
    notes = [f"{state.name:9} {state.value}" for state in table.states] + ["", *ends(table), "", *legend(table)]
    right = max(_EDGE + sum(widths), _EDGE + _LETTER * max(map(len, notes)))
    parts = list(_grid(table, rows, widths, heights))
    top = _EDGE + sum(heights) + _LINE
    for number, note in enumerate(notes):
        parts.append(_text(_EDGE + _PAD, top + (number + 1) * _LINE, note, "word"))
    size = f"{right + _EDGE:.0f} {top + (len(notes) + 1) * _LINE + _EDGE:.0f}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" role="img" aria-label="The table {table.name}">'
    page = '<rect class="page" width="100%" height="100%"/>'
    return "\n".join([head, f"<style>{_STYLE}</style>", page, *parts, "</svg>"])


def _grid(
    table: Table, rows: Sequence[Sequence[Sequence[str]]], widths: Sequence[float], heights: Sequence[float]
) -> Iterator[str]:
    """Yields each cell's rectangle and text."""
    kinds = [[_kind(state, table.cells[state][events[0]]) for state in table.states] for events in alike(table)]
    top = float(_EDGE)
    for number, (row, height) in enumerate(zip(rows, heights, strict=True)):
        left = float(_EDGE)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
            kind = kinds[place - 1][number - 1] if number and place else ""
            if kind:
                yield f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
            for line, words in enumerate(cell):
                style = "" if kind else "head"
                yield _text(left + _PAD, top + (line + 1) * _LINE - 2, words, style)
            left += width
        top += height


def _text(left: float, top: float, words: str, style: str) -> str:
    css = f' class="{style}"' if style else ""
    return f'<text{css} x="{left:.1f}" y="{top:.1f}" xml:space="preserve">{escape(words, quote=False)}</text>'


def _kind(state: State, cell: Cell) -> str:
    if isinstance(cell, Transition):
        return "stay" if cell.accepted is state else "go"
    return "refused" if isinstance(cell, Reply) else "unread"
