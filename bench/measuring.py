"""One measurement of one server under one load, the servers in turns, and what is made of the figures.

It does not know what is to be reached.
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
"""Seconds of load before a measurement."""

SETTLING = 0.05
"""Seconds in which a server ends what it was doing, before its CPU time is read."""

HEADING = "load | server | messages/s | server CPU, µs/message | reply, ms, p50 / p99 | client CPU"


class Setting(NamedTuple):
    """What all parts share."""

    tools: Tools
    directory: Path
    rounds: int
    seconds: float
    divisor: int = 1
    """With --quick, sessions and users are fewer by this factor where there are very many."""

    def place(self) -> Path:
        """A name for a new directory."""
        return self.directory / f"server-{sum(1 for _ in self.directory.iterdir())}"


class Measured(NamedTuple):
    """Messages/s; seconds of the server's CPU a message; the client's part of a core; seconds to a reply."""

    rate: float
    cpu: float
    client: float
    p50: float
    p99: float


Results = dict[tuple[str, str], list[Measured]]
"""By load and server, one measurement a round."""


class Stopwatch:
    """The CPU time of a server from the first message until it has stored the last."""

    def __init__(self, server: Running, before: int = 0) -> None:
        self._server = server
        self._before = before
        self._began = 0.0
        self.used = 0.0

    def begin(self) -> None:
        """The messages begin."""
        self._began = cpu_seconds(self._server.pid)

    def end(self, messages: int) -> None:
        """So many were accepted. Raises PeerError when they are not where they belong."""
        time.sleep(SETTLING)
        self._server.check_stored(self._before + messages)
        self.used = cpu_seconds(self._server.pid) - self._began


def measure(setting: Setting, server: Running, work: Load) -> Measured:
    """A listening server, after a warm-up."""
    accepted: list[int] = []
    warm_up = Attention(lambda: None, accepted.append)
    load.send(setting.tools, server.port, work._replace(pause=0.0), min(WARM_UP, setting.seconds), warm_up)
    watch = Stopwatch(server, sum(accepted))
    sent = load.send(setting.tools, server.port, work, setting.seconds, Attention(watch.begin, watch.end))
    return Measured(sent.rate, watch.used / sent.messages, sent.cpu_share, sent.p50, sent.p99)


@contextmanager
def running(setting: Setting, peer: Peer) -> Iterator[Running]:
    """A server in a directory of its own, from when it listens until the end of the block."""
    os.sync()  # what the server before has left to be written is not to slow this one
    place = setting.place()
    try:
        with peers.running(peer, place) as server:
            yield server
    finally:
        # A virtual machine may get its memory page by page: files that are kept make each later one dearer to write.
        # Removing these few costs nothing; to remove the many of a Maildir would make new files slow for a minute.
        for path in [*place.glob("mail/*.txt"), *place.glob("mail/.journal/segment-*")]:
            path.unlink()


def in_turns(setting: Setting, work: str, servers: list[Peer], number: int) -> Iterator[Peer]:
    """The servers of a round; each second round begins with the last."""
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
    """Ours to theirs, a round each."""
    return [of(mine) / (of(other) or 1e-9) for mine, other in zip(ours, theirs, strict=True)]


def median(found: list[Measured]) -> Measured:
    return Measured(*map(statistics.median, zip(*found, strict=True)))


def table(results: Results) -> list[list[str]]:
    """Under HEADING: the medians."""
    return [[*names, *_cells(median(found))] for names, found in results.items()]


def _cells(found: Measured) -> list[str]:
    cpu = f"{1e6 * found.cpu:.1f}" if found.cpu else ""
    return [f"{found.rate:,.0f}", cpu, f"{1e3 * found.p50:.2f} / {1e3 * found.p99:.2f}", share(found.client)]
