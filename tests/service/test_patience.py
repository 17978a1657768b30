"""Who waits for us has a limit: if the store, or a password check, never answers, a 421 comes when the grant is over."""

import socket
from collections.abc import Iterator

import pytest

from protocol.engine.environment import Policy, Site, nobody_is_told
from protocol.engine.session import Session
from protocol.esmtp.table import ESMTP
from reactor.loop import Reactor
from reactor.stream.connection import LINGER, Connection

from ..kit.echo import Clock
from ..kit.esmtp import Checker, proof
from ..kit.support import NOW, MemoryStore, find_user

GRANT = 600.0
"""Seconds: what the table grants us."""

MESSAGE = b"MAIL FROM:<a@b>\r\nRCPT TO:<johndoe>\r\nDATA\r\ntext\r\n.\r\n"
WAITS = {
    "storage": MESSAGE,
    "storage of chunks": b"MAIL FROM:<a@b>\r\nRCPT TO:<johndoe>\r\nBDAT 4 LAST\r\ntext",
    "storage, and more is pipelined": MESSAGE + b"NOOP\r\n" * 10,
    "a password": b"AUTH PLAIN %b\r\n" % proof().encode(),
}


class Waiting:
    """A client of a real connection and session whose store, and whose password check, never answer."""

    def __init__(self, idle_timeout: float) -> None:
        self.clock = Clock()
        self.reactor = Reactor(self.clock)
        self.store = MemoryStore()
        policy = Policy(authenticate=Checker(is_slow=True), authenticates_in_clear=True)
        site = Site(ESMTP, b"mx.test", find_user, self.store, lambda: NOW, 1000, 0, policy)
        ours, self.client = socket.socketpair()
        for sock in (ours, self.client):
            sock.setblocking(False)
        self.connection = Connection(
            self.reactor,
            ours,
            "peer",
            lambda peer, wake: Session(site, peer, nobody_is_told, wake),
            idle_timeout,
            lambda _: None,
        )
        self.turn()

    def turn(self, seconds: float = 0.0) -> None:
        self.clock.now += seconds
        for _ in range(3):
            self.reactor.call_later(0, lambda: None)
            self.reactor.turn()

    def hear(self) -> bytes:
        try:
            return self.client.recv(1 << 16)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        self.connection.close("test")
        self.client.close()
        self.reactor.close()


@pytest.fixture(params=[10.0, 300.0, 5000.0], ids="idle-timeout-{:.0f}".format)
def waiting(request: pytest.FixtureRequest) -> Iterator[Waiting]:
    made = Waiting(request.param)
    yield made
    made.close()


@pytest.mark.parametrize("speaks", [False, True], ids=["silent", "it goes on to speak"])
@pytest.mark.parametrize("what", WAITS)
def test_who_waits_for_us_in_vain_is_told_after_the_grant(waiting: Waiting, what: str, speaks: bool) -> None:
    waiting.client.send(b"EHLO me\r\n" + WAITS[what])
    waiting.turn()
    heard = waiting.hear()
    assert heard.startswith(b"220 ") and b"\r\n421" not in heard
    for _ in range(59):
        waiting.turn(GRANT / 60)
        if speaks:
            waiting.client.send(b"NOOP\r\n")
        assert waiting.hear() == b"" and not waiting.connection.is_closed
    waiting.turn(GRANT / 60)
    words = b"421 4.3.0 mx.test closing connection, there was no answer in time, try again later\r\n"
    assert waiting.hear() == words and waiting.client.recv(1) == b""
    waiting.turn(LINGER)
    assert waiting.connection.is_closed
