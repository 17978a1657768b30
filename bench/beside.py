#!/usr/bin/env python3
"""Measures what the page costs the mail path: messages a second without it, beside it, and while it is busy, in turns.

Rows: `unwatched`: with --web, and nobody looks; the index follows as well as it can. `watched`: meanwhile 20 clients of the
API list, search and open messages, one of them a mail of 25 MiB, and the index is deleted in between. Ratios are taken
within a round.

Messages a second depend on who else wants the cores. The CPU time of the process that takes mail, a message, is what the
page costs the mail path itself: that it tells of mail and counts, and colder caches.
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
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import frame, load, measuring, peers
from bench.load import KIB, Attention, Load
from bench.measuring import Setting
from bench.outcome import figure, ratio
from bench.peers import Peer, Running
from bench.tally import Tally, cpu_of

WORK = Load(100, KIB)
CLIENTS = 20
LARGE = 25 << 20
STARTING = 2.5
"""Seconds that all servers have before the load: the page and the index take half a second of CPU to begin, once."""

PAUSE = 0.05
"""Seconds between two requests of a client."""

ALONE, UNWATCHED, WATCHED = "alone", "unwatched", "watched"
HEADING = "row | messages/s | ÷ alone (range) | goal | CPU of the SMTP process, µs/message | ÷ alone (range)"
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


class Found(NamedTuple):
    """Of one measurement: messages a second, and seconds of the SMTP process's CPU a message."""

    rate: float
    cpu: float


def measure(setting: Setting, server: Peer, ports: dict[str, int]) -> Found:
    """One server."""
    with measuring.running(setting, server) as listening:
        time.sleep(STARTING)
        mail = listening.directory / "mail"
        if server.name != WATCHED:
            return loaded(setting, listening)
        with watching(ports[WATCHED], mail):
            deleting = threading.Timer(setting.seconds / 2, partial(shutil.rmtree, mail / ".index", ignore_errors=True))
            deleting.start()
            found = loaded(setting, listening)
            deleting.join()
        return found


def loaded(setting: Setting, server: Running) -> Found:
    """A listening server under the load, after a warm-up, until all mail is in its mailbox."""
    cpu: list[float] = []
    sent_before: list[int] = []

    def end(messages: int) -> None:
        time.sleep(measuring.SETTLING)
        server.check_stored(sum(sent_before) + messages)
        cpu.append(cpu_of(server.pid))

    warm_up = Attention(lambda: None, sent_before.append)
    load.send(setting.tools, server.port, WORK, measuring.WARM_UP, warm_up)
    sent = load.send(
        setting.tools, server.port, WORK, setting.seconds, Attention(lambda: cpu.append(cpu_of(server.pid)), end)
    )
    return Found(sent.rate, (cpu[1] - cpu[0]) / sent.messages)


def report(options: argparse.Namespace, directory: Path) -> None:
    setting = Setting(load.compiled(directory), directory, options.rounds, options.seconds)
    frame.print_list(
        [*frame.surroundings(directory), f"{WORK.name}; {frame.method(options.rounds)}; {options.seconds:g} s each"]
    )
    found: dict[str, list[Found]] = {name: [] for name in GOALS}
    for number in range(options.rounds):
        ports = {name: peers.free_port() for name in (UNWATCHED, WATCHED)}
        for server in measuring.in_turns(setting, "beside", servers(ports), number):
            found[server.name].append(measure(setting, server, ports))
            time.sleep(0.5)
    rows = []
    for name, values in found.items():
        pairs = list(zip(values, found[ALONE], strict=True))
        rates = "" if name == ALONE else ratio([each.rate / alone.rate for each, alone in pairs])
        cpus = "" if name == ALONE else ratio([each.cpu / alone.cpu for each, alone in pairs])
        rate, cpu = (statistics.median(each) for each in zip(*values, strict=True))
        rows.append([name, figure(rate), rates, GOALS[name], figure(1e6 * cpu), cpus])
    print("", *frame.table(HEADING, rows), sep="\n", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures what the page costs the mail path.")
    frame.add_options(parser)
    parser.add_argument("--seconds", metavar="N", type=float, default=4.0, help="of a measurement (default %(default)s)")
    options = parser.parse_args()
    return frame.run("beside", options.dir, partial(report, options))


if __name__ == "__main__":
    sys.exit(main())
