"""A real server on a free port, and a client that speaks to it over a socket."""

import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from .support import ROOT, USERS, Kept, read_mailbox


class Server:
    """`bin/smtpd` as a process of its own, on a port that the kernel picks."""

    def __init__(self, directory: Path, *arguments: str, users: Iterable[str] | None = USERS, quiet: bool = False) -> None:
        self.mail_dir = directory / "mailboxes"
        self.users = directory / "users.txt"
        self.users.write_text("\n".join(users or ()))
        self.log_file = directory / "smtpd.log"
        listen = () if "--listen" in arguments else ("--listen", "127.0.0.1:0")
        command = [
            sys.executable,
            ROOT / "bin" / "smtpd",
            *listen,
            "--mail-dir",
            self.mail_dir,
            *arguments,
            *([self.users] if users else []),
        ]
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        listeners = max(1, arguments.count("--listen")) + arguments.count("--listen-tls")
        self.addresses = [self._address() for _ in range(listeners)]
        self.port = self.addresses[0][1]
        self.tls_port = self.addresses[-1][1]

    def _address(self) -> tuple[str, int]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        match = re.fullmatch(r"listening on \[?([^\]]+)\]?:(\d+)(?: \(TLS\))?\n", line)
        assert match, f"{line!r}, and on stderr: {self.log}"
        return match[1], int(match[2])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def stop(self, signum: int = signal.SIGTERM, patience: float = 15) -> int:
        """Sends a signal, and returns the exit code."""
        self.process.send_signal(signum)
        return self.process.wait(patience)

    def connect(self) -> "Telnet":
        """A client that was greeted."""
        client = Telnet(self.port)
        assert client.hear()[:3] == b"220"
        return client

    def rest(self) -> None:
        """Returns when the server has nothing to do: it has moved all accepted mail."""
        status = Path(f"/proc/{self.process.pid}/status")
        while self.process.poll() is None:
            before = status.read_text()
            time.sleep(0.02)
            after = status.read_text()
            # It slept all the time; it waited neither for a processor nor, longer than that, for the disk.
            if "\nState:\tS" in after and _switches(after) == _switches(before):
                return

    def mailbox(self, name: str) -> list[Kept]:
        self.rest()
        return read_mailbox(self.mail_dir / f"{name}.txt")


def _switches(status: str) -> str:
    return status.partition("voluntary_ctxt_switches")[2]


class Telnet:
    """A client over a real socket."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection((host, port), 10)
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def secure(self, context: ssl.SSLContext) -> Self:
        """Makes the TLS handshake."""
        self._file.close()
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self._file = self.socket.makefile("rb")
        return self

    def hear(self) -> bytes:
        """The next line; b"" at the end."""
        return self._file.readline().removesuffix(b"\r\n")

    def hear_all(self) -> list[bytes]:
        """The next reply, which may have several lines."""
        lines = [self.hear()]
        while lines[-1][3:4] == b"-":
            lines.append(self.hear())
        return lines

    def say(self, *lines: str) -> bytes:
        """Sends lines one at a time, and waits for each reply; returns the last line of the last one."""
        reply = b""
        for line in lines:
            self.send(line.encode() + b"\r\n")
            reply = self.hear_all()[-1]
        return reply

    def mail(self, content: bytes, sender: str = "a@b", to: str = "johndoe") -> bytes:
        """Makes a transaction, and returns its last reply; `content` is lines with their ends."""
        assert self.say(f"mail from: {sender}", f"rcpt to: {to}", "data")[:3] == b"354"
        self.send(content + b".\r\n")
        return self.hear()

    def close(self) -> None:
        self._file.close()
        self.socket.close()
