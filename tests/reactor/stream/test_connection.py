"""A connection: bytes in both directions as the peer takes them, deadlines, and an end in which nothing is lost."""

import gc
import weakref

import pytest

from reactor.loop import READ, READ_SIZE, WRITE
from reactor.stream import connection as module
from reactor.stream.connection import Connection

from ...kit.echo import Pair


def test_what_is_said_is_sent(pair: Pair) -> None:
    assert pair.say(b"hello\n") == b"hello\n"
    assert pair.connection._events == READ


def talk_without_reading(pair: Pair) -> int:
    """Sends as much as goes, and so many octets it was."""
    pair.peer.setblocking(False)
    sent = 0
    for _ in range(1000):
        try:
            sent += pair.peer.send(b"x" * 10_000)
        except BlockingIOError:
            break
        pair.turns(1)
    return sent


def test_what_the_peer_does_not_read_waits_and_holds_up_reading(pair: Pair) -> None:
    sent = talk_without_reading(pair)
    assert pair.connection._events == WRITE
    assert len(pair.echo.outgoing) < pair.echo.room + READ_SIZE
    heard = 0
    pair.peer.setblocking(True)
    while heard < sent:
        heard += len(pair.peer.recv(1 << 20))
        pair.turns(1)
    assert heard == sent and pair.connection._events == READ


def test_a_conversation_that_is_behind_is_resumed_when_it_has_been_heard(pair: Pair) -> None:
    assert pair.say(b"behind\n") == b"behind\n"
    assert pair.echo.calls == ["receive", "resume"]
    assert pair.connection._events == READ


def test_a_held_conversation_is_not_read_until_it_wakes(pair: Pair) -> None:
    assert pair.say(b"hold\n") == b"hold\n"
    pair.peer.send(b"more\n")
    pair.turns()
    assert pair.connection._events == 0 and pair.echo.calls == ["receive"]
    pair.echo.wake()
    pair.echo.wake()
    pair.turns()
    assert pair.peer.recv(100) == b"resumed\nmore\n"
    assert pair.echo.calls == ["receive", "resume", "receive"]


def test_a_connection_is_read_once_a_turn(pair: Pair) -> None:
    pair.peer.send(b"one\n")
    pair.connection._ready(READ)
    pair.peer.send(b"two\n")
    pair.connection._ready(READ)
    assert pair.echo.outgoing == b"one\n"
    pair.turns()
    assert pair.peer.recv(100) == b"one\ntwo\n"


def test_what_is_no_longer_wanted_is_not_read(pair: Pair) -> None:
    """The loop's list of who is ready may be older than what was done in the meantime."""
    talk_without_reading(pair)
    heard = len(pair.echo.calls)
    pair.connection._ready(READ)
    assert pair.connection._events == WRITE and len(pair.echo.calls) == heard


def test_a_silent_peer_is_told_and_closed(caplog: pytest.LogCaptureFixture) -> None:
    pair = Pair(idle_timeout=50)
    pair.run_for(30)
    assert pair.say(b"I am here\n") == b"hi\nI am here\n"
    pair.run_for(49)
    assert not pair.echo.is_finished, "a byte moves the deadline"
    pair.run_for(2)
    assert pair.echo.is_finished
    assert pair.peer.recv(100) == b"too slow\n" and pair.peer.recv(1) == b""
    pair.close()


def test_a_peer_that_never_reads_is_closed_all_the_same() -> None:
    pair = Pair(idle_timeout=20)
    pair.echo.outgoing += b"x" * 10_000_000
    pair.connection.shut_down()
    pair.turns()
    pair.run_for(19)
    assert pair.closed == 0
    pair.run_for(2 + module.LINGER)
    assert pair.closed == 1
    pair.close()


def test_a_conversation_that_waits_for_us_is_not_idle() -> None:
    pair = Pair(idle_timeout=20)
    pair.say(b"hold\n")
    pair.run_for(80)
    assert not pair.echo.is_finished
    pair.close()


def test_but_it_does_not_wait_for_ever() -> None:
    pair = Pair(idle_timeout=10)
    pair.say(b"hold\n")
    pair.echo.patience = 50
    pair.run_for(49)
    assert not pair.echo.is_finished
    pair.run_for(2)
    assert pair.echo.is_finished
    pair.close()


def test_who_was_answered_is_idle_as_before() -> None:
    """The deadline of who waits for us is a later one; it is not that of who has heard the answer."""
    pair = Pair(idle_timeout=30)
    pair.say(b"hold\n")
    pair.echo.patience = 5000
    pair.run_for(60)
    pair.echo.patience = 10_000
    pair.echo.wake()
    pair.turns()
    assert pair.peer.recv(100) == b"resumed\n" and not pair.echo.is_finished
    pair.run_for(29)
    assert not pair.echo.is_finished
    pair.run_for(2)
    assert pair.echo.is_finished
    pair.close()


def test_a_bug_costs_its_own_connection_only(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    other = Pair()
    assert pair.say(b"bug\n") == b"my fault\n"
    assert pair.peer.recv(1) == b""
    assert "ZeroDivisionError: a bug" in caplog.text
    assert other.say(b"hello\n") == b"hi\nhello\n"
    other.close()


def test_a_bug_in_everything_still_closes_the_connection(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(pair.echo, "break_down", fail)
    monkeypatch.setattr(pair.echo, "hang_up", fail)
    pair.peer.send(b"bug\n")
    pair.turns()
    assert pair.closed == 1


def test_a_peer_that_resets_is_closed(pair: Pair) -> None:
    pair.echo.outgoing += b"x" * 10_000_000
    pair.connection.shut_down()
    pair.turns()
    pair.peer.close()
    pair.turns()
    assert pair.closed == 1 and pair.echo.calls == ["hang_up"]


def test_cut_off_sends_what_goes_at_once(pair: Pair) -> None:
    pair.connection.cut_off("test")
    assert pair.closed == 1
    assert pair.peer.recv(100) == b"going down\n" and pair.peer.recv(1) == b""


def test_a_closed_connection_is_freed_without_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        pair = Pair()
        pair.say(b"agreed\n")
        freed = weakref.ref(pair.echos.pop())
        del pair.connection, pair.echo
        pair.turns()
        assert freed() is None
        pair.peer.close()
        pair.reactor.close()
    finally:
        gc.enable()


def test_a_shorter_patience_moves_the_deadline_that_runs() -> None:
    pair = Pair(idle_timeout=300)
    pair.say(b"hello\n")
    pair.echo.patience = 0.02
    pair.peer.send(b"hello\n")
    pair.reactor.turn()
    assert sum(1 for *_, timer in pair.reactor._timers if timer.callback) == 1
    pair.until(lambda: pair.echo.is_finished)
    pair.turns()
    assert pair.peer.recv(100) == b"hello\ntoo slow\n"
    pair.close()


def test_a_longer_patience_moves_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair(idle_timeout=300)
    pair.echo.patience = 0.05
    pair.say(b"hello\n")
    pair.echo.patience = 300
    checks: list[bool] = []
    start = Connection._start_timer

    def count(connection: Connection, since: float) -> None:
        checks.append(True)
        start(connection, since)

    monkeypatch.setattr(Connection, "_start_timer", count)
    pair.until(lambda: bool(checks))
    assert not pair.echo.is_finished
    pair.close()


def test_the_idle_timeout_caps_all_patience() -> None:
    pair = Pair(idle_timeout=0.02)
    pair.echo.patience = 300
    pair.until(lambda: pair.echo.is_finished)
    pair.close()


def test_patience_that_does_not_shrink_costs_no_timer(pair: Pair) -> None:
    pair.echo.patience = 200
    pair.say(b"hello\n")
    timers = len(pair.reactor._timers)
    for patience in (200, 250, 200, 300, 200):
        pair.echo.patience = patience
        pair.say(b"hello\n")
    assert len(pair.reactor._timers) == timers


def test_a_patience_that_shrinks_at_the_end_does_not_put_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINGER", 0.02)
    pair = Pair(idle_timeout=0.02)
    pair.echo.outgoing += b"x" * 10_000_000
    pair.connection.shut_down()
    pair.until(lambda: pair.echo.is_finished)
    pair.echo.patience = 0.01
    pair.echo.wake()
    pair.until(lambda: pair.closed == 1)
    assert pair.echo.outgoing.count(b"too slow") == 1
    pair.close()
