"""The report as JSON.

Knows nothing about the other formats. Keys are never renamed; new ones may come.
"""

import json
from collections.abc import Sequence
from typing import Any

from ..finding import Finding
from .report import Report


def as_json(reports: Sequence[Report]) -> str:
    """The reports, one for each server, as one document."""
    document = {"format": "smtpcheck", "version": 1, "servers": [_server(report) for report in reports]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _server(report: Report) -> dict[str, Any]:
    outcome, profile = report.outcome, report.outcome.profile
    return {
        "server": report.server,
        "greeting": profile.greeting,
        "date": report.date,
        "seconds": round(report.seconds, 3),
        "connections": report.connections,
        "how": report.how,
        "offered": {place.name: sorted(words) for place, words in profile.offered.items()},
        "cells": {
            judged.name: {"verdict": judged.verdict.name, "code": judged.code, "rule": judged.rule, "what": judged.what}
            for judged in outcome.cells
        },
        "tested": report.tested,
        "right": report.right,
        "probes": outcome.held,
        "findings": [_finding(finding, finding.key in report.known) for finding in report.findings],
        "untested": [{"rule": gap.rule, "why": gap.why, "cells": list(gap.cells)} for gap in outcome.gaps],
        "gone": list(report.gone),
        "left_out": report.left_out,
    }


def _finding(finding: Finding, is_known: bool) -> dict[str, Any]:
    law = finding.law
    return {
        "key": finding.key,
        "rule": finding.rule,
        "source": law.source,
        "url": law.url,
        "level": finding.level.value,
        "harm": finding.harm.value,
        "what": finding.what,
        "asks": law.asks,
        "mend": law.mend,
        "remark": finding.remark,
        "cells": list(finding.cells),
        "dialogue": list(finding.dialogue),
        "is_known": is_known,
    }
