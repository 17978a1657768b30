#!/usr/bin/env python3
"""Measures what a 250 that means "on disk" costs: beside Postfix and aiosmtpd, by the number of mailboxes, and at extremes.

It does not know how the servers are started, nor how the load is made: see `peers`, `postfix` and `load`.
"""

import argparse
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import load, peers, postfix
from bench.load import Load, LoadError
from bench.peers import Peer, PeerError, Running
from bench.throughput import surroundings

ROUNDS = 5
KIB = 1024
LOADS = [Load(sessions, KIB, True, mailboxes) for sessions in (10, 100) for mailboxes in (5, 10_000)]
MESSAGES = 10_000
WARM_UP = 100

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
    load.send(server.port, work._replace(mailboxes=1), WARM_UP)
    server.check_stored(WARM_UP)
    effort, _ = load.send(server.port, work, messages)
    return Figures(messages / effort.seconds, server.check_stored(WARM_UP + messages))


@contextmanager
def running(peer: Peer, place: Path) -> Iterator[Running]:
    with postfix.running(peer, place) if peer.name in postfix.MODES else peers.running(peer, place) as server:
        yield server


def compare(rounds: int, messages: int, directory: Path) -> None:
    ours, *others = [peer for peer in peers.available()[0] if "sink" not in peer.name and "log" not in peer.name]
    servers = [ours, *([postfix.HELD, postfix.DEFERRED] if postfix.is_here() else []), *others]
    rates: Rates = {}
    for number in range(rounds):
        for work in LOADS:
            for server in servers:
                print(f"round {number + 1}: {name_of(work)}: {server.name}", file=sys.stderr)
                place = directory / f"{number}-{LOADS.index(work)}-{servers.index(server)}"
                with running(server, place) as listening:
                    figures = measure(listening, work, int(messages * server.share))
                rates.setdefault((work, server.name), []).append(figures)
    print("| load | server | messages/s | all in the mailboxes after, s | carteiro ÷ this |\n|---|---|---|---|---|")
    for (work, name), measured in rates.items():
        rate = statistics.median(figure.rate for figure in measured)
        moved = statistics.median(figure.moved for figure in measured)
        pairs = zip(rates[work, ours.name], measured, strict=True)
        ratio = statistics.median(mine.rate / other.rate for mine, other in pairs)
        print(f"| {name_of(work)} | {name} | {rate:,.0f} | {moved:.2f} | {'' if name == ours.name else f'{ratio:.2f}'} |")


def name_of(work: Load) -> str:
    return f"{work.sessions} sessions, {work.mailboxes:,} mailboxes"


def extremes(rounds: int, messages: int, directory: Path) -> None:
    """A million users, and a mailbox of 10 GiB (a sparse file), beside neither."""
    print("\n| server | start-up, s | resident, MiB | messages/s |\n|---|---|---|---|")
    for name in ("ten thousand users", "a million users", "a mailbox of 10 GiB"):
        found = [extreme(name, directory / f"{name}-{number}", messages) for number in range(rounds)]
        start, resident, rate = Extreme(*map(statistics.median, zip(*found, strict=True)))
        print(f"| {name} | {start:.2f} | {resident:.0f} | {rate:,.0f} |")


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
        effort, _ = load.send(port, Load(100, KIB, True), messages)
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


def main() -> int:
    parser = argparse.ArgumentParser(description="Compares durable messages/s; takes about 6 minutes and 3 GB of disk.")
    parser.add_argument("--rounds", metavar="N", type=int, default=ROUNDS, help="rounds (default %(default)s)")
    parser.add_argument(
        "--messages", metavar="N", type=int, default=MESSAGES, help="messages a measurement (default %(default)s)"
    )
    parser.add_argument("--dir", metavar="DIR", type=Path, help="where the mail goes meanwhile (default: as tempfile says)")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="durability-", dir=options.dir) as name:
            directory = Path(name)
            directory.chmod(0o755)
            print(
                "\n".join(f"- {line}" for line in surroundings(directory)),
                f"- rounds: {options.rounds}",
                "",
                sep="\n",
                flush=True,
            )
            compare(options.rounds, options.messages, directory)
            extremes(min(3, options.rounds), options.messages, directory)
            large_messages(directory)
    except (LoadError, PeerError) as error:
        print(f"durability: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
