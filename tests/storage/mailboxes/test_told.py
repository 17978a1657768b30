"""Mailboxes that tell when mail was put in them, and are otherwise as they were."""

from collections import deque
from functools import partial
from pathlib import Path

import pytest

from storage.files import Files
from storage.mailboxes.letter import Letter
from storage.mailboxes.maildir import MaildirMailboxes
from storage.mailboxes.mbox import MboxMailboxes
from storage.mailboxes.told import ToldMailboxes

LETTER = Letter("id", 0.0, b"a@b", (b"ana",), b"", partial(iter, [b"Subject: x\r\n\r\nx\r\n"]))


@pytest.mark.parametrize("kind", [MboxMailboxes, MaildirMailboxes])
def test_it_is_told_after_the_mailbox_is_closed(kind: type[MboxMailboxes | MaildirMailboxes], tmp_path: Path) -> None:
    files, told = Files(), list[tuple[str, int | None]]()
    mailboxes = ToldMailboxes(kind(files, files.open_top(tmp_path), tmp_path), lambda *notice: told.append(notice))
    for number in (1, 2):
        mailbox = mailboxes.open("ana")
        deque(mailbox.append([LETTER]), maxlen=0)
        assert len(told) == number - 1
        mailbox.close()
        size = (tmp_path / "ana.txt").stat().st_size if kind is MboxMailboxes else None
        assert told[number - 1 :] == [("ana", size)]


def test_it_is_not_told_when_nothing_was_put_in(tmp_path: Path) -> None:
    files, told = Files(), list[object]()
    mailboxes = ToldMailboxes(MboxMailboxes(files, files.open_top(tmp_path), tmp_path), lambda *notice: told.append(notice))
    mailbox = mailboxes.open("ana")
    assert mailbox.extent and mailbox.extent.size == 0
    mailbox.close()
    assert told == []
