"""The store: accepts messages into a journal, all of a turn with one sync, and puts them in their mailboxes afterwards.

Knows nothing about what a mailbox looks like.
"""

import logging
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path

from ..contract import MOST_LOOKED_AT, Beside, Condition, Meter
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
"""Seconds that a message may wait for others to share its sync. If nobody else is at work, it does not wait."""

ROOM_PATIENCE = 10.0
"""Seconds for which messages wait for room while the journal is full but being emptied. Then they are refused, and so are
the next, until there is room."""

OCTETS_AT_ONCE = 4 << 20
"""Octets that one turn puts in the journal; the rest waits for the next turn."""

PATIENCE = 60.0
"""Seconds that `close` may take. What is left waits in the journal for the next start."""


class JournalledStore:
    """A mail directory, made if it is missing, with a journal in its `.journal`.

    One of several processes that deliver to the same mailboxes has a `part`: its journal is in that part of `.journal`. ""
    is the part of the parent process. They share the room on the disk equally, in `shares`. `old` is the store that had the
    directory before another program removed the journal, or all of it; `take_over` fetches the mail that waits there. A
    `meter` hears how long the work takes.

    Before the constructor returns, mail that an earlier run accepted is put in its mailboxes, unless a mailbox is locked or
    cannot be written to. With `is_one_of_several`, call `cut_tails` on all and then `finish`, which does this. Raises
    StorageError if the directory cannot be opened, another server uses it, or its journal has another format.
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
        meter: Meter | None = None,
    ) -> None:
        self._meter = meter
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
        """Whether the journal has all its files; if not, `mend` has begun and must go on."""
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
        self._journal: Journal = Journal(
            self._files, directory.own, directory.where, self._meter.synced if self._meter else None
        )
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
        """Octets that must stay free on the disk so that all accepted mail can be moved."""
        return self._spool.reserve + sum(segment.owed for segment in self._journal.segments)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (OSError, Unreadable) as error:
            raise StorageError(f"{self._where}: {words(error) if isinstance(error, OSError) else error}") from error

    def cut_tails(self) -> None:
        """Cuts off what a crash left half-written at the end of mailboxes. Call it for all parts before any of them
        finishes.
        """
        with self._faults():
            self._mover.cut_tails()

    def finish(self) -> None:
        """Moves all mail that a crash left, as far as possible now."""
        self._housekeeping.finish(math.inf)

    # Accepting

    def sync_beside(self, beside: Beside) -> None:
        """From now on `beside` runs the syncs of spool files, and only the senders of these wait for them."""
        self._spool.syncs.beside = beside

    def begin(self, reverse_path: bytes, recipients: Sequence[tuple[str, bytes]], is_verbatim: bool = False) -> Message:
        """A new message. A recipient is a mailbox and a forward-path; a mailbox that is given with several gets one copy.

        If it `is_verbatim`, its content goes to the mailboxes octet for octet; if not, its CRLF line ends become LF. When it
        is complete, it waits in a list that `settle` empties before replies are written (`SharedStore.join` registers that).
        """
        complete = self._complete.append
        return Message(next(self._ids), reverse_path, recipients, self._spool, self._memory, complete, is_verbatim)

    def settle(self, is_idle: bool = True) -> bool:
        """Puts the messages that were completed since the last call in the journal, and answers each.

        It waits if others at work may share the sync, or if room is about to appear. Returns True if messages still wait and
        it should be called again soon.
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
        """Takes out the complete messages that this turn puts in the journal."""
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
        """For each message, why it is not in the journal, or None."""
        mailboxes = {mailbox for message in complete for mailbox in message.recipients}
        refusals = {mailbox: self._refusal(mailbox) for mailbox in mailboxes}
        outcomes: list[StorageError | None] = []
        records = []
        large = [message for message in complete if message.is_large]
        for message in large:
            message.check()
            self._outages.look(str(self._spool.where), message.fault)
        octets = sum([len(message.recipients) * message.octets for message in complete]) + sum(map(self._more, large))
        is_tight = self._room.take(octets) is not None  # nearly always, all fit together
        for message in complete:
            outcome = message.fault
            for mailbox in message.recipients:
                outcome = outcome or refusals[mailbox]
            if not outcome and (is_tight or self._outages.has_any):
                outcome = self._lack(message, is_tight)
            outcomes.append(outcome)
            if outcome is None:
                records.append(message.record())
        placed = zip(self._journal.append([encode(record) for record in records]), records, strict=True)
        for number, outcome in enumerate(outcomes):
            if outcome is None:
                outcomes[number] = self._put(*next(placed))
        return outcomes

    def _more(self, message: Message) -> int:
        """Octets that are written until all mailboxes have a message with its content in the spool; 0 for any other."""
        return self._spool.more(message.size, len(message.recipients)) if message.is_spooled else 0

    def _lack(self, message: Message, is_tight: bool) -> StorageError | None:
        """Why one more message does not fit on the disk until all mailboxes have it; None if it does."""
        octets = self._more(message) or len(message.recipients) * message.octets
        lack = self._room.take(octets) if is_tight else None
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
        """Moves some accepted mail. Returns the seconds until it should be called again at the latest, or None."""
        if self._meter is None:
            return self._housekeeping.tidy(is_idle, waited)
        steps, began = self._housekeeping.steps, time.monotonic()
        wanted_in = self._housekeeping.tidy(is_idle, waited)
        if self._housekeeping.steps > steps:
            self._meter.moved(time.monotonic() - began)
        return wanted_in

    @property
    def condition(self) -> Condition:
        """How it stands now."""
        postponed = self._mover.postponed
        in_doubt = sum(queue.is_doubtful for queue in islice(postponed, MOST_LOOKED_AT))
        waiting = sum(segment.waiting for segment in self._journal.segments)
        return Condition(self._housekeeping.fullness(), waiting, len(postponed), in_doubt)

    @property
    def is_settled(self) -> bool:
        """Whether no complete message waits for `settle`."""
        return not self._complete

    @property
    def is_moving(self) -> bool:
        """Whether mailboxes may be open between two calls of `tidy`."""
        return self._housekeeping.is_moving

    @property
    def is_empty(self) -> bool:
        """Whether the journal has nothing left."""
        return not self._journal.segments

    # When the directory is removed or replaced

    @property
    def is_in_place(self) -> bool:
        """Whether the directory and its journal are still the ones open here, with all their files."""
        return self.is_whole and self._directory.is_in_place and self._journal.is_there

    @property
    def is_ours(self) -> bool:
        """Whether the directory is in its place with our journal, of which `mend` can restore missing files."""
        return self._directory.is_ours

    def mend(self) -> None:
        """Restores files that another program removed from the journal. Raises OSError and StorageError: call it again then.

        Mail that waits in removed files is copied to others. Whatever the lost files recorded about mailboxes is recorded
        again.
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
        """Stops accepting. Returns the list in which messages that are still on their way will appear when they are
        complete.
        """
        self._is_retired = True
        self._outages.are_of_the_past = True
        return self._complete

    def return_to_duty(self) -> list[Message]:
        """Accepts again, since the directory is back in its place. Returns the list of complete messages."""
        self._is_retired = self._outages.are_of_the_past = False
        return self._complete

    @property
    def whereabouts(self) -> str:
        """Where the directory is now, with its journal in it; "" if there is no such place."""
        return self._directory.whereabouts if self._directory.has_journal else ""

    @property
    def waiting(self) -> int:
        """How many messages are not in their mailboxes; a message counts once for each mailbox."""
        return sum(len(queue.waiting) for queue in self._mover.queues.values())

    def take_over(self, old: "JournalledStore") -> Steps:
        """Copies the mail that waits in a store whose journal was removed to this one, and gives the old one up. Spooled
        messages whose files are gone are logged as lost. Raises OSError and StorageError if it fails here.

        Doubtful mailboxes come first, each in one step: only all their messages together tell what is in the mailbox.
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
        """Gives up an empty store into which nothing more will be put: closes the descriptors.

        Removes the journal of a worker that does not exist any more; damaged records that were kept aside in it stay.
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
        """Closes the descriptors, and leaves everything on disk as it is."""
        self._spool.close()
        self._opened.close()

    def close(self) -> None:
        """Moves all mail for which the mailboxes can be written to, and closes the descriptors."""
        self._housekeeping.close(PATIENCE)
        self._opened.close()
