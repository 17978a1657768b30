"""Libraries for servers of SMTP, each with a handler of a few lines.

Knows nothing about what is right.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from ..node import CLIENTS
from .running import UNKNOWN, Peer, installed, output, running, unused_port

HANDLER = "a handler of ten lines, without TLS"

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

GO_SMTP = f"""
package main

import (
	"io"
	"log"
	"os"

	"github.com/emersion/go-smtp"
)

type backend struct{{}}
type session struct{{}}

func (backend) NewSession(*smtp.Conn) (smtp.Session, error) {{ return session{{}}, nil }}
func (session) Mail(string, *smtp.MailOptions) error        {{ return nil }}
func (session) Rcpt(to string, _ *smtp.RcptOptions) error {{
	if to == "{UNKNOWN}" {{
		return &smtp.SMTPError{{Code: 550, EnhancedCode: smtp.EnhancedCode{{5, 1, 1}}, Message: "No such mailbox"}}
	}}
	return nil
}}
func (session) Data(r io.Reader) error {{ _, err := io.Copy(io.Discard, r); return err }}
func (session) Reset()                 {{}}
func (session) Logout() error          {{ return nil }}

func main() {{
	server := smtp.NewServer(backend{{}})
	server.Addr, server.Domain = "127.0.0.1:"+os.Args[1], "peer.example"
	log.Fatal(server.ListenAndServe())
}}
"""
"""Build it as SMTP_PEERS/bin/go-smtp-peer: `go mod init peer; go get github.com/emersion/go-smtp@latest; go build`."""


def with_aiosmtpd(directory: Path) -> Iterator[int]:
    """aiosmtpd."""
    pytest.importorskip("aiosmtpd")
    (directory / "peer.py").write_text(AIOSMTPD)
    port = unused_port()
    with running([sys.executable, str(directory / "peer.py"), str(port)], directory, port):
        yield port


def with_smtp_server(directory: Path) -> Iterator[int]:
    """nodemailer's smtp-server."""
    if not shutil.which("node") or not (CLIENTS / "node_modules" / "smtp-server").is_dir():
        pytest.skip("smtp-server is not installed: tests/check does it where npm is")
    port = unused_port()
    with running(["node", "-e", SMTP_SERVER, str(port)], CLIENTS, port):
        yield port


def with_go_smtp(directory: Path) -> Iterator[int]:
    """go-smtp: GO_SMTP, built."""
    port = unused_port()
    with running([installed("go-smtp-peer"), str(port)], directory, port):
        yield port


def version_of_smtp_server() -> str:
    """As its package says."""
    package = CLIENTS / "node_modules" / "smtp-server" / "package.json"
    return str(json.loads(package.read_text())["version"])


def version_of_module(program: str, module: str) -> str:
    """The version of a Go module that a program was built with."""
    lines = [line.split() for line in output("go", "version", "-m", installed(program)).splitlines()]
    return next((line[2].removeprefix("v") for line in lines if line[0] in ("mod", "dep") and line[1] == module), "unknown")


LIBRARIES = (
    Peer("aiosmtpd", lambda: metadata.version("aiosmtpd"), HANDLER, with_aiosmtpd),
    Peer("smtp-server", version_of_smtp_server, HANDLER, with_smtp_server),
    Peer("go-smtp", lambda: version_of_module("go-smtp-peer", "github.com/emersion/go-smtp"), HANDLER, with_go_smtp),
)
