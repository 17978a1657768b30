"""Doubts about a mailbox: what is in it after a crash, or a sync that failed; nothing half-written is left.

It does not know when this is to be done, nor how messages are moved.
"""

import logging
from collections.abc import Generator, Iterable
from itertools import islice

from ..errors import fault
from ..files import IsLocked
from ..journal.segments import Place, share_of
from ..mailboxes.letter import Letter
from ..mailboxes.mailbox import Mailbox, Mailboxes
from .backlog import Backlog
from .queue import Queue
from .write_marks import WriteMarks

log = logging.getLogger("carteiro.storage")

Steps = Generator[None, None, None]


class InDoubt:
    """Finds out, for an open mailbox, which messages of its queue are not in it.

    `write_marks` are needed where other processes deliver to the same mailboxes.
    """

    def __init__(self, mailboxes: Mailboxes, backlog: Backlog, write_marks: WriteMarks | None) -> None:
        self._mailboxes = mailboxes
        self._backlog = backlog
        self._write_marks = write_marks

    def check_torn(self, queue: Queue, mailbox: Mailbox) -> None:
        """Raises IsLocked when half a message of another process may be in it, which that one will cut off."""
        if self._write_marks and mailbox.extent and self._write_marks.is_torn(queue.mailbox):
            raise IsLocked

    def begin(self, queue: Queue) -> None:
        """For others: there is half a message of ours in its mailbox now. Raises OSError."""
        if self._write_marks and queue.end:
            self._write_marks.begin(queue.mailbox)

    def end(self, queue: Queue | None = None) -> None:
        """For others: there is none any more; but perhaps in the mailbox of this queue, if it is doubtful."""
        try:
            if queue and queue.is_doubtful:
                self.note(queue)
            if self._write_marks:
                self._write_marks.end()
        except OSError as error:
            log.error("%s: others keep away from a mailbox until we have another one", fault("note", error))

    def note(self, queue: Queue) -> None:
        """For others: half a message of ours may be in its mailbox until `cut_tail` was carried out. Raises OSError."""
        if self._write_marks and queue.start:
            self._write_marks.doubt(queue.mailbox)

    def settle(self, queues: Iterable[Queue]) -> None:
        """For others: of what we noted before a crash, only what these are in doubt about can be torn. Raises OSError."""
        if self._write_marks and self._write_marks.has_doubts:
            self._write_marks.settle_all_but(queue.mailbox for queue in queues if queue.is_doubtful and queue.start)

    def find_out(self, queue: Queue, mailbox: Mailbox) -> Steps:
        """Leaves what is not in the mailbox waiting, and nothing half-written in it."""
        if mailbox.extent is None:
            yield from self._look_for_names(queue, mailbox)
        elif queue.start is None:
            self.check_torn(queue, mailbox)
        elif not (yield from self.cut_tail(queue, mailbox)):
            self.check_torn(queue, mailbox)
            yield from self._search(queue, mailbox)
        queue.found_out()

    def cut_tail(self, queue: Queue, mailbox: Mailbox) -> Generator[None, None, bool]:
        """Cuts off what can be nothing but ours, perhaps torn; false when other programs, or processes, wrote to it."""
        if queue.start is None or mailbox.extent is None:
            return False
        is_cut = yield from mailbox.take_back(queue.start, self._taken(queue, list(queue.waiting)))
        if self._write_marks:
            if is_cut:
                mailbox.sync()  # else what was cut off could be on disk among what others write there
            self._write_marks.settle(queue.mailbox)  # when it is not cut it was whole: others wrote only then
        if is_cut:
            # What others wrote before may not be on disk: then we write only after a new intent.
            queue.cut_back(may_have_grown=self._write_marks is not None)
        return is_cut

    def _taken(self, queue: Queue, places: list[Place]) -> Generator[Letter, None, None]:
        return (self._backlog.take(place, queue.mailbox) for place in places)

    def _look_for_names(self, queue: Queue, mailbox: Mailbox) -> Steps:
        places = list(queue.waiting)  # more may come meanwhile
        missing = yield from mailbox.missing(self._taken(queue, places))
        mailbox.sync()  # what is there may not be on disk
        queue.replace(len(places), [place for place, is_missing in zip(places, missing, strict=True) if is_missing])
        queue.forget_end()

    def _search(self, queue: Queue, mailbox: Mailbox) -> Steps:
        """Another program changed the mailbox file: what is in it as it was written is not put in again."""
        places = list(queue.waiting)
        missing = yield from mailbox.missing(self._taken(queue, places))
        mailbox.sync()
        self._mailboxes.sync_names()
        places = [place for place, is_missing in zip(places, missing, strict=True) if is_missing]
        words = (
            "%s: another program changed it: %d messages are there unchanged, %d are put in, at worst for the second time"
        )
        log.warning(words, self._mailboxes.path(queue.mailbox), len(missing) - len(places), len(places))
        yield from self._put_last(queue, places, len(missing))
        queue.forget_end()

    def _put_last(self, queue: Queue, places: list[Place], looked_at: int) -> Steps:
        """Copies these, and what came since so many were looked at, to the end of the journal: only they are left to wait.

        An intent will say that all before the first of them is there.
        """
        copies: list[Place] = []
        copied = 0
        while True:
            places += islice(queue.waiting, looked_at, None)
            looked_at = len(queue.waiting)
            if copied == len(places):
                break
            share = share_of(islice(places, copied, None))
            copies += self._backlog.copy(share, queue.mailbox)
            copied += len(share)
            if copied < len(places):
                yield
        queue.replace(len(queue.waiting), copies)
