"""What a peer is, and how one is found and run.

Knows nothing about any particular server.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile, gettempdir
from typing import NamedTuple

import pytest

from ..support import ROOT, wait_until

TO, UNKNOWN = "johndoe@here.example", "nobody@here.example"

PLACES = ("bin", "sbin", "usr/bin", "usr/sbin", "node_modules/.bin")
"""Where programs are below the directory that SMTP_PEERS names."""


class Peer(NamedTuple):
    """A server to be checked.

    `version` and `setup`: for the page. `start`: runs it in a directory, and gives its port; skips the test if it is not
    installed. `flags`: for smtpcheck.
    """

    name: str
    version: Callable[[], str]
    setup: str
    start: Callable[[Path], Iterator[int]]
    flags: tuple[str, ...] = ()


def installed(name: str) -> str:
    """Where a program is. Skips the test if it is nowhere."""
    ours = os.environ.get("SMTP_PEERS")
    there = os.pathsep.join(f"{ours}/{place}" for place in PLACES) if ours else ""
    found = (shutil.which(name, path=there) if there else None) or shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed, nor in SMTP_PEERS")
    return found


def unused_port() -> int:
    """A port that nobody listens at."""
    with closing(socket.create_server(("127.0.0.1", 0))) as unused:
        port: int = unused.getsockname()[1]
    return port


@contextmanager
def place_of(user: str) -> Iterator[Path]:
    """A directory that belongs to a user. Those of pytest are for us alone: each run of it closes them again."""
    with TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        shutil.chown(place, user)
        yield place


def let_in(program: str) -> None:
    """Lets every user at a program in the directory for temporary files."""
    outermost = Path(gettempdir()).resolve()
    for place in Path(program).parents:
        if outermost in place.resolve().parents:
            place.chmod(place.stat().st_mode | 0o055)


@contextmanager
def running(command: list[str], cwd: Path, port: int, env: Mapping[str, str] | None = None) -> Iterator[None]:
    """A server that listens at a port as long as this lasts."""
    with (
        TemporaryFile() as log,
        subprocess.Popen(command, cwd=cwd, stdout=log, stderr=log, env=env and {**os.environ, **env}) as process,
    ):
        try:
            wait_until(lambda: listens(port) or process.poll() is not None, 20)
            log.seek(0)
            assert process.poll() is None, log.read()
            yield
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()


def listens(port: int) -> bool:
    """Whether anybody does."""
    with closing(socket.socket()) as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def apart(directory: Path, command: list[str], *before: str) -> list[str]:
    """A command with an /etc/resolv.conf of its own, in which nobody answers, and with other mounts made by shell commands.

    Some servers look up names of every client and sender; here that is to fail at once. Only root can make mounts.
    """
    may_mount = [installed("unshare"), "--mount", "true"]
    if os.geteuid() != 0 or subprocess.run(may_mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can give it a resolv.conf of its own, where mounts are allowed")
    (directory / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    script = ["set -e", "mount --bind resolv.conf /etc/resolv.conf", *before, 'exec "$@"']
    return [installed("unshare"), "--mount", "sh", "-c", "\n".join(script), "sh", *command]


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


def output(*command: str) -> str:
    """What a program prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr
