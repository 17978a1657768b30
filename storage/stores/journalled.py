"""The store: messages are accepted into a journal, all of a turn with one sync, and put in their mailboxes afterwards.

It does not know what a mailbox looks like.
"""

import logging
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..contract import Beside
from ..delivery.backlog import Backlog
from ..delivery.housekeeping import Housekeeping
from ..delivery.in_doubt import Steps
from ..delivery.mover import Mover
from ..delivery.outages import Outages
from ..delivery.recovery import recover
from ..delivery.write_marks import WriteMarks
from ..errors import StorageError, fault, words
from ..files import Files
from ..journal.journal import Journal
from ..journal.records import Record, Unreadable, encode
from ..journal.segments import Place, share_of
from ..journal.spool import Spool
from ..mailboxes.mailbox import MailboxKind
from ..room import Room
from .directory import MailDirectory
from .message import Ids, Memory, Message

log = logging.getLogger("carteiro.storage")

GATHERING = 0.001
"""Seconds that a message may wait for others which share its sync. When nobody else is at work, it does not wait."""

ROOM_PATIENCE = 10.0
"""Seconds for which a journal that is being emptied may be full while messages wait for room. Then these are refused, and so
are the next, until there is some."""

OCTETS_AT_ONCE = 4 << 20
"""Octets that are put in the journal in one turn; the rest come in the next."""

PATIENCE = 60.0
"""Seconds that `close` may take. What is left waits in the journal for the next start."""


class JournalledStore:
    """The mailboxes of a directory, which is made when it is missing, with the journal in its `.journal`.

    One of several processes that deliver to the same mailboxes has a `part`, and its journal in that part of `.journal`; ""
    is the part of the process that began the others. They have equal `shares` of the room on the disk. `old` is the
    store that had the directory before somebody removed the journal, or all of it: `take_over` brings here what waits there.

    Raises StorageError when the directory cannot be had, another server uses it, or it has a journal of another format. What
    an earlier run accepted and did not put in its mailbox is put there before this returns, unless the mailbox is locked or
    cannot be written to.
    """

    def __init__(
        self,
        directory: Path,
        kind: MailboxKind,
        files: Files | None = None,
        part: str | None = None,
        is_one_of_several: bool = False,
        old: "JournalledStore | None" = None,
        shares: int = 1,
    ) -> None:
        self._shares = shares
        self._files = files or Files()
        self._part = part
        self._opened = ExitStack()
        self.path = directory
        self._directory = MailDirectory(self._files, directory, part)
        self._opened.callback(self._directory.close)
        try:
            self._open(self._directory, directory, kind, old)
            with self._faults():
                self._spool.clean(self._journal.is_damaged, old._spool.needed if old else ())
            if not is_one_of_several:
                self.finish()
        except BaseException:
            self._opened.close()
            raise
        self._is_retired = False
        self.is_whole = True
        """Nothing that was removed from the journal is still to be made anew."""
        self._complete: list[Message] = []
        self._settle_at = 0.0
        self._full_since: float | None = None
        self._memory = Memory()
        self._ids = Ids()

    def _open(self, directory: MailDirectory, path: Path, kind: MailboxKind, old: "JournalledStore | None") -> None:
        self._where = directory.where
        self._outages: Outages = old._outages.go_on() if old else Outages()
        self._mailboxes = kind(self._files, directory.top, path)
        self._opened.callback(self._mailboxes.close)
        self._journal: Journal = Journal(self._files, directory.own, directory.where)
        self._spool: Spool = Spool(self._files, directory.spool, directory.where / "spool")
        self._room = Room(self._files, directory.own, path, self._owed, self._shares)
        self._spool.room = self._room
        self._backlog = Backlog(self._journal, self._spool)
        self._write_marks = None
        if self._part is not None:
            with self._faults():
                self._write_marks = write_marks = WriteMarks(self._files, directory.shared, self._part or "0")
            self._opened.callback(write_marks.close)
        self._mover = Mover(self._journal, self._mailboxes, self._backlog, self._outages, self._room, self._write_marks)
        self._housekeeping = Housekeeping(
            self._journal, self._mailboxes, self._backlog, self._mover, self._spool, self._room
        )
        self._opened.callback(self._journal.close)
        self._journal.open()
        with self._faults():
            if not self._part:
                self._mailboxes.clean()
            recover(self._journal, self._backlog, self._mover)

    def _owed(self) -> int:
        """Octets that must be free on the disk so that all that was accepted can be moved."""
        return self._spool.reserve + sum(segment.owed for segment in self._journal.segments)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (OSError, Unreadable) as error:
            raise StorageError(f"{self._where}: {words(error) if isinstance(error, OSError) else error}") from error

    def cut_tails(self) -> None:
        """What a crash left half-written at the end of a mailbox is cut off: for all parts, before any of them finishes."""
        with self._faults():
            self._mover.cut_tails()

    def finish(self) -> None:
        """Moves all that a crash left."""
        self._housekeeping.finish(math.inf)

    # Accepting

    def sync_beside(self, beside: Beside) -> None:
        """From now on spool files are synced there, and nobody waits for that but their senders."""
        self._spool.syncs.beside = beside

    def begin(self, reverse_path: bytes, recipients: Sequence[tuple[str, bytes]], is_verbatim: bool = False) -> Message:
        """A new message. A recipient is a mailbox and a forward-path; a mailbox that has several gets one copy.

        Its content goes to the mailboxes octet for octet when it `is_verbatim`; else its CRLF line ends become LF.
        """
        complete = self._complete.append
        return Message(next(self._ids), reverse_path, recipients, self._spool, self._memory, complete, is_verbatim)

    def settle(self, is_idle: bool = True) -> bool:
        """Puts each message that was committed since the last time in the journal, and answers it.

        Unless others are at work whose messages may go with these, or there will be room for them: then it returns True, and
        is to be called again soon.
        """
        if not self._complete:
            return False
        if self._waits_for_room() or (not is_idle and self._gathers()):
            return True
        self._settle_at = 0.0
        complete = self._share()
        try:
            outcomes = self._accept(complete)
        except Exception as error:
            log.error("journal: internal error", exc_info=error)
            outcomes = [fault("journal", error)] * len(complete)
        for message, outcome in zip(complete, outcomes, strict=True):
            message.conclude(outcome)
        return bool(self._complete)

    def _waits_for_room(self) -> bool:
        if not self._housekeeping.is_full:
            self._full_since = None
            return False
        now = time.monotonic()
        self._full_since = self._full_since or now
        return now < self._full_since + ROOM_PATIENCE and self._housekeeping.makes_room

    def _gathers(self) -> bool:
        now = time.monotonic()
        self._settle_at = self._settle_at or now + GATHERING
        return now < self._settle_at

    def _share(self) -> list[Message]:
        """Those that are put in the journal now."""
        octets = 0
        share: list[Message] = []
        for message in self._complete:
            share.append(message)
            octets += message.octets
            if octets >= OCTETS_AT_ONCE:
                break
        del self._complete[: len(share)]
        return share

    def _accept(self, complete: list[Message]) -> list[StorageError | None]:
        """What is to be answered to each."""
        mailboxes = {mailbox for message in complete for mailbox in message.recipients}
        refusals = {mailbox: self._refusal(mailbox) for mailbox in mailboxes}
        outcomes: list[StorageError | None] = []
        records = []
        for message in complete:
            message.check()
            outcome = message.fault
            if message.is_large:
                self._outages.look(str(self._spool.where), outcome)
            for mailbox in message.recipients:
                outcome = outcome or refusals[mailbox]
            outcome = outcome or self._lack(message)
            outcomes.append(outcome)
            if outcome is None:
                records.append(message.record())
        placed = zip(self._journal.append([encode(record) for record in records]), records, strict=True)
        for number, outcome in enumerate(outcomes):
            if outcome is None:
                outcomes[number] = self._put(*next(placed))
        return outcomes

    def _lack(self, message: Message) -> StorageError | None:
        """Whether there is no room on the disk for one more message, until all mailboxes have it."""
        count = len(message.recipients)
        lack = self._room.take(self._spool.more(message.size, count) if message.is_spooled else count * message.octets)
        if lack or self._outages.has_any:
            self._outages.look(f"{self.path}: disk", lack)
        return lack

    def _refusal(self, mailbox: str) -> StorageError | None:
        if self._housekeeping.is_full:
            full = StorageError("journal: full, mail is waiting to be moved to its mailboxes", "no room")
            self._outages.look("journal", full)
            return full
        return self._mover.refusal(mailbox)

    def _put(self, place: Place | StorageError, record: Record) -> StorageError | None:
        if isinstance(place, StorageError):
            self._outages.look("journal", place)
            return place
        if self._outages.has_any:
            self._outages.look("journal", None)
        self._backlog.remember(place, record)
        for mailbox in record.recipients:
            self._mover.put(place, mailbox)
        return None

    # Housekeeping

    def tidy(self, is_idle: bool, waited: float = 0.0) -> float | None:
        """Moves some of what was accepted; returns the seconds until it wants to go on at the latest, or None."""
        return self._housekeeping.tidy(is_idle, waited)

    @property
    def is_settled(self) -> bool:
        """Whether no message waits for `settle`."""
        return not self._complete

    @property
    def is_moving(self) -> bool:
        """Whether mailboxes may be open between two calls of `tidy`."""
        return self._housekeeping.is_moving

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left in the journal."""
        return not self._journal.segments

    # When somebody removes the directory, or puts another one in its place

    @property
    def is_in_place(self) -> bool:
        """Whether the directory, and the journal in it, are still those that this store has."""
        return self.is_whole and self._directory.is_in_place and self._journal.is_there

    @property
    def is_ours(self) -> bool:
        """Whether the directory is in its place, with a journal of which something is missing: `mend` makes it whole."""
        return self._directory.is_ours

    def mend(self) -> None:
        """Makes what somebody has removed from the journal anew. Raises OSError and StorageError: it is to be tried again.

        What waits in files without a name is copied to others. What files that are gone said of mailboxes, is said again.
        """
        self.is_whole = False
        if not self._directory.has_spool:
            self._directory.make_spool()
            self._spool.directory = self._directory.spool
        removed = self._journal.forget_removed()
        if removed:
            self._housekeeping.restate(removed)
        self.is_whole = True

    def retire(self) -> list[Message]:
        """Nothing more is accepted. Returns where messages that are still coming will be put when they are complete."""
        self._is_retired = True
        self._outages.are_of_the_past = True
        return self._complete

    def return_to_duty(self) -> list[Message]:
        """The directory is in its place again: messages are accepted again."""
        self._is_retired = self._outages.are_of_the_past = False
        return self._complete

    @property
    def whereabouts(self) -> str:
        """Where the directory is now, with its journal in it; "" when there is no such place."""
        return self._directory.whereabouts if self._directory.has_journal else ""

    @property
    def waiting(self) -> int:
        """Messages that are not in their mailboxes, each for each mailbox."""
        return sum(len(queue.waiting) for queue in self._mover.queues.values())

    def take_over(self, old: "JournalledStore") -> Steps:
        """Takes what waits in a store whose journal was removed, but for what was in files that are gone.

        Raises OSError and StorageError when there is no room here.

        What is in doubt comes first, all of a mailbox at once: only then can it be told what of it is there.
        """
        old._housekeeping.stop()
        for queue in sorted(old._mover.queues.values(), key=lambda queue: not queue.is_doubtful):
            while queue.waiting:
                places = list(queue.waiting) if queue.is_doubtful else share_of(queue.waiting)
                for place in self._backlog.adopt(old._backlog, places, queue.mailbox):
                    self._mover.put(place, queue.mailbox)
                queue.replace(len(places), [])
                if queue.is_doubtful and queue.mailbox in self._mover.queues:
                    self._mover.queues[queue.mailbox].doubt_from(queue.start)
                yield
        old.give_up()

    def leave(self) -> None:
        """Nothing is left in the journal, and nobody will put anything in it: gives back the descriptors.

        The journal of a process that is no more goes; but what was kept aside in it, because it was damaged, stays.
        """
        assert self.is_empty
        if self._is_retired:
            log.warning("mail directory %s: all that was accepted is in its mailboxes", self._directory.whereabouts)
        elif self._part:
            self._remove()
        self.give_up()

    def _remove(self) -> None:
        try:
            if self._write_marks and not self._write_marks.has_doubts:
                self._write_marks.remove()
            self._journal.remove()
            self._directory.remove_part()
            log.info("%s: emptied and removed: there is no such worker any more", self._where)
        except OSError as error:
            log.warning("%s: emptied, and not removed: %s", self._where, words(error))

    def give_up(self) -> None:
        """Gives back the descriptors, and leaves all as it is."""
        self._spool.close()
        self._opened.close()

    def close(self) -> None:
        """Moves all of it, as far as the mailboxes can be written to, and gives back the descriptors."""
        self._housekeeping.close(PATIENCE)
        self._opened.close()
