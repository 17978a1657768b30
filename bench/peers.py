"""Starts and stops the measured servers on 127.0.0.1: ours, aiosmtpd and smtp-sink.

Knows nothing about the load. Postfix and Haraka have modules of their own; `rivals` knows which are installed.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from bench.load import FORWARD_PATH, HOST, find_program
from bench.tally import Tally

ROOT = Path(__file__).resolve().parent.parent
MAILBOX = FORWARD_PATH.partition("@")[0]
MAILBOXES = 10_000

START_LIMIT = 20.0
"""Seconds within which a server must listen."""

STOP_LIMIT = 60.0
"""Seconds that a server has to end before it is killed."""

MOVE_LIMIT = 60.0
"""Seconds within which a server must move accepted mail to where it belongs."""

BACKLOG = 1000

AIOSMTPD = """
import asyncio, ssl, sys
from aiosmtpd.handlers import Mailbox, Sink
from aiosmtpd.smtp import SMTP

async def main(host, port, backlog, directory, keeps, *pem):
    handler = Mailbox(directory) if keeps else Sink()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if pem else None
    if context:
        context.load_cert_chain(*pem)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, tls_context=context), host, int(port), backlog=int(backlog))
    await server.serve_forever()

asyncio.run(main(*sys.argv[1:]))
"""


class PeerError(Exception):
    """A server did not start, or lost mail. The text is one line."""


Counter = Callable[[], int]
"""Returns the number of messages stored so far."""


class Peer(NamedTuple):
    """A server to measure."""

    name: str
    command: Callable[[Path, int], list[str]]
    """Returns the command that runs it in the foreground, for an empty directory of its own and a port."""
    counter: Callable[[Path], Counter] | None = None
    """Makes a counter of the messages that arrive in its directory from now on; None: the server stores nothing."""


class Running(NamedTuple):
    """A server that listens."""

    peer: Peer
    directory: Path
    port: int
    pid: int
    started: float
    """Seconds from its start until it listened."""
    stop: Callable[[], None]
    """Stops it, before the end of the block."""
    stored: Counter | None

    @property
    def log(self) -> Path:
        """The file with its output."""
        return self.directory / "log"

    def check_stored(self, messages: int, limit: float = MOVE_LIMIT) -> float:
        """Waits until all messages are where they belong; returns the seconds. Raises PeerError if their number is wrong."""
        began = time.monotonic()
        stored = messages
        while self.stored and (stored := self.stored()) < messages:
            if time.monotonic() - began > limit:
                break
            time.sleep(0.02)
        if stored != messages:
            raise PeerError(f"{self.peer.name}: {messages} messages were accepted, {stored} are in {self.directory}")
        return time.monotonic() - began


@contextmanager
def running(peer: Peer, directory: Path) -> Iterator[Running]:
    """Runs a server for the length of the block, which begins when it listens."""
    directory.mkdir(exist_ok=True)
    port = free_port()
    command = peer.command(directory, port)
    began = time.monotonic()
    with (directory / "log").open("ab") as log:
        nothing = subprocess.DEVNULL
        process = subprocess.Popen(command, stdin=nothing, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_for(port, process, peer.name, directory / "log")
        started = time.monotonic() - began
        counter = peer.counter and peer.counter(directory)
        yield Running(peer, directory, port, process.pid, started, partial(_stop, process), counter)
    finally:
        _stop(process)


def carteiro(
    *options: str, users: int = MAILBOXES, checkout: Path = ROOT, before: Sequence[str] = ()
) -> Callable[[Path, int], list[str]]:
    """The command of a Peer, for this checkout or another one; `before`: a program that runs the server in its place."""

    def command(directory: Path, port: int) -> list[str]:
        users_file = directory / "users"
        users_file.write_text("\n".join([MAILBOX, *(f"user{number}" for number in range(users - 1))]))
        places = ["--listen", f"{HOST}:{port}", "--mail-dir", str(directory / "mail")]
        return [sys.executable, *(before or [str(smtpd(checkout))]), *places, *options, str(users_file)]

    return command


def smtpd(checkout: Path) -> Path:
    """The server's program in a checkout."""
    return checkout / "bin" / "smtpd"


def ours(name: str, store: str, *options: str) -> Peer:
    """The server of this checkout, without a log. With the store mbox, its mail is counted in the mailboxes."""
    command = carteiro("--quiet", "--store", store, *options)
    counters: dict[str, Callable[[Path], Counter]] = {"mbox": Tally, "maildir": _in_our_maildir}
    return Peer(name, command, counters.get(store))


def aiosmtpd(keeps: bool, *pem: Path) -> Peer:
    """aiosmtpd: stores mail in a Maildir or nowhere. Offers STARTTLS if it gets a certificate and a key."""

    def command(directory: Path, port: int) -> list[str]:
        where = [HOST, str(port), str(BACKLOG), str(directory / "mail")]
        return [sys.executable, "-P", "-c", AIOSMTPD, *where, "keeps" if keeps else "", *map(str, pem)]

    return Peer(f"aiosmtpd {version('aiosmtpd')}, {'Maildir' if keeps else 'Sink'}", command, _in_maildir if keeps else None)


def _smtp_sink(_: Path, port: int) -> list[str]:
    unprivileged = ["-u", "nobody"] if os.geteuid() == 0 else []
    return [find_program("smtp-sink") or "smtp-sink", *unprivileged, f"{HOST}:{port}", str(BACKLOG)]


SMTP_SINK = Peer("smtp-sink", _smtp_sink)


def _in_our_maildir(directory: Path) -> Counter:
    return lambda: sum(1 for _ in directory.glob("mail/*/new/*"))


def _in_maildir(directory: Path) -> Counter:
    return lambda: sum(1 for _ in directory.glob("mail/new/*"))


def free_port() -> int:
    """Finds a port that no program listens on."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
    return port


def _wait_for(port: int, process: subprocess.Popen[bytes], name: str, log: Path) -> None:
    # Read the kernel's list: an attempt to connect could connect to itself, since the port is an ephemeral one.
    listening = f":{port:04X} 00000000:0000 0A"
    deadline = time.monotonic() + START_LIMIT
    while listening not in Path("/proc/net/tcp").read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            words = log.read_text(errors="replace").strip().splitlines()
            raise PeerError(f"{name} did not start: {words[-1] if words else 'it said nothing'}")
        time.sleep(0.01)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stops a server and its children, which are a process group, unless it has ended."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_LIMIT)
