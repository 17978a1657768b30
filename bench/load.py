"""The load: what is sent, and the client in C (source.c) that sends it.

Knows nothing about which server answers or where the mail goes.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
HOST = "127.0.0.1"
REVERSE_PATH = "a@b.c"
FORWARD_PATH = "johndoe@b.c"
KIB = 1024


class LoadError(Exception):
    """A server did not accept the load, or the load cannot be made. The text is one line."""


class Load(NamedTuple):
    """What is sent: `size` is the body of a message in octets, `mailboxes` the number of recipients that take turns."""

    sessions: int
    size: int
    keeps_connections: bool = True
    mailboxes: int = 1
    says_ehlo: bool = False
    pipelines: bool = False
    """Whether MAIL, RCPT and DATA are sent together (RFC 2920), even if the server does not offer that."""
    has_new_senders: bool = False
    """Whether each message has a sender of its own."""
    pause: float = 0.0
    """Seconds that a session waits after each message."""
    times_data: bool = False
    """Whether only replies to mail data are timed, and not those to commands."""

    @property
    def name(self) -> str:
        """The name of the load in tables."""
        many = "many" if self.keeps_connections else "one"
        more = ", pipelined" * self.pipelines + ", new senders" * self.has_new_senders
        return f"{self.sessions} sessions, {self.size // KIB} KiB, {many} a connection{more}"

    @property
    def flags(self) -> str:
        """The flags in the form that source.c expects."""
        kinds = {
            "m": self.keeps_connections,
            "p": self.pipelines,
            "e": self.says_ehlo,
            "n": self.has_new_senders,
            "d": self.times_data,
        }
        return "".join(letter for letter, is_so in kinds.items() if is_so) or "-"


class Sent(NamedTuple):
    """The result of a load: messages, and seconds; the client's share of a core; seconds to a reply."""

    messages: int
    seconds: float
    cpu_share: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds


class Tools(NamedTuple):
    """The programs in C, compiled: the client, and the bare loop that is the floor."""

    source: Path
    floor: Path


class Attention(NamedTuple):
    """Callbacks: when all sessions are open and the messages begin, and when the last reply is there (with their number)."""

    begins: Callable[[], None]
    ends: Callable[[int], None]


NONE = Attention(lambda: None, lambda _: None)


def compiled(directory: Path) -> Tools:
    """Compiles both programs into a directory. Raises LoadError if there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        raise LoadError("a C compiler is needed: the client that makes the load is written in C")
    tools = Tools(directory / "source", directory / "floor")
    for program in tools:
        command = [compiler, "-O2", "-o", str(program), str(HERE / f"{program.name}.c")]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
        except subprocess.CalledProcessError as error:
            raise LoadError(f"{program.name}.c: {error.stderr.strip().splitlines()[0]}") from error
    return tools


def send(tools: Tools, port: int, work: Load, seconds: float, attention: Attention = NONE) -> Sent:
    """Sends for this many seconds. Raises LoadError if a reply is unexpected or missing."""
    amounts = [port, work.sessions, seconds, work.size, work.mailboxes, 1000 * work.pause]
    # The client must not wait for a busy processor: the reply times would then be its own, not the server's.
    urgent = ["nice", "-n", "-10"] if os.geteuid() == 0 else []
    pipe = subprocess.PIPE
    command = [*urgent, str(tools.source), *map(str, amounts), work.flags]
    if not work.keeps_connections:
        attention.begins()  # it begins at once, without a message
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin and process.stdout and process.stderr
        with suppress(BrokenPipeError), process.stdin:  # closing its input ends it
            if work.keeps_connections and process.stdout.readline():
                attention.begins()
                process.stdin.write("\n")
                process.stdin.flush()
            line = process.stdout.readline()
            if line:
                attention.ends(int(line.split()[0]))
        if not line:
            raise LoadError(f"the load broke off: {process.stderr.read().strip()}")
    messages, took, used, p50, p99, _ = map(float, line.split())
    if not messages:
        raise LoadError("no message was accepted")
    return Sent(int(messages), took, used / took, p50, p99)


def body(size: int) -> bytes:
    """A body of `size` octets, in lines of 80."""
    line = b"X" * 78 + b"\r\n"
    return (line * (size // len(line) + 1))[: size - 2] + b"\r\n"


def find_program(name: str) -> str | None:
    """Finds a program by its name, in /usr/sbin, too, which few people have on their path."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")
