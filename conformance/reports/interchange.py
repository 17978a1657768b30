"""The report as JUnit's XML and as SARIF, for the machinery of CI.

Knows nothing about the other formats.
"""

import json
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from ..finding import Finding, Untested
from ..rules.known import RULES
from ..rules.rule import Level
from .report import Report
from .text import shown

SARIF_LEVELS = {Level.MUST: "error", Level.SHOULD: "warning", Level.NOTE: "note"}


def as_junit(reports: Sequence[Report]) -> str:
    """JUnit's XML: a suite for each server, a case for each rule that was tested. What a baseline has is a skipped case."""
    suites = "".join(_suite(report) for report in reports)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="smtpcheck">\n{suites}</testsuites>\n'


def _suite(report: Report) -> str:
    broken = {finding.rule: finding for finding in report.findings if finding.level is not Level.NOTE}
    broken |= {finding.rule: finding for finding in report.new}  # one that is in the baseline does not hide another
    gaps = {gap.rule: gap for gap in report.outcome.gaps}
    tested = sorted({judged.rule for judged in report.outcome.cells} | report.outcome.probed | set(broken) | set(gaps))
    cases = [_case(report, rule, broken.get(rule), gaps.get(rule)) for rule in tested]
    failures = len({finding.rule for finding in report.new})
    skipped = sum("<skipped" in case for case in cases)
    counts = f'tests="{len(cases)}" failures="{failures}" errors="0" skipped="{skipped}" time="{report.seconds:.3f}"'
    return f"<testsuite name={quoteattr(report.server)} {counts}>\n{''.join(cases)}</testsuite>\n"


def _case(report: Report, rule: str, finding: Finding | None, gap: Untested | None) -> str:
    inner = ""
    if finding and finding.key in report.known:
        inner = '<skipped message="in the baseline"/>'
    elif finding:
        details = _printable("\n".join(shown(finding)))
        inner = f"<failure message={quoteattr(_printable(finding.what))}>{escape(details)}</failure>"
    elif gap:
        inner = f"<skipped message={quoteattr(_printable('could not be tested: ' + gap.why))}/>"
    source = f"RFC {RULES[rule].rfc}"
    return f'<testcase classname={quoteattr(source)} name="{rule}">{inner}</testcase>\n'


def _printable(text: str) -> str:
    return "".join(letter if letter >= " " or letter in "\n\t" else "?" for letter in text)


def as_sarif(reports: Sequence[Report]) -> str:
    """SARIF 2.1.0: a run for each server. There are no files, so a finding's place is the server, and its rule."""
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [_run(report) for report in reports]}, indent=2) + "\n"


def _run(report: Report) -> dict[str, Any]:
    used = sorted({finding.rule for finding in report.findings})
    rules = [
        {
            "id": rule,
            "shortDescription": {"text": RULES[rule].asks},
            "help": {"text": RULES[rule].mend},
            "helpUri": RULES[rule].url,
        }
        for rule in used
    ]
    results = [
        {
            "ruleId": finding.rule,
            "ruleIndex": used.index(finding.rule),
            "level": SARIF_LEVELS[finding.level],
            "message": {"text": "\n".join([finding.what, *finding.dialogue])},
            "locations": [
                {"logicalLocations": [{"fullyQualifiedName": f"{report.server}/{finding.rule}", "kind": "resource"}]}
            ],
            "partialFingerprints": {"smtpcheck/v1": f"{report.server} {finding.key}"},
            "baselineState": "unchanged" if finding.key in report.known else "new",
        }
        for finding in report.findings
    ]
    driver = {"name": "smtpcheck", "informationUri": "https://www.rfc-editor.org/rfc/rfc5321", "rules": rules}
    return {"tool": {"driver": driver}, "results": results}
