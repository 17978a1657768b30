"""The servers that are compared: how each is started on 127.0.0.1, what it has used and stored, how it is stopped.

It does not know what load they get.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from bench.load import FORWARD_PATH, HOST, find_program

ROOT = Path(__file__).resolve().parent.parent
SMTPD = ROOT / "bin" / "smtpd"
MAILBOX = FORWARD_PATH.partition("@")[0]
MAILBOXES = 10_000

START_LIMIT = 10.0
"""Seconds that a server has to start listening."""

STOP_LIMIT = 15.0
"""Seconds that it has to end before it is killed."""

MOVE_LIMIT = 60.0
"""Seconds in which a server has to put what it has accepted where it belongs."""

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


Stored = Callable[[Path], int] | None
"""How many messages are in a server's directory; None: it keeps none."""


class Peer(NamedTuple):
    """A server to be measured."""

    name: str
    command: Callable[[Path, int], list[str]]
    """What starts it: given an empty directory of its own, and the port to listen on."""
    stored: Stored
    share: float = 1.0
    """Messages that it gets for each of ours: fewer when it is slow, so that it does not take most of the time."""
    is_extra: bool = False
    """It shows what an option costs, and need not be measured with every load."""


class Running(NamedTuple):
    """A server that listens."""

    peer: Peer
    directory: Path
    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """User and system time used so far, to a hundredth of a second on most machines."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        user_time, system_time = int(fields[11]), int(fields[12])
        return (user_time + system_time) / os.sysconf("SC_CLK_TCK")

    def check_stored(self, messages: int) -> float:
        """The seconds until all messages are where they belong. Raises PeerError unless these are exactly so many."""
        began = time.monotonic()
        stored = messages
        while self.peer.stored and (stored := self.peer.stored(self.directory)) < messages:
            if time.monotonic() - began > MOVE_LIMIT:
                break
            time.sleep(0.02)
        if stored != messages:
            raise PeerError(f"{self.peer.name}: {messages} messages were accepted, {stored} are in {self.directory}")
        return time.monotonic() - began


def available() -> tuple[list[Peer], list[str]]:
    """The servers that can be started here, ours first, and a line about each that cannot."""
    peers, missing = [Peer("carteiro", carteiro("--quiet"), in_mbox)], []
    if has_aiosmtpd():
        peers.append(aiosmtpd(True)._replace(share=1 / 3))
    else:
        missing.append(f"without aiosmtpd: to have it compared, run {sys.executable} -m pip install aiosmtpd")
    if find_program("smtp-sink"):
        peers.append(SMTP_SINK._replace(share=2))
    else:
        missing.append("without smtp-sink: to have it compared, install Postfix")
    extras = [
        Peer("carteiro, default log", carteiro(), in_mbox, is_extra=True),
        Peer("carteiro, --store maildir", carteiro("--quiet", "--store", "maildir"), _in_our_maildir, 1 / 2, True),
        Peer("carteiro, --store discard", carteiro("--quiet", "--store", "discard"), None, 2, True),
    ]
    return [*peers, *extras], missing


@contextmanager
def running(peer: Peer, directory: Path) -> Iterator[Running]:
    """The server, from when it listens until the end of the block."""
    os.sync()  # what the server before has left to be written is not to slow this one
    directory.mkdir()
    port = free_port()
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(peer.command(directory, port), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_for(port, process.poll, peer.name, directory / "log")
        yield Running(peer, directory, port, process.pid)
    finally:
        _stop(process)
        # A virtual machine may get its memory page by page: files that are kept make each later one dearer to write.
        # Removing these few costs nothing; to remove the many of a Maildir would make new files slow for a minute.
        for path in [*directory.glob("mail/*.txt"), *directory.glob("mail/.journal/segment-*")]:
            path.unlink()


def smtpd(checkout: Path) -> Path:
    """The server's program."""
    return checkout / "bin" / "smtpd"


def carteiro(*options: str, checkout: Path = ROOT) -> Callable[[Path, int], list[str]]:
    """The command for a Peer: this checkout, or another one."""

    def command(directory: Path, port: int) -> list[str]:
        users_file = directory / "users"
        users_file.write_text("\n".join([MAILBOX, *(f"user{number}" for number in range(MAILBOXES))]))
        places = ["--listen", f"{HOST}:{port}", "--mail-dir", str(directory / "mail")]
        return [sys.executable, str(smtpd(checkout)), *places, *options, str(users_file)]

    return command


def has_aiosmtpd() -> bool:
    return find_spec("aiosmtpd") is not None


def aiosmtpd(keeps: bool, *pem: Path) -> Peer:
    """It puts mail into a Maildir, or keeps none; it offers STARTTLS when it is given a certificate and a key."""

    def command(directory: Path, port: int) -> list[str]:
        where = [HOST, str(port), str(BACKLOG), str(directory / "mail")]
        return [sys.executable, "-P", "-c", AIOSMTPD, *where, "keeps" if keeps else "", *map(str, pem)]

    name = f"aiosmtpd {version('aiosmtpd')}, {'Maildir' if keeps else 'Sink'}"
    return Peer(name, command, _in_maildir if keeps else None)


def _smtp_sink(_: Path, port: int) -> list[str]:
    unprivileged = ["-u", "nobody"] if os.geteuid() == 0 else []
    return [find_program("smtp-sink") or "smtp-sink", *unprivileged, f"{HOST}:{port}", str(BACKLOG)]


SMTP_SINK = Peer("smtp-sink", _smtp_sink, None)


def in_mbox(directory: Path) -> int:
    """The messages in the mailbox files."""
    return sum(path.read_bytes().count(b"From ") for path in (directory / "mail").glob("*.txt"))


def _in_maildir(directory: Path) -> int:
    return sum(1 for _ in (directory / "mail" / "new").iterdir())


def _in_our_maildir(directory: Path) -> int:
    return sum(1 for _ in (directory / "mail").glob("*/new/*"))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
    return port


def wait_for(port: int, ended: Callable[[], int | None], name: str, log: Path) -> None:
    """Returns when somebody listens on the port. Raises PeerError when its server ended, or does not begin to."""
    # The kernel's list is read because trying to connect could meet itself: the port is one that clients get, too.
    listening = f":{port:04X} 00000000:0000 0A"
    deadline = time.monotonic() + START_LIMIT
    while listening not in Path("/proc/net/tcp").read_text():
        if ended() is not None or time.monotonic() > deadline:
            words = log.read_text(errors="replace").strip().splitlines()
            raise PeerError(f"{name} did not start: {words[-1] if words else 'it said nothing'}")
        time.sleep(0.01)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
