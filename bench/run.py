#!/usr/bin/env python3
"""Measures all goals of speed and scale, step by step, and writes a table and a chart of what is reached.

It does not know how a step measures.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import chart, delivered, fairness, flat, frame, native, outcome, peers, rates, scale
from bench.measuring import Setting
from bench.outcome import Kept, Outcome

STEPS: dict[str, Callable[[Setting], Outcome]] = {
    "durable": rates.durable,
    "discard": rates.discard,
    "delivered": delivered.delivered,
    "idle": scale.idle,
    "flat": flat.flat,
    "fair": fairness.fair,
    "workers": rates.workers,
}
RESULTS = Path(__file__).resolve().parent / "results"
SECONDS = 1.5
CALM = 10.0
"""Seconds before each step."""
QUICK = (0.2, 20)
"""With --quick: seconds of a measurement, and by what sessions and users are fewer where they are many."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Measures the goals of speed and scale. All steps together take about 30 minutes and 5 GB of disk; "
        "nothing else may run meanwhile. Steps can be run one by one: each replaces its own part of the results."
    )
    frame.add_options(parser)
    parser.add_argument(
        "--only", metavar="NAME", action="append", choices=STEPS, help=f"a step, repeatable: {', '.join(STEPS)}"
    )
    parser.add_argument("--seconds", metavar="N", type=float, default=SECONDS, help="of a measurement (default %(default)s)")
    parser.add_argument(
        "--quick", action="store_true", help="one round of tiny counts: shows that all works, and keeps nothing"
    )
    parser.add_argument(
        "--results", metavar="DIR", type=Path, help=f"where the results are kept (default: {RESULTS.parent.name}/results)"
    )
    options = parser.parse_args()
    if options.quick:
        options.rounds, (options.seconds, options.divisor) = 1, QUICK
    else:
        options.results, options.divisor = options.results or RESULTS, 1
    return options


def command(step: str, options: argparse.Namespace) -> str:
    """What gives these figures again."""
    seconds = "" if options.seconds == SECONDS else f" --seconds {options.seconds:g}"
    return f"bench/run.py --only {step} --rounds {options.rounds}{seconds}{' --quick' * options.quick}"


def measure(options: argparse.Namespace, directory: Path) -> None:
    directory.chmod(0o755)  # Postfix's processes have users of their own
    setting = Setting(native.compiled(directory), directory, options.rounds, options.seconds, options.divisor)
    kept = {}
    for name in [each for each in STEPS if each in (options.only or STEPS)]:
        if not options.quick:
            os.sync()  # what the step before wrote is not to be paid for by this one
            time.sleep(CALM)
        began = time.monotonic()
        machine = [*frame.surroundings(directory), setting.tools.words, f"rounds: {options.rounds}"]
        found = STEPS[name](setting)
        kept[name] = Kept(command(name, options), machine, found)
        keep(options.results, {name: kept[name]})
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    print(outcome.report(kept))
    frame.print_list(peers.available()[1])


def keep(directory: Path | None, new: dict[str, Kept]) -> None:
    """Writes what is found at once, so that a later step that fails takes nothing with it."""
    if directory:
        directory.mkdir(exist_ok=True)
        kept = outcome.merged(directory / "goals.json", new, STEPS)
        (directory / "goals.md").write_text(outcome.report(kept))
        (directory / "goals.svg").write_text(chart.chart(row for each in kept.values() for row in each.outcome.rows))


def main() -> int:
    options = arguments()
    return frame.run("goals", options.dir, partial(measure, options))


if __name__ == "__main__":
    sys.exit(main())
