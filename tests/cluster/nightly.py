"""All scenarios, again and again, and chance: what is too long for each change. Prints tables for bench/results/cluster.md.

    python -m tests.cluster.nightly [--rounds N] [--random MINUTES] [--large] [--keep DIR] [SCENARIO ...]

A line for each run; and at the end, also of SIGINT or SIGTERM, a table of the rounds. Exits with 1 if a fault was counted.
With --keep, the histories and logs of runs with faults are kept there. Without root, what needs mounts or namespaces is
left out.
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from . import network, scenarios
from .chance import at_random
from .cuts import CUTS
from .nodes import Place
from .scenarios import ON_EACH_CHANGE, Scenario
from .stage import Needs, Outcome, staged, workshop
from .test_scenarios import can_mount

COLUMNS = ("acknowledged", "lost", "half", "twice", "damaged", "refused", "refused but found", "unanswered")


def _encrypted(play: Any) -> Scenario:
    def over_tls(stage: Any) -> None:
        play(stage)
        words = (
            "select count(*) from pg_stat_ssl join pg_stat_activity using (pid) where ssl and application_name = 'carteiro'"
        )
        assert stage.cluster.primary.ask(words) > 0, "front ends do not use TLS"

    over_tls.__name__ = f"{play.__name__}, over TLS"
    return Scenario(over_tls, Needs(is_encrypted=True))


NIGHTLY = (
    Scenario(scenarios.calm),
    *ON_EACH_CHANGE,
    Scenario(scenarios.primary_killed),
    Scenario(scenarios.primary_killed_while_standbys_are_frozen),
    Scenario(scenarios.standby_lags),
    Scenario(scenarios.standbys_frozen),
    Scenario(scenarios.primary_slow),
    Scenario(scenarios.waits_cancelled_then_primary_killed),
    Scenario(scenarios.links_cut),
    Scenario(scenarios.backend_killed),
    Scenario(scenarios.primary_stopped),
    Scenario(scenarios.front_end_killed),
    Scenario(scenarios.primary_frozen),
    Scenario(scenarios.killed_and_rewound),
    Scenario(scenarios.wal_full, Needs(limit=80, part="pg_wal")),
    *CUTS,
    *map(_encrypted, (scenarios.primary_killed, scenarios.primary_killed_in_doubt, scenarios.links_cut)),
    Scenario(scenarios.two_failures),
)
LOSES = scenarios.two_failures.__name__
"""Here mail is lost, as docs/cluster.md says. The count has to find it."""

ALL = {scenario.name: scenario for scenario in NIGHTLY}


def row(name: str, outcome: Outcome) -> str:
    """A line for a run."""
    figures: dict[str, Any] = outcome.figures
    cells = [f"{figures[column]:,}" for column in COLUMNS]
    return f"| {name} | {' | '.join(cells)} | {outcome.doubts} | {figures['silence']:.1f} s |"


def summary(name: str, outcomes: list[Outcome]) -> str:
    """A line for all rounds of a scenario: sums, and the silence's median and most."""
    sums = [f"{sum(outcome.figures[column] for outcome in outcomes):,}" for column in COLUMNS]
    silences = [outcome.figures["silence"] for outcome in outcomes]
    doubts = sum(outcome.doubts for outcome in outcomes)
    return f"| {name} | {len(outcomes)} | {' | '.join(sums)} | {doubts} | {median(silences):.1f} s | {max(silences):.1f} s |"


def is_fine(name: str, outcome: Outcome) -> bool:
    """Whether the count is as it should be."""
    if name != LOSES:
        return outcome.code == 0
    others = ("twice", "damaged", "refused but found")
    return outcome.figures["lost"] > 0 and not any(outcome.figures[kind] for kind in others)


def played(made: tuple[Place, Path], scenario: Scenario, large: bool, keep: Path | None) -> Outcome:
    """Plays a scenario once, and counts."""
    directory = Path(tempfile.mkdtemp(prefix="carteiro-nightly-"))
    flags = ("--large-every", "50", "--seconds", "86400") if large else ("--seconds", "86400")
    try:
        with staged(*made, directory, scenario.needs, "", flags) as stage:
            scenario.play(stage)
            outcome = stage.count()
    except BaseException:
        if keep:
            shutil.copytree(directory, keep / directory.name)
        raise
    if not is_fine(scenario.name, outcome) and keep:
        shutil.copytree(directory, keep / directory.name)
    shutil.rmtree(directory)
    return outcome


def run(programme: Iterable[Scenario], large: bool, keep: Path | None) -> int:
    """Plays all, and prints."""
    print(f"| scenario | {' | '.join(COLUMNS)} | in doubt | silence |\n|{'---|' * (len(COLUMNS) + 3)}", flush=True)
    found: dict[str, list[Outcome]] = {}
    with workshop() as made:
        try:
            for scenario in programme:
                outcome = played(made, scenario, large, keep)
                found.setdefault(scenario.name, []).append(outcome)
                print(row(scenario.name, outcome), flush=True)
        except KeyboardInterrupt:
            pass
    print(f"\n| scenario | rounds | {' | '.join(COLUMNS)} | in doubt | silence | most |\n|{'---|' * (len(COLUMNS) + 5)}")
    print("\n".join(summary(name, outcomes) for name, outcomes in found.items()))
    return int(not all(is_fine(name, outcome) for name, outcomes in found.items() for outcome in outcomes))


def main() -> int:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(prog="nightly")
    parser.add_argument("scenario", nargs="*", choices=[[], *ALL])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--random", type=float, default=10.0, help="minutes of chance")
    parser.add_argument("--seed", type=int, default=random.getrandbits(32))
    parser.add_argument("--large", action="store_true", help="each 50th message is a large one")
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.default_int_handler)
    chosen = [ALL[name] for name in options.scenario or ALL]
    possible = [
        scenario for scenario in chosen
        if (not scenario.needs.limit or can_mount()) and (not scenario.needs.is_networked or network.is_possible())
    ]  # fmt: skip
    for scenario in chosen:
        if scenario not in possible:
            print(f"left out, since it needs root: {scenario.name}", file=sys.stderr)
    chance = [at_random(options.random, options.seed)] if options.random else []
    return run([*possible * options.rounds, *chance], options.large, options.keep)


if __name__ == "__main__":
    sys.exit(main())
