"""Measures one server under one load, takes servers in turns, and computes medians and ratios.

Knows nothing about goals.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench import load, peers
from bench.load import Attention, Load, Tools
from bench.outcome import share
from bench.peers import Peer, Running
from bench.tally import cpu_seconds

WARM_UP = 0.2
"""Seconds of load before each measurement."""

SETTLING = 0.05
"""Seconds that a server has to finish its work before its CPU time is read."""

HEADING = "load | server | messages/s | server CPU, µs/message | reply, ms, p50 / p99 | client CPU"


class Setting(NamedTuple):
    """The settings that all parts share."""

    tools: Tools
    directory: Path
    rounds: int
    seconds: float
    divisor: int = 1
    """Divides very large numbers of sessions and users; greater than 1 with --quick."""

    def place(self) -> Path:
        """Returns a path for a new directory."""
        return self.directory / f"server-{sum(1 for _ in self.directory.iterdir())}"


class Measured(NamedTuple):
    """Messages/s; seconds of the server's CPU time per message; the client's share of a core; seconds to a reply."""

    rate: float
    cpu: float
    client: float
    p50: float
    p99: float


Results = dict[tuple[str, str], list[Measured]]
"""The measurements by load and server, one per round."""


class Stopwatch:
    """Measures the CPU time of a server from the first message until it has stored the last one."""

    def __init__(self, server: Running, before: int = 0) -> None:
        self._server = server
        self._before = before
        self._began = 0.0
        self.used = 0.0

    def begin(self) -> None:
        """Call when the messages begin."""
        self._began = cpu_seconds(self._server.pid)

    def end(self, messages: int) -> None:
        """Call when this many messages were accepted. Raises PeerError if they are not where they belong."""
        time.sleep(SETTLING)
        self._server.check_stored(self._before + messages)
        self.used = cpu_seconds(self._server.pid) - self._began


def measure(setting: Setting, server: Running, work: Load) -> Measured:
    """Measures a listening server, after a warm-up."""
    accepted: list[int] = []
    warm_up = Attention(lambda: None, accepted.append)
    load.send(setting.tools, server.port, work._replace(pause=0.0), min(WARM_UP, setting.seconds), warm_up)
    watch = Stopwatch(server, sum(accepted))
    sent = load.send(setting.tools, server.port, work, setting.seconds, Attention(watch.begin, watch.end))
    return Measured(sent.rate, watch.used / sent.messages, sent.cpu_share, sent.p50, sent.p99)


@contextmanager
def running(setting: Setting, peer: Peer) -> Iterator[Running]:
    """Runs a server in a directory of its own for the length of the block, which begins when it listens."""
    os.sync()  # write out what the previous server has left, so that it does not slow this one
    place = setting.place()
    try:
        with peers.running(peer, place) as server:
            yield server
    finally:
        # A virtual machine may get its memory page by page, and each file that is kept makes later ones dearer to write.
        # Removing these few files costs nothing; removing the many of a Maildir would make new files slow for a minute.
        for path in [*place.glob("mail/*.txt"), *place.glob("mail/.journal/segment-*")]:
            path.unlink()


def in_turns(setting: Setting, work: str, servers: list[Peer], number: int) -> Iterator[Peer]:
    """Yields the servers of a round; every second round is in reverse order."""
    for server in reversed(servers) if number % 2 else servers:
        print(f"round {number + 1} of {setting.rounds}: {work}: {server.name}", file=sys.stderr, flush=True)
        yield server


def rate_of(measured: Measured) -> float:
    return measured.rate


def cpu_of(measured: Measured) -> float:
    return measured.cpu


def p99_of(measured: Measured) -> float:
    return measured.p99


def ratios(ours: list[Measured], theirs: list[Measured], of: Callable[[Measured], float]) -> list[float]:
    """The ratio of our figure to theirs in each round."""
    return [of(mine) / (of(other) or 1e-9) for mine, other in zip(ours, theirs, strict=True)]


def median(found: list[Measured]) -> Measured:
    return Measured(*map(statistics.median, zip(*found, strict=True)))


def table(results: Results) -> list[list[str]]:
    """The medians, as rows of a table under HEADING."""
    return [[*names, *_cells(median(found))] for names, found in results.items()]


def _cells(found: Measured) -> list[str]:
    cpu = f"{1e6 * found.cpu:.1f}" if found.cpu else ""
    return [f"{found.rate:,.0f}", cpu, f"{1e3 * found.p50:.2f} / {1e3 * found.p99:.2f}", share(found.client)]
