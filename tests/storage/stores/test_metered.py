"""A store tells how it stands, and how long its work took, to whoever wants to know."""

import time
from pathlib import Path

import pytest

from storage.contract import Condition, Conditioned
from storage.mailboxes.maildir import MaildirMailboxes
from storage.mailboxes.mbox import MboxMailboxes
from storage.stores.discard import DiscardStore
from storage.stores.mail_stores import MailStores
from storage.stores.shared import SharedStore

from ...kit.post import MailboxKind
from ...kit.support import once

EMPTY = Condition(0.0, 0, 0, 0)


class Notes:
    """All that is heard."""

    def __init__(self) -> None:
        self.syncs: list[float] = []
        self.slices: list[float] = []

    def synced(self, seconds: float) -> None:
        self.syncs.append(seconds)

    def moved(self, seconds: float) -> None:
        self.slices.append(seconds)


def commit(store: SharedStore, *mailboxes: str) -> None:
    message = store.begin(b"a@b", [(mailbox, b"x") for mailbox in mailboxes])
    message.write(b"\r\nhello\r\n")
    message.commit(once(lambda fault: None))
    store.settle()


@pytest.mark.parametrize("kind", [MboxMailboxes, MaildirMailboxes])
@pytest.mark.parametrize("count", [1, 2])
def test_it_hears_of_each_sync_and_each_slice(tmp_path: Path, kind: MailboxKind, count: int) -> None:
    notes = Notes()
    stores = MailStores(kind, tmp_path / "mail", count, meter=notes)
    store = stores.of_worker(1) if count > 1 else stores.first
    assert store.condition == EMPTY
    began = time.monotonic()
    commit(store, "johndoe", "babydoe")
    assert len(notes.syncs) == 1 and not notes.slices
    assert store.condition == Condition(1 / 128, 2, 0, 0)
    while store.tidy(is_idle=True) == 0.0 or store.condition.waiting:
        pass
    assert notes.slices and store.condition == Condition(1 / 128, 0, 0, 0)
    assert 0 < notes.syncs[0] + sum(notes.slices) < time.monotonic() - began
    slices = len(notes.slices)
    store.tidy(is_idle=True)
    assert len(notes.slices) == slices, "nothing was to do"
    store.close()
    if count > 1:
        stores.first.close()


def test_mailboxes_that_are_locked_are_postponed(tmp_path: Path) -> None:
    store = MailStores(MboxMailboxes, tmp_path / "mail", 1).first
    (tmp_path / "mail" / "johndoe.txt.lock").touch()
    commit(store, "johndoe")
    store.tidy(is_idle=True)
    assert store.condition == Condition(1 / 128, 1, 1, 0)
    (tmp_path / "mail" / "johndoe.txt.lock").unlink()
    store.close()


def test_a_store_that_keeps_nothing_has_no_condition() -> None:
    assert not isinstance(DiscardStore(), Conditioned)
