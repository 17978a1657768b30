"""Mailboxes that tell when mail was put in them, and are otherwise as they were."""

from collections import deque
from collections.abc import Mapping
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
    files, told = Files(), list[Mapping[str, int | None]]()
    mailboxes = ToldMailboxes(kind(files, files.open_top(tmp_path), tmp_path), told.append)
    for number in (1, 2):
        mailbox = mailboxes.open("ana")
        deque(mailbox.append([LETTER]), maxlen=0)
        assert len(told) == number - 1
        mailbox.close()
        size = (tmp_path / "ana.txt").stat().st_size if kind is MboxMailboxes else None
        assert told[number - 1 :] == [{"ana": size}]


def test_it_is_not_told_when_nothing_was_put_in(tmp_path: Path) -> None:
    files, told = Files(), list[Mapping[str, int | None]]()
    mailboxes = ToldMailboxes(MboxMailboxes(files, files.open_top(tmp_path), tmp_path), told.append)
    mailbox = mailboxes.open("ana")
    assert mailbox.extent and mailbox.extent.size == 0
    mailbox.close()
    assert told == []


def test_it_is_told_of_all_together_when_the_last_one_is_closed(tmp_path: Path) -> None:
    files, told = Files(), list[Mapping[str, int | None]]()
    mailboxes = ToldMailboxes(MaildirMailboxes(files, files.open_top(tmp_path), tmp_path), told.append)
    names = ["ana", "bob", "eve"]
    opened = [mailboxes.open(name) for name in names]
    for mailbox in opened[:2]:
        deque(mailbox.append([LETTER]), maxlen=0)
        mailbox.close()
        assert told == []
    opened[2].close()
    assert told == [{"ana": None, "bob": None}], "nothing was put in the third one"


def test_one_that_cannot_be_closed_does_not_keep_others_from_being_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, told = Files(), list[Mapping[str, int | None]]()
    mailboxes = ToldMailboxes(MaildirMailboxes(files, files.open_top(tmp_path), tmp_path), told.append)
    first, second = mailboxes.open("ana"), mailboxes.open("bob")
    for mailbox in (first, second):
        deque(mailbox.append([LETTER]), maxlen=0)
    second.close()

    def fails(*_: object) -> None:
        raise OSError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(files, "close", fails)
        with pytest.raises(OSError, match="broken"):
            first.close()
    assert told == [{"bob": None}]
