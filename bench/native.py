"""The programs in C, and the load that one of them makes; where there is no compiler, the client in Python makes it.

It does not know which server answers.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bench import client
from bench.client import Manner
from bench.load import Load, LoadError

HERE = Path(__file__).resolve().parent

TRIAL = 200
"""Messages by which the client in Python learns how many it has to send in a given time."""


class Sent(NamedTuple):
    """What became of a load: messages, and seconds; the part of one core that the sending side used; reply times."""

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
    """The compiled programs; None: there is no compiler."""

    source: Path | None
    floor: Path | None

    @property
    def words(self) -> str:
        """What makes the load, for the report."""
        if self.source:
            return "a client in C (source.c) makes the load: one thread, each session as fast as it is answered"
        return "there is no C compiler: a client in Python makes the load, and is often the slowest part; it makes no pauses"


class Attention(NamedTuple):
    """What is called when all sessions stand and the messages begin, and when the last of so many replies is there."""

    begins: Callable[[], None]
    ends: Callable[[int], None]


NONE = Attention(lambda: None, lambda _: None)


def compiled(directory: Path) -> Tools:
    """Compiles both programs into a directory."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        return Tools(None, None)
    programs = directory / "source", directory / "floor"
    for program in programs:
        command = [compiler, "-O2", "-o", str(program), str(HERE / f"{program.name}.c")]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
        except subprocess.SubprocessError:
            return Tools(None, None)
    return Tools(*programs)


def send(
    tools: Tools,
    port: int,
    work: Load,
    seconds: float,
    manner: Manner = client.PLAIN,
    pause: float = 0.0,
    attention: Attention = NONE,
) -> Sent:
    """Sends for some seconds, each session with a pause after a message. Raises LoadError as the client does."""
    if not tools.source:
        return _send_in_python(port, work, seconds, manner, attention)
    amounts = [port, work.sessions, seconds, work.size, work.mailboxes, 1000 * pause]
    # Its work is not to wait for a processor that others keep busy: reply times would be its own, not the server's.
    urgent = ["nice", "-n", "-10"] if os.geteuid() == 0 else []
    pipe = subprocess.PIPE
    command = [*urgent, str(tools.source), *map(str, amounts), _flags(work, manner)]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin and process.stdout and process.stderr
        with suppress(BrokenPipeError), process.stdin:  # when this is closed, it leaves
            ready = not work.keeps_connections or process.stdout.readline()
            attention.begins()
            if ready and work.keeps_connections:
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


def _flags(work: Load, manner: Manner) -> str:
    kinds = {
        "m": work.keeps_connections,
        "p": manner.pipelines,
        "e": manner.greeting == b"EHLO",
        "n": manner.has_new_senders,
    }
    return "".join(letter for letter, is_so in kinds.items() if is_so) or "-"


def _send_in_python(port: int, work: Load, seconds: float, manner: Manner, attention: Attention) -> Sent:
    trial, _ = client.send(port, work, TRIAL, manner)
    attention.begins()
    messages = max(work.sessions, int(TRIAL / trial.seconds * seconds))
    effort, times = client.send(port, work, messages, manner)
    attention.ends(TRIAL + messages)
    replies = sorted([*times.commands, *times.mail_data])
    p50, p99 = replies[len(replies) // 2], replies[len(replies) * 99 // 100]
    return Sent(messages, effort.seconds, effort.cpu_share, p50, p99)
