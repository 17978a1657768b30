#!/usr/bin/env python3
"""Measures how fast the server takes mail, beside other servers under the same load, and prints a Markdown table.

It does not know how the servers are started, nor how the load is made: see `peers`, `load` and `client`.
"""

import argparse
import statistics
import sys
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import client, frame, load, peers
from bench.load import Effort, Load
from bench.peers import Peer, Running

KIB = 1024
LOADS = [
    Load(sessions, size, keeps_connections)
    for size in (KIB, 50 * KIB)
    for sessions in (10, 100)
    for keeps_connections in (True, False)
]
MESSAGES = {KIB: 6000, 50 * KIB: 1200}
"""Messages of one measurement of throughput; a third more is sent for the reply times."""

QUICK = 5
"""With --quick, messages are fewer by this factor."""

WARM_UP = 100
"""Messages before the first measurement."""

SETTLING = 0.05
"""Seconds in which a server closes what its clients have left, before its CPU time is read."""

HEADING = (
    "load | server | messages/s | server CPU, µs/message | command to reply, ms, p50 / p99 | "
    "mail data to 250, ms, p50 / p99 | client CPU, throughput / reply times | "
    "carteiro ÷ this, messages/s | carteiro ÷ this, CPU"
)


class Figures(NamedTuple):
    """What one measurement gave: seconds, and parts of one core."""

    rate: float
    cpu: float
    reply_p50: float
    reply_p99: float
    accepted_p50: float
    accepted_p99: float
    load_cpu_share: float
    timing_cpu_share: float


Results = dict[tuple[Load, str], list[Figures]]
"""One measurement a round."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Compares messages/s, CPU time and reply times with those of other mail servers on this machine. "
        "All rounds together take about 4 minutes and 2 GB of disk. Wait a minute before another run: until then, "
        "ext4 makes new files slowly, which is unfair to servers that make a file a message."
    )
    frame.add_options(parser)
    parser.add_argument("--quick", action="store_true", help="one round with few messages: shows that all works, no more")
    parser.add_argument("--case", metavar="WORDS", default="", help="only the loads with these words in their names")
    options = parser.parse_args()
    options.loads = [each for each in LOADS if options.case in each.name]
    if not options.loads:
        parser.error(f"no load is named so, there are: {'; '.join(each.name for each in LOADS)}")
    return options


# Measuring


def measure(server: Running, work: Load, messages: int) -> Figures:
    """Throughput and CPU time first, then reply times; all mail must be there after each."""
    timed = messages // 3
    throughput(server, work, WARM_UP)
    used = server.cpu_seconds()
    effort = throughput(server, work, messages)
    time.sleep(SETTLING)
    server.check_stored(WARM_UP + messages)
    used = server.cpu_seconds() - used
    timing, (replies, accepted) = client.send(server.port, work, timed)
    server.check_stored(WARM_UP + messages + timed)
    return Figures(
        messages / effort.seconds,
        used / messages,
        quantile(replies, 0.5),
        quantile(replies, 0.99),
        quantile(accepted, 0.5),
        quantile(accepted, 0.99),
        effort.cpu_share,
        timing.cpu_share,
    )


def throughput(server: Running, work: Load, messages: int) -> Effort:
    program = load.smtp_source()
    if program:
        return load.send_by_smtp_source(program, server.port, work, messages)
    return client.send(server.port, work, messages)[0]


def quantile(values: list[float], part: float) -> float:
    return sorted(values)[int(part * len(values))]


def run(rounds: int, loads: list[Load], servers: list[Peer], divisor: int, directory: Path) -> Results:
    """The servers in turns, each fresh and with an empty mailbox for every load of every round."""
    results: Results = {}
    for number in range(rounds):
        for work in loads:
            for server in servers:
                if server.is_extra and not shows_extras(work):
                    continue
                print(f"round {number + 1} of {rounds}: {work.name}: {server.name}", file=sys.stderr)
                messages = int(MESSAGES[work.size] * server.share) // divisor
                place = directory / f"{number}-{LOADS.index(work)}-{servers.index(server)}"
                with peers.running(server, place) as listening:
                    results.setdefault((work, server.name), []).append(measure(listening, work, messages))
    return results


def shows_extras(work: Load) -> bool:
    """Where an option's cost is most visible: at many small messages."""
    return work.sessions == 100 and work.size == KIB


# Printing


def generator() -> str:
    if load.smtp_source():
        return "throughput is measured with smtp-source, reply times with a client in Python"
    return "smtp-source is not installed: a client in Python makes all load and may itself be the slowest part"


def rows(results: Results, ours: str) -> list[list[str]]:
    lines = []
    for (work, name), figures in results.items():
        ratios = ["", ""]
        if name != ours:
            ratios = [f"{frame.ratio(results[work, ours], figures, of):.2f}" for of in (rate_of, cpu_of)]
        median = Figures(*map(statistics.median, zip(*figures, strict=True)))
        lines.append([work.name, name, *cells(median), *ratios])
    return lines


def cells(median: Figures) -> list[str]:
    return [
        f"{median.rate:,.0f}",
        f"{1e6 * median.cpu:.0f}",
        f"{1e3 * median.reply_p50:.2f} / {1e3 * median.reply_p99:.2f}",
        f"{1e3 * median.accepted_p50:.2f} / {1e3 * median.accepted_p99:.2f}",
        f"{median.load_cpu_share:.0%} / {median.timing_cpu_share:.0%}",
    ]


def rate_of(figures: Figures) -> float:
    return figures.rate


def cpu_of(figures: Figures) -> float:
    return figures.cpu


def goals(results: Results, ours: str) -> list[str]:
    """Which of the ratios that are to be reached are."""
    lines = []
    for work, name in results:
        goal = goal_of(work, name)
        if goal:
            reached = frame.ratio(results[work, ours], results[work, name], rate_of)
            lines.append(frame.verdict(f"{goal:g} x {name} at {work.name}", reached, goal))
    return lines


def goal_of(work: Load, name: str) -> float | None:
    """Our messages/s divided by theirs that is to be reached; None: nothing is."""
    if name.startswith("aiosmtpd") and work.sessions == 100:
        return 8
    if name == "smtp-sink" and work.size == KIB:
        return 0.5
    return None


def report(options: argparse.Namespace, directory: Path) -> None:
    servers, missing = peers.available()
    frame.print_list([*frame.surroundings(directory), *missing])
    rounds, divisor = (1, QUICK) if options.quick else (options.rounds, 1)
    results = run(rounds, options.loads, servers, divisor, directory)
    frame.print_list([frame.method(rounds), generator()])
    ours = servers[0].name
    print("", *frame.table(HEADING, rows(results, ours)), "", "To reach, in messages/s:", *goals(results, ours), sep="\n")


def main() -> int:
    options = arguments()
    return frame.run("throughput", options.dir, partial(report, options))


if __name__ == "__main__":
    sys.exit(main())
