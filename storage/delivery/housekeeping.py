"""Housekeeping: the work after messages were acknowledged, in slices: moving them, and freeing the journal.

Knows nothing about how either is done, only which task comes next and how long it may take.

The theory. There is one task at a time, a generator of short `Steps`. It runs only when `work` calls `next`, a step at a
time; between two calls it stands still, perhaps for turns, perhaps with mailboxes open. `_next_task` picks by urgency: free
the oldest segments, remove spool files, copy stuck mail out of the oldest segment, move mail. A task that raises is dropped,
and freeing (after a failed move, moving too) pauses for a second. Every step leaves queues and journal in a valid state.

`tidy`, called once a turn, decides how long to work. In an idle turn it works for a slice. While clients are served, it
saves up a share of the time that passes (the fuller the journal, the larger), and half of the time in which the server only
waits for clients; once it has saved a millisecond, it spends its savings. After a quiet time it has saved a whole slice. So
a single message is moved in the turn of its reply, but a burst is accepted first.
"""

import logging
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import takewhile

from ..errors import StorageError, fault
from ..journal import format
from ..journal.journal import Journal
from ..journal.records import Intent, encode
from ..journal.segments import TOGETHER, Segment, to_free
from ..journal.spool import Spool
from ..mailboxes.mailbox import Mailboxes
from ..room import Room
from .backlog import Backlog
from .in_doubt import Steps
from .mover import Mover
from .queue import Queue

log = logging.getLogger("carteiro.storage")

LIMIT = 128
"""Segments in use (of 8 MiB) beyond which no message is accepted: a burst may be a gigabyte ahead of the mailboxes."""

MOST_WAITING = 500_000
"""Messages waiting for mailboxes beyond which none is accepted. Each takes about 200 octets of memory, 560 at a start."""

CROWDED = 4
"""Segments in use beyond which the oldest is emptied of mail for mailboxes that cannot be written to."""

AGE = 5.0
"""Seconds after its first message at which a segment is freed, full or not."""

CONCLUDED_AT_ONCE = 1000
"""Mailboxes recorded per step as having everything except what still waits."""

MOST_SPOOLED = 1 << 30
"""Octets of spool files of accepted messages beyond which no message is accepted."""

ENOUGH = 64 << 20
"""Octets of spool files of arrived messages at which the journal records the arrivals, so that the files can go."""

LOOK_AGAIN = 0.1
"""Seconds between two looks whether everything in the oldest segment is stuck."""

RETRY = 1.0
"""Seconds before work that failed is tried again."""

SLICE = 0.005
"""Seconds that housekeeping takes at most, about, before other work has its turn."""

LEAST_SLICE = 0.001
"""Seconds that it takes at least: the more messages are moved together, the less each costs."""

FIRST_STEPS = 6
FIRST_SLICE = 0.05
"""Steps made after a quiet time, if they fit in these seconds: a lone message is in its mailbox when its sender leaves."""

PAUSE = 0.002
"""Seconds without other work after which housekeeping may use all the time."""

WAIT = 0.3
"""Seconds without progress for which `finish` waits for mailboxes that other programs have locked."""

LEAST_SHARE = 0.02
MOST_SHARE = 0.9
"""Housekeeping's share of the time while there is other work: with an empty journal, and with a full one. In between it
grows with the fourth power of the fullness: the room in the journal is there for bursts."""

IDLE_SHARE = 0.5
"""Its share of the time in which the server only waits for clients, for less than `PAUSE` at a time."""


class Housekeeping:
    """Moves accepted messages, and frees the journal, whenever `tidy` or `work` is called."""

    def __init__(
        self, journal: Journal, mailboxes: Mailboxes, backlog: Backlog, mover: Mover, spool: Spool, room: Room
    ) -> None:
        self._journal = journal
        self._spool = spool
        self._room = room
        self._mailboxes = mailboxes
        self._backlog = backlog
        self._mover = mover
        self._task: Steps | None = None
        self._is_moving = self._is_finishing = False
        self._look_again_at = 0.0
        self._not_before = 0.0
        self._move_not_before = 0.0
        self._release_not_before = 0.0
        self._fullness = 0.0
        self._saved = SLICE  # after a quiet time mail is moved at once, in the turn of its reply
        self._ended = time.monotonic()
        self.steps = 0
        """Steps of tasks that were made so far."""

    @property
    def is_moving(self) -> bool:
        """Whether a task goes on in the next call; mailboxes may be open until then."""
        return self._task is not None

    @property
    def is_full(self) -> bool:
        """Whether the journal or the spool is full, so that no message is accepted."""
        return len(self._journal.segments) > LIMIT or (self._fullness > 1 and self.fullness() > 1)

    @property
    def makes_room(self) -> bool:
        """Whether something can be moved or freed, now or soon."""
        now = time.monotonic()
        is_due = self.is_moving or self._is_to_move or bool(self._to_free()) or self._is_to_release
        return is_due or any(not queue.is_stuck(now) for queue in self._mover.postponed)

    @property
    def _is_to_move(self) -> bool:
        return bool(self._mover.ready) and time.monotonic() >= self._move_not_before

    def _to_free(self) -> list[Segment]:
        """The oldest segments that can be freed now: together, so that they share the syncs of mailboxes."""
        now = time.monotonic()
        if now < self._not_before:
            return []
        age = 0.0 if self._is_finishing else AGE
        return to_free(self._journal.segments, now, age, 1 if self._fullness > 0.5 else TOGETHER)

    def fullness(self) -> float:
        """How full the journal or its spool is: 1 is the limit."""
        segments = self._journal.segments
        waiting = sum([segment.waiting for segment in segments])
        return max(len(segments) / LIMIT, waiting / MOST_WAITING, self._spool.kept / MOST_SPOOLED)

    def tidy(self, is_idle: bool, waited: float = 0.0) -> float | None:
        """Works for a share of the time passed (the fuller the journal, the larger) and of the time others `waited`; or for
        one slice if others are idle. Returns what `work` does.
        """
        self._fullness = self.fullness()
        share = LEAST_SHARE + (MOST_SHARE - LEAST_SHARE) * min(1.0, self._fullness) ** 4
        passed = time.monotonic() - self._ended
        self._saved = min(SLICE, self._saved + passed * share / (1 - share) + waited * IDLE_SHARE)
        if is_idle or self._saved >= LEAST_SLICE:
            began = time.monotonic()
            is_first = not is_idle and self._saved == SLICE and self._task is None
            wanted_in = self.work(SLICE if is_idle else self._saved, FIRST_STEPS if is_first else 1)
            if not is_idle:
                self._saved = max(0.0, self._saved - (time.monotonic() - began))
        else:
            wanted_in = 0.0 if self._task else self._patience(self._mover.wake())
            wanted_in = None if wanted_in is None else max(PAUSE, wanted_in)
        self._ended = time.monotonic()
        return wanted_in

    def work(self, seconds: float, steps: int = 1) -> float | None:
        """Works for about `seconds`, and for at least `steps` steps if they fit in `FIRST_SLICE`.

        Returns the seconds until there is more to do: 0 if there is now, None if not before more is accepted.
        """
        began, made = time.monotonic(), 0
        while True:
            again_in = self._mover.wake()
            self._task = self._task or self._next_task()
            if self._task is None:
                return self._patience(again_in)
            try:
                next(self._task)
            except StopIteration:
                self._task = None
            except Exception as error:  # noqa: BLE001 (it is logged)
                self._task = None
                self._fail(error)
            made += 1
            self.steps += 1
            passed = time.monotonic() - began
            if passed >= seconds and (made >= steps or passed >= FIRST_SLICE):
                return 0.0

    def _next_task(self) -> Steps | None:
        """The most urgent task. While freeing fails, mail is still moved: that may make room."""
        self._is_moving = False
        if done := self._to_free():
            return self._free(done)
        if self._is_to_release:
            return self._release()
        if len(self._journal.segments) > CROWDED and time.monotonic() >= self._not_before:
            oldest = next((segment for segment in self._journal.segments if segment.waiting), None)
            if oldest and self._is_stuck(oldest):
                return self._empty(oldest)
        self._is_moving = self._is_to_move
        return self._mover.move() if self._is_moving else None

    def _patience(self, again_in: float | None) -> float | None:
        due = [] if again_in is None else [again_in]
        if self._mover.ready:
            due.append(self._move_not_before - time.monotonic())
        if self._mover.arrivals.octets:
            not_before = max(self._not_before, self._release_not_before)
            due.append(max(not_before, self._mover.arrivals.since + AGE) - time.monotonic())
        for oldest in self._journal.segments[:1]:
            if not oldest.waiting:
                due.append(max(self._not_before, oldest.since + AGE) - time.monotonic())
        return max(0.0, min(due)) if due else None

    def _free(self, segments: Sequence[Segment]) -> Steps:
        """Syncs the mailboxes that the oldest segments' messages were put in, then frees these segments."""
        for segment in segments:
            segment.seal()
            for mailbox in list(segment.mailboxes):
                queue = self._mover.queues.get(mailbox)
                if queue and queue.is_unsynced:
                    self._mover.sync(mailbox)
                    yield
            yield
        self._mailboxes.sync_names()
        yield
        done = list(takewhile(lambda segment: not segment.is_needed, segments))
        yield from self._conclude_beyond(done)
        for segment in done:
            spooled = segment.spooled
            self._journal.free(segment)
            self._mover.arrivals.forget(segment)
            yield from self._backlog.forget(spooled)
            yield

    def _conclude_beyond(self, done: Sequence[Segment]) -> Steps:
        """Writes new intents for mailboxes that have messages in other segments, too. An intent counts only while the
        segment of its first message is in use, so the old ones go with the segments that are about to be freed.
        """
        seen: set[str] = set()
        for segment in done:
            those = list(segment.mailboxes - seen)
            seen.update(those)
            for first in range(0, len(those), CONCLUDED_AT_ONCE):
                beyond = [mailbox for mailbox in those[first : first + CONCLUDED_AT_ONCE] if self._is_in_two(mailbox)]
                if beyond:
                    self._conclude(beyond, with_doubts=True)
                yield

    def _is_in_two(self, mailbox: str) -> bool:
        """Whether several segments have messages for a mailbox."""
        having = (segment for segment in self._journal.segments if mailbox in segment.mailboxes)
        return next(having, None) is not None and next(having, None) is not None

    @property
    def _is_to_release(self) -> bool:
        """Whether spool files of arrived messages must go now, before their segment."""
        arrivals, now = self._mover.arrivals, time.monotonic()
        if not arrivals.octets or now < max(self._not_before, self._release_not_before):
            return False
        is_much = arrivals.octets >= ENOUGH or self._spool.kept > MOST_SPOOLED / 2
        return is_much or now >= arrivals.since + AGE or self._room.is_scarce

    def _release(self) -> Steps:
        """Records in the journal which large messages have arrived, on disk; then removes their spool files."""
        mailboxes = self._mover.arrivals.mailboxes
        for mailbox in mailboxes:
            if mailbox in self._mover.queues:
                self._mover.sync(mailbox)
                yield
        self._mailboxes.sync_names()
        yield
        concluded = self._conclude(mailboxes)
        self._release_not_before = 0.0 if concluded else time.monotonic() + RETRY  # all are in doubt now
        yield
        for segment, id in self._mover.arrivals.take(concluded):
            self._backlog.has_arrived(segment, id)
            yield

    def _is_stuck(self, segment: Segment) -> bool:
        """Whether everything that waits in a segment is for stuck mailboxes, and copying it makes room."""
        if time.monotonic() < self._look_again_at:
            return False
        self._look_again_at = time.monotonic() + LOOK_AGAIN
        those = (takewhile(lambda place: place.segment is segment, queue.waiting) for queue in self._stuck())
        if sum(1 for places in those for _ in places) < segment.waiting:
            return False
        owed = sum(segment.owed for segment in self._journal.segments)
        return 2 * owed <= len(self._journal.segments) * format.SIZE

    def _stuck(self) -> list[Queue]:
        """Queues that are stuck, except doubtful ones: their intents count only with the records where they are."""
        now = time.monotonic()
        return [queue for queue in self._mover.postponed if queue.is_stuck(now) and not queue.is_doubtful]

    def _empty(self, segment: Segment) -> Steps:
        """Copies a segment's stuck messages to the end of the journal."""
        for queue in self._stuck():
            if queue.waiting[0].segment is segment:
                yield from self._mover.copy(queue)
                yield

    def _fail(self, error: Exception) -> None:
        self._not_before = time.monotonic() + RETRY
        if self._is_moving:
            self._move_not_before = self._not_before
        if isinstance(error, OSError | StorageError):
            log.error("%s: this is tried again", fault("journal", error))
        else:
            log.error("journal: internal error", exc_info=error)

    def finish(self, patience: float) -> None:
        """Moves all that can be moved and frees all that can be freed, in `patience` seconds at most. Logs the rest."""
        end = time.monotonic() + patience
        self._journal.seal()
        self._is_finishing = True
        left, moved_at = -1, 0.0
        while (again_in := self.work(SLICE)) is not None and (now := time.monotonic()) < end:
            if again_in:
                if self._left() != left:
                    left, moved_at = self._left(), now
                if now + again_in > moved_at + WAIT:
                    break
                time.sleep(again_in)
        self._is_finishing = False
        self.stop()
        for queue in self._mover.queues.values():
            if queue.waiting:
                why = queue.fault or ("it is locked" if queue in self._mover.postponed else "there was no time")
                log.warning(
                    "%s: %d messages wait in the journal (%s)", self._mailboxes.path(queue.mailbox), len(queue.waiting), why
                )

    def stop(self) -> None:
        """Drops the task under way, and closes its mailboxes."""
        if self._task:
            with suppress(OSError):  # the next start repairs a mailbox that could not be restored
                self._task.close()
            self._task = None

    def _left(self) -> int:
        return sum(len(queue.waiting) for queue in self._mover.queues.values())

    def close(self, patience: float) -> None:
        """Finishes, then records which mailboxes have everything, so that the next start finds only waiting mail."""
        self.finish(patience)
        if self._journal.segments:
            try:
                self._end()
            except (OSError, StorageError) as error:
                log.error("%s: what was moved is looked for at the next start", fault("journal", error))

    def _end(self) -> None:
        """Records in the journal which mailboxes have everything."""
        mailboxes = set().union(*(segment.mailboxes for segment in self._journal.segments))
        for mailbox in sorted(mailboxes):
            queue = self._mover.queues.get(mailbox)
            if queue and not queue.waiting:
                self._mover.sync(mailbox)
        self._mailboxes.sync_names()
        self._conclude(mailbox for mailbox in mailboxes if mailbox not in self._mover.queues)

    def restate(self, removed: Sequence[Segment]) -> None:
        """Copies mail that waits in removed segments, and records again what mailboxes have. Raises like `append_all`."""
        self.stop()
        for mailbox in [queue.mailbox for queue in self._mover.queues.values() if queue.is_unsynced]:
            self._mover.sync(mailbox)
        for queue in self._mover.queues.values():
            if any(place.segment in removed for place in queue.waiting):
                deque(self._mover.copy(queue), maxlen=0)
        self._conclude(set().union(*(segment.mailboxes for segment in self._journal.segments)), with_doubts=True)

    def _conclude(self, mailboxes: Iterable[str], with_doubts: bool = False) -> list[str]:
        """Records in the journal, for each of these mailboxes with no doubt and no unsynced mail, that it has all but the
        waiting mail.

        `with_doubts` repeats the last intents of the others. Returns the mailboxes so recorded. Raises like `append_all`.
        """
        if not self._journal.segments:  # there is nothing to conclude
            return []
        end = self._journal.end
        intents = []
        concluded = []
        for mailbox in sorted(mailboxes):
            queue = self._mover.queues.get(mailbox)
            since = queue.waiting[0].since if queue and queue.waiting else end
            if queue is None or not (queue.is_doubtful or queue.is_unsynced):
                intents.append(Intent(mailbox, since, 0, 0))
                concluded.append(mailbox)
            elif with_doubts and queue.start:
                intents.append(Intent(mailbox, since, *queue.start))
        self._journal.append_all([encode(intent) for intent in intents])
        for mailbox in concluded:
            if mailbox in self._mover.queues:
                self._mover.queues[mailbox].concluded()
        return concluded
