"""The load: what is sent, and how smtp-source is made to send it.

It does not know which server answers, nor where the mail goes, nor the client of our own, which is in `client`.
"""

import resource
import shutil
import subprocess
import time
from typing import NamedTuple

HOST = "127.0.0.1"
REVERSE_PATH = "a@b.c"
FORWARD_PATH = "johndoe@b.c"

TIME_LIMIT = 120.0
"""Seconds that one run may take."""


class LoadError(Exception):
    """A server did not take the load. The text is one line."""


class Load(NamedTuple):
    """What is sent: `size` is the octets of a message's body, `mailboxes` the number of recipients that take turns."""

    sessions: int
    size: int
    keeps_connections: bool
    mailboxes: int = 1

    @property
    def name(self) -> str:
        """As the table and `--case` have it."""
        many = "many" if self.keeps_connections else "one"
        return f"{self.sessions} sessions, {self.size // 1024} KiB, {many} a connection"


class Effort(NamedTuple):
    """What a run took: the time in seconds, and the part of one core that the sending side used."""

    seconds: float
    cpu_share: float


def smtp_source() -> str | None:
    """Where Postfix's load generator is, if it is."""
    return find_program("smtp-source")


def find_program(name: str) -> str | None:
    """A program by its name; /usr/sbin is looked through too, since few people have it on their path."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")


def send_by_smtp_source(program: str, port: int, load: Load, messages: int) -> Effort:
    """Sends `messages` messages. Raises LoadError when it meets an unexpected reply or takes longer than TIME_LIMIT."""
    amounts = ["-s", str(load.sessions), "-m", str(messages), "-l", str(load.size)]
    keep = ["-d"] if load.keeps_connections else []
    command = [program, *amounts, *keep, "-f", REVERSE_PATH, "-t", FORWARD_PATH, f"{HOST}:{port}"]
    began, used = time.perf_counter(), _cpu_of_children()
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIME_LIMIT)
    except subprocess.CalledProcessError as error:
        raise LoadError(f"smtp-source gave up: {error.stderr.strip()}") from error
    except subprocess.TimeoutExpired as error:
        raise LoadError(f"smtp-source took more than {TIME_LIMIT:g} s") from error
    seconds = time.perf_counter() - began
    return Effort(seconds, (_cpu_of_children() - used) / seconds)


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def forward_paths(mailboxes: int) -> list[str]:
    """The recipients: FORWARD_PATH alone, or as many of others as there are mailboxes."""
    return [f"user{number}@b.c" for number in range(mailboxes)] if mailboxes > 1 else [FORWARD_PATH]


def body(size: int) -> bytes:
    """A body of `size` octets, in lines of 80."""
    line = b"X" * 78 + b"\r\n"
    return (line * (size // len(line) + 1))[: size - 2] + b"\r\n"
