"""Doubt about a mailbox: finds out which messages are in it after a crash or a failed sync, and leaves nothing half-written.

Knows nothing about when this is to be done, nor how messages are moved.

The theory. Before messages are appended to a mailbox file, an intent in the journal says where the file ends (`start`) and
which message comes next. By then, everything that we had put in it is on disk. So after a crash, or when a sync failed, only
the octets behind `start` are in doubt. There are three cases:

1. Only this process wrote to the file since. Then the octets behind `start` are a beginning of the waiting messages, as
   they were appended; a power cut may have put zeros in place of some. `cut_tail` compares, and cuts all of them off. Every
   message waits and is written again, so each ends up in the file once.
2. The end of the file may be half a message of another process of ours, which has marked it (`write_marks`). Only that
   process can tell how much to cut off. The mailbox is treated as locked until it has.
3. Otherwise another program, or another process, has changed the file. Nothing can be cut off any more. `_search` looks for
   each message's exact entry in the whole file. Those that are missing wait; one that its owner deleted or changed comes a
   second time. They are copied to the end of the journal, so that the next intent can say: everything before is done.

Without a `start` nothing was about to be written, so nothing of ours is there; only case 2 matters. A Maildir has no extent:
the name of a message's file tells whether it is there, complete.

When several processes deliver, a cut is synced, so that a power cut cannot bring the octets back among the mail that the
others append. And mail that they appended before may not be on disk, so our next write needs a new intent, and with it a
sync.
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
"""A task that runs only by `next`, one short step at a time, so that other work has its turn between two steps."""


class InDoubt:
    """Finds out, for an open mailbox, which messages of its queue are not in it.

    `write_marks` are needed if other processes deliver to the same mailboxes.
    """

    def __init__(self, mailboxes: Mailboxes, backlog: Backlog, write_marks: WriteMarks | None) -> None:
        self._mailboxes = mailboxes
        self._backlog = backlog
        self._write_marks = write_marks

    def check_torn(self, queue: Queue, mailbox: Mailbox) -> None:
        """Raises IsLocked if the mailbox may have half a message of another process, which only that process can cut off."""
        if self._write_marks and mailbox.extent and self._write_marks.is_torn(queue.mailbox):
            raise IsLocked

    def begin(self, queue: Queue) -> None:
        """Tells the other processes that there is half a message of ours in this mailbox now. Raises OSError."""
        if self._write_marks and queue.end:
            self._write_marks.begin(queue.mailbox)

    def end(self, queue: Queue | None = None) -> None:
        """Tells the other processes that there is none any more; or that there may be one, in the mailbox of `queue`, if it
        is doubtful. Logs a failure: then they keep away from the mailbox until our next mark replaces this one.
        """
        try:
            if queue and queue.is_doubtful:
                self.note(queue)
            if self._write_marks:
                self._write_marks.end()
        except OSError as error:
            log.error("%s: others keep away from a mailbox until we have another one", fault("note", error))

    def note(self, queue: Queue) -> None:
        """Tells the other processes that there may be half a message of ours in this mailbox until `cut_tail` is done.
        Raises OSError.
        """
        if self._write_marks and queue.start:
            self._write_marks.doubt(queue.mailbox)

    def settle(self, queues: Iterable[Queue]) -> None:
        """Tells the other processes that of our marks from before a crash, only those for doubtful mailboxes in `queues`
        still count. Raises OSError.
        """
        if self._write_marks and self._write_marks.has_doubts:
            self._write_marks.settle_all_but(queue.mailbox for queue in queues if queue.is_doubtful and queue.start)

    def find_out(self, queue: Queue, mailbox: Mailbox) -> Steps:
        """Ends the doubt. Afterwards only messages missing from the mailbox wait, and nothing in it is half-written.

        Raises IsLocked as `check_torn` does.
        """
        if mailbox.extent is None:
            yield from self._look_for_names(queue, mailbox)
        elif queue.start is None:
            self.check_torn(queue, mailbox)
        elif not (yield from self.cut_tail(queue, mailbox)):
            self.check_torn(queue, mailbox)
            yield from self._search(queue, mailbox)
        queue.found_out()

    def cut_tail(self, queue: Queue, mailbox: Mailbox) -> Generator[None, None, bool]:
        """Cuts off everything behind `start` if it can only be ours, perhaps torn. Returns False if other programs or
        processes wrote there, or there is no `start`.
        """
        if queue.start is None or mailbox.extent is None:
            return False
        is_cut = yield from mailbox.take_back(queue.start, self._taken(queue, list(queue.waiting)))
        if self._write_marks:
            if is_cut:
                mailbox.sync()  # or a power cut could bring back the octets that we cut off, among other processes' mail
            # If nothing was cut, others have written since, and they do that only behind a whole message.
            self._write_marks.settle(queue.mailbox)
        if is_cut:
            # What other processes wrote before may not be on disk: our next write needs a new intent.
            queue.cut_back(may_have_grown=self._write_marks is not None)
        return is_cut

    def _taken(self, queue: Queue, places: list[Place]) -> Generator[Letter, None, None]:
        return (self._backlog.take(place, queue.mailbox) for place in places)

    def _look_for_names(self, queue: Queue, mailbox: Mailbox) -> Steps:
        places = list(queue.waiting)  # more may be added between steps
        missing = yield from mailbox.missing(self._taken(queue, places))
        mailbox.sync()  # the names that were found may not be on disk
        queue.replace(len(places), [place for place, is_missing in zip(places, missing, strict=True) if is_missing])
        queue.forget_end()

    def _search(self, queue: Queue, mailbox: Mailbox) -> Steps:
        """Searches a file that another program or process has changed: messages found as they were written are done."""
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
        """Copies these messages, and those that came after the first `looked_at`, to the end of the journal, and lets only
        the copies wait. So the next intent can say that everything before the first copy is in the mailbox.
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
