#!/usr/bin/env python3
"""Measures the store in PostgreSQL on three nodes with a quorum, on loopback: beside the local store, in turns; and alone.

Client, front end and all nodes share one machine and one disk, so messages a second are a lower bound. Ratios are taken
within a round.
"""

import argparse
import logging
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import frame, load, measuring, peers
from bench.load import KIB, Load
from bench.measuring import Measured, Setting
from bench.outcome import figure, ratio
from bench.peers import Counter, Peer, PeerError
from bench.tally import Tally
from reactor.loop import Reactor
from storage.errors import StorageError
from storage.stores.postgres import hosts, store
from storage.stores.postgres.names import Names
from tests.cluster.nodes import Cluster
from tests.cluster.stage import workshop

LOCAL, QUORUM = "local", "quorum"
LOADS = [
    Load(sessions, size, says_ehlo=True, times_data=True) for sessions, size in ((100, KIB), (100, 50 * KIB), (40, KIB))
]
HEADING = (
    "load | messages/s, local | quorum | quorum ÷ local (range) | CPU, µs/message, local | quorum | quorum ÷ local (range)"
    " | 250 after the data, ms, p50 / p99 (range), local | quorum"
)
STORE_HEADING = "the store alone | messages/s, with | without | ratio (range) | CPU with, µs/message"
HOT = "hot"
MANY = [f"box{number}" for number in range(1000)]

# The whole path: SMTP in, 250 out


def servers(cluster: Cluster) -> list[Peer]:
    """Both servers, with RFC 5321's dialect. The mail of both is counted: in mailboxes, and in the primary."""
    flags = ("--quiet", "--dialect", "esmtp")

    def on_cluster(directory: Path, port: int) -> list[str]:
        users = directory / "users"
        users.write_text("\n".join([peers.MAILBOX, *(f"user{number}" for number in range(peers.MAILBOXES - 1))]))
        where = ["--store", "postgres", "--database", cluster.conninfo, "--listen", f"{load.HOST}:{port}"]
        return [sys.executable, str(peers.smtpd(peers.ROOT)), *flags, *where, str(users)]

    def counter(_: Path) -> Counter:
        cluster.primary.ask("truncate message, delivery, piece")
        return lambda: int(cluster.primary.ask("select count(*) from delivery"))

    return [Peer(LOCAL, peers.carteiro(*flags, "--store", "mbox"), Tally), Peer(QUORUM, on_cluster, counter)]


def replies(found: list[Measured]) -> str:
    """How long a 250 took, from the end of the mail data."""
    median, p99s = measuring.median(found), [1e3 * each.p99 for each in found]
    return f"{1e3 * median.p50:.1f} / {1e3 * median.p99:.1f} ({min(p99s):.0f} to {max(p99s):.0f})"


def compare(setting: Setting, cluster: Cluster, work: Load) -> list[str]:
    """A row of the table."""
    found: dict[str, list[Measured]] = {LOCAL: [], QUORUM: []}
    for number in range(setting.rounds):
        for server in measuring.in_turns(setting, work.name, servers(cluster), number):
            with measuring.running(setting, server) as listening:
                found[server.name].append(measuring.measure(setting, listening, work))
    median = {name: measuring.median(values) for name, values in found.items()}
    rates = ratio(measuring.ratios(found[QUORUM], found[LOCAL], measuring.rate_of))
    cpus = ratio(measuring.ratios(found[QUORUM], found[LOCAL], measuring.cpu_of))
    return [
        work.name,
        *(figure(median[name].rate) for name in (LOCAL, QUORUM)), rates,
        *(figure(1e6 * median[name].cpu) for name in (LOCAL, QUORUM)), cpus,
        *(replies(found[name]) for name in (LOCAL, QUORUM)),
    ]  # fmt: skip


# The store alone, in this process


class Clients:
    """So many clients of a store; each sends its next message when the last one is answered."""

    def __init__(self, database: store.PostgresStore, count: int, mailboxes: list[str], content: bytes) -> None:
        self._store = database
        self._count = count
        self._mailboxes = cycle(mailboxes)
        self._content = content
        self.stored = 0

    def begin(self) -> None:
        """Each sends its first one."""
        for _ in range(self._count):
            self._send()

    def _send(self) -> None:
        name = next(self._mailboxes)
        message = self._store.begin(b"a@b.c", [(name, name.encode())])
        message.write(self._content)
        message.commit(self._told)

    def _told(self, _: int, fault: StorageError | None) -> None:
        if fault:
            raise PeerError(f"the store refused a message: {fault}")
        self.stored += 1
        self._send()


@contextmanager
def bounds(links: int, messages: int) -> Iterator[None]:
    """Other bounds of the store."""
    before = store.LINKS, store.GROUP_MESSAGES
    store.LINKS, store.GROUP_MESSAGES = links, messages
    try:
        yield
    finally:
        store.LINKS, store.GROUP_MESSAGES = before


class Case(NamedTuple):
    """So many stores, with so many clients each; mailboxes that take turns; most messages of a transaction."""

    stores: int
    clients: int
    mailboxes: list[str]
    group: int = store.GROUP_MESSAGES


def alone(cluster: Cluster, seconds: float, case: Case) -> tuple[float, float]:
    """Stores with one link each, in one loop: messages a second, and seconds of CPU a message."""
    loop = Reactor()
    with bounds(1, case.group):
        made = [store.PostgresStore(hosts.parse(cluster.conninfo), names=Names(), number=n) for n in range(case.stores)]
        crowds = [Clients(each, case.clients, case.mailboxes, load.body(KIB)) for each in made]
        for each in made:
            each.join(loop)
        _run(loop, 1.0)  # they connect
        for crowd in crowds:
            crowd.begin()
        _run(loop, 0.5)
        before, used = sum(crowd.stored for crowd in crowds), time.process_time()
        took = _run(loop, seconds)
        stored, used = sum(crowd.stored for crowd in crowds) - before, time.process_time() - used
        for each in made:
            each.close()
    loop.close()
    if not stored:
        raise PeerError("the store stored nothing")
    return stored / took, used / stored


def _run(loop: Reactor, seconds: float) -> float:
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        loop.turn_within(0.05)
        loop.turn()
    return time.monotonic() - began


PAIRS = {
    "groups ÷ one transaction a message, one link, 100 clients": (Case(1, 100, MANY), Case(1, 100, MANY, 1)),
    "one mailbox ÷ 1,000 mailboxes, 16 front ends, 10 clients each": (Case(16, 10, [HOT]), Case(16, 10, MANY)),
}


def compare_alone(setting: Setting, cluster: Cluster, name: str) -> list[str]:
    """A row of the table of the store alone."""
    found: tuple[list[float], list[float]] = ([], [])
    costs = []
    for number in range(setting.rounds):
        for which in (1, 0) if number % 2 else (0, 1):
            print(f"round {number + 1} of {setting.rounds}: {name}", file=sys.stderr, flush=True)
            cluster.primary.ask("truncate message, delivery, piece")
            rate, cost = alone(cluster, setting.seconds, PAIRS[name][which])
            found[which].append(rate)
            costs += [1e6 * cost] * (not which)
    rates = [figure(statistics.median(values)) for values in found]
    return [name, *rates, ratio([one / other for one, other in zip(*found, strict=True)]), figure(statistics.median(costs))]


def report(options: argparse.Namespace, directory: Path) -> None:
    setting = Setting(load.compiled(directory), directory, options.rounds, options.seconds)
    seconds = f"{frame.method(options.rounds)}; {options.seconds:g} s each"
    frame.print_list([*frame.surroundings(directory), seconds])
    with workshop() as made:
        cluster = Cluster(*made)
        try:
            cluster.start()
            names = ", ".join(f"('{name}')" for name in [HOT, *MANY])
            cluster.primary.ask(f"insert into mailbox (name) values {names}")
            if not options.alone:
                print("", *frame.table(HEADING, [compare(setting, cluster, work) for work in LOADS]), sep="\n", flush=True)
            rows = [compare_alone(setting, cluster, name) for name in PAIRS]
            print("", *frame.table(STORE_HEADING, rows), sep="\n", flush=True)
        finally:
            cluster.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures the store in PostgreSQL on three nodes of its own, in turns.")
    frame.add_options(parser)
    parser.add_argument("--seconds", metavar="N", type=float, default=3.0, help="of a measurement (default %(default)s)")
    parser.add_argument("--alone", action="store_true", help="measure the store alone, without servers")
    options = parser.parse_args()
    logging.getLogger("carteiro").setLevel(logging.ERROR)
    return frame.run("quorum", options.dir, partial(report, options))


if __name__ == "__main__":
    sys.exit(main())
