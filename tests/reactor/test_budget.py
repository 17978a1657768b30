"""No turn takes long, and nobody waits for long, however much others have sent."""

import socket
from collections import Counter

import pytest

from reactor import loop
from reactor.loop import READ, Reactor

from ..kit.echo import Clock


class Crowd:
    """Sockets that stay ready, each of which takes so many seconds."""

    def __init__(self, count: int, takes: float) -> None:
        self.clock = Clock()
        self.reactor = Reactor(clock=self.clock)
        self.calls: Counter[int] = Counter()
        self.takes = takes
        self.longest = 0.0
        self.pairs = [socket.socketpair() for _ in range(count)]
        for number, (ours, theirs) in enumerate(self.pairs):
            theirs.send(b"x")
            self.reactor.watch(ours, READ, lambda _, number=number: self.work(number))  # type: ignore[misc]

    def work(self, number: int) -> None:
        self.calls[number] += 1
        self.clock.now += self.takes

    def turn(self) -> None:
        began = self.clock.now
        self.reactor.turn()
        self.longest = max(self.longest, self.clock.now - began)

    def close(self) -> None:
        self.reactor.close()
        for pair in self.pairs:
            for end in pair:
                end.close()


@pytest.mark.parametrize("count", [1, 8, 128, 300])
def test_the_read_step_ends_in_time_and_all_have_their_turn(count: int) -> None:
    crowd = Crowd(count, 0.003)
    rounds = 0
    while min(crowd.calls[number] for number in range(count)) < 3:
        crowd.turn()
        rounds += 1
        assert rounds < 1000
    assert crowd.longest <= loop.BUDGET + loop._LOOK_AT_THE_CLOCK * crowd.takes + 1e-6
    assert max(crowd.calls.values()) <= 2 * 3 + 2, "nobody was forgotten while others came again and again"
    crowd.close()


@pytest.mark.parametrize("count", [200, 2000])
def test_who_asks_for_little_waits_for_two_turns_at_most(count: int) -> None:
    """However many are always ready; and they have their turn, too."""
    crowd = Crowd(count, 0.001)
    ours, theirs = socket.socketpair()
    waits: list[float] = []
    asked = 0.0

    def answer(_: int) -> None:
        ours.recv(1)
        waits.append(crowd.clock.now - asked)

    crowd.reactor.watch(ours, READ, answer)
    for _ in range(count // 4):
        crowd.turn()
        asked, before = crowd.clock.now, len(waits)
        theirs.send(b"x")
        while len(waits) == before:
            crowd.turn()
    assert max(waits) <= 2 * loop.BUDGET + loop._LOOK_AT_THE_CLOCK * crowd.takes
    assert min(crowd.calls[number] for number in range(count)) >= 5
    crowd.reactor.unwatch(ours)
    ours.close()
    theirs.close()
    crowd.close()


def test_many_who_come_and_go_do_not_keep_others_out() -> None:
    """More than are read in a turn are ready each other time, in turns."""
    crowd = Crowd(1000, 0.001)
    for number in range(5, 1000):
        crowd.reactor.unwatch(crowd.pairs[number][0])
    for turn in range(400):
        for number in range(5, 1000):
            if (turn + number) % 2:
                crowd.reactor.watch(crowd.pairs[number][0], READ, lambda _, number=number: crowd.work(number))  # type: ignore[misc]
        crowd.turn()
        for number in range(5, 1000):
            if (turn + number) % 2:
                crowd.reactor.unwatch(crowd.pairs[number][0])
    assert min(crowd.calls[number] for number in range(5)) >= 3
    crowd.close()


def test_what_can_wait_holds_up_nobody() -> None:
    """Those behind have 50 ms of work each; who comes is read in the next turn."""
    crowd = Crowd(1, 0.0)
    behind: Counter[int] = Counter()

    def catch_up(number: int) -> None:
        behind[number] += 1
        crowd.clock.now += 0.005
        crowd.reactor.call_last(lambda: catch_up(number))

    for number in range(100):
        crowd.reactor.call_last(lambda number=number: catch_up(number))  # type: ignore[misc]
    for turns in range(1, 101):
        crowd.turn()
        assert crowd.calls[0] == turns
    assert crowd.longest <= loop.BUDGET + loop._LOOK_AT_THE_CLOCK * 0.005
    assert max(behind.values()) - min(behind.values()) <= 1
    crowd.close()


def test_who_is_behind_waits_for_those_who_had_no_time_yet() -> None:
    crowd = Crowd(200, 0.001)
    caught_up: list[int] = []

    def catch_up(number: int) -> None:
        caught_up.append(number)
        crowd.clock.now += 0.001

    for number in range(100):
        crowd.reactor.call_last(lambda number=number: catch_up(number))  # type: ignore[misc]
    began, turns = crowd.clock.now, 0
    while min(crowd.calls[number] for number in range(200)) == 0:
        crowd.turn()
        turns += 1
    assert 0 < len(caught_up) <= turns * loop._LOOK_AT_THE_CLOCK, "some are, so that nobody waits for ever"
    assert crowd.clock.now - began <= (1.5 * 200 + 2 * loop._LOOK_AT_THE_CLOCK) * 0.001
    while len(caught_up) < 100:
        crowd.turn()
    assert caught_up == list(range(100))
    crowd.close()


def test_the_write_step_goes_on_in_the_next_turn_in_order() -> None:
    clock = Clock()
    reactor = Reactor(clock=clock)
    called: list[int] = []

    def call(number: int) -> None:
        called.append(number)
        clock.now += 0.004

    for number in range(50):
        reactor.call_soon(lambda number=number: call(number))  # type: ignore[misc]
    reactor.turn()
    assert 5 <= len(called) < 20
    while len(called) < 50:
        reactor.turn()
    assert called == list(range(50))
    reactor.close()


def test_the_more_are_ready_the_smaller_is_the_share(monkeypatch: pytest.MonkeyPatch) -> None:
    for count, share in ((1, 50), (20, 50), (100, 10), (500, 2)):
        crowd = Crowd(count, 0.0)
        shares: list[int] = []
        monkeypatch.setattr(crowd, "work", lambda _, crowd=crowd, shares=shares: shares.append(crowd.reactor.share(50)))
        crowd.turn()
        assert set(shares) == {share}
        crowd.close()


def test_the_more_are_ready_the_less_is_read_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """2,000 clients that send without end: with 64 KiB of each, a round took 240 ms, and the memory of all that 145 MiB."""
    for count, size in ((1, 65_536), (loop.PART, 65_536), (256, 32_768), (500, 16_777), (2000, 4_194), (5000, 4_096)):
        crowd = Crowd(count, 0.0)
        sizes: list[int] = []
        monkeypatch.setattr(crowd, "work", lambda _, crowd=crowd, sizes=sizes: sizes.append(crowd.reactor.read_size))
        crowd.turn()
        assert set(sizes) == {size}
        crowd.close()


def test_timers_and_signals_have_their_turn() -> None:
    crowd = Crowd(100, 0.01)
    due: list[float] = []
    crowd.reactor.call_later(0.05, lambda: due.append(crowd.clock.now))
    since = crowd.clock.now
    while not due:
        crowd.turn()
    assert due[0] - since < 0.05 + 2 * (loop.BUDGET + loop._LOOK_AT_THE_CLOCK * 0.01)
    crowd.close()
