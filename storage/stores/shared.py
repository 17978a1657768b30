"""The stores of one mail directory: one a process that accepts, and those of processes that are no more.

It does not know what a process does with its store.
"""

import logging
import time
from collections.abc import Callable, Sequence

from ..contract import Beside, Loop, at_once
from ..delivery.in_doubt import Steps
from ..errors import StorageError
from .journalled import JournalledStore
from .message import Message

log = logging.getLogger("carteiro.storage")

LOOK_AGAIN = 0.5
"""Seconds until it is another store's turn, when none has anything to do at once."""

LOOK_EVERY = 1.0
LOOK_SOON = 0.1
"""Seconds until it is looked again whether the mail directory is where it was: when nothing comes, and when mail does."""


class SharedStore:
    """The first store accepts; the others only move what they have: of processes that are no more, or of a directory that
    has been moved away.

    They have their turns one after the other, and none while another one has mailboxes open: a process does not keep itself
    from what it has locked.

    When somebody removes the directory, or puts another one in its place, `renew` opens it anew, and the new store accepts.
    What waited in the old one is put where its directory is now, or, if that is nowhere, in the new one. Messages that were
    on their way then are refused.
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
        """As any store: it settles before replies are written, and moves mail when they are."""
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
        """As a store's, but not while another one has mailboxes open: to look at one, and close it, gives up its lock."""
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
        """Moves some of what one of them has; returns the seconds until it wants to go on at the latest, or None."""
        self._look()
        if self._astray_since is not None:
            return LOOK_EVERY
        if self._orphans and time.monotonic() >= self._take_at:
            self._take_over()
            return 0.0
        stores = [self._store, *self._others]
        store = stores[self._turn % len(stores)]
        wanted_in = store.tidy(is_idle, waited)
        if not store.is_moving:
            self._turn += 1
            if store is not self._store and store.is_empty:
                self._others.remove(store)
                store.leave()
            if self._others:
                wanted_in = LOOK_AGAIN if wanted_in is None else min(wanted_in, LOOK_AGAIN)
        return wanted_in if self._renew is None else min(LOOK_EVERY, LOOK_EVERY if wanted_in is None else wanted_in)

    # Whether the directory is still there

    def _look(self, seconds: float = LOOK_EVERY) -> None:
        now = time.monotonic()
        if self._renew is None or now < self._looked + seconds:
            return
        self._looked = now
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
        """Whether only something in the journal was removed, which is made anew."""
        if not self._store.is_ours:
            return False
        if self._store.is_whole:  # else that was said
            words = "mail directory %s: files of the journal were removed: what waits in them is put in others"
            log.error(words, self._store.path)
        try:
            self._store.mend()
        except (OSError, StorageError) as error:
            log.error("%s: tried again each second", error)
        return True

    def _look_after_the_others(self) -> None:
        """What was moved away may have been removed since, or be back in its place."""
        for other in [other for other in self._others if not other.whereabouts]:
            self._others.remove(other)
            self._orphans.append(other)
            if other.waiting:
                log.warning(
                    "mail directory %s: removed since: %d messages that wait are taken over", other.path, other.waiting
                )

    def _come_back(self) -> JournalledStore | None:
        """One of the old directories, if that is in its place again."""
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
        """Some of what a store has whose journal was removed."""
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
        """Messages that began before the directory was another one, and whose spool is no more."""
        for messages in self._late:
            while messages:
                messages.pop().conclude(StorageError(f"mail directory {self._store.path}: it was replaced meanwhile"))

    def close(self) -> None:
        """Moves all that can be moved, and gives back the descriptors."""
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
