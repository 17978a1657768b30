"""Signals become calls, and several servers are drained before the loop stops."""

import os
import signal
from collections.abc import Callable

import pytest

from reactor.loop import Reactor
from service.lifecycle import Lifecycle


class Server:
    """One that is drained when the test says so."""

    def __init__(self) -> None:
        self.drained: Callable[[], None] | None = None
        self.is_closed = False

    def drain(self, drained: Callable[[], None]) -> None:
        self.drained = drained

    def close(self) -> None:
        self.is_closed = True


class World:
    """Three servers and a loop that says whether it was stopped."""

    def __init__(self) -> None:
        self.servers = [Server(), Server(), Server()]
        self.reread = 0
        self.is_stopped = False
        self.reactor = Reactor()
        self.reactor.stop = self._stop  # type: ignore[method-assign]
        self.lifecycle = Lifecycle(self.reactor, self.servers, self._reread)

    def _stop(self) -> None:
        self.is_stopped = True

    def _reread(self) -> None:
        self.reread += 1

    def signal(self, signum: int) -> None:
        os.kill(os.getpid(), signum)
        self.reactor.turn()

    def drained(self, number: int) -> None:
        drained = self.servers[number].drained
        assert drained
        drained()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_all_servers_and_the_last_one_stops_the_loop(signum: int) -> None:
    world = World()
    world.signal(signum)
    world.drained(1)
    world.drained(1)  # a server may say so again
    world.drained(0)
    assert not world.is_stopped and not any(server.is_closed for server in world.servers)
    world.drained(2)
    assert world.is_stopped
    world.reactor.close()


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_closes_all_servers(second: int) -> None:
    world = World()
    world.signal(signal.SIGTERM)
    world.drained(0)
    world.signal(second)
    assert world.is_stopped and all(server.is_closed for server in world.servers)
    world.reactor.close()


def test_sighup_rereads_and_nothing_ends() -> None:
    world = World()
    world.signal(signal.SIGHUP)
    world.signal(signal.SIGHUP)
    assert world.reread == 2 and not world.is_stopped and not any(server.drained for server in world.servers)
    world.reactor.close()


def test_servers_that_are_drained_at_once_stop_the_loop_when_all_are() -> None:
    world = World()

    def at_once(drained: Callable[[], None]) -> None:
        assert not world.is_stopped
        drained()

    for server in world.servers:
        server.drain = at_once  # type: ignore[method-assign]
    world.lifecycle.stop()
    assert world.is_stopped
    world.reactor.close()
