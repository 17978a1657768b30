"""`bin/smtpcheck` finds over sockets what is wrong with a toy: where segments and the ends of connections count."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ..kit.support import ROOT
from ..kit.tls import make_pem
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


def checked(port: int, *flags: str) -> subprocess.CompletedProcess[str]:
    """The check of a few rules."""
    how = ("--to", "johndoe@here.example", "--only", "5321-4.1.1.5", "--only", "3207", *flags)
    command = [sys.executable, str(ROOT / "bin" / "smtpcheck"), f"127.0.0.1:{port}", *how]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("how", ["wire", "first"])
@pytest.mark.parametrize("fault", [LAWFUL, *(fault for fault in FAULTS if fault.name == "keeps recipients behind RSET")])
def test_under_tls_the_same_is_found(fault: Fault, how: str, tmp_path: Path) -> None:
    with ToyServer(fault, make_pem(tmp_path), is_encrypted=how == "wire") as server:
        done = checked(server.port, "--tls", how)
    assert done.returncode == bool(fault.finds), done.stdout + done.stderr
    assert all(f": {rule} (" in done.stdout for rule in fault.finds) and "\nRCPT " in done.stdout
    assert ("(TLS handshake)" in done.stdout) is (how == "first" and bool(fault.finds))


def test_a_server_without_tls_cannot_be_tested_under_it() -> None:
    with ToyServer(LAWFUL) as server:
        wire, first = checked(server.port, "--tls", "wire"), checked(server.port, "--tls", "first")
    assert (wire.returncode, first.returncode) == (3, 3)
    assert "the TLS handshake fails: " in wire.stderr and "EHLO is answered nothing" in first.stderr


def test_they_are_all_there() -> None:
    assert len(OVER_SOCKETS) == 10
