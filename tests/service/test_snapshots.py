"""Snapshots: datagrams that fit, that arrive, or that are dropped; whoever sends them never waits."""

import itertools
import os
import signal
import socket
import time

import pytest

from protocol.engine.ends import Ending
from protocol.engine.events import Event
from protocol.esmtp.table import Esmtp
from reactor.loop import Reactor
from service.snapshots import LONGEST, Row, Snapshot, Snapshots, datagrams, parsed


def largest() -> list[Row]:
    """More moves than any table has, with large numbers."""
    events = [*Event.__members__, *Ending.__members__]
    labels = itertools.product(Esmtp.__members__, events, list(Esmtp.__members__)[:3], ["250", "550"])
    return [Row("moves", each, 2**53 + number) for number, each in enumerate(labels)]


def test_the_largest_table_fits_and_nothing_of_it_is_lost() -> None:
    rows = largest()
    sent = list(datagrams(3, 1.5, rows))
    assert len(sent) > 2 and max(map(len, sent)) < LONGEST
    snapshots = [parsed(datagram) for datagram in sent]
    assert [row for snapshot in snapshots for row in snapshot.rows] == rows
    assert {snapshot[:3] for snapshot in snapshots} == {(3, os.getpid(), 1.5)}


def test_a_datagram_of_somebody_else_is_none() -> None:
    for datagram in (b"", b"{}", b"[1]", b"\xff", b"[1,2,3,4,[[1]]]"):
        with pytest.raises((ValueError, TypeError)):
            parsed(datagram)


def taken(snapshots: Snapshots) -> list[Snapshot]:
    with socket.socket(fileno=os.dup(snapshots.descriptor)) as reader:
        found = []
        while True:
            try:
                found.append(parsed(reader.recv(LONGEST)))
            except BlockingIOError:
                return found


def test_they_come_once_a_second() -> None:
    times = [0.0]
    reactor, snapshots = Reactor(lambda: times[-1]), Snapshots()
    snapshots.begin(reactor, 2, lambda: [Row("messages", (), times[-1])])
    for time_of_turn in (0.9, 1.0, 1.5, 2.1):
        times.append(time_of_turn)
        reactor.turn_within(0)
        reactor.turn()
    found = taken(snapshots)
    assert [snapshot.rows for snapshot in found] == [[Row("messages", (), value)] for value in (0.0, 1.0, 2.1)]
    assert found[0].number == 2 and found[0].began <= found[0].at <= time.monotonic() and snapshots.dropped == 0
    snapshots.close()
    reactor.close()


def test_nobody_waits_for_a_reader_that_stands_still() -> None:
    reactor, snapshots = Reactor(), Snapshots()
    rows = largest()
    began = time.monotonic()
    for number in range(100):
        snapshots.begin(reactor, number, lambda: rows[:300])
    assert time.monotonic() - began < 5
    found = taken(snapshots)
    assert found and len(found) + snapshots.dropped == 100
    snapshots.close()
    reactor.close()


def test_it_is_no_end_of_the_sender_when_nobody_can_read_any_more() -> None:
    reactor, snapshots = Reactor(), Snapshots()
    before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.close(snapshots._theirs.detach())
        snapshots.begin(reactor, 1, lambda: [Row("messages", (), 1)])
    finally:
        signal.signal(signal.SIGPIPE, before)
    assert snapshots.dropped == 1
    snapshots.close()
    reactor.close()
