"""The frame of every benchmark: common options, a description of the machine, a directory for the mail, and tables.

Knows nothing about what is measured.
"""

import argparse
import os
import platform
import signal
import sys
import tempfile
import time
import timeit
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from bench.load import KIB, LoadError, body
from bench.peers import PeerError

ROUNDS = 5


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds --rounds and --dir."""
    parser.add_argument("--rounds", metavar="N", type=_rounds, default=ROUNDS, help="rounds (default %(default)s)")
    parser.add_argument("--dir", metavar="DIR", type=Path, help="where the mail goes meanwhile (default: as tempfile says)")


def _rounds(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError("at least one round is needed")
    return int(text)


def run(name: str, place: Path | None, report: Callable[[Path], None]) -> int:
    """Calls `report` with a temporary directory. Returns the exit status; prints a line if something went wrong."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        # Remove it only at the end: on ext4, creating files is slow for a while after many were removed.
        with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=place) as directory:
            report(Path(directory))
    except (LoadError, PeerError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


# The machine


def surroundings(directory: Path) -> list[str]:
    """The properties of the machine that the figures depend on, a line each."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return [
        f"date: {datetime.now().astimezone():%Y-%m-%d %H:%M %z}",
        f"Python: {python}, {platform.python_compiler()}, bytes.find looks through {find_rate():.1f} octets a ns",
        f"CPU: {cpu_model()}, processors: {os.cpu_count()}, load average before: {os.getloadavg()[0]:.2f}",
        f"kernel: {platform.system()} {platform.release()}",
        f"file system of the mail: {file_system(directory)}, a new file costs {new_file_cost(directory):.0f} µs of CPU",
    ]


def find_rate() -> float:
    """The speed of bytes.find, which mail data depends on: octets per nanosecond. Builds of one Python differ fourfold."""
    data = body(50 * KIB)
    return len(data) * 100 / min(timeit.repeat(lambda: data.find(b"\n."), number=100)) / 1e9


def cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def file_system(directory: Path) -> str:
    """The type of a directory's file system."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    above = [(len(point), kind) for _, point, kind, *_ in mounts if directory.resolve().is_relative_to(point)]
    return max(above)[1] if above else "unknown"


def new_file_cost(directory: Path) -> float:
    """The CPU time to create and sync a small file, in microseconds.

    On ext4 it is several times higher for a minute after many files were removed, as at the end of a benchmark.
    """
    number = 200
    used = time.process_time()
    for each in range(number):
        with (directory / f"file-{each}").open("wb") as file:
            file.write(b"x" * KIB)
            file.flush()
            os.fsync(file.fileno())
    return 1e6 * (time.process_time() - used) / number


# Printing


def print_list(lines: Iterable[str]) -> None:
    print("\n".join(f"- {line}" for line in lines), flush=True)


def method(rounds: int) -> str:
    """A line about how the figures of a table were made."""
    return f"rounds: {rounds}; figures are medians over the rounds, ratios are taken within a round"


def table(heading: str, rows: Iterable[Iterable[str]]) -> list[str]:
    """The lines of a Markdown table."""
    lines = [f"| {heading} |", "|---" * (heading.count("|") + 1) + "|"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]
