"""The queue of a mailbox: which messages wait to be put in it, and which are in it but not yet certain to be on disk.

It does not know how a message is put in, nor when.
"""

from collections import deque
from collections.abc import Iterable, Sequence

from ..errors import StorageError
from ..journal.records import Intent
from ..journal.segments import Place, Segment
from ..mailboxes.mailbox import Extent

FIRST_DELAY = 0.05
LAST_DELAY = 1.0
"""Seconds until a mailbox that could not be written to is tried again: a quarter of the time that it has been so, within
these bounds."""

COLLEAGUE_DELAY = 0.003
"""Seconds until it is tried again when another process of this server may have it locked."""

STUCK = 1.0
"""Seconds of failing after which the journal is not to wait for a mailbox."""

REST = 0.02
"""Seconds for which a process leaves a mailbox to others that deliver to it, too, after it put some of what waits in."""


class Queue:
    """What is known of a mailbox while the journal has messages for it.

    Messages wait, in order; then they are moved. An intent in the journal says which is the first that is moved from then
    on, and where the mailbox ended (`start`); what was moved since made it end at `end`. After a crash, or a sync that
    failed, the mailbox `is_doubtful`: what was moved since the intent waits again, and it is to be found out what of it is
    there. Times are those of `time.monotonic`. Others read its fields, and only these methods write them.
    """

    __slots__ = (
        "_failing_since", "_unsynced", "end", "fault", "is_doubtful", "mailbox", "moved", "not_before", "start", "waiting",
    )  # fmt: skip

    def __init__(self, mailbox: str) -> None:
        self.mailbox = mailbox
        self.waiting: deque[Place] = deque()
        """The places of messages that are to be put in it, in order. It changes as they are moved."""
        self.moved: list[Place] = []
        """Those that were put in it since the last intent, and are not certain to be on disk."""
        self.start: Extent | None = None
        """Where the mailbox ended when the last intent was written; None: nothing is intended."""
        self.end: Extent | None = None
        """Where it ends since, as far as that is known."""
        self._unsynced: set[Segment] = set()
        self.is_doubtful = False
        """Whether what is in the mailbox must be found out."""
        self.fault: StorageError | None = None
        """Why nothing is accepted for it."""
        self._failing_since: float | None = None
        self.not_before = 0.0
        """When it is tried again."""

    @property
    def is_unsynced(self) -> bool:
        """Whether something that was moved is perhaps not on disk."""
        return bool(self._unsynced)

    # Messages wait, and are moved

    def put(self, place: Place) -> None:
        """One more message waits."""
        self.waiting.append(place)
        place.segment.owe(self.mailbox, place.length)

    def remove(self, place: Place) -> None:
        """A message waits no more, though it is not in the mailbox."""
        self.waiting.remove(place)
        place.segment.settle(place.length)

    def replace(self, count: int, places: Iterable[Place]) -> None:
        """Others wait instead of the first `count`."""
        for _ in range(count):
            place = self.waiting.popleft()
            place.segment.settle(place.length)
        self._wait_again(list(places))

    def put_behind(self, places: Sequence[Place], copies: Iterable[Place]) -> None:
        """Others wait instead of some: behind all."""
        if self.waiting[0] == places[0] and self.waiting[len(places) - 1] == places[-1]:
            self.replace(len(places), [])
        else:
            for place in places:
                self.remove(place)
        for place in copies:
            self.put(place)

    def _wait_again(self, places: Sequence[Place]) -> None:
        for place in reversed(places):
            self.waiting.appendleft(place)
            place.segment.owe(self.mailbox, place.length)

    def move(self, count: int) -> None:
        """The first messages are in the mailbox, which is to be synced before their segments are freed."""
        for _ in range(count):
            place = self.waiting.popleft()
            segment = place.segment
            segment.settle(place.length)
            segment.await_sync(self.mailbox)
            self._unsynced.add(segment)
            self.moved.append(place)

    def ends_at(self, extent: Extent | None) -> None:
        """What was moved made the mailbox end there."""
        self.end = extent

    def synced(self) -> None:
        """All that was moved is on disk."""
        for segment in self._unsynced:
            segment.synced(self.mailbox)
        self._unsynced.clear()
        if self.start is None:  # nothing will be cut off
            self.moved.clear()

    def concluded(self) -> None:
        """The journal says that the mailbox has all but what waits, and that nothing is about to be written to it."""
        self.moved.clear()
        self.start = self.end = None

    # Doubts

    def doubt(self) -> None:
        """What was moved since the last intent may be in the mailbox or not, in part or twice: all of it waits again."""
        moved, self.moved = self.moved, []
        self.synced()
        self._wait_again(moved)
        self.is_doubtful = True

    def doubt_from(self, start: Extent | None) -> None:
        """What waits may be in the mailbox, in part or as a whole, behind where it ended once."""
        self.start = start
        self.is_doubtful = True

    def cut_back(self, may_have_grown: bool) -> None:
        """The mailbox ends at `start` again, with nothing of ours behind it; perhaps others wrote to it before that."""
        self.end = None if may_have_grown else self.start
        self.is_doubtful = False

    def found_out(self) -> None:
        """Nothing is in doubt: only what is not in the mailbox waits, and there is nothing half-written in it."""
        self.is_doubtful = False

    def forget_end(self) -> None:
        """Nothing is intended: what waits was looked for, and is not there."""
        self.start = self.end = None

    def recover(self, intent: Intent | None, sequences: set[int], is_damaged: bool) -> None:
        """An earlier run left what waits, and its last intent: carried out, if it was for a segment that was freed.

        A journal that is damaged may have had an intent: then what waits must be looked for.
        """
        self.is_doubtful = True
        if intent and intent.inode and intent.since.sequence in sequences:
            self.start = Extent(intent.inode, intent.size)
        elif is_damaged:
            self.start = Extent(0, 0)

    def is_intended(self, extent: Extent) -> bool:
        """Whether the first message may be put in at `extent`, and the journal will tell that it was."""
        return self.end == extent

    def intend(self, extent: Extent) -> None:
        """The journal has an intent from the first message on."""
        self.moved.clear()
        self.start = self.end = extent

    # Attempts

    def refuse(self, fault: StorageError) -> None:
        """Nothing more is accepted for it until an attempt succeeds."""
        self.fault = fault

    def rest(self, now: float) -> None:
        """It is left to others for a while."""
        self.not_before = now + REST

    def has_failed(self, now: float, may_be_ours: bool = False) -> float:
        """It will be tried again later: soon, when it may be another process of ours that has it locked.

        Returns for how many seconds it has been failing.
        """
        if self._failing_since is None:
            self._failing_since = now
        since = now - self._failing_since
        self.not_before = now + min(max(COLLEAGUE_DELAY if may_be_ours else FIRST_DELAY, since / 4), LAST_DELAY)
        return since

    def is_stuck(self, now: float) -> bool:
        """Whether it cannot be said when the mailbox can be written to again."""
        return self._failing_since is not None and now - self._failing_since >= STUCK

    def works(self) -> None:
        """The last attempt did not fail."""
        self.fault = None
        self._failing_since = None
