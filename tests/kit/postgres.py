"""A PostgreSQL server of the tests' own: made in a directory, on a free port of loopback, stopped at the end.

Knows nothing about mail. Where PostgreSQL is not installed, the tests that need it are skipped.
"""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from .counting import free_port

SETTINGS = {
    "fsync": "on",
    "listen_addresses": "127.0.0.1",
    "max_connections": "40",
    "shared_buffers": "16MB",
    "log_min_messages": "warning",
    "lc_messages": "C",
}


def programs() -> Path:
    """The directory of the server's programs; skips the test if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [
        Path(path) for path in [shutil.which("initdb")] if path
    ]
    if not found:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    return found[-1].parent


class Postgres:
    """A server. `name` is also that of its directory."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self.bin = programs()
        self.data = directory / "data"
        self.directory = directory
        self.port = free_port()
        directory.chmod(0o755)
        self.data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.data, user.pw_uid, user.pw_gid)
        self.run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        own = {**SETTINGS, "port": str(self.port), "unix_socket_directories": str(self.data), **settings}
        with (self.data / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in own.items())
        self.start()

    def run(self, name: str, *words: str) -> str:
        """Runs a program of PostgreSQL's, which refuses to be root."""
        drop = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        ended = subprocess.run(
            [*drop, str(self.bin / name), *words], cwd="/", capture_output=True, text=True, timeout=60, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def start(self) -> None:
        """Starts it, and waits until it takes connections."""
        self.run("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.data / "log"), "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stops it."""
        self.run("pg_ctl", "-D", str(self.data), "-m", mode, "stop")

    @property
    def database(self) -> str:
        """What --database is given."""
        return f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"

    def ask(self, statement: str) -> list[str]:
        """The lines that psql prints, with | between columns."""
        words = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", "postgres", "-XAtc", statement)
        return self.run("psql", *words).splitlines()


@contextmanager
def postgres(directory: Path, **settings: str) -> Iterator[Postgres]:
    """A server that runs meanwhile. Its directory must be one that others may enter."""
    server = Postgres(directory, **settings)
    try:
        yield server
    finally:
        with suppress(AssertionError):
            server.stop()


def eventually(is_so: "object", patience: float = 15.0) -> None:
    """Waits until a call returns something true."""
    assert callable(is_so)
    end = time.monotonic() + patience
    while not is_so():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)
