"""The stores of one mail directory in this process: one that accepts mail, and those that other processes left behind.

Knows nothing about what a process does with its store.
"""

import logging
import time
from collections.abc import Callable, Sequence

from ..contract import Beside, Condition, Loop, at_once
from ..delivery.in_doubt import Steps
from ..errors import StorageError
from .journalled import JournalledStore
from .message import Message

log = logging.getLogger("carteiro.storage")

LOOK_AGAIN = 0.5
"""Seconds until the next store has its turn, if none has work at once."""

LOOK_EVERY = 1.0
LOOK_SOON = 0.1
"""Seconds between two checks that the mail directory is in its place: without new mail, and with it."""


class SharedStore:
    """The first store accepts mail. The others only move what they still hold; they belong to processes that have ended, or
    to a directory that was moved away.

    They take turns, and none has a turn while another has mailboxes open: a process's locks do not exclude the process
    itself.

    If another program removes the directory, or puts another in its place, `renew` opens it again, and that store accepts
    from then on. Mail that waited in the old one goes to the mailboxes beside it, wherever the directory is now; if it is
    nowhere, to the new one. Messages that were on their way are refused.
    """

    def __init__(
        self,
        store: JournalledStore,
        others: Sequence[JournalledStore] = (),
        renew: Callable[..., JournalledStore] | None = None,
    ) -> None:
        self._store = store
        self._others = list(others)
        self._turn = 0
        self._renew = renew
        self._looked = 0.0
        self._astray_since: float | None = None
        self._trouble = ""
        self._late: list[list[Message]] = []
        self._orphans: list[JournalledStore] = []
        self._steps: Steps | None = None
        self._take_at = 0.0
        self._beside: Beside = at_once
        self.begin = store.begin

    def join(self, loop: Loop, beside: Beside = at_once) -> None:
        """From now on the loop calls `settle` before replies are written, and `tidy` after. Spool files are synced with
        `beside`.
        """
        self._beside = beside
        self._store.sync_beside(beside)

        def before_write() -> None:
            if self.settle(loop.is_quiet):
                loop.turn_within(0)

        def after_write() -> None:
            wanted_in = self.tidy(loop.is_idle, loop.waited)
            if wanted_in is not None:
                loop.turn_within(wanted_in)

        loop.before_write(before_write)
        loop.after_write(after_write)

    def settle(self, is_idle: bool = True) -> bool:
        """Does what `JournalledStore.settle` does, once no other store has mailboxes open: opening a mailbox to check it and
        closing it again gives up any lock this process holds on it.
        """
        if not self._store.is_settled:
            self._look(LOOK_SOON)
        if self._late:
            self._turn_away()
        if self._astray_since is not None:
            return False
        moving = [store for store in self._others if store.is_moving] if self._others else ()
        if not moving or self._store.is_settled:
            return self._store.settle(is_idle)
        moving[0].tidy(is_idle=True)
        return True

    def tidy(self, is_idle: bool, waited: float = 0.0) -> float | None:
        """Moves some mail of the store whose turn it is. Returns the seconds until it should be called again at the latest,
        or None.
        """
        self._look()
        if self._astray_since is not None:
            return LOOK_EVERY
        if self._orphans and time.monotonic() >= self._take_at:
            self._take_over()
            return 0.0
        stores = [self._store, *self._others]
        store = stores[self._turn % len(stores)]
        wanted_in = store.tidy(is_idle, waited)
        if self._others and not store.is_moving:
            self._turn += 1
            if store is not self._store and store.is_empty:
                self._others.remove(store)
                store.leave()
            if self._others:
                wanted_in = LOOK_AGAIN if wanted_in is None else min(wanted_in, LOOK_AGAIN)
        return wanted_in if self._renew is None else min(LOOK_EVERY, LOOK_EVERY if wanted_in is None else wanted_in)

    @property
    def condition(self) -> Condition:
        """How the store stands that accepts mail, and what waits in all of them."""
        stores = [store.condition for store in (self._store, *self._others)]
        sums = (sum(counts) for counts in list(zip(*stores, strict=True))[1:])
        return Condition(stores[0].fullness, *sums)

    # Whether the directory is still there

    def _look(self, seconds: float = LOOK_EVERY) -> None:
        now = time.monotonic()
        if self._renew is None or now < self._looked + seconds:
            return
        self._looked = now
        if self._others:
            self._look_after_the_others()
        if self._astray_since is None and (self._store.is_in_place or self._is_mended()):
            return
        if self._astray_since is None:
            self._astray_since = now
            self._late.append(self._store.retire())
            words = "mail directory %s: removed, or another one put in its place: mail is refused until it is taken up again"
            log.error(words, self._store.path)
        try:
            new = self._come_back() or self._renew(old=self._store)
        except StorageError as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                log.error("%s (tried again each second)", error)
        else:
            self._go_on_with(new, now - self._astray_since)

    def _is_mended(self) -> bool:
        """Whether only files in the journal were removed. Restores them, or tries again a second later."""
        if not self._store.is_ours:
            return False
        if self._store.is_whole:  # if not, this was logged before
            words = "mail directory %s: files of the journal were removed: what waits in them is put in others"
            log.error(words, self._store.path)
        try:
            self._store.mend()
        except (OSError, StorageError) as error:
            log.error("%s: tried again each second", error)
        return True

    def _look_after_the_others(self) -> None:
        """Sorts out the other stores whose directories are gone by now: their mail is taken over."""
        for other in [other for other in self._others if not other.whereabouts]:
            self._others.remove(other)
            self._orphans.append(other)
            if other.waiting:
                log.warning(
                    "mail directory %s: removed since: %d messages that wait are taken over", other.path, other.waiting
                )

    def _come_back(self) -> JournalledStore | None:
        """An old store whose directory is back in its place, or None."""
        for other in self._others:
            if other.is_in_place:
                self._others.remove(other)
                messages = other.return_to_duty()
                self._late = [late for late in self._late if late is not messages]
                return other
        return None

    def _go_on_with(self, new: JournalledStore, seconds: float) -> None:
        old, self._store, self.begin = self._store, new, new.begin
        new.sync_beside(self._beside)
        self._astray_since, self._trouble = None, ""
        place = old.whereabouts
        (self._others if place else self._orphans).append(old)
        if old.waiting:
            where = f"put in the mailboxes of {place}" if place else "taken over"
            log.warning("mail directory %s: %d messages that wait in the old one are %s", new.path, old.waiting, where)
        self._look_after_the_others()
        log.error("mail directory %s: taken up again, after %.0f s", new.path, seconds)

    def _take_over(self) -> None:
        """Copies some mail from the first store whose journal was removed."""
        self._steps = self._steps or self._store.take_over(self._orphans[0])
        try:
            next(self._steps)
        except StopIteration:
            self._steps = None
            del self._orphans[0]
        except (OSError, StorageError) as error:
            self._steps = None
            self._take_at = time.monotonic() + LOOK_EVERY
            log.error("%s: what waits in the old mail directory is taken over later", error)

    def _turn_away(self) -> None:
        """Refuses messages that began before the directory was replaced, and whose spool is gone."""
        for messages in self._late:
            while messages:
                messages.pop().conclude(StorageError(f"mail directory {self._store.path}: it was replaced meanwhile"))

    def close(self) -> None:
        """Moves all mail that can be moved, and closes the descriptors."""
        self._look(seconds=0.0)
        if self._astray_since is not None:
            self._orphans.append(self._store)
        while self._orphans and self._astray_since is None and time.monotonic() >= self._take_at:
            self._take_over()
        for orphan in self._orphans:
            log.critical("mail directory %s: %d accepted messages are lost with it", orphan.path, orphan.waiting)
            orphan.give_up()
        stores = [*self._others] if self._astray_since is not None else [self._store, *self._others]
        for store in sorted(stores, key=lambda store: not store.is_moving):
            if store is not self._store and store.is_empty:
                store.leave()
            else:
                store.close()
