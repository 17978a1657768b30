"""What a serving process counts: moves of sessions, mail, the work of its store. A row for each figure.

It does as little as possible for a command: a move is put in a list, and many are counted together. What follows from the
counts of moves is found out elsewhere (`service/web/figures.py`). Knows nothing about who wants to know.
"""

import time
from collections import Counter
from collections.abc import Iterator
from enum import Enum

from protocol.engine.environment import Follow, Move
from protocol.engine.table import State
from reactor.logs import dropped
from storage.contract import Conditioned, Figured

from .snapshots import Row

MOST_NEW = 1000
"""Moves that are kept to be counted together: that takes half the time of counting each as it comes."""


class Counts:
    """The counts of a process. Fulfils `storage.contract.Meter`."""

    def __init__(self) -> None:
        self._new: list[Move] = []
        self._moves: Counter[Move] = Counter()
        self._begun: Counter[State] = Counter()
        self.forget()

    def forget(self) -> None:
        """Begins anew, in a process that has inherited the counts of another one."""
        self._new.clear()
        self._moves.clear()
        self._begun.clear()
        self._messages = self._octets = 0
        self._syncs = self._slices = 0
        self._syncing = self._moving = 0.0

    # What sessions do

    @property
    def follow(self) -> Follow:
        """What follows all sessions. Whoever makes turns calls `add_up` in each."""
        return self._new.append

    def add_up(self) -> None:
        """Counts the moves of the last turns, if they are many."""
        if len(self._new) > MOST_NEW:
            self._count()

    def _count(self) -> None:
        self._moves.update(self._new)
        self._new.clear()

    def begun(self, state: State) -> None:
        """A session has begun in this state. It ends with the move to the last state of its table."""
        self._begun[state] += 1

    def stored(self, octets: int) -> None:
        """A message was stored."""
        self._messages += 1
        self._octets += octets

    # What the store does

    def synced(self, seconds: float) -> None:
        """The journal was synced."""
        self._syncs += 1
        self._syncing += seconds

    def moved(self, seconds: float) -> None:
        """Mail was moved for so long."""
        self._slices += 1
        self._moving += seconds

    # What was counted

    def sessions(self, closed: State) -> dict[State, int]:
        """How many sessions are in each state now; `closed` is the one in which they are over."""
        self._count()
        now = dict(self._begun)
        for (before, _, after, _), count in self._moves.items():
            if after is not before:
                now[before] = now.get(before, 0) - count
                now[after] = now.get(after, 0) + count
        now.pop(closed, None)
        return now

    def rows(self, closed: State) -> Iterator[Row]:
        """All counts, and the sessions in each state."""
        self._count()
        yield Row("accepted", (), sum(self._begun.values()))
        yield Row("messages", (), self._messages)
        yield Row("octets", (), self._octets)
        yield Row("syncs", (), self._syncs)
        yield Row("syncing", (), self._syncing)
        yield Row("slices", (), self._slices)
        yield Row("moving", (), self._moving)
        yield Row("cpu", (), time.process_time())
        yield Row("log_dropped", (), dropped())
        for state, number in self.sessions(closed).items():
            yield Row("sessions", (_name(state),), number, is_gauge=True)
        for (before, event, after, code), count in self._moves.items():
            yield Row("moves", (_name(before), _name(event), _name(after), str(code) if code else ""), count)


def rows_of_store(store: object) -> Iterator[Row]:
    """How a store stands, if it can tell."""
    if isinstance(store, Conditioned):
        fullness, waiting, postponed, in_doubt = store.condition
        yield Row("fullness", (), fullness, is_gauge=True)
        yield Row("waiting", (), waiting, is_gauge=True)
        yield Row("postponed", (), postponed, is_gauge=True)
        yield Row("in_doubt", (), in_doubt, is_gauge=True)
    if isinstance(store, Figured):
        for name, label, value, is_gauge in store.figures():
            yield Row(name, (label,) if label else (), value, is_gauge)


def _name(member: Enum) -> str:
    return member.name
