"""The stores of one mail directory: one a process that accepts, and those of processes that are no more.

It does not know what a process does with its store.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from .discard import DiscardStore
from .files import Files
from .store import Kind, Store

LOOK_AGAIN = 0.5
"""Seconds until it is another store's turn, when none has anything to do at once."""

_PART = re.compile(r"worker-\d+")


class Together:
    """The first store accepts; the others, of processes that are no more, only move what they have.

    They have their turns one after the other, and none while another one has mailboxes open: a process does not keep itself
    from what it has locked.
    """

    def __init__(self, store: Store, others: Sequence[Store]) -> None:
        self._store = store
        self._others = list(others)
        self._turn = 0
        self.begin = store.begin

    def settle(self, is_idle: bool = True) -> bool:
        """As a store's, but not while another one has mailboxes open: to look at one, and close it, gives up its lock."""
        moving = [store for store in self._others if store.is_moving]
        if not moving or self._store.is_settled:
            return self._store.settle(is_idle)
        moving[0].tidy(is_idle=True)
        return True

    def tidy(self, is_idle: bool, waited: float = 0.0) -> float | None:
        """Moves some of what one of them has; returns the seconds until it wants to go on at the latest, or None."""
        stores = [self._store, *self._others]
        store = stores[self._turn % len(stores)]
        wanted_in = store.tidy(is_idle, waited)
        if not store.is_moving:
            self._turn += 1
            if store is not self._store and store.is_empty:
                self._others.remove(store)
                store.remove()
            if self._others:
                wanted_in = LOOK_AGAIN if wanted_in is None else min(wanted_in, LOOK_AGAIN)
        return wanted_in

    def close(self) -> None:
        """Moves all that can be moved, and gives back the descriptors."""
        for store in sorted([self._store, *self._others], key=lambda store: not store.is_moving):
            if store is not self._store and store.is_empty:
                store.remove()
            else:
                store.close()


AnyStore = Store | DiscardStore | Together


class Stores:
    """Opens the stores of a directory, for `count` processes that accept; `kind` None: nothing is kept.

    What a crash left in any of them is recovered first, for all together. `first` is the store of this process: it accepts
    if that is the only one, and moves what is left of workers that there are no more. Raises StorageError.
    """

    def __init__(self, kind: Kind | None, directory: Path, count: int, files: Files | None = None) -> None:
        self._files = files
        self._kind = kind
        self._directory = directory
        self.first: AnyStore = DiscardStore() if kind is None else self._open(kind, count)

    def of_worker(self, number: int) -> AnyStore:
        """The store of a process, numbered from 1. Raises StorageError."""
        return Store(self._directory, self._kind, self._files, part=f"worker-{number}") if self._kind else DiscardStore()

    def _open(self, kind: Kind, count: int) -> AnyStore:
        left = self._left()
        if count == 1 and not left:
            return Store(self._directory, kind, self._files)
        stores: dict[str, Store] = {}
        try:
            for name in ("", *left):
                stores[name] = Store(self._directory, kind, self._files, part=name, is_one_of_several=True)
            for store in stores.values():
                store.cut_tails()
            for store in stores.values():
                store.finish()
        except BaseException:
            for store in stores.values():
                store.give_up()
            raise
        for number in range(1, count + 1 if count > 1 else 1):
            if f"worker-{number}" in stores:
                stores.pop(f"worker-{number}").close()
        return Together(stores.pop(""), list(stores.values()))

    def _left(self) -> list[str]:
        """The parts in which there is a journal of a worker."""
        try:
            found = [path.name for path in (self._directory / ".journal").iterdir() if path.is_dir()]
        except OSError:
            return []
        return sorted(name for name in found if _PART.fullmatch(name))
