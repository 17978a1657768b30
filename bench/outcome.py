"""The results of all parts: a file of figures into which each run merges its parts, and the report made of it.

Knows nothing about how anything is measured.
"""

import json
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bench import frame

CLIENT_BOUND = 0.9
"""If the client used this share of a core or more, it may have been the limit, not the server; the report marks it."""

HEADING = "work | against | figure (all rounds) | goal | | ours | theirs | client CPU, ours / theirs"


class Row(NamedTuple):
    """A goal and its result: the median over the rounds, and the lowest and highest value."""

    work: str
    against: str
    reached: float
    least: float
    most: float
    goal: float
    unit: str
    is_ceiling: bool
    ours: str
    theirs: str
    shares: tuple[float, ...] = ()
    """The share of a core that the client used, with our server and with theirs."""

    @property
    def score(self) -> float:
        """How far the goal is reached; 1 or more: reached."""
        return self.goal / max(self.reached, 1e-9) if self.is_ceiling else self.reached / self.goal

    @property
    def figure(self) -> str:
        """The result with its unit."""
        return f"{figure(self.reached)} {self.unit}"

    @property
    def wanted(self) -> str:
        """The goal in words."""
        return f"at {'most' if self.is_ceiling else 'least'} {self.goal:g} {self.unit}"


class Outcome(NamedTuple):
    """The result of a part: rows of goals, a table of all figures behind them with its heading, and notes."""

    rows: list[Row]
    heading: str
    table: list[list[str]]
    notes: list[str]


class Kept(NamedTuple):
    """An outcome, and how it was measured."""

    command: str
    machine: list[str]
    outcome: Outcome


def figure(value: float) -> str:
    """A number, rounded to about three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratio(ratios: list[float]) -> str:
    """The median of ratios, and the lowest and the highest."""
    return f"{statistics.median(ratios):.3f} ({min(ratios):.2f} to {max(ratios):.2f})"


def row(work: str, against: str, found: list[float], goal: float, beside: tuple[str, str], **more: object) -> Row:
    """A Row from the figures of all rounds; `more`: unit, is_ceiling, shares."""
    ordered = sorted(found)
    middle = len(ordered) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    plain = Row(work, against, median, ordered[0], ordered[-1], goal, "x", False, *beside)
    return plain._replace(**more)  # type: ignore[arg-type]


def merged(file: Path, new: dict[str, Kept], order: Iterable[str]) -> dict[str, Kept]:
    """Merges the parts of this run into the file, in place of earlier results. Returns its new content."""
    kept = {**(loaded(file) if file.exists() else {}), **new}
    kept = {name: kept[name] for name in order if name in kept}
    text = {name: [each.command, each.machine, each.outcome] for name, each in kept.items()}
    file.write_text(json.dumps(text, indent=1) + "\n")
    return kept


def loaded(file: Path) -> dict[str, Kept]:
    """The results of earlier runs."""
    return {
        name: Kept(command, machine, Outcome([Row(*each) for each in outcome[0]], *outcome[1:]))
        for name, (command, machine, outcome) in json.loads(file.read_text()).items()
    }


def report(kept: dict[str, Kept]) -> str:
    """The report in Markdown."""
    rows = [row for each in kept.values() for row in each.outcome.rows]
    number = sum(row.score >= 1 for row in rows)
    lines = ["# Speed and scale: the goals", "", f"{number} of {len(rows)} are reached. ![The goals](goals.svg)", ""]
    lines += frame.table(HEADING, map(_cells, rows))
    lines += ["", f"\\* The client used {CLIENT_BOUND:.0%} of a core or more: it may have been the limit, not the server."]
    for name, each in kept.items():
        lines += ["", f"## {name}", "", f"`{each.command}`", "", *(f"- {line}" for line in each.machine)]
        lines += [f"- {note}" for note in each.outcome.notes]
        if each.outcome.table:
            lines += ["", *frame.table(each.outcome.heading, each.outcome.table)]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> list[str]:
    found = f"{row.figure} ({figure(row.least)} to {figure(row.most)})"
    verdict = "reached" if row.score >= 1 else "NOT reached"
    return [row.work, row.against, found, row.wanted, verdict, row.ours, row.theirs, " / ".join(map(share, row.shares))]


def share(part: float) -> str:
    """The client's share of a core, marked if the client may have been the limit."""
    return f"{part:.0%}{' *' if part >= CLIENT_BOUND else ''}"
