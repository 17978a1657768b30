"""The mover: takes accepted messages out of the journal and puts them in their mailboxes, a little at a time.

It does not know where messages come from, nor what a mailbox looks like. A message stays in the journal until it is in its
mailbox and on disk. Before a mailbox file is written to, an intent with its size is put in the journal: after a crash it
tells what may be there, so that each message ends up in it exactly once.
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
"""Mailboxes that are open at once."""

BATCH = 64 * 1024
"""Octets of the journal that are put in a mailbox together."""

BATCHES = 16
"""Batches that are put in a mailbox before it is another one's turn."""

ROUNDS = 8
"""How often it is looked whether mail came for a mailbox while what waited was copied: what came later is out of order."""

_REPLACED = (0, errno.ELOOP, errno.ENOTDIR, errno.EISDIR)
"""Errors that say that a mailbox is not one any more: then there is nothing to sync."""


class Mover:
    """Moves what waits in queues; each step of a task that it begins is short.

    `write_marks` are needed where other processes deliver to the same mailboxes.
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
        """Those of the mailboxes that the journal has messages for."""
        self.ready: dict[Queue, None] = {}
        """Those in which messages wait, the one that is next first."""
        self.postponed: set[Queue] = set()
        """Those in which messages wait until the mailbox is tried again."""
        self.arrivals = Arrivals()

    def recovered(self) -> None:
        """All that an earlier run left is in the queues. Raises OSError."""
        self._in_doubt.settle(self.queues.values())

    def cut_tails(self) -> None:
        """Where a crash left half a message of ours, and nobody wrote anything after it, it is cut off now.

        That comes first, for the journals of all processes, before any of them moves anything. Raises OSError.
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
        """A message is to be moved."""
        queue = self.queues.get(mailbox)
        if queue is None:
            queue = self.queues[mailbox] = Queue(mailbox)
        queue.put(place)
        if queue not in self.postponed:
            self.ready[queue] = None

    def refusal(self, mailbox: str) -> StorageError | None:
        """Why no message can be accepted for a mailbox now."""
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
        """Makes ready what is to be tried again; returns the seconds until there is more of that, or None."""
        now = time.monotonic()
        if self.postponed and now >= self._wake_at:
            for queue in [queue for queue in self.postponed if queue.not_before <= now]:
                self.postponed.remove(queue)
                self.ready[queue] = None
            self._wake_at = min((queue.not_before for queue in self.postponed), default=0.0)
        return max(0.0, self._wake_at - now) if self.postponed else None

    # Moving

    def move(self) -> Steps:
        """Puts some of what waits in the mailboxes whose turn it is."""
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
            yield  # a new Maildir has four directories, each of which was synced: that is enough for one step
            if queue.is_doubtful:
                yield from self._in_doubt.find_out(queue, mailbox)
            elif mailbox.extent != queue.end:
                self._in_doubt.check_torn(queue, mailbox)
        except Exception as error:  # noqa: BLE001 (it is logged)
            self._postpone(queue, error)

    def _say_what_is_intended(self) -> Steps:
        """In the journal, for each open mailbox file that will be written to, unless it was said before."""
        intents = []
        synced = []
        for queue, mailbox in list(self._opened.items()):
            try:
                extent = mailbox.extent
                if extent and queue.waiting and not queue.is_intended(extent):
                    # What others wrote is to be on disk, too: then only what comes after the last intent can be torn.
                    if queue.is_unsynced or self._write_marks:
                        mailbox.sync()
                        synced.append(queue)
                        yield
                    intents.append((queue, extent))
            except NotSynced as error:  # if nothing is ours, there is nothing to put right
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
                letters = self._batch(queue)
                if not letters:
                    break
                yield from self._append(queue, mailbox, letters)
                if letters[0].is_large and self._room.is_scarce:
                    break  # it is to leave the spool before the next one comes
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
            elif not queue.is_unsynced:  # all was there already
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
        """Whether an attempt that failed left something in a mailbox file."""
        try:
            if mailbox.extent != queue.end:
                return True
            if self._write_marks and queue.end:
                mailbox.sync()  # else what was cut off could be on disk among what others write there
        except OSError:
            return True
        return False

    def _batch(self, queue: Queue) -> list[Letter]:
        """The next letters that are put in together, of a size that is written at once."""
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
        """A mailbox could not be written to: it is tried again later, and what was written is found out before."""
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
        """The last attempt to write to a mailbox did not fail."""
        queue.works()
        if self._outages.has_any:
            self._outages.look(self._mailboxes.path(queue.mailbox), None)

    def _put_off(self, queue: Queue) -> None:
        self._wake_at = min(self._wake_at, queue.not_before) if self.postponed else queue.not_before
        self.postponed.add(queue)

    def _give_up(self, queue: Queue, damage: Damaged, place: Place) -> None:
        """A message that is not what it was is put in no mailbox."""
        log.critical("%s: it was for %s, and is kept aside", damage, self._mailboxes.path(queue.mailbox))
        self._backlog.keep_aside(place)
        queue.remove(place)
        self._works(queue)
        if not queue.waiting:
            del self.ready[queue]

    # What the journal is to be rid of

    def copy(self, queue: Queue) -> Steps:
        """Copies what waits to the end of the journal, so that its segments can be freed. Raises OSError, StorageError.

        After each step the queue is in the order of the journal: an intent says that all before a place is in its mailbox.
        """
        copies: set[Place] = set()
        for _ in range(ROUNDS):
            left = [place for place in queue.waiting if place not in copies]  # what came meanwhile goes behind all others
            while left:
                places = share_of(left)
                del left[: len(places)]
                those = self._backlog.copy(places, queue.mailbox)
                queue.put_behind(places, those)
                copies.update(those)
                yield

    def sync(self, mailbox: str) -> None:
        """What was moved to a mailbox is on disk, or waits again."""
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
            if error.errno not in _REPLACED:  # it was not even tried, and others are not to wait for it
                log.error("%s: not synced: what was put in it is looked for", fault(self._mailboxes.path(mailbox), error))
                self.ready[queue] = None
                self._postpone(queue, NotSynced(*error.args))
                return
            log.warning("%s: it was replaced, with what was in it", fault(self._mailboxes.path(mailbox), error))
        queue.synced()
        if not queue.waiting:
            del self.queues[mailbox]
