"""What is done to a cluster while mail comes. Each scenario returns when mail is accepted again.

Knows nothing about what is counted afterwards.
"""

import os
import signal
import time
from collections.abc import Callable
from typing import NamedTuple

from ..kit.support import wait_until
from .nodes import until
from .stage import Ballast, Needs, Stage


class Scenario(NamedTuple):
    """A scenario: what is done, and what it needs."""

    play: Callable[[Stage], None]
    needs: Needs = Needs()

    @property
    def name(self) -> str:
        """What it is called."""
        return self.play.__name__


def calm(stage: Stage) -> None:
    """Nothing happens."""
    stage.storm.acknowledge(500)


def primary_killed(stage: Stage) -> None:
    """The primary is gone at once; the better standby is promoted, the other one follows it."""
    stage.cluster.primary.kill()
    stage.fail_over()


def primary_killed_in_doubt(stage: Stage) -> None:
    """The standbys are gone, so all commits wait. Then the primary is gone, and the standbys come back without them."""
    with stage.standbys_gone():
        stage.cluster.primary.kill()
    stage.fail_over()


def primary_killed_while_standbys_are_frozen(stage: Stage) -> None:
    """All commits wait for standbys that stand still, and have perhaps got them; then the primary is gone."""
    with stage.standbys_frozen():
        stage.cluster.primary.kill()
    stage.fail_over()


def waits_cancelled(stage: Stage) -> None:
    """No standby answers, and somebody cancels and ends the waits of commits: the primary has them, and nobody else."""
    with stage.standbys_frozen():
        for how in ("cancel", "terminate", "cancel"):
            stage.cancel_waits(how)
    stage.storm.acknowledge(300)


def waits_cancelled_then_failover(stage: Stage) -> None:
    """The same with standbys that are gone; then the primary is, and they come back: what only it had is lost."""
    with stage.standbys_gone():
        for _ in range(3):
            stage.cancel_waits()
        stage.cluster.primary.kill()
    stage.fail_over()


def no_standby(stage: Stage) -> None:
    """No standby answers, until the front ends lose patience and refuse mail that the primary has all the same."""
    with stage.standbys_frozen():
        wait_until(lambda: stage.refused(451) >= 10, 120)
    stage.storm.acknowledge(300)


def standby_killed(stage: Stage) -> None:
    """One standby is gone. Nobody notices."""
    stage.cluster.standbys[0].kill()
    stage.storm.acknowledge(500)


def disk_full(stage: Stage) -> None:
    """The disk of the primary's tables is full, then there is room again."""
    ballast = Ballast(stage.cluster.primary)
    ballast.take()
    wait_until(lambda: stage.refused(452) >= 20, 120)
    ballast.drop()
    stage.storm.acknowledge(300)


def links_cut(stage: Stage) -> None:
    """All connections to the primary are ended, again and again."""
    for _ in range(10):
        stage.cluster.primary.ask(
            "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend'"
            " and pid <> pg_backend_pid()"
        )
        stage.storm.acknowledge(20)
    stage.storm.acknowledge(300)


def backend_killed(stage: Stage) -> None:
    """One process of the primary dies by SIGKILL, so all of PostgreSQL begins anew."""
    primary = stage.cluster.primary
    for _ in range(2):
        words = "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() limit 1"
        os.kill(int(primary.ask(words)), signal.SIGKILL)
        stage.storm.acknowledge(200)


def primary_stopped(stage: Stage) -> None:
    """The primary is shut down in order, and a standby is promoted."""
    stage.cluster.primary.stop()
    stage.fail_over()


def front_end_killed(stage: Stage) -> None:
    """A front end dies by SIGKILL, and comes back."""
    stage.front_ends[0].kill()
    stage.front_ends[0].communicate()
    stage.storm.acknowledge(300)
    stage.restart_front_end(0)
    stage.storm.acknowledge(300)


def primary_frozen(stage: Stage) -> None:
    """The primary stands still, a standby is promoted, and the old one comes to life again and knows nothing of that."""
    old = stage.cluster.primary
    old.freeze()
    stage.fail_over()
    old.thaw()
    stage.storm.acknowledge(300)


def killed_and_rewound(stage: Stage) -> None:
    """Three times the primary is gone, and comes back as a standby of the next one."""
    for _ in range(3):
        old = stage.cluster.primary
        old.kill()
        stage.cluster.fail_over()
        stage.storm.acknowledge(200)
        stage.cluster.rewind(old)
        stage.cluster.has_quorum(2)
    stage.storm.acknowledge(200)


ON_EACH_CHANGE = (
    Scenario(primary_killed_in_doubt),
    Scenario(waits_cancelled_then_failover),
    Scenario(waits_cancelled),
    Scenario(no_standby, Needs(patience=3)),
    Scenario(standby_killed),
    Scenario(disk_full, Needs(limit=40)),
)

# Those that are too long for each change


def standby_lags(stage: Stage) -> None:
    """One standby stands still while mail goes on, then the primary is gone; the standby that has more is promoted."""
    lame = stage.cluster.standbys[0]
    lame.freeze()
    stage.storm.acknowledge(300)
    stage.cluster.primary.kill()
    lame.thaw()
    stage.fail_over()


def standbys_frozen(stage: Stage) -> None:
    """Both standbys stand still for longer than a link waits. All wait with it, and nobody is refused."""
    with stage.standbys_frozen():
        time.sleep(12)  # it is the time that is tried
    stage.storm.acknowledge(300)


def primary_slow(stage: Stage) -> None:
    """All transactions take 8 s, and then go on. No link is given up for it: that would make them slower yet."""
    stage.cluster.primary.ask("begin; lock table message; select pg_sleep(8); commit")
    stage.storm.acknowledge(300)
    given_up = [stage.log(port).count(" is given up: ") for port in stage.ports]
    assert given_up == [0, 0], "a slow primary was given up"


def waits_cancelled_then_primary_killed(stage: Stage) -> None:
    """Standbys stand still, somebody cancels the waits, the primary is gone, and what the standbys have not got with it."""
    with stage.standbys_frozen():
        for _ in range(3):
            stage.cancel_waits()
        stage.cluster.primary.kill()
    stage.fail_over()


def wal_full(stage: Stage) -> None:
    """The disk of the primary's log is full: it stops by itself. A standby is promoted."""
    ballast = Ballast(stage.cluster.primary, "pg_wal")
    ballast.take()
    wait_until(lambda: not stage.cluster.primary.is_running, 120)
    stage.fail_over()


def two_failures(stage: Stage) -> None:
    """A standby is gone while mail goes on; then the two others are, for good, and it is promoted. No quorum covers that."""
    alone, other = stage.cluster.standbys
    alone.kill()
    stage.storm.acknowledge(300)
    stage.cluster.primary.kill()
    other.kill()
    alone.start()
    alone.ask("select pg_promote()")
    stage.cluster.primary = alone
    until(lambda: not alone.ask("select pg_is_in_recovery()"))
    stage.cluster.rewind(other)
    stage.cluster.has_quorum()
    stage.storm.acknowledge(300)
