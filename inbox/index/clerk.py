"""The clerk keeps an index in step with its mailboxes, and removes from these what was deleted: a little at a time.

What it is told of comes first, then what it finds by looking at the mailboxes each second, then what has to be read as a
whole. Knows nothing about processes, nor who listens to what it tells.
"""

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from ..mime.envelope import mail_of_entry
from ..mime.identity import identity
from .contract import Mailboxes, Remover
from .recording import Come, Recorder

log = logging.getLogger("carteiro.inbox")

POLL = 1.0
"""Seconds between two looks at all mailboxes."""

TOGETHER = 32
"""Mailboxes that have changed and are followed together: what was put in several of them appears in all at once."""

RETRY = 0.5
"""Seconds until a mailbox that another program has locked is tried again."""

MOST_TOLD = 100
"""Messages of a batch that are told one by one; of more it is only told that there are some."""

BURIED = 3600.0
"""Seconds for which a removed message that comes back is removed again: a crash of the server may bring it back. What comes
back later was put there by somebody."""

SLOWNESS = 10
"""A mailbox that is read as a whole again and again may take one part in so many of the time."""


class Told(NamedTuple):
    """What has changed in the index. `is_reset`: more than is told."""

    come: Sequence[Come] = ()
    is_reset: bool = False


class Lag(NamedTuple):
    """How far the index is behind its mailboxes, as far as is known."""

    seconds: float
    """Since it was in step."""
    mailboxes: int
    """Those that have more, or something else."""


class Clerk:
    """Keeps the index of some mailboxes. `tell` is called after each change. `is_locked` is what the remover raises when
    another program has a mailbox.
    """

    def __init__(
        self,
        recorder: Recorder,
        mailboxes: Mailboxes,
        remover: Remover,
        is_locked: type[Exception],
        tell: Callable[[Told], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._recorder = recorder
        self._mailboxes = mailboxes
        self._remover = remover
        self._is_locked = is_locked
        self._tell = tell
        self._clock = clock
        self._urgent: dict[str, int | None] = {}
        self._changed: list[str] = []
        self._reading: dict[str, Iterator[list[Come]]] = {}
        self._began: dict[str, float] = {}
        self._not_before: dict[str, float] = {}
        self._poll_at = 0.0
        self._remove_at = 0.0
        self._behind_since: float | None = None
        self._fault = ""
        self.found = 0
        """New messages of the last part of the work."""

    @property
    def is_behind(self) -> bool:
        """Whether there is something that the index does not have yet, as far as is known."""
        return bool(self._urgent or self._changed or self._reading)

    @property
    def lag(self) -> Lag:
        """How far it is behind."""
        since = self._behind_since
        return Lag(0.0 if since is None else self._clock() - since, len({*self._urgent, *self._changed, *self._reading}))

    def noticed(self, sizes: Mapping[str, int | None]) -> None:
        """Somebody has put mail in mailboxes, and knows how much of each file is complete (None: all of it)."""
        self._urgent.update(sizes)
        self._falls_behind()

    def read_again(self, mailbox: str) -> None:
        """A mailbox does not have what the index says."""
        if mailbox not in self._reading:
            self._reading[mailbox] = self._recorder.read_again(mailbox)
            self._began[mailbox] = self._clock()
            self._falls_behind()

    def _falls_behind(self) -> None:
        if self._behind_since is None:
            self._behind_since = self._clock()

    def look_now(self) -> None:
        """Somebody has deleted something, or taken it back."""
        self._poll_at = self._remove_at = 0.0

    def work(self) -> float:
        """Does a part of the work. Returns in how many seconds there is more to do: 0 for at once."""
        now = self._clock()
        self.found = 0
        sizes, self._urgent = self._urgent, {}
        self._together(sizes)
        if now >= self._poll_at:
            self._poll_at = now + POLL
            self._look()
        self._look_on()
        if now >= self._remove_at:
            self._remove_at = now + self._remove()
        self._read_on()
        if not self.is_behind:
            self._behind_since = None
        if self.is_behind or self._recorder.purge():
            return 0.0
        return max(0.0, min(self._poll_at, self._remove_at) - self._clock())

    # Reading

    def _look(self) -> None:
        """Finds out which mailboxes have changed. If they cannot be looked at, says so once."""
        try:
            self._look_at_all()
        except OSError as error:
            if str(error) != self._fault:
                log.error("the mailboxes cannot be looked at: %s: tried again", error)
            self._fault = str(error)
        else:
            self._fault = ""

    def _look_at_all(self) -> None:
        for mailbox in self._recorder.unfinished():  # a deletion in it was taken back, say: somebody waits for that
            self.read_again(mailbox)
        self._changed = [
            mailbox
            for mailbox in self._recorder.changed()
            if mailbox not in self._reading and self._clock() >= self._not_before.get(mailbox, 0.0)
        ]

    def _look_on(self) -> None:
        """Follows some of those that have changed. There may be thousands, and what is noticed comes first."""
        some, self._changed = self._changed[:TOGETHER], self._changed[TOGETHER:]
        self._together({mailbox: None for mailbox in some if self._is_complete(mailbox)})

    def _is_complete(self, mailbox: str) -> bool:
        """Whether nobody is writing to it. If it cannot be told, following it says why."""
        try:
            return self._mailboxes.state(mailbox) is None or self._mailboxes.is_still(mailbox)
        except OSError:
            return True

    def _together(self, sizes: Mapping[str, int | None]) -> None:
        """Follows mailboxes together; if that fails, each for itself."""
        if not sizes:
            return
        try:
            self._follow(sizes)
        except (OSError, sqlite3.Error):
            for mailbox, size in sizes.items():
                self._safely(mailbox, partial(self._follow, {mailbox: size}))

    def _follow(self, sizes: Mapping[str, int | None]) -> None:
        followed = self._recorder.follow(sizes)
        self._say(followed.come)
        for mailbox in followed.others:
            if mailbox not in self._reading and self._clock() >= self._not_before.get(mailbox, 0.0):
                self.read_again(mailbox)

    def _read_on(self) -> None:
        """Reads one batch of one mailbox. They take turns."""
        if not self._reading:
            return
        mailbox = next(iter(self._reading))
        steps = self._reading.pop(mailbox)
        try:
            come = next(steps, None)
        except (OSError, sqlite3.Error) as error:
            log.error("%s: the index cannot be brought up to date: %s: tried again", mailbox, error)
            come = None
            self._not_before[mailbox] = self._clock() + POLL
        if come is None:
            took = self._clock() - self._began.pop(mailbox)
            self._not_before[mailbox] = max(self._not_before.get(mailbox, 0.0), self._clock() + took * SLOWNESS)
            self._tell(Told(is_reset=True))
        else:
            self._reading[mailbox] = steps
            self._say(come)

    def _say(self, come: Sequence[Come]) -> None:
        self.found += len(come)
        if come:
            self._tell(Told(come) if len(come) <= MOST_TOLD else Told(is_reset=True))

    def _safely(self, mailbox: str, work: Callable[[], None]) -> None:
        try:
            work()
        except (OSError, sqlite3.Error) as error:
            log.error("%s: cannot be read: %s: tried again", mailbox, error)
            self._not_before[mailbox] = self._clock() + POLL

    # Removing

    def _remove(self) -> float:
        """Removes what is due; returns in how many seconds to look again."""
        self._recorder.bury(time.time() - BURIED)
        for mailbox, due in self._recorder.due().items():
            try:
                with suppress(self._is_locked):
                    self._remove_from(mailbox, due)
            except (OSError, sqlite3.Error) as error:
                log.error("%s: messages cannot be removed: %s: tried again", mailbox, error)
        soon = self._recorder.next_due()
        return POLL if soon is None else min(POLL, max(RETRY, soon - time.time()))

    def _remove_from(self, mailbox: str, due: dict[str, str]) -> None:
        has_names = self._mailboxes.has_names

        def is_meant(octets: bytes) -> bool:
            return identity(octets if has_names else mail_of_entry(octets)) in due

        removed = self._remover.remove(mailbox, set(due.values()), is_meant)
        if removed and not has_names:  # the others have moved
            self.read_again(mailbox)
        if removed >= len(due) or self._mailboxes.state(mailbox) is None:
            self._recorder.removed(mailbox, due)
        else:  # some are elsewhere by now, or gone: reading the mailbox again tells where
            self._find(mailbox, due)

    def _find(self, mailbox: str, due: dict[str, str]) -> None:
        places = {}
        for entry in self._mailboxes.entries(mailbox):
            octets = self._mailboxes.read(mailbox, entry.place)
            if octets is not None:
                places[identity(octets if self._mailboxes.has_names else mail_of_entry(octets))] = entry.place
        self._recorder.removed(mailbox, [id for id in due if id not in places])
        self._recorder.moved(mailbox, {id: places[id] for id in due if id in places})
