"""The mover: takes accepted messages out of the journal and puts them in their mailboxes, a little at a time.

Knows nothing about where messages come from, nor what a mailbox looks like.

The theory. A message stays in the journal until it is in its mailbox and on disk; the journal's segment is freed after that.
The order of syncs makes sure that each message ends up in its mailbox exactly once (or twice, if another program changed its
file before a crash and the message is not found there any more):

1. `_open` opens and locks a few mailboxes. Where something is in doubt, `in_doubt` finds out first what is there.
2. `_say_what_is_intended` puts an intent for each mailbox file into the journal, all of them with one sync: from which
   message on the file is about to be written to, and its inode and size. Our earlier mail in the file is synced first.
   After a crash the intent tells which octets may be ours. A file that is as we left it needs no new intent: more mail
   continues the sequence that the last one announced.
3. `_deliver` appends messages in batches; they need no sync yet. Write marks warn the other processes meanwhile.
4. `sync`, called by housekeeping before it frees segments, syncs a mailbox. If it fails, the mailbox becomes doubtful, and
   everything since the last intent waits again.

A Maildir needs no intent: each file is synced before it appears in new/, and its name tells whether it is there.

A mailbox that cannot be opened, locked or written to is postponed, and holds up no other. If the failure left anything
behind in the file, it becomes doubtful, too. Its messages wait in the journal, and new ones are refused until it works; a
mailbox that is only locked still accepts for a minute. Tasks are `Steps`: nothing runs until `next` is called.
"""

import errno
import logging
import time
from collections import deque
from itertools import islice

from ..errors import Damaged, StorageError, fault
from ..files import IsLocked, NotSynced
from ..journal.journal import Journal
from ..journal.records import Intent, encode
from ..journal.segments import Place, share_of
from ..mailboxes.letter import Letter
from ..mailboxes.mailbox import Mailbox, Mailboxes
from ..room import Room
from .arrivals import Arrivals
from .backlog import Backlog
from .in_doubt import InDoubt, Steps
from .outages import Outages
from .queue import Queue
from .write_marks import WriteMarks

log = logging.getLogger("carteiro.storage")

LOCK_PATIENCE = 60.0
"""Seconds for which messages are accepted for a mailbox that another program keeps locked."""

OPENED = 32
"""Mailboxes that are open at a time, at most."""

BATCH = 64 * 1024
"""Octets of the journal that are put in a mailbox together."""

BATCHES = 16
"""Batches that are put in a mailbox before the next mailbox has its turn."""

ROUNDS = 8
"""How many times `copy` looks for mail that came while it was copying; mail that comes after the last look is delivered out
of order."""

_REPLACED = (0, errno.ELOOP, errno.ENOTDIR, errno.EISDIR)
"""Errors of a path that no longer leads to a mailbox: then there is nothing to sync."""


class Mover:
    """Moves the messages that wait in queues. Each step of a task that it returns is short.

    `write_marks` are needed if other processes deliver to the same mailboxes.
    """

    def __init__(
        self,
        journal: Journal,
        mailboxes: Mailboxes,
        backlog: Backlog,
        outages: Outages,
        room: Room,
        write_marks: WriteMarks | None = None,
    ) -> None:
        self._journal = journal
        self._outages = outages
        self._room = room
        self._write_marks = write_marks
        self._mailboxes = mailboxes
        self._backlog = backlog
        self._in_doubt = InDoubt(mailboxes, backlog, write_marks)
        self._opened: dict[Queue, Mailbox] = {}
        self._wake_at = 0.0
        self.queues: dict[str, Queue] = {}
        """The queues, by mailbox: one for each with messages that wait or are perhaps not on disk."""
        self.ready: dict[Queue, None] = {}
        """Queues whose mailboxes are tried next, in this order."""
        self.postponed: set[Queue] = set()
        """Queues whose mailboxes are tried again later."""
        self.arrivals = Arrivals()

    def recovered(self) -> None:
        """Clears our write marks that are out of date, when all queues are filled at the start. Raises OSError."""
        self._in_doubt.settle(self.queues.values())

    def cut_tails(self) -> None:
        """Cuts off the half message that a crash left at the end of each mailbox, where nothing else was written behind it.

        Run it for the journals of all processes before any of them moves anything. A mailbox that it cannot handle now is
        marked as in doubt. Raises OSError if that fails.
        """
        for queue in self.queues.values():
            if queue.is_doubtful and queue.start:
                try:
                    mailbox = self._mailboxes.open(queue.mailbox)
                    try:
                        deque(self._in_doubt.cut_tail(queue, mailbox), maxlen=0)
                    finally:
                        mailbox.close()
                except (OSError, IsLocked, Damaged):
                    self._in_doubt.note(queue)

    def put(self, place: Place, mailbox: str) -> None:
        """Queues a message for a mailbox."""
        queue = self.queues.get(mailbox)
        if queue is None:
            queue = self.queues[mailbox] = Queue(mailbox)
        queue.put(place)
        if queue not in self.postponed:
            self.ready[queue] = None

    def refusal(self, mailbox: str) -> StorageError | None:
        """Why no message can be accepted for a mailbox now, or None. Looks at the mailbox if it has no queue."""
        queue = self.queues.get(mailbox)
        if queue:
            return queue.fault
        refusal = None
        try:
            self._mailboxes.check(mailbox)
        except OSError as error:
            refusal = fault(self._mailboxes.path(mailbox), error)
        if refusal or self._outages.has_any:
            self._outages.look(self._mailboxes.path(mailbox), refusal)
        return refusal

    def wake(self) -> float | None:
        """Makes postponed queues ready that are due. Returns the seconds until the next one is; None if none is
        postponed.
        """
        now = time.monotonic()
        if self.postponed and now >= self._wake_at:
            for queue in [queue for queue in self.postponed if queue.not_before <= now]:
                self.postponed.remove(queue)
                self.ready[queue] = None
            self._wake_at = min((queue.not_before for queue in self.postponed), default=0.0)
        return max(0.0, self._wake_at - now) if self.postponed else None

    # Moving

    def move(self) -> Steps:
        """Puts some of the waiting mail in the mailboxes that are ready. Postpones the mailboxes that fail."""
        try:
            for queue in list(islice(self.ready, OPENED)):
                yield from self._open(queue)
            yield from self._say_what_is_intended()
            for queue, mailbox in list(self._opened.items()):
                yield from self._deliver(queue, mailbox)
        finally:
            for mailbox in self._opened.values():
                mailbox.close()
            self._opened.clear()

    def _open(self, queue: Queue) -> Steps:
        try:
            mailbox = self._opened[queue] = self._mailboxes.open(queue.mailbox)
            yield  # making a Maildir synced four directories: enough for one step
            if queue.is_doubtful:
                yield from self._in_doubt.find_out(queue, mailbox)
            elif mailbox.extent != queue.end:
                self._in_doubt.check_torn(queue, mailbox)
        except Exception as error:  # noqa: BLE001 (it is logged)
            self._postpone(queue, error)

    def _say_what_is_intended(self) -> Steps:
        """Writes an intent for each open mailbox file that is about to be written to, unless the last one still holds."""
        intents = []
        synced = []
        for queue, mailbox in list(self._opened.items()):
            try:
                extent = mailbox.extent
                if extent and queue.waiting and not queue.is_intended(extent):
                    # Other processes' writes are synced, too: then only what comes after the last intent can be torn.
                    if queue.is_unsynced or self._write_marks:
                        mailbox.sync()
                        synced.append(queue)
                        yield
                    intents.append((queue, extent))
            except NotSynced as error:  # it casts doubt only on our own mail
                self._postpone(queue, error if queue.is_unsynced else OSError(*error.args))
            except OSError as error:
                self._postpone(queue, error)
        if synced:
            self._mailboxes.sync_names()
        for queue in synced:
            queue.synced()
        records = [encode(Intent(queue.mailbox, queue.waiting[0].since, *extent)) for queue, extent in intents]
        for (queue, extent), outcome in zip(intents, self._journal.append(records), strict=True):
            if isinstance(outcome, StorageError):
                self._postpone(queue, outcome)
            else:
                queue.intend(extent)

    def _deliver(self, queue: Queue, mailbox: Mailbox) -> Steps:
        if queue not in self._opened:
            return
        try:
            for _ in range(BATCHES):
                if not queue.waiting:
                    break
                letters = self._batch(queue)
                yield from self._append(queue, mailbox, letters)
                if letters[0].is_large and self._room.is_scarce:
                    break  # its spool file must go before the next one is copied
        except Exception as error:  # noqa: BLE001 (it is logged)
            self._postpone(queue, error, is_doubtful=self._has_changed(mailbox, queue))
        else:
            self._works(queue)
            self._close(queue)
            del self.ready[queue]
            if queue.waiting and self._write_marks:
                queue.rest(time.monotonic())
                self._put_off(queue)
            elif queue.waiting:
                self.ready[queue] = None
            elif not queue.is_unsynced:  # all of it was there already
                del self.queues[queue.mailbox]

    def _append(self, queue: Queue, mailbox: Mailbox, letters: list[Letter]) -> Steps:
        self._in_doubt.begin(queue)
        moved = 0
        for there in mailbox.append(letters):
            queue.move(there - moved)
            moved = there
            yield
        queue.move(len(letters) - moved)
        if letters[0].is_large:
            (letter,) = letters
            self.arrivals.add(queue.mailbox, queue.moved[-1], letter.id, self._backlog.size(letter.id))
        queue.ends_at(mailbox.extent)
        self._in_doubt.end()
        yield

    def _has_changed(self, mailbox: Mailbox, queue: Queue) -> bool:
        """Whether a failed attempt left something in a mailbox file, or may have."""
        try:
            if mailbox.extent != queue.end:
                return True
            if self._write_marks and queue.end:
                mailbox.sync()  # or a power cut could bring back the octets that we cut off, among other processes' mail
        except OSError:
            return True
        return False

    def _batch(self, queue: Queue) -> list[Letter]:
        """The next letters to be written together: small ones up to `BATCH` octets, or a single large one."""
        letters: list[Letter] = []
        size = 0
        for place in queue.waiting:
            size += place.length
            if letters and size > BATCH:
                break
            letter = self._backlog.take(place, queue.mailbox)
            if letter.is_large:
                return letters or [letter]
            letters.append(letter)
        return letters

    def _close(self, queue: Queue) -> None:
        if queue in self._opened:
            self._opened.pop(queue).close()

    def _postpone(self, queue: Queue, error: Exception, is_doubtful: bool = False) -> None:
        """Puts a mailbox off after a failure. If it `is_doubtful`, mail moved since the last intent waits again.

        A damaged message is given up instead, and the mailbox stays ready.
        """
        if is_doubtful or isinstance(error, NotSynced):
            self.arrivals.wait_again(queue.mailbox, queue.moved)
            queue.doubt()
        self._in_doubt.end(queue)
        self._close(queue)
        if isinstance(error, Damaged) and isinstance(error.place, Place):
            try:
                self._give_up(queue, error, error.place)
            except OSError as failure:
                error = failure
            else:
                return
        since = queue.has_failed(time.monotonic(), self._write_marks is not None and isinstance(error, IsLocked))
        del self.ready[queue]
        self._put_off(queue)
        path = self._mailboxes.path(queue.mailbox)
        if isinstance(error, IsLocked):
            if since < LOCK_PATIENCE:
                return
            error = StorageError(f"{path}: another program keeps it locked")
        elif not isinstance(error, OSError | StorageError):
            log.error("%s: internal error", path, exc_info=error)
        refusal = fault(path, error)
        queue.refuse(refusal)
        self._outages.look(path, refusal)

    def _works(self, queue: Queue) -> None:
        """Notes that the last attempt to write to a mailbox succeeded."""
        queue.works()
        if self._outages.has_any:
            self._outages.look(self._mailboxes.path(queue.mailbox), None)

    def _put_off(self, queue: Queue) -> None:
        self._wake_at = min(self._wake_at, queue.not_before) if self.postponed else queue.not_before
        self.postponed.add(queue)

    def _give_up(self, queue: Queue, damage: Damaged, place: Place) -> None:
        """Keeps a damaged message aside instead of delivering it. Raises OSError."""
        log.critical("%s: it was for %s, and is kept aside", damage, self._mailboxes.path(queue.mailbox))
        self._backlog.keep_aside(place)
        queue.remove(place)
        self._works(queue)
        if not queue.waiting:
            del self.ready[queue]

    # So that the journal can be freed

    def copy(self, queue: Queue) -> Steps:
        """Copies a queue's waiting messages to the end of the journal, so that their segments can be freed. Raises OSError,
        StorageError.

        After each step the queue is in the order of the journal: an intent says that everything before a place is in the
        mailbox.
        """
        copies: set[Place] = set()
        for _ in range(ROUNDS):
            left = [place for place in queue.waiting if place not in copies]  # new mail goes behind
            while left:
                places = share_of(left)
                del left[: len(places)]
                those = self._backlog.copy(places, queue.mailbox)
                queue.put_behind(places, those)
                copies.update(those)
                yield

    def sync(self, mailbox: str) -> None:
        """Syncs a mailbox, so that everything moved to it is on disk. If that fails, logs it, and mail moved since the last
        intent waits again. If the mailbox was replaced, logs that: there is nothing to sync.
        """
        queue = self.queues[mailbox]
        try:
            self._mailboxes.sync(mailbox)
        except NotSynced as error:
            log.critical(
                "%s: not synced: what was put in it since the last time is put in again", self._mailboxes.path(mailbox)
            )
            self.ready[queue] = None
            self._postpone(queue, error)
            return
        except OSError as error:
            if error.errno not in _REPLACED:  # no sync was tried, and other mailboxes must not wait for this one
                log.error("%s: not synced: what was put in it is looked for", fault(self._mailboxes.path(mailbox), error))
                self.ready[queue] = None
                self._postpone(queue, NotSynced(*error.args))
                return
            log.warning("%s: it was replaced, with what was in it", fault(self._mailboxes.path(mailbox), error))
        queue.synced()
        if not queue.waiting:
            del self.queues[mailbox]
