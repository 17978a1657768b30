"""The offload: what it is given is called off the loop, one after another, and told in the loop."""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from reactor.loop import Reactor
from reactor.offload import Offload

from ..kit.support import ROOT

LIMIT = 10.0
"""Seconds after which a test has failed; none takes so long."""


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    reactor = Reactor()
    yield reactor
    reactor.close()


@pytest.fixture
def offload(reactor: Reactor) -> Iterator[Offload]:
    offload = Offload(reactor)
    yield offload
    offload.close()


class Gate:
    """A call that lasts until it is let go."""

    def __init__(self) -> None:
        self.has_begun = threading.Event()
        self.may_end = threading.Event()

    def __call__(self) -> str:
        self.has_begun.set()
        assert self.may_end.wait(LIMIT)
        return "through the gate"


def turn_until(reactor: Reactor, happened: Callable[[], bool]) -> None:
    timer = reactor.call_later(LIMIT, lambda: pytest.fail("it did not happen"))
    while not happened():
        assert timer.callback
        reactor.turn()
    timer.cancel()


def test_the_result_is_told_in_the_thread_of_the_loop(reactor: Reactor, offload: Offload) -> None:
    told: list[tuple[int | None, int]] = []
    offload.submit(threading.get_ident, lambda result: told.append((result, threading.get_ident())))
    turn_until(reactor, lambda: bool(told))
    ((worked_in, told_in),) = told
    assert told_in == threading.get_ident() and worked_in not in (None, told_in)


def test_calls_are_made_one_after_another_in_one_thread_and_told_in_order(reactor: Reactor, offload: Offload) -> None:
    running: list[int] = []
    threads: set[int] = set()
    told: list[int | None] = []

    def work(number: int) -> Callable[[], int]:
        def call() -> int:
            running.append(number)
            assert running == [number]
            threads.add(threading.get_ident())
            running.remove(number)
            return number

        return call

    for number in range(100):
        offload.submit(work(number), told.append)
    turn_until(reactor, lambda: len(told) == 100)
    assert told == list(range(100)) and len(threads) == 1


def test_the_loop_goes_on_while_a_call_is_made(reactor: Reactor, offload: Offload) -> None:
    gate, told = Gate(), list[str | None]()
    offload.submit(gate, told.append)
    assert gate.has_begun.wait(LIMIT)
    for _ in range(3):
        reactor.call_soon(lambda: None)
        reactor.turn()
    assert told == []
    gate.may_end.set()
    turn_until(reactor, lambda: told == ["through the gate"])


def fail() -> int:
    raise ZeroDivisionError("a bug")


class Panic(BaseException):
    """What no `except Exception` catches."""


def panic() -> int:
    raise Panic


def test_a_call_that_fails_is_logged_and_told_as_none(
    reactor: Reactor, offload: Offload, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[int | None] = []
    for work in (fail, panic, lambda: 3):
        offload.submit(work, told.append)
    turn_until(reactor, lambda: len(told) == 3)
    assert told == [None, None, 3]
    assert "ZeroDivisionError: a bug" in caplog.text and "in fail" in caplog.text and "Panic" in caplog.text


def test_one_that_fails_when_it_is_told_keeps_the_others_from_nothing(
    reactor: Reactor, offload: Offload, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[int | None] = []
    offload.submit(lambda: 1, lambda _: told.append(fail()))
    offload.submit(lambda: 2, told.append)
    turn_until(reactor, lambda: told == [2])
    assert "ZeroDivisionError: a bug" in caplog.text


def test_a_call_that_was_taken_back_is_neither_made_nor_told_nor_kept(reactor: Reactor, offload: Offload) -> None:
    gate, told, made = Gate(), list[object](), list[object]()
    begun = offload.submit(gate, told.append)
    assert gate.has_begun.wait(LIMIT)
    for number in range(100):
        offload.submit(lambda number=number: made.append(number), told.append).cancel()  # type: ignore[misc]
    assert not offload._jobs
    begun.cancel()
    begun.cancel()
    gate.may_end.set()
    last = offload.submit(lambda: "last", told.append)
    turn_until(reactor, lambda: bool(told))
    last.cancel()
    assert told == ["last"] and made == []


def test_what_was_made_can_still_be_taken_back(reactor: Reactor, offload: Offload) -> None:
    told: list[object] = []
    jobs = [offload.submit(lambda: "first", told.append), offload.submit(lambda: "second", lambda _: jobs[2].cancel())]
    jobs.append(offload.submit(lambda: "third", told.append))
    gate = Gate()
    offload.submit(gate, told.append)
    assert gate.has_begun.wait(LIMIT)  # so the others have been made
    gate.may_end.set()
    turn_until(reactor, lambda: "through the gate" in told)
    assert told == ["first", "through the gate"]


def test_there_is_no_thread_before_the_first_call(reactor: Reactor, offload: Offload) -> None:
    before = threading.active_count()
    assert offload._thread is None
    told: list[object] = []
    offload.submit(lambda: 1, told.append)
    turn_until(reactor, lambda: bool(told))
    offload.submit(lambda: 1, told.append)
    assert threading.active_count() == before + 1


def test_a_system_without_another_thread_is_an_error_and_is_asked_again(
    reactor: Reactor, offload: Offload, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    told: list[object] = []
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError):
            offload.submit(lambda: 1, told.append)
    offload.submit(lambda: 2, told.append)
    turn_until(reactor, lambda: bool(told))
    assert told == [2]


# Closing


def test_after_the_end_nothing_is_called(reactor: Reactor, monkeypatch: pytest.MonkeyPatch) -> None:
    offload = Offload(reactor)
    gate, told = Gate(), list[object]()
    unwatch = reactor.unwatch

    def let_go(file: socket.socket) -> None:
        """While it is being closed."""
        gate.may_end.set()
        unwatch(file)

    monkeypatch.setattr(reactor, "unwatch", let_go)
    offload.submit(gate, told.append)
    offload.submit(lambda: told.append("made"), told.append)
    assert gate.has_begun.wait(LIMIT)
    thread = offload._thread
    offload.close()
    offload.close()
    offload.submit(lambda: told.append("later"), told.append)
    assert thread and not thread.is_alive()
    assert offload._ours.fileno() == offload._theirs.fileno() == -1
    reactor.call_soon(lambda: None)
    reactor.turn()
    assert told == []


def test_what_was_made_and_not_told_before_the_end_is_not_told(reactor: Reactor) -> None:
    offload = Offload(reactor)
    told: list[object] = []
    gate = Gate()
    gate.may_end.set()
    offload.submit(gate, told.append)
    second = Gate()
    offload.submit(second, told.append)
    assert second.has_begun.wait(LIMIT)  # so the first has been made
    second.may_end.set()
    offload.close()
    reactor.call_soon(lambda: None)
    reactor.turn()
    assert told == []


def test_it_can_be_closed_by_what_is_told(reactor: Reactor) -> None:
    offload = Offload(reactor)
    told: list[object] = []
    second = Gate()

    def close(_: object) -> None:
        told.append("first")
        second.may_end.set()
        offload.close()

    offload.submit(lambda: 1, close)
    offload.submit(second, told.append)
    assert second.has_begun.wait(LIMIT)
    turn_until(reactor, lambda: bool(told))
    reactor.call_soon(lambda: None)
    reactor.turn()
    assert told == ["first"]


def test_a_turn_in_which_it_is_closed_after_it_was_woken_tells_nothing(reactor: Reactor) -> None:
    offload = Offload(reactor)
    offload._theirs.send(b"\0")
    offload.close()
    offload._collect(0)


def test_one_that_was_never_used_is_closed_without_a_thread(reactor: Reactor) -> None:
    offload = Offload(reactor)
    offload.close()
    assert offload._thread is None and offload._ours.fileno() == offload._theirs.fileno() == -1


@pytest.mark.parametrize("ending", ["", "offload.close()"])
def test_a_call_that_never_ends_does_not_keep_python_from_ending(ending: str) -> None:
    program = (
        "import threading; from reactor import offload as module; from reactor.loop import Reactor\n"
        "module.PATIENCE = 0.01; offload = module.Offload(Reactor()); has_begun = threading.Event()\n"
        "offload.submit(lambda: has_begun.set() or threading.Event().wait(), print)\n"
        f"has_begun.wait()\n{ending}\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=30, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
