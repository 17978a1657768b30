"""A session and a store over a socket, in one loop: it answers a recipient at a time, and SMTP says the worst."""

import json
import socket
from collections.abc import Iterator
from itertools import product

import pytest

from protocol.engine.dialect import Dialect
from protocol.engine.environment import Site
from protocol.engine.session import Session
from protocol.esmtp.table import ESMTP, Esmtp
from reactor.loop import Reactor
from storage.errors import FaultKind

from ..kit.remote import RemoteStore
from ..kit.support import find_user

ENVELOPE = b"EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<johndoe@b>\r\nRCPT TO:<babydoe@b>\r\nRCPT TO:<jhaneroe@b>\r\n"
CODES = {None: "250", "for now": "451", "no room": "452", "for good": "554"}
KINDS: tuple[FaultKind | None, ...] = (None, "for now", "no room", "for good")


class World:
    """A session, a store at one end of a socket pair, and what the test says at the other one."""

    def __init__(self, dialect: Dialect = ESMTP) -> None:
        ours, self.backend = socket.socketpair()
        self.backend.settimeout(10)
        self.reactor = Reactor()
        self.store = RemoteStore(ours)
        self.store.join(self.reactor)
        self.wakes = 0
        site = Site(dialect, b"mx.test", find_user, self.store, lambda: 0.0, 10**6)
        self.session = Session(site, "192.0.2.1", lambda words, *values: None, self._wake)
        self.session.open()

    def _wake(self) -> None:
        self.wakes += 1

    def turn(self) -> str:
        """The code of the last reply, after a turn, if there is one."""
        self.reactor.turn_within(0)
        self.reactor.turn()
        if self.wakes:
            self.wakes = 0
            self.session.resume()
        said = bytes(self.session.outgoing)
        self.session.outgoing.clear()
        return said.splitlines()[-1][:3].decode() if said else ""

    def send(self, content: bytes = b"text") -> str:
        """Sends a message to three recipients, and returns its id."""
        self.session.receive(ENVELOPE + b"DATA\r\n" + content + b"\r\n.\r\n")
        assert self.turn() == "354"
        id, reverse_path, recipients, text = json.loads(self.backend.makefile("rb").readline())
        assert (reverse_path, recipients) == ("a@b", ["johndoe", "babydoe", "jhaneroe"])
        assert text.startswith("Received: from me") and text.endswith("text\r\n")
        return str(id)

    def answer(self, id: str, recipient: int, kind: FaultKind | None) -> str:
        self.backend.sendall(json.dumps([id, recipient, kind]).encode() + b"\n")
        return self.turn()

    def close(self) -> None:
        self.store.close()
        self.backend.close()
        self.reactor.close()


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


@pytest.mark.parametrize(("first", "second", "third"), list(product(KINDS, repeat=3)))
def test_a_message_is_accepted_when_all_have_it_and_else_the_worst_is_said(
    world: World, first: FaultKind | None, second: FaultKind | None, third: FaultKind | None
) -> None:
    id = world.send()
    assert world.answer(id, 1, second) == "" and world.session.state is Esmtp.STORING
    assert world.answer(id, 2, third) == ""
    assert world.answer(id, 0, first) == CODES[KINDS[max(KINDS.index(kind) for kind in (first, second, third))]]
    assert world.session.state.name == "CLIENT"


def test_who_waits_for_a_store_waits_for_so_long_and_a_late_answer_is_nothing_to_anybody(world: World) -> None:
    id = world.send()
    world.answer(id, 0, None)
    assert world.session.patience == 600.0 and not world.session.takes_input
    world.session.time_out()
    assert world.turn() == "421" and world.session.is_finished
    assert world.answer(id, 1, None) == world.answer(id, 2, None) == "" and world.session.state is Esmtp.CLOSED


def test_a_store_that_is_gone_leaves_nobody_waiting(world: World) -> None:
    id = world.send()
    world.answer(id, 0, None)
    world.backend.shutdown(socket.SHUT_RDWR)
    assert world.turn() == "451"
    world.session.receive(ENVELOPE + b"DATA\r\ntext\r\n.\r\n")
    assert world.turn() == "451", "nor later"


def test_what_does_not_fit_into_the_socket_at_once_is_sent_when_it_is_ready(world: World) -> None:
    world.session.receive(ENVELOPE + b"DATA\r\n" + b"x" * 500_000 + b"\r\n")
    world.session.resume()
    world.session.receive(b".\r\n")
    world.turn()
    received = b""
    while not received.endswith(b"\n"):
        received += world.backend.recv(1 << 20)
        world.turn()
    assert json.loads(received)[3].endswith("x" * 500_000 + "\r\n")
    assert [world.answer("r1", number, None) for number in range(3)] == ["", "", "250"]
