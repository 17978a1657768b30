"""The published clients for Node: where they are, what they are given, and how their scripts are run.

`tests/check` installs them into the virtual environment; the scripts are in `tests/web/clients/`.
"""

import os
import shutil
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest

from .support import ROOT

CLIENTS = Path(sys.prefix) / "clients"
"""Where the packages are installed."""

SCRIPTS = ROOT / "tests" / "web" / "clients"

WHOLE = f"""\
--b
Content-Type: multipart/alternative; boundary=c

--c
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Ol=C3=A1, the text
--c
Content-Type: text/html; charset=utf-8

<p>The HTML</p>
--c--
--b
Content-Type: application/pdf
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="a.pdf"

{b64encode(b"%PDF").decode()}
--b--
"""
FLAT = (
    WHOLE.replace("--b\nContent-Type: multipart/alternative; boundary=c\n\n", "")
    .replace("--c--\n", "")
    .replace("--c", "--b")
)
"""The same without parts in parts, which MailHog's client for Node does not look into."""

FIELDS = (
    "Cc: cc@example.com",
    "Reply-To: reply@example.com",
    "MIME-Version: 1.0",
    'Content-Type: multipart/mixed; boundary="b"',
)


@pytest.fixture
def clients() -> Path:
    """Where the packages are."""
    if not shutil.which("node") or not (CLIENTS / "node_modules").is_dir():
        pytest.skip("the clients for Node are not installed: tests/check does it where npm is")
    return CLIENTS


def calls_of(script: str, base: str, clients: Path) -> list[str]:
    """Runs a script; returns the calls that it made."""
    command = ["node", str(SCRIPTS / script), base]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, "CLIENTS": str(clients)})
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.splitlines()
