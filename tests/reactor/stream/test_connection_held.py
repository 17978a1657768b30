"""A connection whose conversation waits for somebody: it stays watched, and is read no further."""

import pytest

from reactor.loop import READ

from ...kit.echo import Pair


def test_a_held_conversation_is_watched_until_something_comes(pair: Pair) -> None:
    assert pair.say(b"hold\n") == b"hold\n"
    assert pair.connection._events == READ
    pair.echo.wake()
    assert pair.say(b"more\n") == b"resumed\nmore\n"
    pair.say(b"hold\n")
    pair.peer.close()
    pair.turns()
    assert pair.connection._events == 0 and not pair.connection.is_closed
    pair.echo.wake()
    pair.turns()
    assert pair.closed == 1


def test_a_held_connection_that_was_closed_in_this_turn_is_left_alone(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    pair.say(b"hold\n")
    pair.connection.close("test")
    pair.connection._ready(READ)
    assert not caplog.records


def test_a_held_conversation_that_ends_is_read_on_for_its_last_words(pair: Pair) -> None:
    pair.say(b"hold\n")
    pair.echo.finish()
    pair.echo.wake()
    pair.turns()
    assert pair.peer.recv(100) == b"resumed\n" and not pair.connection.is_closed
    pair.peer.send(b"not yet\n")
    pair.turns()
    assert pair.connection._events == READ and pair.echo.calls == ["receive", "resume"]
    pair.peer.close()
    pair.turns()
    assert pair.closed == 1
