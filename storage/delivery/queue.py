"""The queue of a mailbox: messages that wait to be put in it, and messages that are in it but perhaps not on disk.

Knows nothing about how a message is put in, nor when.
"""

from collections import deque
from collections.abc import Iterable, Sequence

from ..errors import StorageError
from ..journal.records import Intent
from ..journal.segments import Place, Segment
from ..mailboxes.mailbox import Extent

FIRST_DELAY = 0.05
LAST_DELAY = 1.0
"""The shortest and longest delay, in seconds, before a mailbox is tried again after a failure. Between them, the delay is a
quarter of the time for which it has been failing."""

COLLEAGUE_DELAY = 0.003
"""The shortest delay if another process of this server may have the mailbox locked."""

STUCK = 1.0
"""Seconds of failing after which the journal no longer waits for a mailbox."""

REST = 0.02
"""Seconds for which a process leaves a mailbox to the other processes, after it has put some of the waiting mail in it."""


class Queue:
    """The messages for one mailbox, for as long as the journal has any.

    Messages wait, in order, until they are moved. An intent in the journal says which message is moved first, and where the
    mailbox ended then (`start`); with the mail moved since, it ends at `end`. After a crash or a failed sync the mailbox
    `is_doubtful`: mail moved since the intent waits again, and delivery must find out how much of it is in the mailbox.
    Times are those of `time.monotonic`. Other modules read the fields, and only these methods write them.
    """

    __slots__ = (
        "_failing_since", "_unsynced", "end", "fault", "is_doubtful", "mailbox", "moved", "not_before", "start", "waiting",
    )  # fmt: skip

    def __init__(self, mailbox: str) -> None:
        self.mailbox = mailbox
        self.waiting: deque[Place] = deque()
        """Places of messages to be put in the mailbox, in order. Changes as they are moved."""
        self.moved: list[Place] = []
        """Places of messages that were put in since the last intent, and are perhaps not on disk."""
        self.start: Extent | None = None
        """Where the mailbox ended when the last intent was written; None if nothing is intended."""
        self.end: Extent | None = None
        """Where the mailbox ends with the mail moved since, as far as known."""
        self._unsynced: set[Segment] = set()
        self.is_doubtful = False
        """Whether delivery must find out what is in the mailbox before it writes to it."""
        self.fault: StorageError | None = None
        """Why no message is accepted for it, or None."""
        self._failing_since: float | None = None
        self.not_before = 0.0
        """The time before which it is not tried again."""

    @property
    def is_unsynced(self) -> bool:
        """Whether something was moved that is perhaps not on disk."""
        return bool(self._unsynced)

    # Messages wait, and are moved

    def put(self, place: Place) -> None:
        """Adds a message that waits."""
        self.waiting.append(place)
        place.segment.owe(self.mailbox, place.length)

    def remove(self, place: Place) -> None:
        """Drops a waiting message, although it is not in the mailbox."""
        self.waiting.remove(place)
        place.segment.settle(place.length)

    def replace(self, count: int, places: Iterable[Place]) -> None:
        """Puts other messages in the place of the first `count` that wait."""
        for _ in range(count):
            place = self.waiting.popleft()
            place.segment.settle(place.length)
        self._wait_again(list(places))

    def put_behind(self, places: Sequence[Place], copies: Iterable[Place]) -> None:
        """Drops the waiting messages at `places`, and adds their copies behind all that wait."""
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
        """Records that the first `count` waiting messages are in the mailbox. It must be synced before their segments are
        freed.
        """
        moved = [self.waiting.popleft() for _ in range(count)]
        self.moved += moved
        for segment in {place.segment for place in moved}:
            lengths = [place.length for place in moved if place.segment is segment]
            segment.settle(sum(lengths), len(lengths))
            segment.await_sync(self.mailbox)
            self._unsynced.add(segment)

    def ends_at(self, extent: Extent | None) -> None:
        """Records where the mailbox ends with the mail that was moved."""
        self.end = extent

    def synced(self) -> None:
        """Records that everything moved is on disk, here and in the segments."""
        for segment in self._unsynced:
            segment.synced(self.mailbox)
        self._unsynced.clear()
        if self.start is None:  # without an intent, recovery cuts nothing off
            self.moved.clear()

    def concluded(self) -> None:
        """Records that the journal says: the mailbox has everything except the waiting mail, and nothing is about to be
        written to it.
        """
        self.moved.clear()
        self.start = self.end = None

    # Doubts

    def doubt(self) -> None:
        """Makes the mailbox doubtful: mail moved since the last intent waits again. It may be there in whole, in part or not
        at all.
        """
        moved, self.moved = self.moved, []
        self.synced()
        self._wait_again(moved)
        self.is_doubtful = True

    def doubt_from(self, start: Extent | None) -> None:
        """Makes the mailbox doubtful: waiting mail may be in it, in whole or in part, behind `start`."""
        self.start = start
        self.is_doubtful = True

    def cut_back(self, may_have_grown: bool) -> None:
        """Ends the doubt: the mailbox ends at `start` again, with nothing of ours behind it. If it may have grown before
        that by other processes' writes, `end` is unknown, and the next delivery needs a new intent.
        """
        self.end = None if may_have_grown else self.start
        self.is_doubtful = False

    def found_out(self) -> None:
        """Ends the doubt: only messages missing from the mailbox wait, and nothing in it is half-written."""
        self.is_doubtful = False

    def forget_end(self) -> None:
        """Drops the intent: the mailbox was searched, and the waiting mail is not in it."""
        self.start = self.end = None

    def recover(self, intent: Intent | None, sequences: set[int], is_damaged: bool) -> None:
        """Makes the mailbox doubtful. An earlier run left messages waiting, and its last intent; one for a freed segment
        counts as carried out.

        A damaged journal may have lost an intent: then delivery must look for the waiting mail in the mailbox.
        """
        self.is_doubtful = True
        if intent and intent.inode and intent.since.sequence in sequences:
            self.start = Extent(intent.inode, intent.size)
        elif is_damaged:
            self.start = Extent(0, 0)

    def is_intended(self, extent: Extent) -> bool:
        """Whether messages may be appended at `extent` under the last intent: the mailbox is as we left it."""
        return self.end == extent

    def intend(self, extent: Extent) -> None:
        """Records that the journal has an intent for the waiting mail, with the mailbox ending at `extent`."""
        self.moved.clear()
        self.start = self.end = extent

    # Attempts

    def refuse(self, fault: StorageError) -> None:
        """Refuses new messages for it until an attempt succeeds."""
        self.fault = fault

    def rest(self, now: float) -> None:
        """Leaves the mailbox to other processes for a while."""
        self.not_before = now + REST

    def has_failed(self, now: float, may_be_ours: bool = False) -> float:
        """Records a failed attempt, and when to try again: soon, if another process of ours may have it locked.

        Returns for how many seconds it has been failing.
        """
        if self._failing_since is None:
            self._failing_since = now
        since = now - self._failing_since
        self.not_before = now + min(max(COLLEAGUE_DELAY if may_be_ours else FIRST_DELAY, since / 4), LAST_DELAY)
        return since

    def is_stuck(self, now: float) -> bool:
        """Whether it has been failing for so long that nothing tells when it will work again."""
        return self._failing_since is not None and now - self._failing_since >= STUCK

    def works(self) -> None:
        """Records that the last attempt succeeded, and accepts messages again."""
        self.fault = None
        self._failing_since = None
