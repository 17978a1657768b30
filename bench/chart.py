"""Draws goals and results as a bar chart, in hand-written SVG.

Knows nothing about how anything was measured.
"""

from collections.abc import Iterable
from html import escape
from math import log2

from bench.outcome import Row

LABELS, BARS, VALUES, LINE, TOP = 640, 420, 190, 22, 64
LONGEST = 100
"""Longest label in characters."""

LEAST, MOST = 0.25, 8.0
"""The ends of the scale, as multiples of a goal; longer bars end at its edge."""

REACHED, MISSED = "#2f7d4f", "#c2571a"
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#222}.small{font-size:11px;fill:#666}.title{font-size:16px;font-weight:600}"
)


def chart(rows: Iterable[Row]) -> str:
    """The chart, with a bar for each goal. Bars begin at the goal's line and go right if it is reached, else left."""
    bars = [_bar(row, TOP + LINE * number) for number, row in enumerate(rows)]
    width, height = LABELS + BARS + VALUES, TOP + LINE * len(bars) + 16
    box = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    title = '<text class="title" x="12" y="24">What was reached, beside the goal</text>'
    paper = f'<rect width="{width}" height="{height}" fill="#fff"/>'
    return "\n".join([box, f"<style>{STYLE}</style>", paper, title, *_scale(height), *bars, "</svg>", ""])


def _scale(height: int) -> list[str]:
    lines = []
    for part, name in ((0.25, "a quarter"), (0.5, "half"), (1.0, "the goal"), (2.0, "2 x"), (4.0, "4 x"), (8.0, "8 x")):
        x, colour = _place(part), "#222" if part == 1 else "#ddd"
        lines.append(f'<path d="M{x:.1f} {TOP - 12}V{height - 10}" stroke="{colour}"/>')
        lines.append(f'<text class="small" x="{x:.1f}" y="{TOP - 18}" text-anchor="middle">{name}</text>')
    return lines


def _place(score: float) -> float:
    """The position of a score on the logarithmic scale."""
    within = min(max(score, LEAST), MOST)
    return LABELS + BARS * log2(within / LEAST) / log2(MOST / LEAST)


def _bar(row: Row, y: int) -> str:
    begin, end = sorted((_place(1.0), _place(row.score)))
    colour = REACHED if row.score >= 1 else MISSED
    label = f"{row.work}{f' ÷ {row.against}' if row.against and row.unit == 'x' else ''}"
    short = label if len(label) <= LONGEST else label[: LONGEST - 1] + "…"
    return (
        f"<g><title>{escape(label)}: {escape(row.figure)}, {escape(row.wanted)}</title>"
        f'<text class="small" x="{LABELS - 8}" y="{y + 10}" text-anchor="end">{escape(short)}</text>'
        f'<rect x="{begin:.1f}" y="{y}" width="{max(end - begin, 1.5):.1f}" height="14" rx="2" fill="{colour}"/>'
        f'<text x="{LABELS + BARS + 10}" y="{y + 11}">{escape(row.figure)}</text>'
        f'<text class="small" x="{LABELS + BARS + 76}" y="{y + 11}">{escape(row.wanted)}</text></g>'
    )
