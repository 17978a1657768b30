"""The report as a page of HTML: a column for each server, then each server's matrix and findings.

Knows nothing about the other formats. The page needs nothing from elsewhere, and runs nothing.
"""

from collections.abc import Sequence
from html import escape

from ..finding import Finding
from ..rules.known import RULES
from ..rules.rule import Harm, Level
from .picture import as_svg
from .report import Report, by_harm
from .text import shortened

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
body { color: #222; background: #fff }
table { border-collapse: collapse }
th, td { border-bottom: 1px solid #ddd; padding: .25rem .7rem; text-align: left; vertical-align: top }
pre { background: #f4f4f2; padding: .7rem; overflow-x: auto; font-size: 13px }
.wide { overflow-x: auto }
.MUST { color: #b3261e; font-weight: 600 }
.SHOULD { color: #8a5200 }
.note { color: #555 }
.none { color: #2e7d4f }
"""


def as_html(reports: Sequence[Report]) -> str:
    """The page."""
    parts = [
        "<h1>smtpcheck</h1>",
        _overview(reports),
        _side_by_side(reports),
        *(_server(report, n) for n, report in enumerate(reports)),
    ]
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>smtpcheck</title>'
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{STYLE}</style></head>\n<body>\n'
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _row(head: str, cells: Sequence[str]) -> str:
    return f'<tr><th scope="row">{head}</th>' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _overview(reports: Sequence[Report]) -> str:
    names = "".join(
        f'<th scope="col"><a href="#server{n}">{escape(report.server)}</a></th>' for n, report in enumerate(reports)
    )
    rows = [
        _row("greeting", [escape(report.outcome.profile.greeting) for report in reports]),
        _row("date", [report.date for report in reports]),
        _row("cells right", [f"{report.right} of {report.tested}" for report in reports]),
        _row("probes", [str(report.outcome.held) for report in reports]),
        *(_row(f"MUST broken, {harm.value}", [str(report.broken(Level.MUST, harm)) for report in reports]) for harm in Harm),
        _row("SHOULD broken", [str(report.broken(Level.SHOULD)) for report in reports]),
        _row("not tested", [str(len({gap.rule for gap in report.outcome.gaps})) for report in reports]),
    ]
    return f'<div class="wide"><table><tr><td></td>{names}</tr>{"".join(rows)}</table></div>'


def _side_by_side(reports: Sequence[Report]) -> str:
    """Each rule that any of the servers breaks, with a column for each server."""
    found = [{finding.rule: finding for finding in reversed(by_harm(report.findings))} for report in reports]
    rules = sorted({rule for some in found for rule in some})
    if not rules:
        return "<p>No rule is broken.</p>"
    rows = [
        _row(f'<a href="{RULES[rule].url}">{rule}</a>', [_said(some.get(rule), n) for n, some in enumerate(found)])
        for rule in rules
    ]
    names = "".join(f'<th scope="col">{escape(report.server)}</th>' for report in reports)
    return f'<h2>Rules</h2><div class="wide"><table><tr><td></td>{names}</tr>{"".join(rows)}</table></div>'


def _said(finding: Finding | None, number: int) -> str:
    if not finding:
        return '<span class="none">kept</span>'
    level = finding.level.value
    return f'<a class="{level}" href="#s{number}-{escape(finding.key)}">{level}, {finding.harm.value}</a>'


def _server(report: Report, number: int) -> str:
    parts = [f'<h2 id="server{number}">{escape(report.server)}</h2>', f'<div class="wide">{as_svg([report])}</div>']
    parts += [_finding(finding, number, finding.key in report.known) for finding in by_harm(report.findings)]
    gaps = "".join(f"<li>{gap.rule}: {escape(gap.why)}</li>" for gap in report.outcome.gaps)
    parts += [f"<h3>Could not be tested</h3><ul>{gaps}</ul>"] if gaps else []
    parts += [f"<p>{report.left_out} grave findings are not told here.</p>"] if report.left_out else []
    return "\n".join([*parts, f"<p>{escape(report.summary)}</p>"])


def _finding(finding: Finding, number: int, is_known: bool) -> str:
    law, level = finding.law, finding.level.value
    title = f'<span class="{level}">{level}, {finding.harm.value}</span> {finding.key}{" (in the baseline)" * is_known}'
    words = f'<p>{escape(finding.what)}.</p><p><a href="{law.url}">{law.source}</a>: {escape(law.asks)}<br>What to do: '
    remark = f"<p>For the server: {escape(finding.remark)}.</p>" if finding.remark else ""
    dialogue = escape("\n".join(shortened(finding.dialogue)))
    return f'<h3 id="s{number}-{finding.key}">{title}</h3>{words}{escape(law.mend)}</p>{remark}<pre>{dialogue}</pre>'
