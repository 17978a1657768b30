"""What a report is made of, whatever its format.

Knows nothing about formats.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..checking import Outcome
from ..finding import Finding
from ..judging import Judged, Verdict
from ..rules.rule import Harm, Level

NOT_COUNTED = (Verdict.ABSENT, Verdict.UNTESTED)
FINE = (Verdict.RIGHT, Verdict.NOTE)


class Report(NamedTuple):
    """The check of one server, for people.

    `server`: its address or name. `findings`: those that were asked for. `known`: the keys of the baseline. `elsewhere`:
    keys of what other servers of the same run have shown. `left_out`: how many findings are not told, for discretion. `how`:
    the flags, in words. `seconds`: how long it took. `connections`: how many were made.
    """

    server: str
    outcome: Outcome
    findings: tuple[Finding, ...]
    date: str
    seconds: float = 0.0
    connections: int = 0
    known: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    left_out: int = 0
    how: str = ""

    @property
    def new(self) -> tuple[Finding, ...]:
        """The findings that break something, and that no baseline has: those that count."""
        return tuple(f for f in self.findings if f.level is not Level.NOTE and f.key not in self.known)

    @property
    def gone(self) -> tuple[str, ...]:
        """The keys of the baseline that no longer occur. What was not tested this time may still."""
        keys = self.known - self.elsewhere - {finding.key for finding in self.outcome.findings}
        return tuple(sorted(key for key in keys if key.partition("+")[0] in self.outcome.covered))

    @property
    def tested(self) -> int:
        """How many cells were tested."""
        return sum(judged.verdict not in NOT_COUNTED for judged in self.outcome.cells)

    @property
    def right(self) -> int:
        """How many of them are right."""
        return sum(judged.verdict in FINE for judged in self.outcome.cells)

    def broken(self, level: Level, harm: Harm | None = None) -> int:
        """How many rules are broken at a level, and with a harm. Those of which only the code is wrong count as SHOULD."""
        rules = {f.rule for f in self.findings if f.level is level and (harm is None or f.harm is harm)}
        return len(rules)

    @property
    def summary(self) -> str:
        """The last line of a text report."""
        outcome = self.outcome
        harms = [
            f"{self.broken(level, harm)} {harm.value}"
            for level, harm in ((Level.MUST, Harm.DANGER), (Level.MUST, Harm.STOPS))
        ]
        parts = [
            f"{_counted(self.tested, 'cell')}: {self.right} right, {self.tested - self.right} not",
            f"{_counted(outcome.held, 'probe')}",
            f"rules broken: {self.broken(Level.MUST)} MUST ({', '.join(harms)}), {self.broken(Level.SHOULD)} SHOULD",
        ]
        if outcome.gaps:
            parts.append(f"{len({gap.rule for gap in outcome.gaps})} could not be tested")
        if self.known:
            parts.append(f"{len([f for f in self.findings if f.key in self.known])} known")
        return "; ".join([*parts, f"{self.seconds:.1f} s"])


def is_grave(finding: Finding) -> bool:
    """Whether its maker should hear of it before others do: a MUST that is broken, and that clients suffer from."""
    return finding.harm is Harm.DANGER or (finding.level is Level.MUST and finding.harm is not Harm.COSMETIC)


def discreet(outcome: Outcome) -> Outcome:
    """The same, with the cells of grave findings as if they could not be tested: what they are like would tell."""
    names = {name for finding in outcome.findings if is_grave(finding) for name in finding.cells}
    cells = tuple(
        Judged(judged.place, judged.command, Verdict.UNTESTED, judged.rule, "not told") if judged.name in names else judged
        for judged in outcome.cells
    )
    return outcome._replace(cells=cells)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def by_harm(findings: Iterable[Finding]) -> Sequence[Finding]:
    """The findings, the worst first: by what they break, then by what clients suffer."""
    return sorted(findings, key=lambda finding: (finding.level.rank, finding.harm.rank))
