"""A conversation that has nothing to do with mail, and a connection that holds it over a socket pair."""

import math
import socket
import time
from collections.abc import Callable

from reactor.loop import Reactor
from reactor.stream.connection import Connection
from reactor.stream.tls import Contexts


class Echo:
    """A conversation that repeats its input; some words make it do other things. Has nothing to do with mail."""

    interest = None

    def __init__(self, wake: Callable[[], None], wants_tls: bool = False) -> None:
        self.wake = wake
        self.outgoing = bytearray()
        self.is_finished = False
        self.is_held = False
        self.is_behind = False
        self.is_agreed = False
        self.wants_tls = self.is_greeted_late = wants_tls
        self.patience = math.inf
        self.farewell = ""
        self.calls: list[str] = []
        self.room = 100_000

    @property
    def takes_input(self) -> bool:
        return not self.is_finished and not self.is_held and not self.is_behind and len(self.outgoing) < self.room

    def open(self) -> None:
        if not self.is_greeted_late:
            self.outgoing += b"hi\n"

    def secured(self) -> None:
        self.calls.append("secured")
        self.wants_tls = False
        if self.is_greeted_late:
            self.outgoing += b"hi\n"

    def receive(self, data: bytes) -> None:
        self.calls.append("receive")
        if data.startswith(b"encrypt\n"):
            self.outgoing += b"go ahead\n"  # and drops any plain text behind it
            self.wants_tls = True
            return
        if b"bug" in data:
            raise ZeroDivisionError("a bug")
        self.is_held = b"hold" in data
        self.is_behind = b"behind" in data
        self.outgoing += data
        self.is_agreed = b"agreed" in data
        self.finish(b"bye" in data or self.is_agreed)

    def finish(self, finished: bool = True) -> None:
        self.is_finished = self.is_finished or finished

    def end_of_input(self) -> None:
        self.calls.append("end_of_input")
        self.outgoing += b"the end\n"
        self.finish()

    def resume(self) -> None:
        self.calls.append("resume")
        self.is_behind = False
        if self.is_held:
            self.is_held = False
            self.outgoing += b"resumed\n"

    def time_out(self) -> None:
        self.outgoing += b"too slow\n"
        self.farewell = "too slow"
        self.finish()

    def shut_down(self, at_once: bool) -> None:
        self.outgoing += b"going down\n"
        self.finish(at_once)

    def break_down(self) -> None:
        self.outgoing += b"my fault\n"
        self.finish()

    def hang_up(self) -> None:
        self.calls.append("hang_up")


def _tcp_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return ours, peer


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Pair:
    """A connection with an Echo, and the other end of it. Time stands still unless a test moves it."""

    def __init__(
        self,
        idle_timeout: float = 300,
        tls: Contexts | None = None,
        wants_tls: bool = False,
        kind: type[Echo] = Echo,
        over_tcp: bool = False,
    ) -> None:
        self.clock = Clock()
        self.reactor = Reactor(clock=self.clock)
        self._kind = kind
        self.wants_tls = wants_tls
        ours, self.peer = _tcp_pair() if over_tcp else socket.socketpair()
        ours.setblocking(False)
        self.peer.settimeout(5)
        self.closed = 0
        self.echos: list[Echo] = []
        self.connection = Connection(self.reactor, ours, "peer", self._open, idle_timeout, self._on_closed, tls)
        self.echo = self.echos[0]
        self.turns()

    def _open(self, _: str, wake: Callable[[], None]) -> Echo:
        self.echos.append(self._kind(wake, self.wants_tls))
        return self.echos[-1]

    def _on_closed(self, _: Connection) -> None:
        self.closed += 1

    def turns(self, least: int = 3) -> None:
        """Makes some turns, none of which waits for long."""
        for _ in range(least):
            self.reactor.call_later(0, lambda: None)
            self.reactor.turn()

    def until(self, happened: Callable[[], bool]) -> None:
        """Makes turns until a condition holds; fails if it never does."""
        end = time.monotonic() + 20
        while not happened():
            assert time.monotonic() < end, "it did not happen"
            self.reactor.call_later(0.005, lambda: None)
            self.reactor.turn()
            self.clock.now += 0.005

    def say(self, data: bytes) -> bytes:
        self.peer.send(data)
        self.turns()
        return self.peer.recv(1 << 20)

    def run_for(self, seconds: float) -> None:
        """Makes a turn at each hundredth of this time."""
        for _ in range(100):
            self.clock.now += seconds / 100
            self.turns(1)

    def close(self) -> None:
        self.connection.close("test")
        self.peer.close()
        self.reactor.close()
