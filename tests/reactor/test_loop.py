"""The loop: the order of a turn's steps, timers, signals."""

import errno
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reactor.loop import PART, READ, WRITE, Reactor


@pytest.fixture
def steps() -> list[str]:
    return []


@pytest.fixture
def still(steps: list[str]) -> Iterator[Reactor]:
    """A reactor for which no time passes: however busy the machine is, there is time for all in a turn."""
    yield from running(Reactor(clock=lambda: 1000.0), steps)


@pytest.fixture
def reactor(steps: list[str]) -> Iterator[Reactor]:
    yield from running(Reactor(), steps)


def running(reactor: Reactor, steps: list[str]) -> Iterator[Reactor]:
    reactor.before_write(lambda: steps.append("before"))
    reactor.after_write(lambda: steps.append("after"))
    yield reactor
    reactor.close()


def test_the_steps_of_a_turn_and_their_order(reactor: Reactor, steps: list[str]) -> None:
    ours, theirs = socket.socketpair()
    theirs.send(b"x")

    def read(events: int) -> None:
        steps.append("read")
        assert events == READ and ours.recv(1) == b"x"
        reactor.call_soon(lambda: steps.append("write"))
        reactor.call_later(0, lambda: steps.append("expire"))

    reactor.watch(ours, READ, read)
    reactor.turn()
    assert steps == ["read", "before", "write", "after", "expire"]
    ours.close()
    theirs.close()


@pytest.mark.parametrize("crowd", [1, 7, 8, 20])
def test_who_comes_while_a_crowd_is_read_is_read_in_the_same_turn(still: Reactor, steps: list[str], crowd: int) -> None:
    pairs = [socket.socketpair() for _ in range(crowd + 1)]
    late = pairs[-1]

    def read(ours: socket.socket) -> None:
        steps.append("late" if ours is late[0] else "read")
        ours.recv(1)
        if steps == ["read"]:
            late[1].send(b"x")

    for ours, theirs in pairs:
        still.watch(ours, READ, lambda _, ours=ours: read(ours))  # type: ignore[misc]
        if theirs is not late[1]:
            theirs.send(b"x")
    still.turn()
    assert steps == ["read"] * crowd + ["late"] * (crowd >= 8) + ["before", "after"]
    for pair in pairs:
        for end in pair:
            end.close()


def test_where_hundreds_are_ready_what_is_due_soon_is_done_in_between(still: Reactor, steps: list[str]) -> None:
    pairs = [socket.socketpair() for _ in range(2 * PART + 1)]

    def read(ours: socket.socket) -> None:
        steps.append("read")
        ours.recv(1)
        still.call_soon(lambda: steps.append("write"))

    for ours, theirs in pairs:
        still.watch(ours, READ, lambda _, ours=ours: read(ours))  # type: ignore[misc]
        theirs.send(b"x")
    still.turn()
    assert steps == (["read"] * PART + ["write"] * PART) * 2 + ["read", "before", "write", "after"]
    for pair in pairs:
        for end in pair:
            end.close()


@pytest.mark.parametrize(
    ("wanted_in", "timer_in", "patience"),
    [(None, None, 3600.0), (None, 2.0, 2.0), (1.5, None, 1.5), (1.5, 2.0, 1.5), (5.0, 2.0, 2.0), (0.0, 2.0, 0.0)],
)
def test_a_turn_waits_until_something_is_due(
    monkeypatch: pytest.MonkeyPatch, wanted_in: float | None, timer_in: float | None, patience: float
) -> None:
    """What somebody asked for, a timer, or nothing."""
    reactor = Reactor(clock=lambda: 1000.0)
    if wanted_in is not None:
        reactor.after_write(lambda: reactor.turn_within(wanted_in))
    waited: list[float] = []

    def select(seconds: float) -> list[object]:
        waited.append(seconds)
        return []

    monkeypatch.setattr(reactor._selector, "select", select)
    if timer_in is not None:
        reactor.call_later(timer_in, lambda: None)
    reactor.turn()
    reactor.turn()
    assert waited[1] == patience
    reactor.close()


def test_what_is_due_soon_is_done_without_waiting_and_once(reactor: Reactor, steps: list[str]) -> None:
    def again() -> None:
        steps.append("again")
        if len(steps) < 3:
            reactor.call_soon(again)

    reactor.call_soon(again)
    begun = time.monotonic()
    reactor.turn()
    assert steps == ["before", "again", "after"]
    reactor.turn()
    assert steps == ["before", "again", "after"] * 2
    assert time.monotonic() - begun < 5


def test_events_can_be_changed_and_given_up(reactor: Reactor) -> None:
    ours, theirs = socket.socketpair()
    seen: list[int] = []
    reactor.watch(ours, READ, seen.append)
    reactor.rewatch(ours, READ | WRITE, seen.append)
    reactor.turn()
    assert seen == [WRITE]
    reactor.unwatch(ours)
    reactor.call_later(0, lambda: None)
    reactor.turn()
    assert seen == [WRITE]
    ours.close()
    theirs.close()


def test_timers_come_in_the_order_of_their_time(reactor: Reactor, steps: list[str]) -> None:
    for delay in (0.02, 0.0, 0.01, 0.0):
        reactor.call_later(delay, lambda delay=delay: steps.append(f"{delay}"))  # type: ignore[misc]
    reactor.call_later(0.03, reactor.stop)
    reactor.run()
    assert [step for step in steps if step not in ("before", "after")] == ["0.0", "0.0", "0.01", "0.02"]


def test_a_cancelled_timer_is_not_called_and_not_kept(reactor: Reactor, steps: list[str]) -> None:
    for _ in range(10_000):
        timer = reactor.call_later(1000, lambda: steps.append("never"))
        timer.cancel()
        timer.cancel()
        assert len(reactor._timers) <= 202
    short = [reactor.call_later(0, lambda: steps.append("never")) for _ in range(3)]
    for timer in short:
        timer.cancel()
    reactor.call_later(0, reactor.stop)
    reactor.run()
    assert "never" not in steps


def test_a_timer_that_was_called_cannot_be_cancelled(reactor: Reactor) -> None:
    timer = reactor.call_later(0, reactor.stop)
    reactor.run()
    timer.cancel()
    assert reactor._forgotten == 0


def test_of_several_wishes_to_turn_soon_the_first_one_decides_for_one_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    reactor = Reactor(clock=lambda: 1000.0)
    wishes = iter([[5.0, 0.5, 1.0], [2.0, 3.0], [], []])
    waits: list[float] = []

    def select(seconds: float) -> list[object]:
        waits.append(seconds)
        return []

    def wish() -> None:
        for seconds in next(wishes):
            reactor.turn_within(seconds)

    monkeypatch.setattr(reactor._selector, "select", select)
    reactor.before_write(lambda: reactor.turn_within(4.0))
    reactor.after_write(wish)
    for _ in range(4):
        reactor.turn()
    assert waits == [3600.0, 0.5, 2.0, 4.0]
    reactor.close()


def test_any_number_is_called_in_the_order_in_which_they_came(steps: list[str]) -> None:
    reactor = Reactor()
    for number in range(3):
        reactor.before_write(lambda number=number: steps.append(f"before {number}"))  # type: ignore[misc]
        reactor.after_write(lambda number=number: steps.append(f"after {number}"))  # type: ignore[misc]
    reactor.turn_within(0)
    reactor.turn()
    assert steps == ["before 0", "before 1", "before 2", "after 0", "after 1", "after 2"]
    reactor.close()


def test_it_says_whether_others_had_work_and_how_long_they_waited_for_it() -> None:
    idle: list[bool] = []
    waits: list[float] = []

    def work(_: int) -> None:
        time.sleep(0.1)  # as for a disk: nobody waits for a client meanwhile

    reactor = Reactor()
    reactor.after_write(lambda: idle.append(reactor.is_idle))
    reactor.after_write(lambda: waits.append(reactor.waited))
    ours, theirs = socket.socketpair()
    reactor.watch(ours, READ, work)
    reactor.call_later(0.01, lambda: None)
    reactor.turn()
    theirs.send(b"x")
    reactor.turn()
    assert idle == [True, False]
    assert waits[0] > 0.005 and waits[1] < 0.1
    reactor.close()
    ours.close()
    theirs.close()


def test_a_signal_wakes_the_loop_and_is_called_in_it(reactor: Reactor, steps: list[str]) -> None:
    reactor.on_signal(signal.SIGUSR1, lambda: steps.append("usr1"))
    reactor.on_signal(signal.SIGUSR2, reactor.stop)
    os.kill(os.getpid(), signal.SIGUSR1)
    os.kill(os.getpid(), signal.SIGUSR1)
    os.kill(os.getpid(), signal.SIGUSR2)
    reactor.run()
    assert steps == ["usr1", "before", "after"]


def test_signals_after_the_end_are_ignored() -> None:
    reactor = Reactor()
    reactor.on_signal(signal.SIGUSR1, lambda: None)
    reactor.close()
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN
    assert signal.set_wakeup_fd(-1) == -1


def test_a_callback_that_fails_ends_nothing(reactor: Reactor, steps: list[str], caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ZeroDivisionError("a bug")

    reactor.call_soon(fail)
    reactor.call_soon(lambda: steps.append("soon"))
    reactor.call_later(0, fail)
    reactor.call_later(0, lambda: steps.append("later"))
    reactor.turn()
    assert steps == ["before", "soon", "after", "later"] and caplog.text.count("ZeroDivisionError: a bug") == 2


def test_a_turn_that_did_not_wait_is_quiet_and_not_idle(steps: list[str]) -> None:
    reactor = Reactor()
    seen: list[tuple[bool, bool]] = []

    def before_write() -> None:
        seen.append((reactor.is_quiet, reactor.is_idle))
        if not reactor.is_quiet:
            reactor.turn_within(0)

    reactor.before_write(before_write)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        reactor.watch(ours, READ, lambda _: steps.append(str(ours.recv(9))))
        theirs.send(b"x")
        for _ in range(2):
            reactor.turn()
    reactor.close()
    assert seen == [(False, False), (True, False)]


@pytest.mark.parametrize("register", [Reactor.before_write, Reactor.after_write])
def test_who_fails_in_a_step_ends_nothing_and_the_others_are_called(
    register: Callable[[Reactor, Callable[[], None]], None], steps: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("a bug")

    reactor = Reactor()
    register(reactor, fail)
    register(reactor, lambda: steps.append("called"))
    reactor.call_later(0, reactor.stop)
    reactor.run()
    assert "ZeroDivisionError: a bug" in caplog.text and steps
    reactor.close()


def test_a_turn_that_is_asked_for_does_not_wait(reactor: Reactor) -> None:
    begun = time.monotonic()
    reactor.turn_within(0)
    reactor.turn()
    reactor.call_later(0.05, lambda: None)
    reactor.turn()
    assert 0.03 < time.monotonic() - begun < 5


@pytest.mark.parametrize("code", [errno.ENOMEM, errno.EINVAL, errno.EIO])
def test_the_loop_goes_on_when_the_system_cannot_say_who_is_ready(
    reactor: Reactor, steps: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    real, failures = reactor._selector.select, iter([True, True])

    def select(timeout: float | None = None) -> Any:
        if next(failures, False):
            raise OSError(code, os.strerror(code))
        return real(timeout)

    monkeypatch.setattr(reactor._selector, "select", select)
    ours, theirs = socket.socketpair()
    theirs.send(b"x")
    reactor.watch(ours, READ, lambda _: (steps.append("read"), reactor.stop()))  # type: ignore[arg-type, func-returns-value]
    reactor.run()
    assert steps.count("read") == 1 and caplog.text.count("tried again") == 2
    ours.close()
    theirs.close()
