"""Runs coroutines on the reactor, several at once.

Knows nothing about what they do.
"""

from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from typing import Any, Generic, TypeVar

from reactor.loop import Reactor, Timer

T = TypeVar("T")


class Waiting(Generic[T]):
    """Something that will be there later. Await it in one coroutine; `bring` ends the wait."""

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._timer: Timer | None = None
        self._value: T
        self.is_over = False
        self.wake: Callable[[], None] | None = None

    def bring(self, value: T) -> None:
        """Ends the wait. Without effect if it is over."""
        if self.is_over:
            return
        self.is_over = True
        self._value = value
        if self._timer:
            self._timer.cancel()
        if self.wake:
            self._reactor.call_soon(self.wake)

    def bring_after(self, seconds: float, value: T) -> None:
        """Ends the wait after so many seconds, if it is not over before."""
        self._timer = self._reactor.call_later(seconds, lambda: self.bring(value))

    def __await__(self) -> Generator[Any, None, T]:
        if not self.is_over:
            yield self
        return self._value


class Tasks:
    """Runs coroutines, at most `at_once` of them at a time.

    `ended` is called whenever one has ended, with how many have, and of how many. An exception of one ends the run.
    """

    def __init__(self, reactor: Reactor, at_once: int, ended: Callable[[int, int], None] = lambda number, all: None) -> None:
        self._reactor = reactor
        self.at_once = at_once
        self._ended = ended
        self._jobs: list[tuple[int, Coroutine[Any, Any, Any]]] = []
        self._results: dict[int, Any] = {}
        self._fault: BaseException | None = None
        self._running = 0

    def together(self, jobs: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
        """Runs coroutines to their ends; returns their results in the order of the coroutines."""
        self._jobs = list(enumerate(jobs))[::-1]
        self._results, self._fault = {}, None
        if not jobs:
            return []
        self._reactor.call_soon(self._begin)
        self._reactor.run()
        if self._fault:
            for _, job in self._jobs:
                job.close()
            raise self._fault
        return [self._results[number] for number in range(len(jobs))]

    def _begin(self) -> None:
        while self._jobs and self._running < self.at_once and not self._fault:
            number, job = self._jobs.pop()
            self._running += 1
            self._step(number, job)

    def _step(self, number: int, job: Coroutine[Any, Any, Any]) -> None:
        if self._fault:
            return
        try:
            waiting: Waiting[Any] = job.send(None)
        except StopIteration as end:
            self._results[number] = end.value
            self._end()
        except BaseException as fault:  # noqa: BLE001 (it is raised again by `together`)
            self._fault = fault
            self._reactor.stop()
        else:
            waiting.wake = lambda: self._step(number, job)

    def _end(self) -> None:
        self._running -= 1
        total = len(self._results) + self._running + len(self._jobs)
        self._ended(len(self._results), total)
        if self._jobs:
            self._reactor.call_soon(self._begin)
        elif not self._running:
            self._reactor.stop()


def pause(reactor: Reactor, seconds: float) -> Awaitable[None]:
    """Something that is there after so many seconds."""
    waiting: Waiting[None] = Waiting(reactor)
    waiting.bring_after(seconds, None)
    return waiting
