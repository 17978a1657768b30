"""Makes docs/conformance.md: checks the peers that are installed, and says what is not grave.

Knows nothing about what is right, or about how a peer is run.
"""

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ..support import ROOT
from .known import PEERS
from .running import smtpcheck, started

INTRODUCTION = """# Servers and the RFCs

<!-- Made by `python -m tests.kit.peers > docs/conformance.md`. -->

What `bin/smtpcheck` ([flags](smtpcheck.md)) says of some servers, each as it is set up here, without `--intrusive`. They
are the newest releases of their makers, but for Postfix, Exim and Dovecot, which are Debian's. A rule that is broken in
many places counts once. What breaks a MUST and harms clients is left out: the makers hear of it first. So this is no
ranking, and a row without findings is not a promise. carteiro is checked without leaving anything out. Is a line here
wrong? Tell us: `bin/smtpcheck HOST:PORT` prints the dialogue behind each.

![Each state and command of RFC 5321, and whether carteiro's answer is right](conformance.svg)
"""


def page() -> str:
    """docs/conformance.md, of the peers that are installed."""
    rows, details = [], []
    for peer in PEERS:
        with TemporaryDirectory() as directory:
            try:
                with started(peer, Path(directory)) as address:
                    pictured = ("--svg", ROOT / "docs" / "conformance.svg") if peer.name == "carteiro" else ()
                    smtpcheck(
                        f"{peer.name}={address}",
                        *peer.flags,
                        "--json",
                        Path(directory) / "report",
                        *pictured,
                        discreet=not pictured,
                    )
            except pytest.skip.Exception:
                continue
            (report,) = json.loads((Path(directory) / "report").read_text())["servers"]
        found = {(f["level"], f["harm"], f["rule"]) for f in report["findings"]}
        counts = [
            len({rule for level, _, rule in found if level == "MUST"}),
            len({rule for level, _, rule in found if level == "SHOULD"}),
            len({rule for level, _, rule in found if level == "note"}),
        ]
        cells = f"{report['right']} of {report['tested']}"
        row = [peer.name, peer.version(), peer.setup, cells, report["probes"], *counts, f"{report['seconds']:.1f}"]
        rows.append("| " + " | ".join(map(str, row)) + " |")
        told = [f"- {f['level']}, {f['harm']}: `{f['key']}`" for f in report["findings"] if f["level"] != "note"]
        details.append("\n".join([f"## {peer.name}", "", *(told or ["Nothing that breaks a rule."])]))
    head = "| server | version | set up | cells right | probes | MUST broken | SHOULD broken | notes | s |"
    table = "\n".join([head, "|---|---|---|---|---|---|---|---|---|", *rows])
    return "\n".join([INTRODUCTION, f"{time.strftime('%Y-%m-%d')}:\n", table, "", "\n\n".join(details)])


if __name__ == "__main__":
    print(page())
