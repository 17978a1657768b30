"""The loop: it waits for descriptors, signals and deadlines, and calls who registered for them, all in one thread.

It does not know what a descriptor is for. One turn is: wait, read, what is due before writing, write, what is due after it,
expire.
"""

import heapq
import logging
import selectors
import signal
import socket
import time
from collections.abc import Callable
from itertools import count

log = logging.getLogger("carteiro.reactor")

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE

_FORGOTTEN_AT_LEAST = 100
"""Cancelled timers that are worth a clean-up of the heap."""

_CROWD = 8
"""Ready descriptors from which it is looked who has become ready meanwhile: else that one waits for all of them again."""

BUDGET = 0.02
"""Seconds that the read step takes, and the write step, and the time for what can wait: what is left has its turn next."""

STEPS = 1000
"""Steps that all conversations together take in a read step, more or less: the more are ready, the fewer each one takes."""
PART = 128
"""Ready descriptors that are read before what can be is written: what both touch is still near the processor then."""

_LOOK_AT_THE_CLOCK = 8
"""Calls after which it is looked whether the time is over."""

_ESCAPED = "an error reached the loop, which goes on"

_PAUSE = 0.1
"""Seconds until it is asked again who is ready, when the system could not say."""

_LONGEST_WAIT = 3600.0
"""Seconds; `select` takes no arbitrary number."""


class Timer:
    """A call that is due at a time; `cancel` takes it back."""

    __slots__ = ("_reactor", "callback")

    def __init__(self, reactor: "Reactor", callback: Callable[[], None]) -> None:
        self._reactor = reactor
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """The call will not be made."""
        if self.callback:
            self.callback = None
            self._reactor.forget_timer()


class Reactor:
    """A single-threaded event loop on `selectors.DefaultSelector`.

    No step takes much longer than `BUDGET`: what is ready and had no time comes first in the next turn. `clock` gives the
    seconds since some time or other, and never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._before_write: list[Callable[[], None]] = []
        self._after_write: list[Callable[[], None]] = []
        self._selector = selectors.DefaultSelector()
        self._soon: list[Callable[[], None]] = []
        self._later: list[Callable[[], None]] = []
        self._served: set[int] = set()
        self._asking: set[int] = set()
        self._ready = 0
        self._timers: list[tuple[float, int, Timer]] = []
        self._serial = count()
        self._forgotten = 0
        self._within = _LONGEST_WAIT
        self._is_running = False
        self._signals: dict[int, Callable[[], None]] = {}
        self._waker: tuple[socket.socket, socket.socket] | None = None
        self.now = clock()
        """What the clock said when this turn's waiting ended."""
        self.waited = 0.0
        """Seconds that this turn has waited, whatever it found then."""
        self.is_quiet = False
        """Nothing was ready in this turn."""
        self.is_idle = False
        """This turn could wait, and even so found nothing ready."""

    # Registering

    def watch(self, file: int | socket.socket, events: int, callback: Callable[[int], None]) -> None:
        """From now on calls `callback(ready events)` when the descriptor is ready for some of `events` (READ | WRITE)."""
        self._selector.register(file, events, callback)

    def rewatch(self, file: int | socket.socket, events: int, callback: Callable[[int], None]) -> None:
        """Watches a watched descriptor for other events."""
        self._selector.modify(file, events, callback)

    def unwatch(self, file: int | socket.socket) -> None:
        """Watches the descriptor no longer."""
        self._selector.unregister(file)

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Calls in the next write step: of this turn, when called before it, else of the next.

        Where many are ready to be read, there is one after each part of them.
        """
        self._soon.append(callback)

    def call_last(self, callback: Callable[[], None]) -> None:
        """Calls when there is time for it: after all that was called for before, and after what came from others."""
        self._later.append(callback)

    def share(self, most: int) -> int:
        """How many steps, at `most`, a conversation is to take now, so that others do not wait for long."""
        return min(most, max(1, STEPS // max(1, self._ready + len(self._later))))

    def before_write(self, callback: Callable[[], None]) -> None:
        """Calls in each turn, when all that could be read was read (some descriptors twice, perhaps), and before what that
        calls for is written: what is to be on disk before a reply leaves is put there.
        """
        self._before_write.append(callback)

    def after_write(self, callback: Callable[[], None]) -> None:
        """Calls in each turn, when all was written that could be: for what nobody waits for, a little at a time."""
        self._after_write.append(callback)

    def turn_within(self, seconds: float) -> None:
        """The next turn waits no longer than that, whatever else is due. 0: it does not wait."""
        self._within = min(self._within, seconds)

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Calls in `delay` seconds at the earliest, in the expire step."""
        return self.call_at(self.now + delay, callback)

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Calls when `now` is not before `when`, in the expire step."""
        timer = Timer(self, callback)
        heapq.heappush(self._timers, (when, next(self._serial), timer))
        return timer

    def forget_timer(self) -> None:
        """One more timer is cancelled; they leave the heap when they are due, or once they are most of it."""
        self._forgotten += 1
        if self._forgotten > _FORGOTTEN_AT_LEAST and self._forgotten * 2 > len(self._timers):
            self._timers = [entry for entry in self._timers if entry[2].callback]
            heapq.heapify(self._timers)
            self._forgotten = 0

    def on_signal(self, signum: int, callback: Callable[[], None]) -> None:
        """Calls in the loop, not in the signal handler, when the signal comes. Main thread only."""
        if self._waker is None:
            self._waker = socket.socketpair()
            for end in self._waker:
                end.setblocking(False)
            self.watch(self._waker[0], READ, self._signalled)
            signal.set_wakeup_fd(self._waker[1].fileno(), warn_on_full_buffer=False)
        self._signals[signum] = callback
        signal.signal(signum, lambda *_: None)

    # Running

    def run(self) -> None:
        """Turns until `stop` is called. Signals that were blocked until there was somebody to take them come from now on."""
        self._is_running = True
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self._signals)
        self._within = 0.0  # an earlier run may have left something
        while self._is_running:
            self.turn()

    def stop(self) -> None:
        """Ends `run` after this turn."""
        self._is_running = False

    def turn(self) -> None:
        """One turn: waits until something is due, and does all that is due."""
        patience, self._within = self._patience(), _LONGEST_WAIT
        began = self._clock()
        ready = self._select(patience)
        self.now = self._clock()
        self.waited = self.now - began
        self.is_quiet = not ready
        self.is_idle = self.is_quiet and patience > 0
        self._read_all(ready)
        self._call_all(self._before_write)
        self._write()
        self._catch_up()
        self._call_all(self._after_write)
        self._expire()

    def close(self) -> None:
        """Gives back the descriptors; whoever is still registered is not called again. Its signals are ignored."""
        for signum in self._signals:
            signal.signal(signum, signal.SIG_IGN)
        if self._waker:
            signal.set_wakeup_fd(-1)
            for end in self._waker:
                end.close()
        self._selector.close()

    def disown(self) -> None:
        """In a process that was forked off: gives back the descriptors, and nothing else happens to its parent's loop."""
        self._selector.close()
        for end in self._waker or ():
            end.close()

    def _patience(self) -> float:
        if self._soon or self._later or self._served:
            return 0
        if self._timers:
            return max(0.0, min(self._within, self._timers[0][0] - self._clock()))
        return self._within

    def _select(self, patience: float) -> list[tuple[selectors.SelectorKey, int]]:
        """Who is ready. When the system cannot say, as for want of memory, nobody is, and it is asked again in a moment."""
        try:
            return self._selector.select(patience)
        except OSError as error:
            log.error("the system does not say who is ready: %s: tried again", error.strerror)
            time.sleep(_PAUSE)
            return []

    def _read_all(self, ready: list[tuple[selectors.SelectorKey, int]]) -> None:
        """Calls who is ready, in parts, until the time is over; who had no time then has it in the next turns."""
        self._ready = len(ready)
        end = self._clock() + BUDGET
        left = self._in_turn(ready, end - BUDGET / 2) if self._served else ready
        for first in range(0, len(left), PART):
            if first:
                self._write()
            read = first + self._read(left[first : first + PART], end)
            if self._clock() >= end and read < len(left):
                self._served.update(key.fd for key, _ in left[:read])
                self._asking = {key.fd for key, _ in ready}
                return
        self._served.clear()
        if _CROWD <= len(ready) <= PART and self._clock() < end:
            self._read(self._select(0), end)

    def _in_turn(
        self, ready: list[tuple[selectors.SelectorKey, int]], end: float
    ) -> list[tuple[selectors.SelectorKey, int]]:
        """Calls those that were not ready in the turn before, as far as there is time: who asks for little waits for little.

        Returns the others: first those who had no time since, or the same ones would have it each time.
        """
        new = [entry for entry in ready if entry[0].fd not in self._asking]
        read = {key.fd for key, _ in new[: self._read(new, end)]}
        self._served |= read
        left = [entry for entry in ready if entry[0].fd not in read]
        left.sort(key=lambda entry: entry[0].fd in self._served)
        if left and left[0][0].fd in self._served:
            self._served.clear()  # all had their turn
        return left

    def _read(self, ready: list[tuple[selectors.SelectorKey, int]], end: float) -> int:
        """Calls those that are ready, and returns how many: not all, perhaps, when it is after `end`."""
        for first in range(0, len(ready), _LOOK_AT_THE_CLOCK):
            if first and self._clock() >= end:
                return first
            for key, events in ready[first : first + _LOOK_AT_THE_CLOCK]:
                try:
                    key.data(events)
                except Exception:
                    log.exception(_ESCAPED)
        return len(ready)

    @staticmethod
    def _call_all(callbacks: list[Callable[[], None]]) -> None:
        for callback in callbacks:
            try:
                callback()
            except Exception:
                log.exception(_ESCAPED)

    def _write(self) -> None:
        soon, self._soon = self._soon, []
        if soon:
            self._soon[:0] = self._call(soon)

    def _catch_up(self) -> None:
        """What can wait, for as long as nothing else is held up: only a little, while ready descriptors had no time yet."""
        later, self._later = self._later, []
        if later:
            self._later[:0] = self._call(later, BUDGET / 10 if self._served else BUDGET)

    def _call(self, callbacks: list[Callable[[], None]], budget: float = BUDGET) -> list[Callable[[], None]]:
        """Makes the calls in order, until the time is over; returns those that are left."""
        end = self._clock() + budget
        for first in range(0, len(callbacks), _LOOK_AT_THE_CLOCK):
            if first and self._clock() >= end:
                return callbacks[first:]
            for callback in callbacks[first : first + _LOOK_AT_THE_CLOCK]:
                try:
                    callback()
                except Exception:
                    log.exception(_ESCAPED)
        return []

    def _expire(self) -> None:
        while self._timers and self._timers[0][0] <= self.now:
            timer = heapq.heappop(self._timers)[2]
            callback, timer.callback = timer.callback, None
            if callback is None:
                self._forgotten -= 1
                continue
            try:
                callback()
            except Exception:
                log.exception(_ESCAPED)

    def _signalled(self, _: int) -> None:
        if self._waker:
            for signum in dict.fromkeys(self._waker[0].recv(4096)):  # the kernel, too, counts a pending signal once
                callback = self._signals.get(signum)
                if callback:
                    callback()
