"""A message for several recipients that one mailbox gets is there once, and says for each of them that it was for him."""

from pathlib import Path

import pytest

from storage.mailboxes.mailbox import MailboxKind
from storage.mailboxes.maildir import MaildirMailboxes
from storage.mailboxes.mbox import MboxMailboxes
from storage.stores.journalled import JournalledStore

from ...kit.server import Server
from ...kit.support import once

PATHS = [b"to@x", b"hidden@y", b"third@z", b"to@x"]
RECIPIENTS = [("johndoe", PATHS[0]), ("babydoe", b"other@x"), *(("johndoe", path) for path in PATHS[1:])]
FIELDS = b"Return-Path: <a@b>\nDelivered-To: to@x\nDelivered-To: hidden@y\nDelivered-To: third@z\nReceived: x\n"

KINDS = pytest.mark.parametrize("kind", [MboxMailboxes, MaildirMailboxes], ids=["mbox", "maildir"])


def accept(store: JournalledStore) -> None:
    message = store.begin(b"a@b", RECIPIENTS)
    message.trace(b"Received: x\r\n")
    message.write(b"Subject: y\r\n\r\nz\r\n")
    message.commit(once(lambda fault: None))
    store.settle()


def contents(directory: Path, mailbox: str) -> list[bytes]:
    if (directory / f"{mailbox}.txt").exists():
        return [(directory / f"{mailbox}.txt").read_bytes().partition(b"\n")[2].removesuffix(b"\n")]
    return [path.read_bytes() for path in (directory / mailbox / "new").iterdir()]


@KINDS
@pytest.mark.parametrize("is_killed", [False, True], ids=["moved", "recovered"])
def test_each_forward_path_has_its_line_in_order(tmp_path: Path, kind: MailboxKind, is_killed: bool) -> None:
    store = JournalledStore(tmp_path, kind)
    accept(store)
    if is_killed:
        store.give_up()  # nothing was moved: the journal has it, and the next run finds it there
        store = JournalledStore(tmp_path, kind)
    store.close()
    assert contents(tmp_path, "johndoe") == [FIELDS + b"Subject: y\n\nz\n"]
    assert contents(tmp_path, "babydoe") == [b"Return-Path: <a@b>\nDelivered-To: other@x\nReceived: x\nSubject: y\n\nz\n"]


def test_the_catch_all_mailbox_names_everybody(tmp_path: Path) -> None:
    with Server(tmp_path, "--dialect", "esmtp", "--catch-all", "johndoe") as server:
        with server.connect() as client:
            client.say("EHLO me", "MAIL FROM:<a@b>", "RCPT TO:<to@x>", "RCPT TO:<hidden@x>", "RCPT TO:<third@y>", "DATA")
            client.send(b"hello\r\n.\r\n")
            assert client.hear()[:3] == b"250"
        (kept,) = server.mailbox("johndoe")
        assert kept.forward_path == b"to@x, hidden@x, third@y"
        assert "to <to@x>, <hidden@x>, <third@y>" in server.log
