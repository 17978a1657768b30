#!/usr/bin/env python3
"""Measures what a 250 that means "on disk" costs: beside other servers, by the number of mailboxes, and at extremes.

It does not know how the servers are started, nor how the load is made: see `peers`, `postfix`, `haraka` and `client`.
"""

import argparse
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import client, frame, haraka, load, peers, postfix
from bench.frame import KIB
from bench.load import Load
from bench.peers import Peer, Running

LOADS = [Load(sessions, KIB, True, mailboxes) for sessions in (10, 100) for mailboxes in (5, 10_000)]
MESSAGES = 10_000
WARM_UP = 100

HEADING = "load | server | messages/s | all in the mailboxes after, s | carteiro ÷ this"

LARGE_SESSIONS = 500
LARGE_SENT = 4 << 20


class Figures(NamedTuple):
    """Messages/s, and seconds from the last reply until all messages are in their mailboxes."""

    rate: float
    moved: float


class Extreme(NamedTuple):
    """Seconds until the server listens, MiB that it then has resident, messages/s."""

    start: float
    resident: float
    rate: float


Rates = dict[tuple[Load, str], list[Figures]]
"""One measurement a round."""


def measure(server: Running, work: Load, messages: int) -> Figures:
    client.send(server.port, work._replace(mailboxes=1), WARM_UP)
    server.check_stored(WARM_UP)
    effort, _ = client.send(server.port, work, messages)
    return Figures(messages / effort.seconds, server.check_stored(WARM_UP + messages))


@contextmanager
def running(peer: Peer, place: Path) -> Iterator[Running]:
    with postfix.running(peer, place) if peer.name in postfix.MODES else peers.running(peer, place) as server:
        yield server


def compare(rounds: int, messages: int, directory: Path) -> None:
    ours, *others = [peer for peer in peers.available()[0] if "sink" not in peer.name and "log" not in peer.name]
    queues = [postfix.HELD, postfix.DEFERRED, postfix.SHIPPED] if postfix.is_here() else []
    servers = [ours, *queues, *([haraka.HELD] if haraka.is_here() else []), *others]
    rates: Rates = {}
    for number in range(rounds):
        for work in LOADS:
            for server in servers:
                print(f"round {number + 1}: {name_of(work)}: {server.name}", file=sys.stderr)
                place = directory / f"{number}-{LOADS.index(work)}-{servers.index(server)}"
                with running(server, place) as listening:
                    figures = measure(listening, work, int(messages * server.share))
                rates.setdefault((work, server.name), []).append(figures)
    print("", *frame.table(HEADING, rows(rates, ours.name)), sep="\n")


def rows(rates: Rates, ours: str) -> list[list[str]]:
    lines = []
    for (work, name), measured in rates.items():
        median = Figures(*map(statistics.median, zip(*measured, strict=True)))
        ratio = "" if name == ours else f"{frame.ratio(rates[work, ours], measured, rate_of):.2f}"
        lines.append([name_of(work), name, f"{median.rate:,.0f}", f"{median.moved:.2f}", ratio])
    return lines


def rate_of(figures: Figures) -> float:
    return figures.rate


def name_of(work: Load) -> str:
    return f"{work.sessions} sessions, {work.mailboxes:,} mailboxes"


def extremes(rounds: int, messages: int, directory: Path) -> None:
    """A million users, and a mailbox of 10 GiB (a sparse file), beside neither."""
    rows = []
    for name in ("ten thousand users", "a million users", "a mailbox of 10 GiB"):
        found = [extreme(name, directory / f"{name}-{number}", messages) for number in range(rounds)]
        start, resident, rate = Extreme(*map(statistics.median, zip(*found, strict=True)))
        rows.append([name, f"{start:.2f}", f"{resident:.0f}", f"{rate:,.0f}"])
    print("", *frame.table("server | start-up, s | resident, MiB | messages/s", rows), sep="\n")


def extreme(name: str, place: Path, messages: int) -> Extreme:
    place.mkdir()
    (place / "mail").mkdir()
    if "GiB" in name:
        with (place / "mail" / f"{peers.MAILBOX}.txt").open("wb") as file:
            file.truncate(10 << 30)
    users = [peers.MAILBOX, *(f"user{number}" for number in range(1_000_000 if "million" in name else peers.MAILBOXES))]
    (place / "users").write_text("\n".join(users))
    began = time.monotonic()
    where = ["--listen", f"{load.HOST}:0", "--quiet", "--mail-dir", str(place / "mail"), str(place / "users")]
    process = subprocess.Popen([sys.executable, str(peers.SMTPD), *where], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        port = int(process.stdout.readline().rpartition(":")[2])
        started = time.monotonic() - began
        effort, _ = client.send(port, Load(100, KIB, True), messages)
        status = Path(f"/proc/{process.pid}/status").read_text()
        resident = int(status.partition("VmRSS:")[2].split()[0]) / 1024
    finally:
        process.terminate()
        process.wait()
    return Extreme(started, resident, messages / effort.seconds)


def large_messages(directory: Path) -> None:
    """The most memory that the server had while many sessions were in the middle of a large message."""
    place = directory / "large"
    block = load.body(256 * KIB)
    opening = f"HELO me\r\nMAIL FROM:<{load.REVERSE_PATH}>\r\nRCPT TO:<{load.FORWARD_PATH}>\r\nDATA\r\n".encode()
    with peers.running(peers.available()[0][0], place) as server:
        clients = [socket.create_connection((load.HOST, server.port)) for _ in range(LARGE_SESSIONS)]
        for client in clients:
            for line in opening.splitlines(keepends=True):
                client.recv(1000)
                client.sendall(line)
            client.recv(1000)
        for _ in range(LARGE_SENT // len(block)):
            for client in clients:
                client.sendall(block)
        status = Path(f"/proc/{server.pid}/status").read_text()
        peak = int(status.partition("VmHWM:")[2].split()[0]) // 1024
        sent = f"{LARGE_SESSIONS} sessions that have sent {LARGE_SENT >> 20} MiB each of a message"
        print(f"\n{sent}: at most {peak} MiB were resident.")
        for client in clients:
            client.close()


def report(options: argparse.Namespace, directory: Path) -> None:
    directory.chmod(0o755)
    missing = [*([] if postfix.is_here() else [postfix.MISSING]), *([] if haraka.is_here() else [haraka.MISSING])]
    frame.print_list([*frame.surroundings(directory), *missing, frame.method(options.rounds)])
    compare(options.rounds, options.messages, directory)
    extremes(min(3, options.rounds), options.messages, directory)
    large_messages(directory)


def main() -> int:
    parser = argparse.ArgumentParser(description="Compares durable messages/s; takes about 8 minutes and 3 GB of disk.")
    frame.add_options(parser)
    parser.add_argument(
        "--messages", metavar="N", type=int, default=MESSAGES, help="messages a measurement (default %(default)s)"
    )
    options = parser.parse_args()
    return frame.run("durability", options.dir, partial(report, options))


if __name__ == "__main__":
    sys.exit(main())
