"""The report as pictures: the matrix, and a badge.

Knows nothing about the other formats.
"""

from collections.abc import Sequence
from html import escape

from ..judging import MEANINGS, Verdict
from ..places import ROWS, Command
from .report import Report

COLORS = {
    Verdict.RIGHT: "#2e7d4f",
    Verdict.NOTE: "#8fbf9f",
    Verdict.CODE: "#e0c04a",
    Verdict.SHOULD: "#e08a2e",
    Verdict.DIFFERS: "#b3261e",
    Verdict.CLOSES: "#7a1fa2",
    Verdict.HANGS: "#4527a0",
    Verdict.UNTESTED: "#bdbdbd",
}
SIZE, LEFT, TOP = 18, 90, 66
"""Pixels: of a cell, beside the matrix, and above it."""


def as_svg(reports: Sequence[Report]) -> str:
    """The matrices, one below the other."""
    parts, y = [], 0
    for report in reports:
        part, height = _matrix(report, y)
        parts.append(part)
        y += height
    width = LEFT + SIZE * len(Command) + 10
    style = "text{font:11px sans-serif;fill:#333}.m{font:10px monospace;fill:#fff;text-anchor:middle}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}" viewBox="0 0 {width} {y}" role="img">'
    back = f'<rect width="{width}" height="{y}" fill="#fff"/>'
    return f"{head}\n<style>{style}</style>\n{back}\n{''.join(parts)}</svg>\n"


def _matrix(report: Report, y: int) -> tuple[str, int]:
    cells = {(judged.place, judged.command): judged for judged in report.outcome.cells}
    rows = [place for place in ROWS if any(at is place for at, _ in cells)]
    words = f"{report.server}: {report.right} of {report.tested} cells are right"
    lines = [f'<text x="6" y="{y + 14}" style="font-weight:bold">{escape(words)}</text>']
    for number, command in enumerate(Command):
        x = LEFT + SIZE * number + 12
        lines.append(f'<text transform="translate({x},{y + TOP + 14}) rotate(-60)">{escape(command.value)}</text>')
    for line, place in enumerate(rows):
        top = y + TOP + 20 + SIZE * line
        lines.append(f'<text x="6" y="{top + 13}">{place.name}</text>')
        for number, command in enumerate(Command):
            judged = cells.get((place, command))
            if judged and judged.verdict in COLORS:
                x, mark = LEFT + SIZE * number, judged.verdict.value
                title = escape(f"{judged.name}: {MEANINGS[judged.verdict]}{': ' * bool(judged.what)}{judged.what}")
                box = f'<rect x="{x}" y="{top}" width="16" height="16" rx="2" fill="{COLORS[judged.verdict]}"/>'
                letter = f'<text class="m" x="{x + SIZE / 2 - 1}" y="{top + 12}">{escape(mark)}</text>'
                lines.append(f"<g><title>{title}</title>{box}{letter if mark != '.' else ''}</g>")
    below = y + TOP + 20 + SIZE * len(rows)
    legend = [verdict for verdict in COLORS if any(judged.verdict is verdict for judged in cells.values())]
    for number, verdict in enumerate(legend):
        top = below + 8 + 16 * number
        lines.append(f'<rect x="{LEFT}" y="{top}" width="12" height="12" rx="2" fill="{COLORS[verdict]}"/>')
        lines.append(f'<text x="{LEFT + 18}" y="{top + 10}">{MEANINGS[verdict]}</text>')
    return "\n".join(lines) + "\n", TOP + 20 + SIZE * len(rows) + 16 + 16 * len(legend)


def as_badge(reports: Sequence[Report]) -> str:
    """A badge: how many cells are right, of all servers together."""
    right, tested = sum(report.right for report in reports), sum(report.tested for report in reports)
    color = COLORS[Verdict.RIGHT if not any(report.new for report in reports) else Verdict.SHOULD]
    words, wide = f"{right} of {tested}", 7 * len(f"{right} of {tested}") + 14
    size = f'width="{78 + wide}" height="20"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="smtpcheck: {words}">'
    text = 'fill="#fff" font-family="sans-serif" font-size="11"'
    boxes = f'<rect {size} rx="3" fill="#444"/><rect x="74" width="{wide + 4}" height="20" rx="3" fill="{color}"/>'
    return f'{head}{boxes}<text x="8" y="14" {text}>smtpcheck</text><text x="84" y="14" {text}>{words}</text></svg>\n'
