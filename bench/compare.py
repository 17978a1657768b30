#!/usr/bin/env python3
"""Measures two checkouts of carteiro in turns, and prints how this one compares with the other, the base.

Each ratio is taken within a round: this checkout's figure divided by the base's. The table has the median and the range over
the rounds. On a shared machine, trust the server's CPU time more than messages a second.
"""

import argparse
import statistics
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import frame, load, measuring, peers
from bench.load import KIB, Load
from bench.measuring import Setting
from bench.outcome import figure, ratio
from bench.peers import Peer
from bench.tally import Tally, resident_kib
from bench.visitors import allow_descriptors, visiting

BASE, THIS = "base", "this"
WORK = Load(100, KIB)
IDLE = 5000
OPEN_FILES = 10_000

HEADING = "row | messages/s, base | this | this ÷ base (range) | server CPU, µs/message, base | this | this ÷ base (range)"
IDLE_HEADING = "row | KiB a session, base | this | this ÷ base (range)"


class Row(NamedTuple):
    """A comparison: the options of both servers, the load, and whether all mail must be in its mailbox at the end."""

    options: tuple[str, ...]
    work: Load = WORK
    is_durable: bool = False


ROWS = {
    "discard": Row(("--store", "discard", "--dialect", "classic")),
    "durable": Row(("--store", "mbox", "--dialect", "classic"), is_durable=True),
    "pipelined": Row(("--store", "discard", "--dialect", "esmtp"), WORK._replace(says_ehlo=True, pipelines=True)),
    "rfc5321": Row(("--store", "discard", "--dialect", "esmtp"), WORK._replace(says_ehlo=True)),
}
IDLE_ROW = "idle"


class Pair(NamedTuple):
    """One figure of both checkouts, a value per round."""

    base: list[float]
    this: list[float]

    def cells(self, scale: float = 1) -> list[str]:
        """The cells of the table: the medians, and the ratio."""
        ratios = [this / (base or 1e-9) for base, this in zip(*self, strict=True)]
        return [*(figure(scale * statistics.median(values)) for values in self), ratio(ratios)]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compares this checkout with another one, in turns.")
    frame.add_options(parser)
    parser.add_argument("base", metavar="BASE_CHECKOUT", type=Path, help="the directory of the other checkout")
    parser.add_argument("rows", metavar="ROW", nargs="*", help=f"all if none is given: {', '.join([*ROWS, IDLE_ROW])}")
    parser.add_argument("--seconds", metavar="N", type=float, default=3.0, help="of a measurement (default %(default)s)")
    parser.add_argument("--idle", metavar="N", type=int, default=IDLE, help="sessions of the row idle (default %(default)s)")
    options = parser.parse_intermixed_args()
    unknown = set(options.rows) - {*ROWS, IDLE_ROW}
    if unknown:
        parser.error(f"no row is named {', '.join(sorted(unknown))}")
    if not peers.smtpd(options.base).is_file():
        parser.error(f"{options.base} has no bin/smtpd")
    options.rows = options.rows or [*ROWS, IDLE_ROW]
    return options


def servers(base: Path, row: Row) -> list[Peer]:
    """The servers of both checkouts."""
    options = ["--quiet", *row.options]
    counter = Tally if row.is_durable else None
    checkouts = {BASE: base.resolve(), THIS: peers.ROOT}
    return [Peer(name, peers.carteiro(*options, checkout=place), counter) for name, place in checkouts.items()]


def compare(setting: Setting, base: Path, name: str) -> list[str]:
    """A row of the table: messages a second, and CPU time per message."""
    row = ROWS[name]
    rates, cpus = Pair([], []), Pair([], [])
    for number in range(setting.rounds):
        for server in measuring.in_turns(setting, name, servers(base, row), number):
            with measuring.running(setting, server) as listening:
                found = measuring.measure(setting, listening, row.work)
            getattr(rates, server.name).append(found.rate)
            getattr(cpus, server.name).append(found.cpu)
    return [name, *rates.cells(), *cpus.cells(1e6)]


def compare_idle(setting: Setting, base: Path, sessions: int) -> list[str]:
    """The row for memory: growth of the server in KiB per session."""
    allow_descriptors(OPEN_FILES + sessions)  # the servers inherit this limit
    memory = Pair([], [])
    row = Row(("--store", "discard", "--dialect", "esmtp", "--max-connections", str(sessions + 100)))
    for number in range(setting.rounds):
        for server in measuring.in_turns(setting, IDLE_ROW, servers(base, row), number):
            with measuring.running(setting, server) as listening:
                before = resident_kib(listening.pid)
                with visiting("idle", listening.port, sessions):
                    grown = resident_kib(listening.pid) - before
            getattr(memory, server.name).append(grown / sessions)
    return [f"{sessions:,} idle sessions", *memory.cells()]


def commit(checkout: Path) -> str:
    """The commit of a checkout; "+" means that it has uncommitted changes."""
    git = ["git", "-C", str(checkout)]
    try:
        log = subprocess.run([*git, "log", "-1", "--format=%h %s"], check=True, capture_output=True, text=True)
        changes = subprocess.run([*git, "status", "--porcelain", "-uno"], check=True, capture_output=True, text=True)
    except (OSError, subprocess.SubprocessError):
        return "no commit"
    return log.stdout.strip().replace(" ", "+ " if changes.stdout else " ", 1)


def report(options: argparse.Namespace, directory: Path) -> None:
    setting = Setting(load.compiled(directory), directory, options.rounds, options.seconds)
    checkouts = [f"base: {commit(options.base)}", f"this: {commit(peers.ROOT)}"]
    seconds = f"{frame.method(options.rounds)}; {options.seconds:g} s each"
    frame.print_list([*checkouts, *frame.surroundings(directory), f"{WORK.name}; {seconds}"])
    rows = [compare(setting, options.base, name) for name in options.rows if name in ROWS]
    if rows:
        print("", *frame.table(HEADING, rows), sep="\n", flush=True)
    if IDLE_ROW in options.rows:
        print("", *frame.table(IDLE_HEADING, [compare_idle(setting, options.base, options.idle)]), sep="\n")


def main() -> int:
    options = arguments()
    return frame.run("compare", options.dir, partial(report, options))


if __name__ == "__main__":
    sys.exit(main())
