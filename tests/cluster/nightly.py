"""All scenarios, again and again, and chance: what is too long for each change. Prints a table for bench/results/cluster.md.

    python -m tests.cluster.nightly [--rounds N] [--random MINUTES] [--large] [--keep DIR] [SCENARIO ...]

Exits with 1 when a fault was counted. With --keep, the histories and logs of runs with faults are kept there.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .nodes import Place
from .scenarios import ALL, Scenario
from .stage import Outcome, Stage, staged, workshop
from .test_scenarios import needs_mounts

COLUMNS = ("acknowledged", "lost", "half", "twice", "damaged", "refused", "refused but found", "unanswered")


def row(name: str, outcome: Outcome) -> str:
    """A line of the table."""
    figures: dict[str, Any] = outcome.figures
    cells = [f"{figures[column]:,}" for column in COLUMNS]
    return f"| {name} | {' | '.join(cells)} | {outcome.doubts} | {figures['silence']:.1f} s |"


# Chance. Each thing that is done is undone before the next one, so that no two nodes fail at once.


def standby_gone(stage: Stage, chance: random.Random) -> None:
    """One standby is gone for a while."""
    node = chance.choice(stage.cluster.standbys)
    node.kill()
    stage.storm.acknowledge(chance.randrange(500))
    node.start()


def standbys_frozen(stage: Stage, chance: random.Random) -> None:
    """Both stand still, and perhaps somebody cancels what waits for them."""
    for node in stage.cluster.standbys:
        node.freeze()
    stage.all_wait()
    for _ in range(chance.randrange(3)):
        stage.cancel_waits(chance.choice(("cancel", "terminate")))
    for node in stage.cluster.standbys:
        node.thaw()


def primary_gone(stage: Stage, chance: random.Random) -> None:
    """The primary is gone, perhaps while all waits, and comes back as a standby."""
    frozen = stage.cluster.standbys if chance.random() < 0.5 else []
    for node in frozen:
        node.freeze()
    if frozen:
        stage.all_wait()
    old = stage.cluster.primary
    old.kill()
    for node in frozen:
        node.thaw()
    stage.cluster.fail_over()
    stage.storm.acknowledge(chance.randrange(500))
    stage.cluster.rewind(old)


def links_gone(stage: Stage, chance: random.Random) -> None:
    """All connections are ended, a few times."""
    query = "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend'"
    for _ in range(chance.randrange(1, 5)):
        stage.cluster.primary.ask(f"{query} and pid <> pg_backend_pid()")
        stage.storm.acknowledge(chance.randrange(50))


def front_end_gone(stage: Stage, chance: random.Random) -> None:
    """A front end dies, and comes back."""
    which = chance.randrange(2)
    stage.front_ends[which].kill()
    stage.front_ends[which].communicate()
    stage.storm.acknowledge(chance.randrange(200))
    stage.front_ends[which] = stage.start_front_end(stage.ports[which])


DONE: tuple[Callable[[Stage, random.Random], None], ...] = (
    standby_gone,
    standbys_frozen,
    primary_gone,
    links_gone,
    front_end_gone,
)


def at_random(minutes: float, seed: int) -> Scenario:
    """So many minutes of it."""

    def play(stage: Stage) -> None:
        chance = random.Random(seed)
        end = time.monotonic() + 60 * minutes
        while time.monotonic() < end:
            chance.choice(DONE)(stage, chance)
            stage.cluster.has_quorum(2)
            stage.storm.acknowledge(chance.randrange(1, 500), 120)

    play.__name__ = f"at random, seed {seed}"
    return Scenario(play)


# Running


def played(made: tuple[Place, Path], scenario: Scenario, large: bool, keep: Path | None) -> Outcome:
    """Plays a scenario once, and counts."""
    directory = Path(tempfile.mkdtemp(prefix="carteiro-nightly-"))
    flags = ("--large-every", "50", "--seconds", "86400") if large else ("--seconds", "86400")
    with staged(*made, directory, scenario.patience, "", scenario.limit, flags) as stage:
        scenario.play(stage)
        outcome = stage.count()
    if outcome.code and keep:
        shutil.copytree(directory, keep / directory.name)
    shutil.rmtree(directory)
    return outcome


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
    scenarios = [ALL[name] for name in options.scenario or ALL] * options.rounds
    scenarios += [at_random(options.random, options.seed)] if options.random else []
    if any(scenario.limit for scenario in scenarios):
        needs_mounts()
    print(f"| scenario | {' | '.join(COLUMNS)} | in doubt | silence |\n|{'---|' * (len(COLUMNS) + 3)}", flush=True)
    codes = []
    with workshop() as made:
        for scenario in scenarios:
            outcome = played(made, scenario, options.large, options.keep)
            codes.append(outcome.code)
            print(row(scenario.name, outcome), flush=True)
    return max(codes, default=0)


if __name__ == "__main__":
    sys.exit(main())
