"""Accepting mail leaves nothing to the garbage collector, whose pauses would be felt by all who wait for a reply."""

import gc
from collections.abc import Callable
from pathlib import Path

import pytest

from protocol.classic.table import CLASSIC
from protocol.engine.dialect import Dialect
from protocol.engine.environment import Site
from protocol.engine.session import Session
from protocol.esmtp.table import ESMTP
from storage.mailboxes.maildir import MaildirMailboxes
from storage.mailboxes.mbox import MboxMailboxes
from storage.stores.discard import DiscardStore
from storage.stores.journalled import JournalledStore

STORES: dict[str, Callable[[Path], JournalledStore | DiscardStore]] = {
    "mbox": lambda directory: JournalledStore(directory, MboxMailboxes),
    "maildir": lambda directory: JournalledStore(directory, MaildirMailboxes),
    "discard": lambda directory: DiscardStore(),
}


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize("dialect", [CLASSIC, ESMTP], ids=lambda dialect: dialect.table.name)
def test_messages_are_freed_without_the_garbage_collector(name: str, dialect: Dialect, tmp_path: Path) -> None:
    store = STORES[name](tmp_path)
    site = Site(dialect, b"mx.test", lambda name: "johndoe", store, lambda: 1.7e9, 10**6, 0)
    session = Session(site, "192.0.2.1", lambda words, *values: None, lambda: None)
    session.open()

    def send(*lines: bytes) -> bytes:
        for line in lines:
            session.receive(line + b"\r\n")
            store.settle()
            session.resume()
            if isinstance(store, JournalledStore):
                store.tidy(is_idle=True)
        said = bytes(session.outgoing)
        session.outgoing.clear()
        return said

    message = b"Received: from x\r\nSubject: x\r\n\r\n" + 5000 * b"A line of a message.\r\n" + b"."
    send(b"HELO me", b"MAIL FROM:<a@b>", b"RCPT TO:<johndoe@b>", b"DATA", message)  # what is made once is made now
    gc.collect()
    gc.disable()
    try:
        for content in (b"x\r\n.", message) * 5:
            said = send(b"MAIL FROM:<a@b>", b"RCPT TO:<johndoe@b>", b"DATA", content, b"NOOP")
            last = b"500" if dialect is CLASSIC else b"250"
            assert [line[:3] for line in said.splitlines()] == [b"250", b"250", b"354", b"250", last]
        assert gc.collect() == 0
    finally:
        gc.enable()
    store.close()
