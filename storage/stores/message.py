"""A message on its way into storage: its envelope, and its content as it comes.

Knows nothing about what a mailbox looks like, nor when messages are put on disk.
"""

import logging
import os
import time
from collections.abc import Callable, Sequence
from itertools import count

from ..contract import Answer
from ..errors import StorageError, fault
from ..journal.records import Recipients, Record
from ..journal.spool import Spool, SpoolFile

log = logging.getLogger("carteiro.storage")

LARGE = 256 * 1024
"""Octets of content in memory beyond which a message goes to the spool."""

LARGE_WHEN_CROWDED = 16 * 1024
"""That limit while all messages together have more than `CROWDED` octets in memory."""

CROWDED = 64 << 20

MOST_PIECES = 64
"""Pieces of content that are kept apart before they are joined."""

_AT_ONCE = 64 * 1024  # octets that are collected for one write to the spool


class Memory:
    """Counts the octets of content in memory of all messages on their way."""

    def __init__(self) -> None:
        self.used = 0

    @property
    def large(self) -> int:
        """Octets of content that one message may have in memory."""
        return LARGE_WHEN_CROWDED if self.used > CROWDED else LARGE


class Message:
    """A message for some mailboxes. `came` is when it began, in microseconds since the epoch.

    Its content is in memory (`octets` of it) or, if it is large, in the spool. If it `is_verbatim`, its content goes to the
    mailbox as it is.

    A complete message is passed to `take`, which adds it to the store's list of complete messages. It waits there until
    `settle` puts it in the journal and answers it, which a loop does before replies are written (see `SharedStore.join`).
    """

    __slots__ = (
        "_answer", "_count", "_memory", "_pieces", "_spool", "_spooled", "_take", "came", "fault", "id", "is_verbatim",
        "octets", "recipients", "reverse_path", "trace_fields",
    )  # fmt: skip

    def __init__(
        self,
        id: str,
        reverse_path: bytes,
        recipients: Sequence[tuple[str, bytes]],
        spool: Spool | None,
        memory: Memory,
        take: Callable[["Message"], None],
        is_verbatim: bool = False,
    ) -> None:
        self.id = id
        self.reverse_path = reverse_path
        self.recipients = grouped(recipients)
        self._count = len(recipients)
        self.is_verbatim = is_verbatim
        self.trace_fields = b""
        self.came = int(time.time() * 1e6)
        self.fault: StorageError | None = None
        self._spool = spool
        self._memory = memory
        self._take = take
        self._pieces: list[bytes] = []
        self.octets = 0
        self._spooled: SpoolFile | None = None
        self._answer: Answer | None = None

    def trace(self, fields: bytes) -> None:
        """Takes the header fields that go before the content, with lines that end in CRLF or LF."""
        self.trace_fields += fields

    def write(self, content: bytes) -> None:
        """Takes the next piece of content. Never fails: a fault is answered after `commit`."""
        if self.fault:
            return
        self._pieces.append(content)
        if len(self._pieces) == MOST_PIECES:  # or a client that sends single octets would cost an object for each
            self._pieces = [b"".join(self._pieces)]
        self.octets += len(content)
        self._memory.used += len(content)
        if self._spool and self.octets > (_AT_ONCE if self._spooled else self._memory.large):
            self._spill(self._spool)

    def _spill(self, spool: Spool) -> None:
        try:
            if self._spooled is None:
                self._spooled = spool.begin(self.id)
            self._spooled.write(b"".join(self._pieces))
        except (OSError, StorageError) as error:
            self._fail(spool, error)
        self._forget()

    def commit(self, answer: Answer) -> None:
        """Completes the message, which from then on waits for `settle`; content in the spool is synced before. Later,
        `answer` is called for each recipient, with the same outcome for all: the message is on disk, or why it is not.
        """
        if self._spooled and self._spool and self._pieces:
            self._spill(self._spool)
        self._answer = answer
        if self._spooled and self._spool:
            self._spool.syncs.commit(self._spooled, self._synced)
        else:
            self._take(self)

    def _synced(self, error: OSError | None) -> None:
        """Takes the outcome of the spool file's sync, and passes the message on to `settle`."""
        if error and self._spool:
            self._fail(self._spool, error)
        self._take(self)

    def check(self) -> None:
        """Makes the message fail if the spool was removed since its file was made."""
        if self._spooled and self._spool and not self._spooled.is_there:
            self._fail(self._spool, StorageError(f"{self._spool.where}: it was removed meanwhile"))

    def abandon(self) -> None:
        """Drops the content, and removes its spool file."""
        self._forget()
        if self._spooled:
            self._spooled.remove()
            self._spooled = None

    def _fail(self, spool: Spool, error: OSError | StorageError) -> None:
        self.abandon()
        self.fault = fault(spool.where, error)

    def _forget(self) -> None:
        self._memory.used -= self.octets
        self._pieces, self.octets = [], 0

    @property
    def size(self) -> int:
        """Octets of its content, in memory and in the spool."""
        return self.octets + (self._spooled.length if self._spooled else 0)

    @property
    def is_large(self) -> bool:
        """Whether its content is in the spool, or was to be there when that failed."""
        return self._spooled is not None or self.fault is not None

    @property
    def is_spooled(self) -> bool:
        """Whether its content is in the spool."""
        return self._spooled is not None

    def record(self) -> Record:
        """Its record for the journal."""
        envelope = self.id, self.came, self.reverse_path, self.recipients, self.trace_fields
        if self._spooled:
            return Record(*envelope, None, self._spooled.length, self._spooled.check, self.is_verbatim)
        return Record(*envelope, b"".join(self._pieces), self.octets, 0, self.is_verbatim)

    def conclude(self, fault: StorageError | None) -> None:
        """Ends the message: answers it for all recipients. If it failed, nothing of it is kept.

        An exception from the callback is logged and affects no other message.
        """
        if fault:
            self.abandon()
        elif self._spooled:
            self._spooled.keep()
            self._spooled = None
        self._forget()
        answer, self._answer = self._answer, None  # it refers to the message; without a cycle, both are freed now
        if answer:
            answer_all(answer, self._count, fault)


def answer_all(answer: Answer, recipients: int, fault: StorageError | None) -> None:
    """Answers one message, once per recipient. An exception from the callback is logged and affects no other message."""
    for number in range(recipients):
        try:
            answer(number, fault)
        except Exception:
            log.exception("an answer to a message could not be told")


class Ids:
    """Ids for messages, unique across processes and restarts."""

    def __init__(self) -> None:
        self._serial = count()
        self._prefix = f"{time.time_ns():x}.{os.getpid():x}"

    def __next__(self) -> str:
        return f"{self._prefix}.{next(self._serial):x}"


def grouped(recipients: Sequence[tuple[str, bytes]]) -> Recipients:
    """The mailboxes, each once, with the forward-paths that led to it, each once."""
    if len(recipients) == 1:
        ((mailbox, path),) = recipients
        return {mailbox: (path,)}
    paths: dict[str, dict[bytes, None]] = {}
    for mailbox, path in recipients:
        paths.setdefault(mailbox, {})[path] = None
    return {mailbox: tuple(those) for mailbox, those in paths.items()}
