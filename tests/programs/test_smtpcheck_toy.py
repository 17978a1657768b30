"""`bin/smtpcheck` finds over sockets what is wrong with a toy: where segments and the ends of connections count."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ..kit.support import ROOT
from ..kit.toy import FAULTS, LAWFUL, Fault
from ..kit.toy_server import ToyServer

OVER_SOCKETS = [
    fault
    for fault in (LAWFUL, *FAULTS)
    if fault.name
    in (
        "none",
        "loses what comes behind the dot",
        "ends mail data at LF . LF",
        "carries out the tail of a long line",
        "ends its lines with LF",
        "accepts half a message",
        "answers out of order",
        "takes a segment for a line",
        "closes without 221",
        "takes ten recipients",
    )
]


@pytest.mark.parametrize("fault", OVER_SOCKETS, ids=lambda fault: fault.name)
def test_just_that_is_found(fault: Fault, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with ToyServer(fault) as server:
        command = [sys.executable, str(ROOT / "bin" / "smtpcheck"), f"127.0.0.1:{server.port}"]
        flags = ["--to", "johndoe@here.example", "--unknown", "nobody@here.example", "--intrusive", "--json", str(report)]
        done = subprocess.run([*command, *flags], capture_output=True, text=True, timeout=120)
    assert done.returncode == bool(fault.finds), done.stdout + done.stderr
    assert {finding["rule"] for finding in json.loads(report.read_text())["servers"][0]["findings"]} == set(fault.finds)


def test_they_are_all_there() -> None:
    assert len(OVER_SOCKETS) == 10
