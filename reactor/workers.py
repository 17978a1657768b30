"""Several processes that do the same work: started, watched, started again when they die, and ended together.

It does not know what their work is. A worker ends, too, when the process that began it is gone.
"""

import logging
import os
import signal
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from .loop import READ, Reactor, Timer

log = logging.getLogger("carteiro.reactor")

FIRST_DELAY = 0.1
LAST_DELAY = 30.0
"""Seconds until a worker that died is started again: twice as long each time, unless it had been at work for a while."""

STEADY = 60.0
"""Seconds after which a worker that dies is taken to have been at work."""

_TO_PARENT = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD)


class Workers:
    """`count` processes, each of which calls `work(number, gone)` and ends with what that returns as its exit code.

    Numbers begin with 1. `gone` becomes readable in a worker when its parent has gone. No signal comes to a worker before it
    runs a reactor of its own. `stopped` is called when all have ended after `signal_all` told them to; a worker that ends by
    itself before is started again.
    """

    def __init__(self, reactor: Reactor, count: int, work: Callable[[int, int], int], stopped: Callable[[], None]) -> None:
        self._reactor = reactor
        self._work = work
        self._stopped = stopped
        self._pids: dict[int, int] = {}
        self._began: dict[int, float] = {}
        self._delays = dict.fromkeys(range(1, count + 1), FIRST_DELAY)
        self._timers: dict[int, Timer] = {}
        self._is_stopping = False
        self._gone, self._ours = os.pipe()
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

    def _start(self, number: int) -> None:
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
            code = self._work(number, self._gone)
        except BaseException:
            log.exception("worker %d: internal error", number)
        finally:
            logging.shutdown()
            os._exit(code)

    def _become_worker(self) -> None:
        """Whatever this process has of its parent's loop is of no use to it."""
        os.close(self._ours)
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
        os.close(self._gone)
        os.close(self._ours)


def leave_when_gone(reactor: Reactor, gone: int, leave: Callable[[], None]) -> None:
    """In a worker: calls `leave` when its parent has gone."""

    def ended(_: int) -> None:
        reactor.unwatch(gone)
        leave()

    reactor.watch(gone, READ, ended)
