"""Several processes that do the same work: started, watched, started again when they die, and ended together.

It does not know what their work is. A worker ends, too, when the process that began it is gone.

Each worker says once a second that it is at work: one that stands still, stopped by a signal or in an endless call, keeps
its clients waiting and takes no signal, so it is killed after a while, and started again.
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
"""Seconds until a worker that died is started again: twice as long each time, unless it had been at work for a while."""

STEADY = 60.0
"""Seconds after which a worker that dies is taken to have been at work."""

BEAT = 1.0
"""Seconds after which a worker says again that it is at work."""

QUIET = 5.0
"""Seconds of silence after which a worker is said to stand still."""

STILL = 30.0
"""Seconds after which it is killed. A disk that takes longer for a sync than that is as good as none."""

ENDING = 120.0
"""Seconds that one has to end, in which it says nothing: more than it takes to move what it has accepted."""

_NUMBER = struct.Struct(">Hd")  # of a worker, and the seconds in which it will be heard again

_TO_PARENT = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD)


class Parent:
    """What a worker knows of the process that began it."""

    def __init__(self, number: int, gone: int, beats: int) -> None:
        self._number = number
        self._gone = gone
        self._beats = beats

    def live_with(self, reactor: Reactor, leave: Callable[[], None]) -> None:
        """From now on says regularly that the reactor turns, and calls `leave` when the parent has gone."""

        def ended(_: int) -> None:
            reactor.unwatch(self._gone)
            leave()

        def beat() -> None:
            self._say(QUIET)
            reactor.call_later(BEAT, beat)

        reactor.watch(self._gone, READ, ended)
        beat()

    def end(self) -> None:
        """The reactor turns no more: what is left may take a while."""
        self._say(ENDING)

    def _say(self, seconds: float) -> None:
        with suppress(OSError):  # there is nobody who reads, or he has enough to read
            os.write(self._beats, _NUMBER.pack(self._number, seconds))


class Supervisor:
    """`count` processes, each of which calls `work(number, parent)` and ends with what that returns as its exit code.

    Numbers begin with 1. No signal comes to a worker before it runs a reactor of its own. `stopped` is called when all have
    ended after `signal_all` told them to; a worker that ends by itself before is started again, and one that stands still is
    killed.
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
        """Sends them a signal; after one that `is_end` none is started again."""
        if is_end:
            self._is_stopping = True
            for timer in self._timers.values():
                timer.cancel()
        for pid in self._pids:
            os.kill(pid, signum)
        if self._is_stopping and not self._pids:
            self._stopped()

    def stop_at_once(self) -> None:
        """Tells them to end at once, and kills those that cannot hear it."""
        for pid, number in list(self._pids.items()):
            heard = self._quiet_from.get(number, self._began[number] + STILL) - QUIET
            os.kill(pid, signal.SIGKILL if self._reactor.now > heard + 2 * BEAT else signal.SIGTERM)

    def _beats_came(self, _: int) -> None:
        """Whole numbers only: they are shorter than what a pipe takes at once."""
        with suppress(BlockingIOError):
            for number, seconds in _NUMBER.iter_unpack(os.read(self._heard, 100 * _NUMBER.size)):
                self._quiet_from[number] = self._reactor.now + seconds
                if number in self._is_still:
                    self._is_still.discard(number)
                    log.warning("worker %d is at work again", number)

    def _check(self) -> None:
        now = self._reactor.now
        if now > self._checked + 3 * BEAT:  # we have stood still, too, perhaps all of us: they are to have their time
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
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _TO_PARENT)  # our handlers are not the worker's
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
        """The life of a worker."""
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
        """Whatever this process has of its parent's loop is of no use to it."""
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
        """Gives back the descriptors."""
        self._reactor.unwatch(self._heard)
        for descriptor in (self._gone, self._ours, self._heard, self._beats):
            os.close(descriptor)
