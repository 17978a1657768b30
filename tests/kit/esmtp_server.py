"""The real server in RFC 5321's dialect, with or without TLS and an auth file, and clients of it."""

import subprocess
import sys
from pathlib import Path

import argon2
import bcrypt

from .server import Server, Telnet
from .support import ROOT
from .tls import Pem, trusting

FROM, TO = "<janedoe@far.example>", "<johndoe@here.example>"
TO_DATA = ("EHLO me.example", f"MAIL FROM:{FROM}", f"RCPT TO:{TO}", "DATA")


def esmtp(directory: Path, *arguments: str, pem: Pem | None = None, auth: str = "") -> Server:
    """A server, with a certificate and an auth file if they are given."""
    if pem:
        arguments += ("--tls-cert", str(pem.cert), "--tls-key", str(pem.key))
    if auth:
        auth_file = directory / "auth.txt"
        auth_file.write_text(auth)
        arguments += ("--auth-file", str(auth_file))
    return Server(directory, "--dialect", "esmtp", *arguments)


def secured(server: Server, pem: Pem) -> Telnet:
    """A client that has begun TLS, and said EHLO again."""
    client = server.connect()
    assert client.say("EHLO me.example", "STARTTLS")[:3] == b"220"
    client.secure(trusting(pem))
    assert client.say("EHLO me.example")[:3] == b"250"
    return client


def line_of(name: str, secret: str, kind: str = "bcrypt") -> str:
    """A line of an auth file, with a hash that is as cheap as possible."""
    if kind == "bcrypt":
        return f"{name}:{bcrypt.hashpw(secret.encode(), bcrypt.gensalt(4)).decode()}\n"
    return f"{name}:{argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(secret)}\n"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs the server with arguments that make it end at once."""
    command = [sys.executable, str(ROOT / "bin" / "smtpd"), "--dialect", "esmtp", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=20)
