"""The event loop: waits for descriptors, signals and deadlines, and calls their callbacks, all in one thread.

Knows nothing about what a descriptor is for. The names in parentheses below are examples of callbacks.

One turn (`Reactor.turn`) has seven steps:

1. wait until a descriptor is ready or a timer is due. If the last turn left something to do, do not wait.
2. read: call the callbacks of all ready descriptors (`Connection._ready`, `Listener._accept`).
3. before write: call the `before_write` callbacks. Here, one sync to disk makes safe what was read in step 2, before any
   reply says so.
4. write: make the `call_soon` calls (`Connection._speak`, which sends the replies, those of step 3 among them).
5. catch up: make the `call_last` calls (`Connection._catch_up`), for conversations that had more input than their share.
6. after write: call the `after_write` callbacks, for work that no peer waits for, a few milliseconds at a time.
7. expire: call the timers that are due (`Connection._check_idle`).

Steps 2, 4 and 5 each end after BUDGET seconds, so that a crowd cannot make a turn long. What is left comes first in the next
turn's step. For step 2 this needs memory, since the selector may report the same descriptors again, in the same order:
`_asking` holds all that were ready when time ran out, `_served` those of them that were read. The next turn first reads
descriptors that are not in `_asking`, with at most half of its time: clients that send little do not queue behind those that
flood the server. Then it reads the descriptors that were not served yet, then the others. A round is over when all of them
were served. The larger the crowd, the less a callback should read (`read_size`) and do (`share`): rounds are short.

Large crowds are read in parts of PART descriptors, with a write step after each part.
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
"""Cancelled timers above which the heap is compacted."""

_CROWD = 8
"""With this many ready, poll again before writing, so that latecomers need not wait a full turn."""

BUDGET = 0.012
"""Time limit in seconds of each of the read, write and catch-up steps; the rest continues next turn."""

STEPS = 1000
"""Target for the steps of all conversations together in a read step: with more of them ready, each takes fewer (`share`)."""
PART = 128
"""Ready descriptors that are read before writing, to stay in the CPU cache."""

READ_SIZE = 64 * 1024
"""Most octets of one read."""
LEAST_READ_SIZE = 4096
"""Most octets of one read in the largest crowd: more than nearly all clients send at once."""

_LOOK_AT_THE_CLOCK = 8
"""Calls between two looks at the clock."""

_ESCAPED = "an error reached the loop, which goes on"

_PAUSE = 0.1
"""Seconds to sleep after an error of the selector, before the next poll."""

_LONGEST_WAIT = 3600.0
"""Longest wait in seconds: `select` does not accept an arbitrarily large timeout."""


class Timer:
    """A call scheduled for a time; `cancel` cancels it."""

    __slots__ = ("_reactor", "callback")

    def __init__(self, reactor: "Reactor", callback: Callable[[], None]) -> None:
        self._reactor = reactor
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Cancels the call, if it was not made yet."""
        if self.callback:
            self.callback = None
            self._reactor.forget_timer()


class Reactor:
    """A single-threaded event loop on `selectors.DefaultSelector`.

    `clock` gives seconds since an arbitrary moment, and never goes back. An exception of a callback is logged, and the loop
    goes on.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._before_write: list[Callable[[], None]] = []
        self._after_write: list[Callable[[], None]] = []
        self._selector = selectors.DefaultSelector()
        self._soon: list[Callable[[], None]] = []  # always this list, for the sake of `call_soon`
        self._later: list[Callable[[], None]] = []
        self._served: set[int] = set()
        self._asking: set[int] = set()
        self._ready = 0
        self.read_size = READ_SIZE
        """Most octets that a callback should read now. The reads of a crowd take about as much as PART whole ones."""
        self._timers: list[tuple[float, int, Timer]] = []
        self._serial = count()
        self._forgotten = 0
        self._within = _LONGEST_WAIT
        self._is_running = False
        self._signals: dict[int, Callable[[], None]] = {}
        self._waker: tuple[socket.socket, socket.socket] | None = None
        self.call_soon: Callable[[Callable[[], None]], None] = self._soon.append
        """Makes a call in the next write step: that of this turn, unless it has begun."""
        self.now = clock()
        """The clock's time at the end of this turn's wait."""
        self.waited = 0.0
        """Seconds that this turn waited, whether or not something became ready."""
        self.is_quiet = False
        """Whether the wait of this turn found nothing ready."""
        self.is_idle = False
        """Whether this turn was free to wait, and still found nothing ready."""

    # Registering

    def watch(self, file: int | socket.socket, events: int, callback: Callable[[int], None]) -> None:
        """Calls `callback(ready events)` whenever the descriptor is ready for any of `events` (READ | WRITE)."""
        self._selector.register(file, events, callback)

    def rewatch(self, file: int | socket.socket, events: int, callback: Callable[[int], None]) -> None:
        """Changes the events and the callback of a watched descriptor."""
        self._selector.modify(file, events, callback)

    def unwatch(self, file: int | socket.socket) -> None:
        """Stops watching the descriptor."""
        self._selector.unregister(file)

    def call_last(self, callback: Callable[[], None]) -> None:
        """Makes a call in the next catch-up step: after this turn's reads and writes, and after earlier such calls."""
        self._later.append(callback)

    def share(self, most: int) -> int:
        """How many steps a conversation may take now, so that others do not wait for long: 1 to `most`."""
        return min(most, max(1, STEPS // max(1, self._ready + len(self._later))))

    def before_write(self, callback: Callable[[], None]) -> None:
        """Calls `callback` in each turn, after reading and before the replies to it are written.

        It may sync to disk what the replies promise. The write steps between the parts of a large crowd come before this
        call, so a reply that depends on it must not be in an output buffer earlier.
        """
        self._before_write.append(callback)

    def after_write(self, callback: Callable[[], None]) -> None:
        """Calls `callback` in each turn, after writing: for work that no client waits for, a little at a time."""
        self._after_write.append(callback)

    def turn_within(self, seconds: float) -> None:
        """Limits the wait of the next turn. 0: it does not wait."""
        self._within = min(self._within, seconds)

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Makes a call `delay` seconds after `now`, in the expire step, or later if the loop is busy."""
        return self.call_at(self.now + delay, callback)

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Makes a call in the first expire step for which `now` has reached `when`."""
        timer = Timer(self, callback)
        heapq.heappush(self._timers, (when, next(self._serial), timer))
        return timer

    def forget_timer(self) -> None:
        """Counts a cancelled timer. Such timers leave the heap when they are due, or once they are more than half of it."""
        self._forgotten += 1
        if self._forgotten > _FORGOTTEN_AT_LEAST and self._forgotten * 2 > len(self._timers):
            self._timers = [entry for entry in self._timers if entry[2].callback]
            heapq.heapify(self._timers)
            self._forgotten = 0

    def on_signal(self, signum: int, callback: Callable[[], None]) -> None:
        """Calls `callback` for each such signal, in the read step and not in the signal handler. Main thread only."""
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
        """Makes turns until `stop` is called. Unblocks the signals that have callbacks, which programs block until then."""
        self._is_running = True
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self._signals)
        self._within = 0.0  # an earlier run may have left work
        while self._is_running:
            self.turn()

    def stop(self) -> None:
        """Ends `run` after this turn."""
        self._is_running = False

    def turn(self) -> None:
        """Makes one turn; the module's docstring describes its steps."""
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
        """Closes the loop's own descriptors. No callback is called again, and its signals are ignored from now on."""
        for signum in self._signals:
            signal.signal(signum, signal.SIG_IGN)
        if self._waker:
            signal.set_wakeup_fd(-1)
            for end in self._waker:
                end.close()
        self._selector.close()

    def disown(self) -> None:
        """In a forked child: closes the inherited descriptors of the loop, without any effect on the parent's loop."""
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
        """Polls for ready descriptors. After an error, such as lack of memory, it pauses and returns none."""
        try:
            return self._selector.select(patience)
        except OSError as error:
            log.error("the system does not say who is ready: %s: tried again", error.strerror)
            time.sleep(_PAUSE)
            return []

    def _read_all(self, ready: list[tuple[selectors.SelectorKey, int]]) -> None:
        """Calls the ready descriptors' callbacks, in parts, until time is up; the next turns serve the rest."""
        self._ready = len(ready)
        self.read_size = READ_SIZE if len(ready) <= PART else max(LEAST_READ_SIZE, READ_SIZE * PART // len(ready))
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
        """Reads the descriptors that were not ready when time ran out, until `end`: clients that send little wait little.

        Returns the others, those that were not served in this round first.
        """
        new = [entry for entry in ready if entry[0].fd not in self._asking]
        read = {key.fd for key, _ in new[: self._read(new, end)]}
        self._served |= read
        left = [entry for entry in ready if entry[0].fd not in read]
        left.sort(key=lambda entry: entry[0].fd in self._served)
        if left and left[0][0].fd in self._served:
            self._served.clear()  # all were served: a new round begins
        return left

    def _read(self, ready: list[tuple[selectors.SelectorKey, int]], end: float) -> int:
        """Calls the callbacks of ready descriptors until `end`; returns how many were called."""
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
        soon = self._soon[:]
        self._soon.clear()
        if soon:
            self._soon[:0] = self._call(soon)

    def _catch_up(self) -> None:
        """Makes the `call_last` calls: only a few of them while some ready descriptors have had no time yet."""
        later, self._later = self._later, []
        if later:
            self._later[:0] = self._call(later, BUDGET / 10 if self._served else BUDGET, 1)

    def _call(
        self, callbacks: list[Callable[[], None]], budget: float = BUDGET, at_once: int = _LOOK_AT_THE_CLOCK
    ) -> list[Callable[[], None]]:
        """Makes the calls in order until `budget` is used up, `at_once` between looks at the clock; returns the rest."""
        end = self._clock() + budget
        for first in range(0, len(callbacks), at_once):
            if first and self._clock() >= end:
                return callbacks[first:]
            for callback in callbacks[first : first + at_once]:
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
            for signum in dict.fromkeys(self._waker[0].recv(4096)):  # like the kernel, count a pending signal once
                callback = self._signals.get(signum)
                if callback:
                    callback()
