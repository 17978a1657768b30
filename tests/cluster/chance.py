"""Chance: what is done to a cluster is drawn, again and again. Each is undone before the next, so no two nodes fail at once.

Knows nothing about what is counted afterwards.
"""

import random
import time
from collections.abc import Callable
from contextlib import nullcontext

from .scenarios import Scenario
from .stage import Needs, Stage


def standby_gone(stage: Stage, chance: random.Random) -> None:
    """One standby is gone for a while."""
    node = chance.choice(stage.cluster.standbys)
    node.kill()
    stage.storm.acknowledge(chance.randrange(500))
    node.start()


def standbys_frozen(stage: Stage, chance: random.Random) -> None:
    """Both stand still, and perhaps somebody cancels what waits for them."""
    with stage.standbys_frozen():
        for _ in range(chance.randrange(3)):
            stage.cancel_waits(chance.choice(("cancel", "terminate")))


def primary_gone(stage: Stage, chance: random.Random) -> None:
    """The primary is gone, perhaps while all waits, and comes back as a standby."""
    old = stage.cluster.primary
    with stage.standbys_frozen() if chance.random() < 0.5 else nullcontext():
        old.kill()
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
    stage.restart_front_end(which)


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
    return Scenario(play, Needs())
