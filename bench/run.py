#!/usr/bin/env python3
"""Measures all goals of speed and scale, part by part, and writes a table and a chart of the results.

Knows nothing about how a part measures.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import chart, costs, delivered, extremes, fair, flat, frame, idle, load, outcome, rates, rivals, tls
from bench.measuring import Setting
from bench.outcome import Kept, Outcome

PARTS: dict[str, Callable[[Setting], Outcome]] = {
    "durable": rates.durable,
    "discard": rates.discard,
    "costs": costs.costs,
    "tls": tls.tls,
    "delivered": delivered.delivered,
    "idle": idle.idle,
    "flat": flat.flat,
    "extremes": extremes.extremes,
    "fair": fair.fair,
    "workers": rates.workers,
}
RESULTS = Path(__file__).resolve().parent / "results"
SECONDS = 1.5
CALM = 10.0
"""Seconds to pause before each part."""
QUICK = (0.2, 20)
"""With --quick: seconds of a measurement, and the divisor of large numbers of sessions and users."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Measures the goals of speed and scale. All parts together take about 40 minutes and 5 GB of disk; "
        "nothing else may run meanwhile. Parts can be run one by one: each replaces its own part of the results."
    )
    frame.add_options(parser)
    parser.add_argument("parts", metavar="PART", nargs="*", help=f"all if none is given: {', '.join(PARTS)}")
    parser.add_argument("--seconds", metavar="N", type=float, default=SECONDS, help="of a measurement (default %(default)s)")
    parser.add_argument(
        "--quick", action="store_true", help="one round of tiny counts: shows that all works, and keeps nothing"
    )
    parser.add_argument(
        "--results", metavar="DIR", type=Path, default=RESULTS, help="where the results are kept (default: bench/results)"
    )
    options = parser.parse_intermixed_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no part is named {', '.join(sorted(unknown))}")
    options.divisor = 1
    if options.quick:
        options.rounds, options.results, (options.seconds, options.divisor) = 1, None, QUICK
    return options


def command(part: str, options: argparse.Namespace) -> str:
    """The command that measures this part again."""
    if options.quick:
        return f"bench/run.py {part} --quick"
    seconds = "" if options.seconds == SECONDS else f" --seconds {options.seconds:g}"
    return f"bench/run.py {part} --rounds {options.rounds}{seconds}"


def measure(options: argparse.Namespace, directory: Path) -> None:
    directory.chmod(0o755)  # Postfix's processes run as other users
    setting = Setting(load.compiled(directory), directory, options.rounds, options.seconds, options.divisor)
    frame.print_list(rivals.missing())
    kept = {}
    for name in [each for each in PARTS if each in (options.parts or PARTS)]:
        if not options.quick:
            os.sync()  # write out what the previous part has left, so that it does not slow this one
            time.sleep(CALM)
        began = time.monotonic()
        machine = [*frame.surroundings(directory), f"rounds: {options.rounds}"]
        kept[name] = Kept(command(name, options), machine, PARTS[name](setting))
        keep(options.results, {name: kept[name]})
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    print(outcome.report(kept))


def keep(directory: Path | None, new: dict[str, Kept]) -> None:
    """Writes the results of a part at once, so that they are kept if a later part fails."""
    if directory:
        directory.mkdir(exist_ok=True)
        kept = outcome.merged(directory / "goals.json", new, PARTS)
        (directory / "goals.md").write_text(outcome.report(kept))
        (directory / "goals.svg").write_text(chart.chart(row for each in kept.values() for row in each.outcome.rows))


def main() -> int:
    options = arguments()
    return frame.run("goals", options.dir, partial(measure, options))


if __name__ == "__main__":
    sys.exit(main())
