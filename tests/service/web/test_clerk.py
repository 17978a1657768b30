"""The process that keeps the index asks for little of the processor, and for the least while there is much to do."""

import os
import subprocess
import sys

import pytest

from service.web.clerk import CALM, FIRST, MUCH, STARVED, STARVED_SHARE, Priority, ask_for_the_least


class World:
    """A priority, with clocks that are set."""

    def __init__(self) -> None:
        self.lowered = 0
        self.now, self.worked = 100.0, 1.0
        self.priority = Priority(self._lower, lambda: self.now, lambda: self.worked)

    def _lower(self) -> None:
        self.lowered += 1

    def find_much(self) -> None:
        """As many as have the usual priority."""
        for _ in range(FIRST // MUCH):
            assert self.lowered == 0 and not self.priority.is_over(MUCH, True)


def test_it_asks_for_the_least_once_there_is_much_and_is_over_when_it_is_calm() -> None:
    world = World()
    for _ in range(FIRST):
        assert not world.priority.is_over(MUCH - 1, True)
    world.now += 2 * CALM
    assert not world.priority.is_over(0, False) and world.lowered == 0, "it has the usual priority still"
    world.find_much()
    assert world.lowered == 1
    assert not world.priority.is_over(MUCH, True) and world.lowered == 1, "once"
    world.now += CALM + 1
    assert not world.priority.is_over(0, True), "it reads a mailbox again"
    world.now += CALM
    assert not world.priority.is_over(0, False)
    world.now += 1
    assert world.priority.is_over(0, False)


def test_it_is_over_when_it_gets_next_to_nothing() -> None:
    world = World()
    world.find_much()
    for _ in range(3):
        world.now += STARVED
        world.worked += STARVED * STARVED_SHARE
        assert not world.priority.is_over(MUCH, True), "it goes on well enough"
    world.now += STARVED - 1
    assert not world.priority.is_over(1, True)
    world.now += 1
    world.worked += STARVED * STARVED_SHARE - 0.01
    assert world.priority.is_over(1, True)


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="only Linux has this class")
def test_the_least_is_what_nobody_else_wants() -> None:
    program = "import os, service.web.clerk as clerk; clerk.ask_for_the_least(); print(os.sched_getscheduler(0))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert int(said) == os.SCHED_IDLE


def test_where_that_is_forbidden_it_is_as_nice_as_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def forbidden(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", forbidden, raising=False)
    monkeypatch.setattr(os, "nice", asked.append)
    ask_for_the_least()
    assert asked == [19]
