#!/usr/bin/env python3
"""Measures what --metrics costs: the server's CPU a message with and without it, in turns, asked for figures each second.

Two kinds of CPU: of the process that takes mail, and of all, with the one that tells figures. Ratios are taken within a
round.
"""

import argparse
import statistics
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import frame, load, measuring, peers
from bench.compare import ROWS
from bench.load import Attention, Load
from bench.measuring import SETTLING, Setting
from bench.outcome import figure, ratio
from bench.peers import Peer
from bench.tally import cpu_of, cpu_seconds

MEASURED = ("discard", "pipelined")
WITHOUT, WITH = "without", "with"
HEADING = (
    "row | messages/s, without | with | CPU, µs/message, without | with | with ÷ without (range) | and of all processes"
)


class Found(NamedTuple):
    """Of one measurement: messages a second, and seconds of CPU a message."""

    rate: float
    own: float
    all: float


@contextmanager
def asking(port: int) -> Iterator[None]:
    """Asks for figures once a second, if there is a port."""
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.wait(1.0):
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                answer.read()

    thread = threading.Thread(target=ask, daemon=True)
    if port:
        thread.start()
    yield
    is_over.set()


def measure(setting: Setting, server: Peer, work: Load, port: int) -> Found:
    """One server under the load, after a warm-up."""
    begun: list[float] = []
    ended: list[float] = []
    with measuring.running(setting, server) as listening, asking(port):
        time.sleep(1.0)  # the process that tells figures has begun

        def look(into: list[float]) -> None:
            into += [cpu_of(listening.pid), cpu_seconds(listening.pid)]

        def end(messages: int) -> None:
            time.sleep(SETTLING)
            look(ended)

        warm_up = Attention(lambda: None, lambda messages: None)
        load.send(setting.tools, listening.port, work, measuring.WARM_UP, warm_up)
        watch = Attention(partial(look, begun), end)
        sent = load.send(setting.tools, listening.port, work, setting.seconds, watch)
    own, all_ = (after - before for before, after in zip(begun, ended, strict=True))
    return Found(sent.rate, own / sent.messages, all_ / sent.messages)


def compare(setting: Setting, name: str) -> list[str]:
    """A row of the table."""
    found: dict[str, list[Found]] = {WITHOUT: [], WITH: []}
    for number in range(setting.rounds):
        port = peers.free_port()
        options = ["--quiet", *ROWS[name].options]
        servers = [
            Peer(WITHOUT, peers.carteiro(*options)),
            Peer(WITH, peers.carteiro(*options, "--metrics", f"127.0.0.1:{port}")),
        ]
        for server in measuring.in_turns(setting, name, servers, number):
            work = ROWS[name].work
            found[server.name].append(measure(setting, server, work, port if server.name == WITH else 0))
    median = {each: Found(*map(statistics.median, zip(*values, strict=True))) for each, values in found.items()}
    rates = [figure(median[each].rate) for each in (WITHOUT, WITH)]
    cpus = [figure(1e6 * median[each].own) for each in (WITHOUT, WITH)]
    return [name, *rates, *cpus, _ratio(found, lambda each: each.own), _ratio(found, lambda each: each.all)]


def _ratio(found: dict[str, list[Found]], of: Callable[[Found], float]) -> str:
    ratios = [of(this) / of(base) for base, this in zip(found[WITHOUT], found[WITH], strict=True)]
    return ratio(ratios)


def report(options: argparse.Namespace, directory: Path) -> None:
    setting = Setting(load.compiled(directory), directory, options.rounds, options.seconds)
    method = f"{frame.method(options.rounds)}; {options.seconds:g} s each"
    frame.print_list([*frame.surroundings(directory), f"{ROWS['discard'].work.name}; {method}"])
    print("", *frame.table(HEADING, [compare(setting, name) for name in MEASURED]), sep="\n", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures what --metrics costs.")
    frame.add_options(parser)
    parser.add_argument("--seconds", metavar="N", type=float, default=3.0, help="of a measurement (default %(default)s)")
    options = parser.parse_args()
    return frame.run("metering", options.dir, partial(report, options))


if __name__ == "__main__":
    sys.exit(main())
