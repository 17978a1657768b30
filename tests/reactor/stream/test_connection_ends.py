"""The end of a connection: nothing that is said is lost, and it takes no longer than it must."""

import socket
import struct
import sys

import pytest

from reactor import loop
from reactor.stream import connection as module

from ...kit.echo import Pair


def test_the_end_of_input_is_answered_before_the_close(pair: Pair) -> None:
    pair.peer.shutdown(socket.SHUT_WR)
    pair.turns()
    assert pair.peer.recv(100) == b"the end\n"
    assert pair.peer.recv(100) == b"" and pair.closed == 1
    assert pair.echo.calls == ["end_of_input", "hang_up"]


def test_the_last_words_arrive_though_the_peer_goes_on_talking() -> None:
    """Over TCP, a close with unread input resets the connection, and the peer may lose what it has not read."""
    pair = Pair(over_tcp=True)
    pair.peer.sendall(b"bye\n")
    for _ in range(20):
        pair.turns(1)
        pair.peer.sendall(b"and another thing\n")
    assert not pair.closed
    assert pair.peer.makefile("rb").read().startswith(b"hi\nbye\n")
    pair.peer.close()
    pair.until(lambda: pair.closed == 1)
    pair.close()


def test_an_end_that_the_peer_asked_for_is_a_close_at_once(pair: Pair) -> None:
    assert pair.say(b"agreed\n") == b"agreed\n"
    assert pair.closed == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have no MSG_MORE, or count no segments")
def test_the_last_words_and_the_end_go_in_one_segment() -> None:
    pair = Pair(over_tcp=True)
    pair.peer.send(b"agreed\n")
    before = _segments(pair.peer)
    pair.until(lambda: pair.closed == 1)
    assert pair.peer.makefile("rb").read() == b"hi\nagreed\n"
    assert _segments(pair.peer) == before + 1
    pair.close()


def _segments(sock: socket.socket) -> int:
    """Those that came (`tcpi_segs_in`)."""
    return int(struct.unpack_from("I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), 140)[0])


def test_an_agreed_end_with_unread_input_does_not_destroy_the_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair(over_tcp=True)
    monkeypatch.setattr(loop, "READ_SIZE", len(b"agreed\n"))
    pair.peer.sendall(b"agreed\nand another thing\n")
    pair.until(lambda: pair.closed == 1)
    assert pair.peer.recv(100) == b"hi\nagreed\n"
    pair.close()


def test_what_is_said_after_an_agreed_end_but_before_the_end_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """In TLS the peer may have ended, while an answer to what it sent before is due."""
    pair = Pair(over_tcp=True)
    assert pair.peer.recv(100) == b"hi\n"
    monkeypatch.setattr(pair.echo, "finish", lambda finished: None)
    pair.peer.settimeout(0.1)  # what waits would go after 0.2 s
    assert pair.say(b"agreed\n") == b"agreed\n"
    pair.close()


def test_lingering_has_an_end(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINGER", 0.01)
    assert pair.say(b"bye\n") == b"bye\n"
    pair.peer.send(b"not yet\n")
    pair.turns()
    assert not pair.connection.is_closed
    pair.run_for(0.05)
    assert pair.closed == 1
