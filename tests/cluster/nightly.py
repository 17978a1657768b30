"""All scenarios, again and again, and chance: what is too long for each change. Prints tables for bench/results/cluster.md.

    python -m tests.cluster.nightly [--rounds N] [--at-once N] [--random MINUTES] [--large] [--keep DIR] [SCENARIO ...]

A line for each run; and at the end, also of SIGINT or SIGTERM, a table of the rounds, when the runs on their way have ended.
Exits with 1 if a fault was counted, or a scenario did not come to its end; others are played all the same. With --keep, the
histories and logs of such runs are kept there. Without root, what needs mounts or namespaces is left out.

Several are played at once, each on a cluster of its own, since most of a scenario is waiting: for silence, for a node that
starts. In memory, with TMPDIR=/dev/shm, it is quicker yet, and proves the same: what a killed process has written stays in
the kernel's hands, wherever it is.
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

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


class Played(NamedTuple):
    """What came of a run, and how many seconds it took."""

    outcome: Outcome
    seconds: float


def row(name: str, run: Played) -> str:
    """A line for a run."""
    figures: dict[str, Any] = run.outcome.figures
    cells = [f"{figures[column]:,}" for column in COLUMNS]
    return f"| {name} | {' | '.join(cells)} | {run.outcome.doubts} | {figures['silence']:.1f} s | {run.seconds:.0f} s |"


def summary(name: str, runs: list[Played]) -> str:
    """A line for all rounds of a scenario: sums, the silence's median and most, and the median of how long they took."""
    outcomes = [run.outcome for run in runs]
    sums = [f"{sum(outcome.figures[column] for outcome in outcomes):,}" for column in COLUMNS]
    silences = [outcome.figures["silence"] for outcome in outcomes]
    times = f"{median(silences):.1f} s | {max(silences):.1f} s | {median(run.seconds for run in runs):.0f} s"
    return f"| {name} | {len(runs)} | {' | '.join(sums)} | {sum(outcome.doubts for outcome in outcomes)} | {times} |"


def is_fine(name: str, outcome: Outcome) -> bool:
    """Whether the count is as it should be."""
    if name != LOSES:
        return outcome.code == 0
    others = ("twice", "damaged", "refused but found")
    return outcome.figures["lost"] > 0 and not any(outcome.figures[kind] for kind in others)


def played(made: tuple[Place, Path], scenario: Scenario, large: bool, keep: Path | None) -> Played:
    """Plays a scenario once, and counts."""
    began = time.monotonic()
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
    return Played(outcome, time.monotonic() - began)


class Nightly:
    """What was found so far."""

    def __init__(self) -> None:
        self._found: dict[str, list[Played]] = {}
        self._broken = 0

    def play(self, programme: Sequence[Scenario], large: bool, keep: Path | None, at_once: int) -> None:
        """Plays all, so many at once, and prints each."""
        print(
            f"| scenario | {' | '.join(COLUMNS)} | in doubt | silence | took |\n|{'---|' * (len(COLUMNS) + 4)}", flush=True
        )
        with workshop() as made, ThreadPoolExecutor(at_once) as pool:
            runs = {pool.submit(played, made, scenario, large, keep): scenario.name for scenario in programme}
            try:
                for ended in as_completed(runs):
                    self._take(runs.pop(ended), ended)
            except KeyboardInterrupt:
                pool.shutdown(cancel_futures=True)
                for ended, name in runs.items():
                    self._take(name, ended)

    def _take(self, name: str, ended: Future[Played]) -> None:
        if ended.cancelled():
            return
        if error := ended.exception():
            self._broken += 1
            print(f"{name} did not come to its end", "".join(traceback.format_exception(error)), sep="\n", file=sys.stderr)
            return
        self._found.setdefault(name, []).append(ended.result())
        print(row(name, ended.result()), flush=True)

    def report(self) -> int:
        """Prints the table of the rounds; returns the exit code."""
        columns = f"rounds | {' | '.join(COLUMNS)} | in doubt | silence | most | took"
        print(f"\n| scenario | {columns} |\n|{'---|' * (len(COLUMNS) + 6)}")
        print("\n".join(summary(name, runs) for name, runs in self._found.items()))
        is_right = all(is_fine(name, run.outcome) for name, runs in self._found.items() for run in runs)
        return int(self._broken > 0 or not is_right)


def main() -> int:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(prog="nightly")
    parser.add_argument("scenario", nargs="*", choices=[[], *ALL])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--at-once", type=int, default=3, help="how many are played at once")
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
    nightly = Nightly()
    nightly.play([*chance, *possible * options.rounds], options.large, options.keep, options.at_once)
    return nightly.report()


if __name__ == "__main__":
    sys.exit(main())
