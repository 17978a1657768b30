"""The stores of a mail directory, opened for one process that accepts mail, or for several.

Knows nothing about what a process does with its store.
"""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ..contract import Meter
from ..files import Files
from ..mailboxes.mailbox import MailboxKind
from .journalled import JournalledStore
from .shared import SharedStore

_PART = re.compile(r"worker-\d+")


class MailStores:
    """Opens the stores of a mail directory for `count` processes that accept mail.

    First recovers what a crash left in any of their journals, all of them together. `first` is the store of this process: it
    accepts mail if it is the only one, and moves what is left of workers that do not exist any more. Raises StorageError.
    """

    def __init__(
        self, kind: MailboxKind, directory: Path, count: int, files: Files | None = None, meter: Meter | None = None
    ) -> None:
        self._files = files
        self._meter = meter
        self._kind = kind
        self._directory = directory
        self._count = count
        self.first = self._open(count)

    def of_worker(self, number: int) -> SharedStore:
        """Opens the store of a worker, numbered from 1. Raises StorageError."""
        return self._followed(partial(self._make, part=f"worker-{number}", shares=self._count))

    @property
    def _make(self) -> Callable[..., JournalledStore]:
        return partial(JournalledStore, self._directory, self._kind, self._files, meter=self._meter)

    def _open(self, count: int) -> SharedStore:
        left = self._left()
        if count == 1 and not left:
            return self._followed(self._make)
        stores: dict[str, JournalledStore] = {}
        try:
            for name in ("", *left):
                stores[name] = self._make(part=name, is_one_of_several=True)
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
        renew = partial(self._make, part="" if count > 1 else None)
        return SharedStore(stores.pop(""), list(stores.values()), renew)

    @staticmethod
    def _followed(make: Callable[..., JournalledStore]) -> SharedStore:
        return SharedStore(make(), renew=make)

    def _left(self) -> list[str]:
        """The parts of `.journal` that workers of an earlier run left."""
        try:
            found = [path.name for path in (self._directory / ".journal").iterdir() if path.is_dir()]
        except OSError:
            return []
        return sorted(name for name in found if _PART.fullmatch(name))
