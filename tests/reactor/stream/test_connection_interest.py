"""A connection that is told when nothing has changed does what it does when it asks each time."""

import socket
from contextlib import suppress
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from ...kit.echo import Echo, Pair


class Wants(NamedTuple):
    """What it wants."""

    is_finished: bool
    patience: float
    takes_input: bool
    wants_tls: bool


class Steadfast(Echo):
    """An Echo that says when nothing has changed in what it wants."""

    @property
    def interest(self) -> Wants:  # type: ignore[override]
        takes_input = not self.is_finished and not self.is_held and len(self.outgoing) < self.room
        wants = Wants(self.is_finished, self.patience, takes_input, self.wants_tls)
        return STANCES.setdefault(wants, wants)


STANCES: dict[Wants, Wants] = {}
WORDS = st.sampled_from(
    ["x", "hold", "behind", "hold behind", "flood", "wake", "read", "leave", "impatient", "bye", "agreed"]
)


@given(st.lists(WORDS, max_size=12))
@settings(max_examples=60, deadline=None)
def test_a_stance_changes_nothing_but_the_work(words: list[str]) -> None:
    assert _course(Echo, words) == _course(Steadfast, words)


def _course(kind: type[Echo], words: list[str]) -> list[tuple[object, ...]]:
    """What can be seen after each word."""
    pair = Pair(kind=kind)
    pair.peer.setblocking(False)
    course: list[tuple[object, ...]] = []
    for word in words:
        _do(pair, word)
        pair.turns(2)
        heard = b"" if word != "read" else _heard(pair)
        connection = pair.connection
        course.append((heard, connection._events, connection._timer_patience, connection.is_closed, tuple(pair.echo.calls)))
    pair.close()
    return course


def _do(pair: Pair, word: str) -> None:
    if word == "wake":
        pair.echo.wake()
    elif word == "leave":
        pair.peer.shutdown(socket.SHUT_WR)
    elif word == "impatient":
        pair.echo.patience = min(pair.echo.patience, 250.0) - 10
    elif word != "read":
        with suppress(OSError):  # it has left, or is not read
            pair.peer.send(word.encode() + b"x" * (300_000 if word == "flood" else 0) + b"\n")


def _heard(pair: Pair) -> bytes:
    heard = b""
    with suppress(OSError):
        while data := pair.peer.recv(1 << 20):
            heard += data
            pair.turns(1)
    return heard
