"""TLS on connections: any cutting, any trouble, nothing in plain that should not be, and a bound on all that waits."""

import gc
import logging
import socket
import ssl
import weakref
from collections.abc import Iterator
from functools import partial
from itertools import cycle

import pytest

from reactor.loop import READ
from reactor.stream import connection as connecting
from reactor.stream import tls as module
from reactor.stream.certificate import Certificate
from reactor.stream.tls import Encryption

from ...kit.echo import Pair
from ...kit.support import wait_until
from ...kit.tls import Peer, Pem, Service, trusting


@pytest.fixture
def service(pem: Pem) -> Iterator[Service]:
    with Service(Certificate(*pem).context) as service:
        yield service


@pytest.fixture
def pair(pem: Pem) -> Iterator[Pair]:
    """A connection that is about to be encrypted."""
    pair = Pair(tls=Certificate(*pem).context)
    assert pair.say(b"encrypt\nwhat came in plain\n") == b"hi\ngo ahead\n"
    yield pair
    pair.close()


def secure(pair: Pair, peer: Peer) -> None:
    while not peer.is_secured:
        peer.receive(pair.say(peer.due()))
    pair.peer.send(peer.due())
    pair.turns()
    assert pair.echo.calls[-1] == "secured"


# Both kinds of a beginning, over TCP


def test_a_connection_is_encrypted_in_the_middle_of_a_conversation(service: Service, pem: Pem) -> None:
    client = service.upgrade(trusting(pem))
    client.sendall(b"hello\n")
    assert client.recv(100) == b"hello\n"
    assert client.version() == "TLSv1.3"
    assert service.echos[0].calls == ["receive", "secured", "receive"]


def test_a_connection_is_encrypted_from_the_start(service: Service, pem: Pem) -> None:
    client = service.implicitly(trusting(pem))
    assert client.recv(100) == b"hi\n"
    client.sendall(b"bye\n")
    assert client.recv(100) == b"bye\n" and client.recv(1) == b""


def test_tls_1_2_is_spoken_too(service: Service, pem: Pem) -> None:
    context = trusting(pem)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    client = service.upgrade(context)
    client.sendall(b"hello\n")
    assert client.recv(100) == b"hello\n" and client.version() == "TLSv1.2"


def test_a_mebibyte_goes_both_ways_in_odd_pieces(service: Service, pem: Pem) -> None:
    client = service.upgrade(trusting(pem))
    sent = bytes(range(256)) * 4096
    heard = bytearray()
    sizes = cycle((1, 7, 4093, 16_385, 70_001))
    at = 0
    while at < len(sent):
        piece = sent[at : at + next(sizes)]
        client.sendall(piece)
        at += len(piece)
        while len(heard) < at:
            heard += client.recv(997)
    assert heard == sent


def test_one_client_stalls_and_another_is_served(service: Service, pem: Pem) -> None:
    stalled = service.connect(service.implicit)
    stalled.sendall(Peer(trusting(pem)).due()[:50])
    for client in (service.upgrade(trusting(pem)), service.implicitly(trusting(pem))):
        client.sendall(b"bye\n")
        assert client.makefile("rb").read().endswith(b"bye\n")
    assert service.echos[0].calls == []


def test_a_client_that_leaves_during_the_handshake_is_closed(
    service: Service, pem: Pem, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client = service.connect(service.implicit)
    client.sendall(Peer(trusting(pem)).due())
    assert client.recv(1)
    client.shutdown(socket.SHUT_WR)
    wait_until(lambda: "closed: TLS handshake failed: the peer left" in caplog.text)
    wait_until(lambda: service.echos[0].calls == ["hang_up"])


@pytest.mark.parametrize(
    "garbage", [b"hello\n", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 100, b"x" * 300_000]
)
def test_what_is_no_tls_is_refused_in_one_line(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, garbage: bytes
) -> None:
    monkeypatch.setattr(connecting, "LINGER", 20)
    caplog.set_level(logging.INFO)
    with service.connect(service.implicit) as client, client.makefile("rb") as heard:
        client.sendall(garbage)
        assert b"hi" not in heard.read()
    wait_until(lambda: "closed: TLS handshake failed: " in caplog.text)
    assert "Traceback" not in caplog.text and "ERROR" not in caplog.text


def test_one_too_many_is_not_told_in_plain_where_tls_is_expected(pem: Pem) -> None:
    with Service(Certificate(*pem).context, max_connections=1) as service:
        assert service.implicitly(trusting(pem)).recv(100) == b"hi\n"
        assert service.connect(service.plain).makefile("rb").read() == b"full\n"
        assert service.connect(service.implicit).makefile("rb").read() == b""


def test_a_server_that_stops_says_so_under_tls(pem: Pem) -> None:
    with Service(Certificate(*pem).context) as service:
        client = service.upgrade(trusting(pem))
        shaking = service.connect(service.implicit)
        shaking.sendall(Peer(trusting(pem)).due())
        assert shaking.recv(1)
        client.sendall(b"here\n")
        assert client.recv(100) == b"here\n"
        service.stop()
        assert client.recv(100) == b"going down\n" and client.recv(1) == b""
        assert b"going down" not in shaking.makefile("rb").read()


# A connection, turn by turn


def test_what_was_read_in_plain_is_forgotten(pair: Pair, pem: Pem) -> None:
    secure(pair, Peer(trusting(pem)))
    assert pair.echo.calls == ["receive", "secured"] and not pair.echo.outgoing


def test_data_may_come_right_behind_the_handshake(pair: Pair, pem: Pem) -> None:
    peer = Peer(trusting(pem))
    peer.receive(pair.say(peer.due()))
    assert peer.is_secured
    peer.receive(pair.say(peer.say(b"early\n")))
    assert peer.heard == b"early\n"


def test_what_is_said_during_the_handshake_waits_for_its_end(pair: Pair, pem: Pem) -> None:
    peer = Peer(trusting(pem))
    pair.connection.shut_down()
    pair.turns()
    assert pair.echo.outgoing == b"going down\n" and pair.connection._events == READ
    secure(pair, peer)
    peer.receive(pair.peer.recv(1 << 16))
    assert peer.heard == b"going down\n"


@pytest.mark.parametrize("begins", [False, True])
def test_a_stalled_handshake_has_an_end_and_nothing_is_said_in_plain(
    pem: Pem, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, begins: bool
) -> None:
    monkeypatch.setattr(connecting, "LINGER", 0.01)
    caplog.set_level(logging.INFO)
    pair = Pair(tls=Certificate(*pem).context, wants_tls=True)
    if begins:
        pair.peer.send(Peer(trusting(pem)).due()[:50])
        pair.turns()
    pair.echo.patience = 0.01
    pair.echo.wake()
    pair.until(lambda: pair.closed == 1)
    assert pair.peer.recv(100) == b"" and pair.echo.outgoing == b"too slow\n"
    assert "peer closed: too slow" in caplog.messages and pair.echo.calls == ["resume", "hang_up"]
    pair.close()


def test_a_cut_off_during_the_handshake_is_a_close_without_a_word(pair: Pair) -> None:
    pair.connection.cut_off("test")
    assert pair.closed == 1 and pair.peer.recv(100) == b""


def test_last_words_in_the_turn_that_begins_tls_are_not_said_in_plain(pem: Pem) -> None:
    pair = Pair(tls=Certificate(*pem).context)
    assert pair.peer.recv(100) == b"hi\n"
    pair.connection._call(partial(pair.echo.receive, b"encrypt\n"))
    pair.connection.cut_off("test")
    assert pair.peer.recv(100) == b"go ahead\n" and pair.peer.recv(1) == b""
    pair.close()


@pytest.mark.parametrize("method", ["secured", "receive"])
def test_a_bug_under_tls_costs_its_connection(
    pair: Pair, pem: Pem, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    def fail(*_: bytes) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(pair.echo, method, fail)
    peer = Peer(trusting(pem))
    peer.receive(pair.say(peer.due()))
    peer.receive(pair.say(peer.say(b"hello\n")))
    assert peer.heard == b"my fault\n" and peer.has_ended
    assert "a bug" in caplog.text


def test_tls_without_a_certificate_is_a_bug_and_a_close(caplog: pytest.LogCaptureFixture) -> None:
    pair = Pair()
    pair.peer.recv(100)
    pair.peer.send(b"encrypt\n")
    pair.turns()
    assert pair.closed == 1 and pair.peer.recv(100) == b""
    assert "wants TLS and there is no certificate" in caplog.text


def test_the_end_is_said_in_tls_and_then_in_tcp(pair: Pair, pem: Pem) -> None:
    peer = Peer(trusting(pem))
    secure(pair, peer)
    pair.peer.send(peer.say(b"bye\n"))
    pair.turns()
    peer.receive(pair.peer.recv(1 << 16))
    assert peer.heard == b"bye\n" and peer.has_ended and pair.peer.recv(1) == b""
    assert not pair.connection.is_closed, "it lingers"
    pair.peer.close()
    pair.until(lambda: pair.closed == 1)


@pytest.mark.parametrize("is_announced", [False, True])
def test_the_end_of_input_is_told_once_and_answered(pair: Pair, pem: Pem, is_announced: bool) -> None:
    peer = Peer(trusting(pem))
    secure(pair, peer)
    pair.peer.send(peer.say(b"last\n") + (peer.leave() if is_announced else b""))
    pair.peer.shutdown(socket.SHUT_WR)
    pair.until(lambda: pair.closed == 1)
    peer.receive(pair.peer.recv(1 << 16))
    assert peer.heard == b"last\nthe end\n" and peer.has_ended
    assert pair.echo.calls == ["receive", "secured", "receive", "end_of_input", "hang_up"]


def test_what_the_peer_does_not_read_stays_bounded(pair: Pair, pem: Pem) -> None:
    peer = Peer(trusting(pem))
    secure(pair, peer)
    pair.echo.room = 1 << 30
    pair.peer.setblocking(False)
    waiting = b""
    for _ in range(3000):
        waiting = waiting or peer.say(b"x" * 10_000)
        try:
            waiting = waiting[pair.peer.send(waiting) :]
        except BlockingIOError:
            break
        pair.turns(1)
    pair.turns(20)
    encryption = pair.connection._conversation
    assert isinstance(encryption, Encryption)
    assert 0 < len(encryption._wire) < module._WIRE_LIMIT + module.PIECE
    assert encryption._to_peer and encryption._to_peer.pending == 0
    assert encryption._from_peer and encryption._from_peer.pending < 20_000 and len(encryption._came) < 2 * module.PIECE


def test_an_encrypted_connection_is_freed_without_the_garbage_collector(pem: Pem) -> None:
    gc.collect()
    gc.disable()
    try:
        pair = Pair(tls=Certificate(*pem).context, wants_tls=True)
        peer = Peer(trusting(pem))
        peer.receive(pair.say(peer.due()))
        peer.receive(pair.say(peer.say(b"agreed\n")))
        assert peer.has_ended and pair.closed == 1
        freed = weakref.ref(pair.echos.pop())
        del pair.connection, pair.echo
        pair.turns()
        assert freed() is None
        pair.peer.close()
        pair.reactor.close()
    finally:
        gc.enable()
