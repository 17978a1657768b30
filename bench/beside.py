#!/usr/bin/env python3
"""Measures what the page costs the mail path: messages a second without it, beside it, and while it is busy, in turns.

Rows: `unwatched`: with --web, and nobody looks; the index follows as well as it can. `watched`: meanwhile 20 clients of the
API list, search and open messages, one of them a mail of 25 MiB, and the index is deleted in between. Ratios are taken
within a round.
"""

import argparse
import http.client
import itertools
import json
import random
import shutil
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import frame, load, measuring, peers
from bench.load import KIB, Load
from bench.measuring import Setting
from bench.outcome import figure, ratio
from bench.peers import Peer
from bench.tally import Tally

WORK = Load(100, KIB)
CLIENTS = 20
LARGE = 25 << 20
PAUSE = 0.05
"""Seconds between two requests of a client."""

ALONE, UNWATCHED, WATCHED = "alone", "unwatched", "watched"
HEADING = "row | messages/s | ÷ alone (range) | goal"
GOALS = {ALONE: "", UNWATCHED: "0.95", WATCHED: "0.85"}


def servers(ports: dict[str, int]) -> list[Peer]:
    """The same server three times."""
    options = ["--quiet", "--store", "mbox"]
    shown = {name: ["--web", f"127.0.0.1:{port}"] for name, port in ports.items()}
    counters = {ALONE: Tally, UNWATCHED: Tally, WATCHED: None}  # the large mail would be counted, too
    return [Peer(name, peers.carteiro(*options, *shown.get(name, [])), counter) for name, counter in counters.items()]


@contextmanager
def watching(port: int, mail: Path) -> Iterator[None]:
    """Clients look at the page, a large mail is opened, and the index is deleted, all the time."""
    is_over = threading.Event()
    threads = [threading.Thread(target=look, args=(port, is_over, number), daemon=True) for number in range(CLIENTS)]
    with (mail / "large.txt").open("wb") as file:
        file.write(b"From a@b Thu Nov 26 09:00:00 2026\nSubject: large\n\n" + (b"x" * 76 + b"\n") * (LARGE // 77) + b"\n")
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join(30)


def look(port: int, is_over: threading.Event, number: int) -> None:
    """One client's requests."""
    chance = random.Random(number)
    for turn in itertools.count():
        if is_over.wait(PAUSE):
            return
        with suppress(OSError, http.client.HTTPException, ValueError, IndexError):
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            path = "/mailbox/large/api/v1" if number == 0 else "/api/v1"
            client.request(
                "GET", f"{path}/messages?start={chance.randrange(100)}" if turn % 3 else f"{path}/search?query=bench"
            )
            rows = json.loads(client.getresponse().read())["messages"]
            client.request("GET", f"/api/v1/message/{rows[0]['ID']}")
            client.getresponse().read()
            client.close()


def measure(setting: Setting, server: Peer, ports: dict[str, int]) -> float:
    """The rate of one server."""
    with measuring.running(setting, server) as listening:
        mail = listening.directory / "mail"
        if server.name != WATCHED:
            return measuring.measure(setting, listening, WORK).rate
        with watching(ports[WATCHED], mail):
            deleting = threading.Timer(setting.seconds / 2, partial(shutil.rmtree, mail / ".index", ignore_errors=True))
            deleting.start()
            rate = measuring.measure(setting, listening, WORK).rate
            deleting.join()
        return rate


def report(options: argparse.Namespace, directory: Path) -> None:
    setting = Setting(load.compiled(directory), directory, options.rounds, options.seconds)
    frame.print_list(
        [*frame.surroundings(directory), f"{WORK.name}; {frame.method(options.rounds)}; {options.seconds:g} s each"]
    )
    rates: dict[str, list[float]] = {name: [] for name in GOALS}
    for number in range(options.rounds):
        ports = {name: peers.free_port() for name in (UNWATCHED, WATCHED)}
        for server in measuring.in_turns(setting, "beside", servers(ports), number):
            rates[server.name].append(measure(setting, server, ports))
            time.sleep(0.5)
    rows = []
    for name, found in rates.items():
        ratios = [rate / alone for rate, alone in zip(found, rates[ALONE], strict=True)]
        rows.append([name, figure(statistics.median(found)), "" if name == ALONE else ratio(ratios), GOALS[name]])
    print("", *frame.table(HEADING, rows), sep="\n", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures what the page costs the mail path.")
    frame.add_options(parser)
    parser.add_argument("--seconds", metavar="N", type=float, default=4.0, help="of a measurement (default %(default)s)")
    options = parser.parse_args()
    return frame.run("beside", options.dir, partial(report, options))


if __name__ == "__main__":
    sys.exit(main())
