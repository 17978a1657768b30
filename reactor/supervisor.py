"""Worker processes that do the same work: starts and watches them, restarts those that die, and ends them together.

Knows nothing about their work.

Each worker sends a heartbeat once a second, a few bytes through a pipe. A worker that hangs, stopped by a signal or in an
endless call, keeps its clients waiting and does not react to signals; so the parent kills it after a while and starts it
again. The other way round, a worker ends when its parent is gone: a pipe that only the parent holds open becomes readable.
"""

import logging
import os
import signal
import struct
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NoReturn

from .loop import READ, Reactor, Timer

log = logging.getLogger("carteiro.reactor")

FIRST_DELAY = 0.1
LAST_DELAY = 30.0
"""Seconds until a dead worker is restarted: FIRST_DELAY, then twice as long each time, up to LAST_DELAY."""

STEADY = 60.0
"""A worker that has run for this many seconds before it dies is restarted after FIRST_DELAY again."""

BEAT = 1.0
"""Seconds between two heartbeats of a worker."""

QUIET = 5.0
"""Seconds without a heartbeat after which the log says that a worker hangs."""

STILL = 30.0
"""Seconds without a heartbeat after which a worker is killed. A disk whose sync takes longer than that is of no use."""

ENDING = 120.0
"""Seconds that an ending worker may be silent: more than it needs to move the mail that it has accepted."""

_NUMBER = struct.Struct(">Hd")  # a heartbeat: the worker's number, and the seconds for which it may now be silent

_TO_PARENT = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD)


class Parent:
    """The parent process, as a worker sees it."""

    def __init__(self, number: int, gone: int, beats: int) -> None:
        self._number = number
        self._gone = gone
        self._beats = beats

    def live_with(self, reactor: Reactor, leave: Callable[[], None]) -> None:
        """Sends heartbeats from the reactor's loop, and calls `leave` when the parent is gone."""

        def ended(_: int) -> None:
            reactor.unwatch(self._gone)
            leave()

        def beat() -> None:
            self._say(QUIET)
            reactor.call_later(BEAT, beat)

        reactor.watch(self._gone, READ, ended)
        beat()

    def end(self) -> None:
        """Announces that the reactor has stopped and that the rest of the shutdown may take up to ENDING seconds."""
        self._say(ENDING)

    def _say(self, seconds: float) -> None:
        with suppress(OSError):  # the parent is gone, or the pipe is full
            os.write(self._beats, _NUMBER.pack(self._number, seconds))


class Supervisor:
    """Runs `count` worker processes. Each calls `work(number, parent)` and exits with the code that it returns.

    Numbers begin with 1. Signals to a worker stay blocked until it runs a reactor of its own. A worker that ends by itself
    is restarted, and one that hangs is killed. After `signal_all` with `is_end`, `stopped` is called when all have ended.
    """

    def __init__(
        self, reactor: Reactor, count: int, work: Callable[[int, Parent], int], stopped: Callable[[], None]
    ) -> None:
        self._reactor = reactor
        self._work = work
        self._stopped = stopped
        self._pids: dict[int, int] = {}
        self._began: dict[int, float] = {}
        self._delays = dict.fromkeys(range(1, count + 1), FIRST_DELAY)
        self._timers: dict[int, Timer] = {}
        self._is_stopping = False
        self.starts = 0
        """How often a worker was started."""
        self._gone, self._ours = os.pipe()
        self._heard, self._beats = os.pipe()
        os.set_blocking(self._heard, False)
        os.set_blocking(self._beats, False)
        self._quiet_from: dict[int, float] = {}
        self._is_still: set[int] = set()
        self._checked = reactor.now
        reactor.watch(self._heard, READ, self._beats_came)
        reactor.call_later(BEAT, self._check)
        reactor.on_signal(signal.SIGCHLD, self._reap)
        for number in self._delays:
            self._start(number)

    def signal_all(self, signum: int, is_end: bool) -> None:
        """Sends a signal to all workers. `is_end`: the signal ends them, and none is restarted."""
        if is_end:
            self._is_stopping = True
            for timer in self._timers.values():
                timer.cancel()
        for pid in self._pids:
            os.kill(pid, signum)
        if self._is_stopping and not self._pids:
            self._stopped()

    def stop_at_once(self) -> None:
        """Sends SIGTERM to all workers, and SIGKILL to those that have missed two heartbeats."""
        for pid, number in list(self._pids.items()):
            heard = self._quiet_from.get(number, self._began[number] + STILL) - QUIET
            os.kill(pid, signal.SIGKILL if self._reactor.now > heard + 2 * BEAT else signal.SIGTERM)

    def _beats_came(self, _: int) -> None:
        """Reads heartbeats. Each arrives whole, since writes to a pipe up to PIPE_BUF are atomic."""
        with suppress(BlockingIOError):
            for number, seconds in _NUMBER.iter_unpack(os.read(self._heard, 100 * _NUMBER.size)):
                self._quiet_from[number] = self._reactor.now + seconds
                if number in self._is_still:
                    self._is_still.discard(number)
                    log.warning("worker %d is at work again", number)

    def _check(self) -> None:
        now = self._reactor.now
        if now > self._checked + 3 * BEAT:  # this process hung too, perhaps the whole machine: give the workers time
            self._quiet_from = {number: max(until, now + QUIET) for number, until in self._quiet_from.items()}
        self._checked = now
        for pid, number in list(self._pids.items()):
            until = self._quiet_from.get(number, now)
            if now > until and number not in self._is_still:
                self._is_still.add(number)
                log.error("worker %d (process %d) stands still: it is killed if it does so for %g s", number, pid, STILL)
            if now > until + STILL - QUIET:
                log.error("worker %d (process %d) has stood still for too long: killed", number, pid)
                os.kill(pid, signal.SIGKILL)
        self._reactor.call_later(BEAT, self._check)

    def _start(self, number: int) -> None:
        self._quiet_from.pop(number, None)
        self._is_still.discard(number)
        self._began[number] = self._reactor.now
        self.starts += 1
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _TO_PARENT)  # the worker must not run our handlers
        try:
            pid = os.fork()
        except OSError as error:
            self._ended(number, f"could not be started: {error.strerror}")
            pid = -1
        if pid == 0:
            self._run(number)
        elif pid > 0:
            self._pids[pid] = number
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _run(self, number: int) -> NoReturn:
        """Runs in the worker, from fork to exit."""
        code = 1
        try:
            self._become_worker()
            code = self._work(number, Parent(number, self._gone, self._beats))
        except BaseException:
            log.exception("worker %d: internal error", number)
        finally:
            logging.shutdown()
            os._exit(code)

    def _become_worker(self) -> None:
        """Closes and resets what this process has inherited from its parent's loop."""
        os.close(self._ours)
        os.close(self._heard)
        signal.set_wakeup_fd(-1)
        for signum in _TO_PARENT:
            signal.signal(signum, signal.SIG_DFL)
        self._reactor.disown()

    def _reap(self) -> None:
        for pid in list(self._pids):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                code = os.waitstatus_to_exitcode(status)
                how = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
                self._ended(self._pids.pop(pid), f"(process {pid}) {how}", is_expected=self._is_stopping and code == 0)
        if self._is_stopping and not self._pids:
            self._stopped()

    def _ended(self, number: int, how: str, is_expected: bool = False) -> None:
        if self._is_stopping:
            if not is_expected:
                log.error("worker %d %s", number, how)
            return
        if self._reactor.now - self._began[number] >= STEADY:
            self._delays[number] = FIRST_DELAY
        delay = self._delays[number]
        log.error("worker %d %s: started again in %g s", number, how, delay)
        self._delays[number] = min(2 * delay, LAST_DELAY)
        self._timers[number] = self._reactor.call_later(delay, partial(self._start, number))

    def close(self) -> None:
        """Closes the pipes."""
        self._reactor.unwatch(self._heard)
        for descriptor in (self._gone, self._ours, self._heard, self._beats):
            os.close(descriptor)
