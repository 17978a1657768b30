"""What is done to the network of a cluster while mail comes: cuts between hosts, in one direction or both.

Knows nothing about what is counted afterwards.
"""

import time

from .scenarios import Scenario
from .stage import FRONT_ENDS, Needs, Stage

CUT_SECONDS = 6
"""For what is mended without a failover."""


def _cut(stage: Stage, sources: list[str], targets: list[str]) -> None:
    for source in sources:
        for target in targets:
            stage.network.cut(source, target)


def _fail_over(stage: Stage) -> None:
    """A standby is promoted, mail goes on; then the cut is mended, and the old primary knows nothing of it."""
    stage.fail_over()
    stage.network.heal()
    stage.storm.acknowledge(300)


def _names(stage: Stage) -> tuple[list[str], list[str]]:
    return [stage.cluster.primary.name], [node.name for node in stage.cluster.standbys]


def primary_cut_off(stage: Stage) -> None:
    """The primary is cut off from everybody; a standby is promoted."""
    primary, standbys = _names(stage)
    _cut(stage, primary, [*standbys, *FRONT_ENDS])
    _cut(stage, [*standbys, *FRONT_ENDS], primary)
    _fail_over(stage)


def primary_is_not_heard(stage: Stage) -> None:
    """What the primary says reaches nobody, and it hears all; a standby is promoted."""
    primary, standbys = _names(stage)
    _cut(stage, primary, [*standbys, *FRONT_ENDS])
    _fail_over(stage)


def primary_is_deaf(stage: Stage) -> None:
    """Nothing reaches the primary, and what it says is heard; a standby is promoted."""
    primary, standbys = _names(stage)
    _cut(stage, [*standbys, *FRONT_ENDS], primary)
    _fail_over(stage)


def two_primaries(stage: Stage) -> None:
    """The primary is cut off from its standbys, and front ends reach it; a standby is promoted."""
    primary, standbys = _names(stage)
    _cut(stage, primary, standbys)
    _cut(stage, standbys, primary)
    stage.all_wait()
    _fail_over(stage)


def standbys_do_not_hear(stage: Stage) -> None:
    """What the primary says does not reach its standbys, for a while. All wait."""
    primary, standbys = _names(stage)
    _cut(stage, primary, standbys)
    _mend(stage)


def standbys_are_not_heard(stage: Stage) -> None:
    """The standbys have everything, and cannot say so, for a while. All wait."""
    primary, standbys = _names(stage)
    _cut(stage, standbys, primary)
    _mend(stage)


def front_ends_are_not_heard(stage: Stage) -> None:
    """What front ends send does not reach any node, for a while."""
    _cut(stage, [*FRONT_ENDS], [node.name for node in stage.cluster.nodes])
    _mend(stage)


def front_ends_do_not_hear(stage: Stage) -> None:
    """The nodes get and keep what front ends send, and their answers do not come, for a while."""
    _cut(stage, [node.name for node in stage.cluster.nodes], [*FRONT_ENDS])
    _mend(stage)


def _mend(stage: Stage) -> None:
    time.sleep(CUT_SECONDS)  # it is the time that is tried
    stage.network.heal()
    stage.storm.acknowledge(300)


CUTS = tuple(
    Scenario(play, Needs(is_networked=True))
    for play in (
        primary_cut_off,
        primary_is_not_heard,
        primary_is_deaf,
        two_primaries,
        standbys_do_not_hear,
        standbys_are_not_heard,
        front_ends_are_not_heard,
        front_ends_do_not_hear,
    )
)
