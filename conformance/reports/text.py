"""The report as text: the matrix first, then the findings, the worst first, then one line that sums up.

Knows nothing about terminals.
"""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from ..finding import Finding
from ..judging import MEANINGS, Judged, Verdict
from ..places import ROWS, Command
from .report import Report, by_harm

WIDTH = 100
"""Columns of the text."""

MOST_CELLS = 8
"""Cells that a finding names; of more it says how many there are."""


def text(report: Report) -> str:
    """The whole report."""
    parts = [f"{report.server}: {report.outcome.profile.greeting}", *matrix(report.outcome.cells)]
    for finding in by_harm(report.findings):
        parts += ["", *shown(finding, finding.key in report.known)]
    parts += list(_gaps(report))
    if report.gone:
        parts += ["", "of the baseline these no longer occur: " + ", ".join(report.gone)]
    if report.left_out:
        parts += ["", f"{report.left_out} grave findings are not told here (--discreet)"]
    return "\n".join([*parts, "", report.summary])


def matrix(cells: Iterable[Judged]) -> Iterator[str]:
    """The matrix: a line for each place, a column for each command; its marks are explained below it."""
    rows: dict[str, dict[Command, Judged]] = {}
    for judged in cells:
        rows.setdefault(judged.place.name, {})[judged.command] = judged
    if not rows:
        return
    yield ""
    names = [command.value for command in Command]
    for number in range(max(map(len, names))):
        yield " " * 11 + " ".join(name.ljust(number + 1)[number] for name in names).rstrip()
    used = set()
    for place in ROWS:
        if place.name in rows:
            verdicts = [rows[place.name][c].verdict if c in rows[place.name] else Verdict.ABSENT for c in Command]
            used |= set(verdicts)
            yield f"{place.name:10} " + " ".join(verdict.value for verdict in verdicts).rstrip()
    yield ""
    marks = [
        f"{verdict.value} {MEANINGS[verdict]}" for verdict in Verdict if verdict in used and verdict is not Verdict.ABSENT
    ]
    yield from textwrap.wrap("; ".join(marks), WIDTH)


def shown(finding: Finding, is_known: bool = False) -> Iterator[str]:
    """A finding, with the paragraph and the dialogue, ready to be pasted into an issue."""
    law = finding.law
    known = ", in the baseline" if is_known else ""
    yield f"{finding.level.value}, {finding.harm.value}: {finding.key} ({law.source}){known}"
    yield from _wrapped(f"{finding.what}.")
    yield from _wrapped(f"The RFC: {law.asks}")
    if finding.remark:
        yield from _wrapped(f"For the server: {finding.remark}.")
    if len(finding.cells) > 1:
        more = len(finding.cells) - MOST_CELLS
        yield from _wrapped("In: " + ", ".join(finding.cells[:MOST_CELLS]) + (f" and {more} more" if more > 0 else ""))
    yield from (f"      {line}" for line in shortened(finding.dialogue))


def shortened(dialogue: Sequence[str]) -> list[str]:
    """A dialogue without the middle of long replies, such as those to EHLO."""
    lines: list[str] = []
    for number, line in enumerate(dialogue):
        around = dialogue[max(0, number - 1) : number + 2]
        if len(around) == 3 and all(re.match(r"S: \d{3}-", near) for near in (around[0], line, around[2])):
            if lines[-1] != "S: ...":
                lines.append("S: ...")
        else:
            lines.append(line)
    return lines


def _wrapped(words: str) -> list[str]:
    return textwrap.wrap(words, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def _gaps(report: Report) -> Iterator[str]:
    for gap in report.outcome.gaps:
        yield ""
        where = f" ({', '.join(gap.cells[:MOST_CELLS])}{' ...' if len(gap.cells) > MOST_CELLS else ''})" if gap.cells else ""
        yield from textwrap.wrap(f"could not be tested: {gap.rule}{where}: {gap.why}", WIDTH, subsequent_indent="  ")
