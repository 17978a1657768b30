"""Connections to a server that is busy, or that greets few clients at once: fewer are made, and in the end none."""

import socket
from collections.abc import Iterator

import pytest

from conformance.wire import NotReached
from reactor.loop import Reactor
from reactor.stream.server import Server
from service.conformance import visits
from service.conformance.sockets import SocketWire
from service.conformance.tasks import Tasks
from service.conformance.visits import Busy, Visits

from ...kit.toy import LAWFUL, Toy

JOBS = 40


class Greeter(Toy):
    """A toy that greets with this, or not at all."""

    def __init__(self, greeting: bytes) -> None:
        super().__init__(LAWFUL)
        self._greeting = greeting

    def open(self) -> None:
        self.outgoing += self._greeting


class Scene:
    """A server, and visits to it, on one reactor. `greetings`: one for each client that comes; the last for all others."""

    def __init__(self, reactor: Reactor, greetings: list[bytes], at_once: int = 8, most: int = 300) -> None:
        self._greetings = greetings
        self._server = Server(reactor, most, 3600.0)
        address = self._server.listen("127.0.0.1", 0, lambda peer, wake: Greeter(self._greeting()), b"421 too many\r\n")
        self._tasks = Tasks(reactor, at_once)
        where = (socket.AF_INET, ("127.0.0.1", int(address.rpartition(":")[2])))
        self.visits = Visits(reactor, where, self._tasks, False, NotReached)
        self.greeted: list[bytes | None] = []

    def _greeting(self) -> bytes:
        return self._greetings.pop(0) if len(self._greetings) > 1 else self._greetings[0]

    @property
    def at_once(self) -> int:
        return self._tasks.at_once

    def run(self) -> None:
        self._tasks.together([self._visit() for _ in range(JOBS)])

    async def _visit(self) -> None:
        wire: SocketWire = await self.visits.open()
        self.greeted.append(await wire.hear(0.01))
        wire.close()

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def reactor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reactor]:
    monkeypatch.setattr(visits, "BACK_OFF", 0.02)
    monkeypatch.setattr(visits, "ROOM_PAUSE", 0.002)
    monkeypatch.setattr(visits, "FASTEST_PATIENCE", 10.0)  # on a busy machine, too, only who never greets is silent
    made = Reactor()
    yield made
    made.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, reactor: Reactor) -> Reactor:
    monkeypatch.setattr(visits, "FASTEST_PATIENCE", 0.1)
    return reactor


def test_it_goes_on_with_fewer_after_a_421(reactor: Reactor) -> None:
    scene = Scene(reactor, [b"421 busy\r\n", b"220 mx\r\n"], at_once=1)
    scene.run()
    assert scene.greeted == [b"220 mx\r\n"] * JOBS and scene.visits.made == JOBS + 1


def test_each_421_halves_what_is_held_at_once(reactor: Reactor) -> None:
    scene = Scene(reactor, [*[b"220 mx\r\n"] * 8, b"421 busy\r\n", *[b"220 mx\r\n"] * 8, b"421 busy\r\n", b"220 mx\r\n"])
    scene.run()
    assert scene.at_once == 2 and len(scene.greeted) == JOBS


def test_the_third_421_is_the_last(reactor: Reactor) -> None:
    scene = Scene(reactor, [b"421 go away\r\n"])
    with pytest.raises(Busy, match="go away"):
        scene.run()
    assert scene.greeted == [] and scene.at_once == 1 and scene.visits.made < JOBS


def test_421s_that_come_together_are_one(reactor: Reactor) -> None:
    scene = Scene(reactor, [b"220 mx\r\n"], most=5)
    scene.run()
    assert scene.greeted == [b"220 mx\r\n"] * JOBS and scene.at_once in (2, 4)


def test_silence_is_met_with_fewer(impatient: Reactor) -> None:
    scene = Scene(impatient, [b"220 mx\r\n", b"", b"", b"220 mx\r\n"])
    scene.run()
    assert scene.greeted == [b"220 mx\r\n"] * JOBS and scene.at_once < 8


def test_who_never_greets_is_not_asked_for_ever(impatient: Reactor) -> None:
    scene = Scene(impatient, [b""])
    scene.run()
    assert scene.greeted == [None] * JOBS
