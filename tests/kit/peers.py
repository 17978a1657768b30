"""Other servers of SMTP, as they are published, each with a handler of a few lines: for `bin/smtpcheck`, and for its page.

`python -m tests.kit.peers` checks all that are here and prints docs/conformance.md. Knows nothing about what is right.
"""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import NamedTuple

import pytest

from . import postfix
from .esmtp_server import esmtp
from .node import CLIENTS
from .support import ROOT, wait_until

TO, UNKNOWN = "johndoe@here.example", "nobody@here.example"

AIOSMTPD = f"""
import asyncio, sys
from aiosmtpd.smtp import SMTP

class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == "{UNKNOWN}":
            return "550 5.1.1 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        return "250 OK"

async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), hostname="peer.example"), "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()

asyncio.run(main())
"""

SMTP_SERVER = f"""
const {{ SMTPServer }} = require("smtp-server");
new SMTPServer({{
    name: "peer.example", disabledCommands: ["STARTTLS"], authOptional: true, disableReverseLookup: true,
    onRcptTo(address, session, callback) {{
        const refusal = Object.assign(new Error("No such mailbox"), {{ responseCode: 550 }});
        callback(address.address === "{UNKNOWN}" ? refusal : null);
    }},
    onData(stream, session, callback) {{ stream.resume(); stream.on("end", () => callback(null, "OK")); }},
}}).listen(Number(process.argv[1]), "127.0.0.1");
"""


class Peer(NamedTuple):
    """A server to be checked. `version` and `setup`: for the page. `start`: runs it, and gives its port."""

    name: str
    version: Callable[[], str]
    setup: str
    start: Callable[[Path], Iterator[int]]


@contextmanager
def running(command: list[str], cwd: Path) -> Iterator[int]:
    """A server that is told its port as the last argument."""
    with closing(socket.create_server(("127.0.0.1", 0))) as unused:
        port = unused.getsockname()[1]
    with TemporaryFile() as log, subprocess.Popen([*command, str(port)], cwd=cwd, stdout=log, stderr=log) as process:
        try:
            wait_until(lambda: listens(port) or process.poll() is not None, 20)
            log.seek(0)
            assert process.poll() is None, log.read()
            yield port
        finally:
            process.kill()


def listens(port: int) -> bool:
    with closing(socket.socket()) as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def with_aiosmtpd(directory: Path) -> Iterator[int]:
    pytest.importorskip("aiosmtpd")
    (directory / "peer.py").write_text(AIOSMTPD)
    with running([sys.executable, str(directory / "peer.py")], directory) as port:
        yield port


def with_smtp_server(directory: Path) -> Iterator[int]:
    if not shutil.which("node") or not (CLIENTS / "node_modules" / "smtp-server").is_dir():
        pytest.skip("smtp-server is not installed: tests/check does it where npm is")
    with running(["node", "-e", SMTP_SERVER], CLIENTS) as port:
        yield port


def with_postfix(directory: Path) -> Iterator[int]:
    settings = (
        "relayhost =", "mydestination = here.example", "local_transport = discard:", "smtpd_error_sleep_time = 0",
        f"local_recipient_maps = inline:{{{TO}=x}}",
    )  # fmt: skip
    with postfix.postfix(9, *settings, services="discard unix - - n - - discard\n") as relay:
        assert relay.client.sock
        yield relay.client.sock.getpeername()[1]


def with_carteiro(directory: Path) -> Iterator[int]:
    with esmtp(directory) as server:
        yield server.port


def version_of_postfix() -> str:
    return subprocess.run(["postconf", "-dh", "mail_version"], capture_output=True, text=True, check=True).stdout.strip()


def version_of_smtp_server() -> str:
    package = CLIENTS / "node_modules" / "smtp-server" / "package.json"
    return str(json.loads(package.read_text())["version"])


PEERS = (
    Peer("carteiro", lambda: "this tree", "--dialect esmtp, without TLS and AUTH", with_carteiro),
    Peer("aiosmtpd", lambda: metadata.version("aiosmtpd"), "a handler of ten lines, without TLS and AUTH", with_aiosmtpd),
    Peer("smtp-server", version_of_smtp_server, "a handler of ten lines, without TLS and AUTH", with_smtp_server),
    Peer("Postfix", version_of_postfix, "as shipped, one domain, without pauses after errors", with_postfix),
)


@contextmanager
def started(peer: Peer, directory: Path) -> Iterator[str]:
    """The address of a peer. Skips the test if it is not installed."""
    run = peer.start(directory)
    try:
        yield f"127.0.0.1:{next(run)}"
    finally:
        with suppress(StopIteration):
            next(run)


def smtpcheck(*arguments: object, discreet: bool = True) -> subprocess.CompletedProcess[str]:
    """Checks a peer; of what is grave only the number is said."""
    how = ("--to", TO, "--unknown", UNKNOWN, *(["--discreet"] if discreet else []), *map(str, arguments))
    command = [sys.executable, str(ROOT / "bin" / "smtpcheck"), *how]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


INTRODUCTION = """# Servers and the RFCs

<!-- Made by `python -m tests.kit.peers > docs/conformance.md`. -->

What `bin/smtpcheck` ([flags](smtpcheck.md)) says of a few servers, each as it is set up here. A rule that is broken in
many places counts once. What breaks a MUST and harms clients is left out: the makers hear of it first. So this is no
ranking, and a row without findings is not a promise. carteiro is checked without leaving anything out.

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
                        f"{peer.name}={address}", "--json", Path(directory) / "report", *pictured, discreet=not pictured
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
