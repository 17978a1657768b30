"""A thread beside the loop for calls that would block it. It makes them one after another, and the loop gets the results.

Knows nothing about what the calls are for.
"""

import logging
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from .loop import READ, Reactor

log = logging.getLogger("carteiro.reactor")

PATIENCE = 2.0
"""Seconds that `close` waits for a running call: foreign code should not outlive the Python interpreter."""

T = TypeVar("T")


class Job:
    """A submitted call; `cancel` cancels it."""

    __slots__ = ("_offload", "done", "work")

    def __init__(self, offload: "Offload", work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        self._offload = offload
        self.work = work
        self.done: Callable[[Any], None] | None = done

    def cancel(self) -> None:
        """Drops the call, unless it has begun, and makes sure that `done` is not called. Only in the loop's thread."""
        self.done = None
        self._offload.forget(self)


class Offload:
    """Makes costly calls in a thread, which is started with the first call. Close it before its reactor."""

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._jobs: dict[Job, None] = {}
        self._jobs_changed = threading.Condition()
        self._made: deque[tuple[Job, Any]] = deque()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._theirs.setblocking(False)
        reactor.watch(self._ours, READ, self._collect)

    @property
    def waiting(self) -> int:
        """The number of calls that have not begun."""
        return len(self._jobs)

    def submit(self, work: Callable[[], T], done: Callable[[T | None], None]) -> Job:
        """Calls `work()` in the thread, after all earlier jobs; then `done(result)` in the loop's read step.

        If `work` raises, the exception is logged and the result is None. Cancel a job whose result is no longer needed: the
        queue has no limit. After `close` nothing is called. Only in the loop's thread. Raises RuntimeError if the thread
        cannot be started.
        """
        job = Job(self, work, done)
        if self._is_closed:
            return job
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="offload", daemon=True)
            thread.start()
            self._thread = thread
        with self._jobs_changed:
            self._jobs[job] = None
            self._jobs_changed.notify()
        return job

    def beside(self, work: Callable[[], T], done: Callable[[T | None], None]) -> Callable[[], None]:
        """Calls `submit` and returns the job's `cancel`."""
        return self.submit(work, done).cancel

    def forget(self, job: Job) -> None:
        """Removes a job from the queue, if it has not begun. Only in the loop's thread."""
        with self._jobs_changed:
            self._jobs.pop(job, None)

    def close(self) -> None:
        """Ends the thread after the running call. No further `work` or `done` is called."""
        if self._is_closed:
            return
        with self._jobs_changed:
            self._is_closed = True
            self._jobs_changed.notify()
        self._reactor.unwatch(self._ours)
        self._ours.close()
        if self._thread is None:
            self._theirs.close()
        else:
            self._thread.join(PATIENCE)

    def _collect(self, _: int) -> None:
        if self._is_closed:  # another callback of this turn has closed it
            return
        self._ours.recv(4096)
        while self._made and not self._is_closed:
            job, result = self._made.popleft()
            try:
                if job.done:
                    job.done(result)
            except Exception:
                log.exception("what was to be told of a call failed")

    # In the thread

    def _run(self) -> None:
        with self._theirs:
            while job := self._next():
                result = None
                try:
                    result = job.work()
                except BaseException:  # a panic in Rust code is not an Exception
                    log.exception("a call beside the loop failed")
                self._made.append((job, result))
                with suppress(OSError):  # the socket is full, so the loop wakes anyway, or it is closed
                    self._theirs.send(b"\0")

    def _next(self) -> Job | None:
        with self._jobs_changed:
            self._jobs_changed.wait_for(lambda: self._jobs or self._is_closed)
            if self._is_closed:
                return None
            job = next(iter(self._jobs))
            del self._jobs[job]
            return job
