"""The process that keeps the index: told by notices and by lines on standard input, it tells by lines on standard output.

Arguments: the mail directory, and the kind of its mailboxes (see `kinds.kind_of`). It ends when its input does, and when
another one is to begin anew. Lines in: `look` (something was deleted, or taken back), `again NAME` (a mailbox does not have
what the index says). Lines out: `{"come": [[id, mailbox], ...], "reset": false}`, and once a second how the index stands
(standing.py).
"""

import fcntl
import json
import logging
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from inbox.index.clerk import Clerk, Told
from inbox.index.entries import Entry, entry_now, entry_unread
from inbox.index.recording import Recorder
from inbox.index.schema import DIRECTORY
from reactor.logs import log_as, log_to
from storage.files import IsLocked

from ..kinds import kind_of
from ..notices import LONGEST, listening
from . import standing

log = logging.getLogger("carteiro")

SLOWEST = 3.0
"""Seconds of CPU time that reading a message for the index may take."""

ROOM = 600 << 20
"""Octets of address space of the process."""

LARGE = 256 << 10
"""Octets of a message from which it is written down that it is being read: it may be the end of the process."""

ATTEMPTS = 2
"""How often a message is read that was the end of the process."""

MUCH = 100
"""New messages at once that are much."""

FIRST = 1_000
"""So many of those have the usual priority: after a start these are the newest, with which a list begins."""

CALM = 5.0
"""Seconds without anything to do after which there is not much to do any more."""

STARVED = 30.0
STARVED_SHARE = 0.05
"""With a smaller share of a processor for so many seconds, the process gets the usual priority again, for the next FIRST."""


def ask_for_the_least() -> None:
    """Takes what nobody else wants of the processor. Whoever else wakes up has it at once; beside one that is only nice, he
    would wait for a millisecond or two (SCHED_IDLE, sched(7)).
    """
    try:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    except (AttributeError, OSError):  # another system, or it is forbidden
        os.nice(19)


class Priority:
    """How much of the processor the clerk asks for: somebody waits for the next mail, and nobody for the next thousand.

    No process may ask for more again, so one that has asked for the least is over when it is calm, or when it gets next to
    nothing, and another one begins. `clock` and `worked` are seconds: of time, and of this process's work.
    """

    def __init__(
        self,
        lower: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
        worked: Callable[[], float] = time.process_time,
    ) -> None:
        self._lower = lower
        self._clock = clock
        self._worked = worked
        self._left = FIRST
        self._busy_at = 0.0
        self._looked = 0.0, 0.0

    def is_over(self, found: int, is_behind: bool) -> bool:
        """Whether another process should go on, after work that has found so many messages."""
        now = self._clock()
        if found or is_behind:
            self._busy_at = now
        if found >= MUCH and self._left > 0:
            self._left -= found
            if self._left <= 0:
                self._looked = now, self._worked()
                self._lower()
        return self._left <= 0 and (now > self._busy_at + CALM or self._is_starved(now))

    def _is_starved(self, now: float) -> bool:
        since, worked = self._looked
        if now < since + STARVED:
            return False
        self._looked = now, self._worked()
        return self._worked() - worked < STARVED_SHARE * (now - since)


class TooSlow(Exception):  # noqa: N818 (a state, not an error)
    """Reading a message takes too long."""


class Careful:
    """Reads messages for the index, within a limit of time. One that has killed this process twice is not read."""

    def __init__(self, place: Path) -> None:
        self._place = place / "reading"
        signal.signal(signal.SIGVTALRM, self._is_too_slow)

    def __call__(self, octets: bytes, id: str) -> Entry:
        """What the index has of a message, or that it cannot be read."""
        try:
            with self._noted(octets, id), _limited():
                return entry_now(octets, id)
        except (TooSlow, MemoryError, RecursionError) as error:
            log.warning("message %s cannot be read: %s", id, type(error).__name__)
        except Exception:
            log.exception("message %s cannot be read", id)
        return entry_unread(id, octets, datetime.now(UTC))

    @staticmethod
    def _is_too_slow(signum: int, frame: FrameType | None) -> None:
        raise TooSlow

    @contextmanager
    def _noted(self, octets: bytes, id: str) -> Iterator[None]:
        """Writes down that a large message is being read. Raises MemoryError for one that was the end twice."""
        if len(octets) < LARGE:
            yield
            return
        count = 0
        with suppress(OSError, ValueError):
            noted, number = self._place.read_text().split()
            count = int(number) if noted == id else 0
        if count >= ATTEMPTS:
            raise MemoryError
        self._place.write_text(f"{id} {count + 1}")
        yield
        self._place.unlink(missing_ok=True)


@contextmanager
def _limited() -> Iterator[None]:
    signal.setitimer(signal.ITIMER_VIRTUAL, SLOWEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def main() -> int:
    """Keeps the index until standard input ends; returns the exit code."""
    directory, kind = Path(sys.argv[1]), kind_of(*sys.argv[2:])
    log_to(2, logging.INFO)
    log_as("index")
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))
    os.set_blocking(0, False)
    place = directory / DIRECTORY
    place.mkdir(mode=0o700, exist_ok=True)
    if not _only_one(place):
        return 0
    reader = kind.reader(directory)
    recorder = Recorder(directory, reader, Careful(place))
    with listening(directory) as notices:
        clerk = Clerk(recorder, reader, kind.remover(directory), IsLocked, _tell)
        _work(clerk, recorder, notices)
    recorder.close()
    return 0


def _only_one(place: Path) -> bool:
    """Waits until no other process keeps this index; False if the input ends before."""
    lock = os.open(place / "clerk.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if _lines_ended(select.select([0], [], [], 0.5)[0]):
                return False


def _lines_ended(ready: list[int]) -> bool:
    return bool(ready) and not os.read(0, 4096)


def _work(clerk: Clerk, recorder: Recorder, notices: socket.socket) -> None:
    """Works until the input ends; or somebody has deleted the index, or all is calm after much work: then the process is
    started again.
    """
    wait = tell_at = 0.0

    def lower() -> None:
        recorder.shorten()
        ask_for_the_least()

    priority = Priority(lower)
    while recorder.is_current:
        ready, _, _ = select.select([0, notices.fileno()], [], [], wait)
        if 0 in ready:
            data = os.read(0, 64 * 1024)
            if not data:
                return
            for line in data.decode("utf-8", "replace").splitlines():
                _obey(clerk, line)
        if notices.fileno() in ready:
            _take(clerk, notices)
        wait = clerk.work()
        if priority.is_over(clerk.found, clerk.is_behind):
            return
        if time.monotonic() >= tell_at:
            tell_at = time.monotonic() + standing.EVERY
            _say(standing.told(*clerk.lag, *recorder.totals()))


def _obey(clerk: Clerk, line: str) -> None:
    word, _, mailbox = line.partition(" ")
    if word == "look":
        clerk.look_now()
    elif word == "again":
        clerk.read_again(mailbox)


def _take(clerk: Clerk, notices: socket.socket) -> None:
    """Takes all notices that wait."""
    with suppress(BlockingIOError):
        while True:
            notice = json.loads(notices.recv(LONGEST))
            clerk.noticed(notice.get("mailboxes", {}))


def _tell(told: Told) -> None:
    _say(json.dumps({"come": told.come, "reset": told.is_reset}))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
