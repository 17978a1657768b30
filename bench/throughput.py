#!/usr/bin/env python3
"""Measures how fast the server takes mail, beside other servers under the same load, and prints a Markdown table.

It does not know how the servers are started, nor how the load is made: see `peers` and `load`.
"""

import argparse
import os
import platform
import signal
import statistics
import sys
import tempfile
import time
import timeit
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import load, peers
from bench.load import Effort, Load, LoadError
from bench.peers import Peer, PeerError, Running

ROUNDS = 5
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
    parser.add_argument("--rounds", metavar="N", type=int, default=ROUNDS, help="rounds (default %(default)s)")
    parser.add_argument("--quick", action="store_true", help="one round with few messages: shows that all works, no more")
    parser.add_argument("--case", metavar="WORDS", default="", help="only the loads with these words in their names")
    parser.add_argument("--dir", metavar="DIR", type=Path, help="where the mail goes meanwhile (default: as tempfile says)")
    options = parser.parse_args()
    options.loads = [each for each in LOADS if options.case in each.name]
    if not options.loads:
        parser.error(f"no load is named so, there are: {'; '.join(each.name for each in LOADS)}")
    if options.rounds < 1:
        parser.error("at least one round is needed")
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
    timing, (replies, accepted) = load.send(server.port, work, timed)
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
    return load.send(server.port, work, messages)[0]


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


def surroundings(directory: Path) -> list[str]:
    """What the figures depend on."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return [
        f"date: {datetime.now().astimezone():%Y-%m-%d %H:%M %z}",
        f"Python: {python}, {platform.python_compiler()}, bytes.find looks through {find_rate():.1f} octets a ns",
        f"CPU: {cpu_model()}, processors: {os.cpu_count()}, load average before: {os.getloadavg()[0]:.2f}",
        f"kernel: {platform.system()} {platform.release()}",
        f"file system of the mail: {file_system(directory)}, a new file costs {new_file_cost(directory):.0f} µs of CPU",
    ]


def find_rate() -> float:
    """Builds of the same Python differ fourfold in this, and mail data is taken in with it: octets a nanosecond."""
    data = load.body(50 * KIB)
    return len(data) * 100 / min(timeit.repeat(lambda: data.find(b"\n."), number=100)) / 1e9


def cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def file_system(directory: Path) -> str:
    """The type of the file system that a directory is on."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    above = [(len(point), kind) for _, point, kind, *_ in mounts if directory.resolve().is_relative_to(point)]
    return max(above)[1] if above else "unknown"


def new_file_cost(directory: Path) -> float:
    """Microseconds. ext4 takes several times as long for a minute after many files were removed, as by a run of this."""
    number = 200
    used = time.process_time()
    for each in range(number):
        with (directory / f"file-{each}").open("wb") as file:
            file.write(b"x" * KIB)
            file.flush()
            os.fsync(file.fileno())
    return 1e6 * (time.process_time() - used) / number


def generator() -> str:
    if load.smtp_source():
        return "throughput is measured with smtp-source, reply times with a client in Python"
    return "smtp-source is not installed: a client in Python makes all load and may itself be the slowest part"


def rows(results: Results, ours: str) -> list[str]:
    lines = [f"| {HEADING} |", "|---" * (HEADING.count("|") + 1) + "|"]
    for (work, name), figures in results.items():
        median = Figures(*map(statistics.median, zip(*figures, strict=True)))
        ratios = ["", ""]
        if name != ours:
            ratios = [f"{ratio(results, work, ours, name, of):.2f}" for of in (rate_of, cpu_of)]
        lines.append("| " + " | ".join([work.name, name, *cells(median), *ratios]) + " |")
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


def ratio(results: Results, work: Load, ours: str, theirs: str, of: Callable[[Figures], float]) -> float:
    """Ours to theirs in the same round, the median over the rounds."""
    pairs = zip(results[work, ours], results[work, theirs], strict=True)
    return statistics.median(of(mine) / (of(other) or 1e-9) for mine, other in pairs)


def goals(results: Results, ours: str) -> list[str]:
    """Which of the ratios that are to be reached are."""
    lines = []
    for work, name in results:
        goal = goal_of(work, name)
        if goal:
            reached = ratio(results, work, ours, name, rate_of)
            verdict = "reached" if reached >= goal else "NOT reached"
            lines.append(f"- {goal:g} x {name} at {work.name}: {reached:.2f}, {verdict}")
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
    print("\n".join(f"- {line}" for line in [*surroundings(directory), *missing]), flush=True)
    rounds, divisor = (1, QUICK) if options.quick else (options.rounds, 1)
    results = run(rounds, options.loads, servers, divisor, directory)
    print(f"- rounds: {rounds}; figures are medians over the rounds, ratios are taken within a round")
    print(f"- {generator()}")
    ours = servers[0].name
    print("", *rows(results, ours), "", "To reach, in messages/s:", *goals(results, ours), sep="\n")


def main() -> int:
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        # Removed only at the end: creating a file is slow on ext4 for a while after many have been removed.
        with tempfile.TemporaryDirectory(prefix="throughput-", dir=options.dir) as directory:
            report(options, Path(directory))
    except (LoadError, PeerError) as error:
        print(f"throughput: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
